//! How connections.json spells a service.

use serde_json::{Map, Value};

use super::entry::text;
use crate::service::{
    ApiClient, CONNECTION_RULE, IDENTIFIER_RULE, NamedAccount, Origin, Owner, Pattern, SCALEKIT_ID_RULE, SERVICE_RULE,
    Service, is_connection_name, is_identifier, is_scalekit_id, is_service_name,
};
use crate::shown;

impl Service {
    /// Reads an entry of connections.json.
    pub(super) fn parse(name: &str, entry: &Value) -> Result<Self, String> {
        let Value::Object(entry) = entry else {
            return Err("it is not an object".into());
        };
        if !is_service_name(name) {
            return Err(format!("its name is not a service name ({SERVICE_RULE})"));
        }
        let client = ApiClient::parse(entry)?;
        let connection = match &client {
            Some(client) => client.client_id.clone(),
            None => text(entry, "connection_name")?.ok_or("it has no connection_name")?,
        };
        if !is_connection_name(&connection) {
            return Err(format!("its connection_name is not one ({CONNECTION_RULE})"));
        }
        let identifier = text(entry, "identifier")?;
        if identifier.as_deref().is_some_and(|i| !is_identifier(i)) {
            return Err(format!("its identifier is not one ({IDENTIFIER_RULE})"));
        }
        let accounts = match entry.get("accounts") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Object(accounts)) => accounts
                .iter()
                .map(|(name, entry)| {
                    NamedAccount::parse(name, entry).map_err(|why| format!("its account {name}: {why}"))
                })
                .collect::<Result<_, _>>()?,
            Some(_) => return Err("accounts is not an object".into()),
        };
        Ok(Self {
            identifier,
            owner: owner(entry)?,
            accounts,
            provider: text(entry, "provider")?,
            environment: text(entry, "environment")?,
            hosts: hosts(entry, "hosts")?,
            preferred_for: hosts(entry, "preferred_for")?,
            only: only(entry)?,
            client: client.map(Box::new),
            ..Self::new(name, &connection, from(entry)?)
        })
    }

    /// Writes our keys into `entry` and leaves the others alone.
    pub(super) fn write_to(&self, entry: &mut Map<String, Value>) {
        let Self {
            name: _,
            origin,
            connection,
            identifier,
            owner,
            accounts,
            provider,
            environment,
            hosts,
            preferred_for,
            only,
            learned: _,
            client,
            mcp: _,
        } = self;
        match client {
            Some(client) => client.write_to(entry),
            None => _ = entry.insert("connection_name".into(), connection.as_str().into()),
        }
        for (key, value) in [("identifier", identifier), ("provider", provider), ("environment", environment)] {
            match value {
                Some(value) => entry.insert(key.into(), value.as_str().into()),
                None => entry.shift_remove(key),
            };
        }
        match origin {
            Origin::User => entry.shift_remove("from"),
            Origin::Sync => entry.insert("from".into(), "sync".into()),
        };
        write_owner(entry, owner);
        write_hosts(entry, "hosts", hosts);
        write_hosts(entry, "preferred_for", preferred_for);
        if only.is_empty() {
            entry.shift_remove("only");
        } else {
            entry.insert("only".into(), only.iter().map(|name| Value::from(name.as_str())).collect());
        }
        if accounts.is_empty() {
            entry.shift_remove("accounts");
        } else {
            let old = entry.get("accounts").and_then(Value::as_object).cloned().unwrap_or_default();
            let accounts =
                accounts.iter().map(|account| (account.name.clone(), account.to_json(old.get(&account.name))));
            entry.insert("accounts".into(), Value::Object(accounts.collect()));
        }
    }
}

/// Who found the service: `sync` did where the user only said where it comes before others.
fn from(entry: &Map<String, Value>) -> Result<Origin, String> {
    match text(entry, "from")?.as_deref() {
        None => Ok(Origin::User),
        Some("sync") => Ok(Origin::Sync),
        Some(_) => Err("from is not \"sync\"".into()),
    }
}

impl NamedAccount {
    fn parse(name: &str, entry: &Value) -> Result<Self, String> {
        if !is_service_name(name) {
            return Err(format!("its name is not one ({SERVICE_RULE})"));
        }
        let (identifier, owner, hosts) = match entry {
            Value::String(identifier) => (Some(identifier.clone()), Owner::default(), Vec::new()),
            Value::Object(entry) => (text(entry, "identifier")?, owner(entry)?, hosts(entry, "hosts")?),
            _ => return Err("it is neither an identifier nor an object".into()),
        };
        match identifier {
            Some(identifier) if is_identifier(&identifier) => {
                Ok(Self { name: name.to_owned(), identifier, owner, hosts })
            }
            _ => Err(format!("it has no identifier ({IDENTIFIER_RULE})")),
        }
    }

    /// A bare identifier where there is nothing else to say.
    fn to_json(&self, old: Option<&Value>) -> Value {
        let Self { name: _, identifier, owner, hosts } = self;
        let mut entry = match old {
            Some(Value::Object(entry)) => entry.clone(),
            _ if hosts.is_empty() && owner.is_empty() => return identifier.as_str().into(),
            _ => Map::new(),
        };
        entry.insert("identifier".into(), identifier.as_str().into());
        write_owner(&mut entry, owner);
        write_hosts(&mut entry, "hosts", hosts);
        Value::Object(entry)
    }
}

fn owner(entry: &Map<String, Value>) -> Result<Owner, String> {
    let id = |key: &str| match text(entry, key)? {
        Some(id) if !is_scalekit_id(&id) => Err(format!("its {key} is not one ({SCALEKIT_ID_RULE})")),
        id => Ok(id),
    };
    Ok(Owner { organization_id: id("organization_id")?, user_id: id("user_id")? })
}

fn write_owner(entry: &mut Map<String, Value>, owner: &Owner) {
    for (key, id) in owner.fields() {
        match id {
            Some(id) => entry.insert(key.into(), id.into()),
            None => entry.shift_remove(key),
        };
    }
}

fn hosts(entry: &Map<String, Value>, key: &str) -> Result<Vec<Pattern>, String> {
    match entry.get(key) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(hosts)) => hosts.iter().map(pattern).collect(),
        Some(_) => Err(format!("{key} is not a list")),
    }
}

/// Who gets its token. A list that names nobody is a mistake, and not everybody.
fn only(entry: &Map<String, Value>) -> Result<Vec<String>, String> {
    let names: Option<Vec<String>> = match entry.get("only") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(names)) => names.iter().map(|name| name.as_str().map(str::to_owned)).collect(),
        Some(_) => None,
    };
    names.filter(|names| !names.is_empty()).ok_or_else(|| "only is not a list of commands".to_owned())
}

fn write_hosts(entry: &mut Map<String, Value>, key: &str, hosts: &[Pattern]) {
    if hosts.is_empty() {
        entry.shift_remove(key);
    } else {
        entry.insert(key.into(), hosts.iter().map(|host| Value::from(host.to_string())).collect());
    }
}

fn pattern(host: &Value) -> Result<Pattern, String> {
    let text = host.as_str().ok_or("hosts holds something that is not text")?;
    Pattern::parse(text).map_err(|error| format!("the host {}: {error}", shown::place(text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn accounts_are_read_in_both_forms_and_keep_their_unknown_keys() {
        let mut entry = json!({"connection_name": "c", "accounts": {
            "work": "alice@acme.com", "home": {"identifier": "alice", "hosts": ["github.com/alice"], "note": 1},
        }});
        let service = Service::parse("github", &entry).unwrap();
        assert_eq!(service.account_called("work"), Some("alice@acme.com"));
        assert_eq!(service.account_called("alice"), Some("alice"));
        assert_eq!(service.account_called("bob"), None);
        let before = entry.clone();
        service.write_to(entry.as_object_mut().unwrap());
        assert_eq!(entry, before);
        for accounts in [json!([]), json!({"W": "x"}), json!({"w": ""}), json!({"w": {"hosts": []}}), json!({"w": 1})] {
            assert!(Service::parse("x", &json!({"connection_name": "c", "accounts": accounts})).is_err());
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(name in "[a-z0-9][a-z0-9_-]{0,10}", connection in "[a-zA-Z0-9_: -]{1,20}",
            identifier in proptest::option::of("[^\\p{C}]{1,20}"), host in proptest::option::of("[a-z]{1,5}\\.[a-z]{2}"),
            organization in proptest::option::of("org_[0-9]{1,20}"), account in proptest::option::of(("[a-z]{1,5}", "[a-z@.]{1,9}", "[a-z]{1,5}\\.[a-z]{2}/[a-z]{0,3}"))) {
            let owner = Owner { organization_id: organization, user_id: None };
            let account = account.map(|(name, identifier, host)| {
                NamedAccount { name, identifier, owner: owner.clone(), hosts: Pattern::parse(&host).into_iter().collect() }
            });
            let service = Service { identifier, owner, hosts: host.iter().filter_map(|h| Pattern::parse(h).ok()).collect(),
                accounts: account.into_iter().collect(), ..Service::new(&name, &connection, Origin::User) };
            let mut entry = Map::new();
            service.write_to(&mut entry);
            prop_assert_eq!(Service::parse(&name, &Value::Object(entry)), Ok(service));
        }
    }
}
