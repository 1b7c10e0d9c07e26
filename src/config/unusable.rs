//! What is wrong with configuration that was written by hand: an entry that cannot be used, which claims its name and hosts all
//! the same so that nothing else answers in its place.

use serde_json::{Map, Value};

use super::entry::text;
use crate::catalogue;
use crate::service::{Origin, Pattern, Service, Unusable, is_connection_name};

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
}
