//! Keys that look like a known one misspelled.

use serde_json::{Map, Value};

use crate::service::RECEIVERS;
use crate::similar::nearest;

const SERVICE_KEYS: &[&str] = &[
    "connection_name",
    "identifier",
    "organization_id",
    "user_id",
    "provider",
    "environment",
    "hosts",
    "preferred_for",
    "only",
    "from",
    "accounts",
    "kind",
    "environment_url",
    "client_id",
    "home",
    "organization",
    "username",
    "scopes",
    "rotation",
];
const ACCOUNT_KEYS: &[&str] = &["identifier", "organization_id", "user_id", "hosts"];
const CONFIG_KEYS: &[&str] = &["version", "environments", "default_identifier", "cache", "audit", "logged_out"];

/// The keys of connections.json that look misspelled, and the names in `only` that are nobody's, in words.
pub(super) fn in_services(document: &Map<String, Value>) -> Vec<String> {
    let (mut found, mut strangers_in_only) = (Vec::new(), Vec::new());
    for (name, entry) in document.iter().filter_map(|(name, entry)| Some((name, entry.as_object()?))) {
        let mut look = |whose: String, entry: &Map<String, Value>, known: &[&str]| {
            found.extend(misspelled(entry, known).map(|what| format!("{whose} in connections.json has {what}")));
        };
        look(name.clone(), entry, SERVICE_KEYS);
        let only = entry.get("only").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let strangers = only.filter(|one| !RECEIVERS.contains(one));
        strangers_in_only.extend(strangers.map(|one| format!("{name} in connections.json has {}", stranger(one))));
        for (account, entry) in entry.get("accounts").and_then(Value::as_object).into_iter().flatten() {
            if let Value::Object(entry) = entry {
                look(format!("the account {account} of {name}"), entry, ACCOUNT_KEYS);
            }
        }
    }
    found.append(&mut strangers_in_only);
    found
}

/// A name in `only` that is no command and no helper protocol.
fn stranger(name: &str) -> String {
    let what = format!("{name:?} in only, which is no command or helper protocol and lets nobody have the token");
    match nearest(name.trim(), RECEIVERS) {
        _ if name == "all" => format!("{what}; without the key only there is no limit"),
        Some(near) => format!("{what}; did you mean {near}?"),
        None => what,
    }
}

/// The keys at the top of config.json that look misspelled, in words.
pub(super) fn in_config(document: &Map<String, Value>) -> Vec<String> {
    misspelled(document, CONFIG_KEYS).map(|what| format!("config.json has {what}")).collect()
}

fn misspelled<'a>(entry: &'a Map<String, Value>, known: &'a [&str]) -> impl Iterator<Item = String> + use<'a> {
    let unknown = entry.keys().filter(|key| !known.contains(&key.as_str()));
    unknown.filter_map(|key| {
        let near = nearest(key, known.iter().copied())?;
        Some(format!("the key {key}, which is not known and changes nothing; did you mean {near}?"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_that_are_nearly_known_are_told_and_others_are_somebodys_notes() {
        let document = json!({"github": {"connection_name": "x", "identifer": "me", "note": "n", "Hosts": [], "_c": 1,
            "accounts": {"work": {"identifier": "a", "host": ["x"]}, "home": "b"}}, "version": 1});
        let found = in_services(document.as_object().unwrap());
        for (told, keys) in found.iter().zip([["identifer", "identifier"], ["Hosts", "hosts"], ["host", "hosts"]]) {
            assert!(keys.iter().all(|key| told.contains(key)), "{told}");
        }
        assert_eq!(found.len(), 3, "{found:?}");
        let document =
            json!({"github": {"connection_name": "x", "only": ["git", " git", "GIT", "all", "nope", "mcp"]}});
        let found = in_services(document.as_object().unwrap());
        assert_eq!(found.len(), 4, "{found:?}");
        assert!(found[0].ends_with("did you mean git?") && found[1].ends_with("did you mean git?"), "{found:?}");
        assert!(found[2].ends_with("there is no limit") && found[3].ends_with("the token"), "{found:?}");
        assert_eq!(in_config(json!({"default_identifer": "x", "later": 1}).as_object().unwrap()).len(), 1);
    }
}
