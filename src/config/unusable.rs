//! What is wrong with configuration that was written by hand: an entry that cannot be used, which claims its name and hosts all
//! the same so that nothing else answers in its place; and keys that look like a known one misspelled.

use serde_json::{Map, Value};

use super::service::{Origin, Service, is_connection_name, text};
use crate::resolve::{Pattern, catalogue};
use crate::similar::nearest;

const SERVICE_KEYS: &[&str] = &[
    "connection_name",
    "identifier",
    "provider",
    "environment",
    "hosts",
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
const ACCOUNT_KEYS: &[&str] = &["identifier", "hosts"];
const CONFIG_KEYS: &[&str] = &["version", "environments", "default_identifier", "cache", "logged_out"];

/// An entry of connections.json that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusable {
    /// What it claims, as far as that can be read.
    pub claim: Service,
    /// Why it cannot be used.
    pub reason: String,
}

impl Unusable {
    /// Understands as much of an entry as there is.
    pub(super) fn new(name: &str, entry: &Value, reason: String) -> Self {
        let connection = entry.as_str().or_else(|| entry.get("connection_name")?.as_str()).unwrap_or_default();
        let connection = if is_connection_name(connection) { connection } else { name };
        let mut claim = Service::new(name, connection, Origin::User);
        let said = entry.as_object().and_then(|entry| text(entry, "provider").ok()?);
        let by_name = || catalogue::provider_of_name(name).or_else(|| catalogue::provider_of_name(connection));
        claim.provider = said.or_else(|| by_name().map(|row| row.id.to_owned()));
        claim.hosts = patterns(entry);
        for account in entry.get("accounts").and_then(Value::as_object).into_iter().flat_map(Map::values) {
            claim.hosts.extend(patterns(account));
        }
        Self { claim, reason }
    }
}

fn patterns(entry: &Value) -> Vec<Pattern> {
    let hosts = entry.get("hosts").and_then(Value::as_array).into_iter().flatten();
    hosts.filter_map(|host| Pattern::parse(host.as_str()?).ok()).collect()
}

/// Whether a value at the top of connections.json is a note of its writer's and no service: a version, or a comment.
pub(super) fn is_remark(name: &str, value: &Value) -> bool {
    !value.is_object() && (name.starts_with(['_', '$', '#', '/']) || name == "version" || value.is_null())
}

/// The keys of connections.json that look misspelled, in words.
pub(super) fn in_services(document: &Map<String, Value>) -> Vec<String> {
    let mut found = Vec::new();
    for (name, entry) in document.iter().filter_map(|(name, entry)| Some((name, entry.as_object()?))) {
        let mut look = |whose: String, entry: &Map<String, Value>, known: &[&str]| {
            found.extend(misspelled(entry, known).map(|what| format!("{whose} in connections.json has {what}")));
        };
        look(name.clone(), entry, SERVICE_KEYS);
        for (account, entry) in entry.get("accounts").and_then(Value::as_object).into_iter().flatten() {
            if let Value::Object(entry) = entry {
                look(format!("the account {account} of {name}"), entry, ACCOUNT_KEYS);
            }
        }
    }
    found
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
    fn what_can_be_read_of_an_entry_is_claimed() {
        let claim = |name: &str, entry: Value| Unusable::new(name, &entry, String::new()).claim;
        assert_eq!(claim("github", json!("github-x1y2")).connection, "github-x1y2");
        assert_eq!(claim("github", json!([1])).provider.as_deref(), Some("GITHUB"));
        assert_eq!(claim("work", json!("github-x1y2")).provider.as_deref(), Some("GITHUB"));
        let entry =
            json!({"provider": "GITLAB", "hosts": ["git.acme.com", 7, "*.com"], "accounts": {"a": {"hosts": ["b.c"]}}});
        let claim = claim("github", entry);
        assert_eq!(claim.provider.as_deref(), Some("GITLAB"));
        assert_eq!(claim.hosts.iter().map(ToString::to_string).collect::<Vec<_>>(), ["git.acme.com", "b.c"]);
    }

    #[test]
    fn keys_that_are_nearly_known_are_told_and_others_are_somebodys_notes() {
        let document = json!({"github": {"connection_name": "x", "identifer": "me", "note": "n", "Hosts": [], "_c": 1,
            "accounts": {"work": {"identifier": "a", "host": ["x"]}, "home": "b"}}, "version": 1});
        let found = in_services(document.as_object().unwrap());
        for (told, keys) in found.iter().zip([["identifer", "identifier"], ["Hosts", "hosts"], ["host", "hosts"]]) {
            assert!(keys.iter().all(|key| told.contains(key)), "{told}");
        }
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!(in_config(json!({"default_identifer": "x", "later": 1}).as_object().unwrap()).len(), 1);
    }
}
