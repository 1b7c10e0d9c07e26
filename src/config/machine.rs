//! How connections.json spells a service that is an API client of an organization.

use serde_json::{Map, Value};

use super::entry::text;
use crate::service::{ApiClient, EnvironmentUrl, HomeChoice};

/// The `kind` of such an entry in connections.json.
const KIND: &str = "api_client";

impl ApiClient {
    pub(super) fn parse(entry: &Map<String, Value>) -> Result<Option<Self>, String> {
        match text(entry, "kind")?.as_deref() {
            None => return Ok(None),
            Some(KIND) => {}
            Some(other) => return Err(format!("its kind {other} is none that this version knows")),
        }
        let required = |key: &str| text(entry, key)?.ok_or(format!("it has no {key}"));
        let scopes = match entry.get("scopes") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(scopes)) => scopes
                .iter()
                .map(|scope| scope.as_str().map(str::to_owned).ok_or("scopes holds something that is not text"))
                .collect::<Result<_, _>>()?,
            Some(_) => return Err("scopes is not a list".into()),
        };
        let url = required("environment_url")?;
        EnvironmentUrl::parse(&url).map_err(|error| format!("its environment_url {error}"))?;
        Ok(Some(Self {
            url,
            client_id: required("client_id")?,
            organization: text(entry, "organization")?,
            scopes,
            username: text(entry, "username")?,
            home: HomeChoice::from_json(entry.get("home").ok_or("it has no home")?)?,
        }))
    }

    pub(super) fn write_to(&self, entry: &mut Map<String, Value>) {
        let Self { url, client_id, organization, scopes, username, home } = self;
        for (key, value) in [("kind", KIND), ("environment_url", url), ("client_id", client_id)] {
            entry.insert(key.into(), value.into());
        }
        entry.insert("home".into(), home.to_json());
        for (key, value) in [("organization", organization), ("username", username)] {
            match value {
                Some(value) => entry.insert(key.into(), value.as_str().into()),
                None => entry.shift_remove(key),
            };
        }
        if scopes.is_empty() {
            entry.shift_remove("scopes");
        } else {
            entry.insert("scopes".into(), scopes.clone().into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::Service;
    use serde_json::json;

    #[test]
    fn an_api_client_is_read_and_written_and_is_of_no_provider() {
        let entry = json!({
            "kind": "api_client", "environment_url": "https://acme.scalekit.com", "client_id": "m2morg_1", "home": "keyring",
            "organization": "org_1", "scopes": ["a:b"], "hosts": ["api.acme.com"],
        });
        let service = Service::parse("github", &entry).unwrap();
        assert_eq!((service.connection.as_str(), service.provider()), ("m2morg_1", Ok(None)));
        let mut written = Map::new();
        service.write_to(&mut written);
        assert_eq!(Value::Object(written), entry);
        for key in ["environment_url", "client_id", "home"] {
            let mut entry = entry.clone();
            entry.as_object_mut().unwrap().remove(key);
            assert!(Service::parse("x", &entry).is_err(), "{key}");
        }
        assert!(Service::parse("x", &json!({"kind": "later", "client_id": "x"})).is_err());
    }
}
