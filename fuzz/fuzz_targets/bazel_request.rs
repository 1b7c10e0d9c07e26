//! What Bazel writes to its helper: whatever the bytes, no panic; a request leads only to the host that its URI spells.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scalekit_auth::protocol::bazel::decode;

fuzz_target!(|input: &[u8]| {
    let Ok(targets) = decode(input) else { return };
    let value: serde_json::Value = serde_json::from_slice(input).unwrap();
    let uri = value["uri"].as_str().unwrap().to_ascii_lowercase();
    for target in targets {
        let after = uri.split_once("://").unwrap().1.strip_prefix(target.authority.host.as_str()).unwrap();
        assert!(after.is_empty() || after.starts_with([':', '/', '?', '#']));
    }
});
