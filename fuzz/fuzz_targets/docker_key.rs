//! docker's server key and what it asks to store: whatever the bytes, no panic; a key leads only to the host it spells.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scalekit_auth::protocol::docker::wire::{Answer, Key, Login};

fuzz_target!(|input: &[u8]| {
    if let Ok(key) = Key::decode(input) {
        assert_eq!(key.text.as_bytes(), input.trim_ascii());
        let rest = key.text.split_once("://").map_or(key.text.as_str(), |(_, rest)| rest).to_ascii_lowercase();
        for target in &key.targets {
            let after = rest.strip_prefix(target.authority.host.as_str()).unwrap();
            assert!(after.is_empty() || after.starts_with([':', '/']));
        }
    }
    if let Ok(login) = Login::decode(input) {
        let answer = Answer { server_url: &login.server_url, username: &login.username, secret: &login.secret };
        if let Ok(text) = answer.encode() {
            let again = Login::decode(text.expose().as_bytes());
            // Escapes may make it longer than a request can be.
            assert!(again.is_err() || again.unwrap().secret.expose() == login.secret.expose());
        }
    }
});
