//! connections.json: no document makes it panic, and every service that comes out of it can be resolved for.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scalekit_auth::config::{Services, json};
use scalekit_auth::resolve::{Target, resolve};
use serde_json::Value;

fuzz_target!(|input: &[u8]| {
    let Ok(Value::Object(document)) = json::parse(input) else { return };
    let services = Services::from_document(&document);
    let target = Target::from_host("api.zendesk.com").unwrap();
    if let Ok(rule) = resolve(&services, &target, None, &[]) {
        // Only a user's exact host, or a star below that very name, may claim a tenant's host.
        assert!(rule.pattern.authority().to_string().ends_with("api.zendesk.com"));
    }
});
