//! What an entry of the cache is found by: whatever the text, no panic, and a key that comes out is the text's own.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scalekit_auth::cache::{Holder, Key};
use serde_json::{Value, json};

fuzz_target!(|text: &str| {
    let Some(key) = Key::parse(text) else { return };
    let Key { environment, client_id, holder } = &key;
    let array = match holder {
        Holder::Account { connection, identifier, owner } => match owner.iter().all(String::is_empty) {
            true => json!([environment, client_id, connection, identifier]),
            false => json!([environment, client_id, connection, [identifier, owner[0], owner[1]]]),
        },
        Holder::Session { server, identifier, access_level } => {
            json!([environment, client_id, server, identifier, access_level])
        }
        Holder::Client { scopes } => json!([environment, client_id, scopes]),
    };
    // Empty ids of an owner may have been written out.
    if !matches!(&key.holder, Holder::Account { owner, .. } if owner.iter().all(String::is_empty)) {
        assert_eq!(serde_json::from_str::<Value>(text).unwrap(), array);
    }
    assert_eq!(Key::parse(&array.to_string()), Some(key.clone()));
    assert!(key.is_of(environment, client_id) && !key.is_of(environment, &format!("{client_id}x")));
});
