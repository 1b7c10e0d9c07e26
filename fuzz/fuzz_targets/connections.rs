//! connections.json: no document makes it panic, and every service that comes out of it can be resolved for.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scalekit_auth::service::Services;
use scalekit_auth::config::json;
use scalekit_auth::resolve::{Chosen, decide};
use scalekit_auth::target::Target;
use serde_json::Value;

fuzz_target!(|input: &[u8]| {
    let Ok(Value::Object(document)) = json::parse(input) else { return };
    let services = Services::from_document(&document);
    let target = Target::from_host("api.zendesk.com").unwrap();
    if let Ok(answer) = decide(&services, &target, &Chosen::default(), &[]).outcome {
        // The names below zendesk.com have many owners, so only this very host may claim it.
        assert_eq!(answer.rule.pattern.to_string(), "api.zendesk.com");
    }
});
