//! `connections.json`: services at the top level, the format of the Python skill with optional keys of ours.
//!
//! ```json
//! {"gmail": {"connection_name": "gmail_u3134a", "identifier": "mess",
//!            "provider": "GMAIL", "environment": "dev", "hosts": ["gmail.example.com"]}}
//! ```
//! Keys that we don't know are kept.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::{Error, file};
use crate::resolve::{Pattern, catalogue};

/// How a service name is written, for messages.
pub const SERVICE_RULE: &str = "lower-case letters, digits, - and _, beginning with a letter or digit";
/// How a connection name is written (`connector` in Scalekit's API), for messages.
pub const CONNECTION_RULE: &str = "up to 400 letters, digits, spaces, and _ : -";
/// How an identifier is written, for messages.
pub const IDENTIFIER_RULE: &str = "1 to 100 characters without control characters";

/// Whether `name` can be a service's name.
pub fn is_service_name(name: &str) -> bool {
    name.len() <= 64
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b))
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
}

/// Whether `name` can be a connection name (Scalekit: `^[a-zA-Z0-9_: -]*$`, at most 400).
pub fn is_connection_name(name: &str) -> bool {
    (1..=400).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_: -".contains(&b))
}

/// Whether `name` can be an identifier (Scalekit: at most 100 characters).
pub fn is_identifier(name: &str) -> bool {
    !name.is_empty() && name.chars().count() <= 100 && !name.chars().any(char::is_control)
}

/// A user's short name for a connection, and what is known about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// The user's short name.
    pub name: String,
    /// Scalekit's connection name (`key_id`).
    pub connection: String,
    /// Whose account; `None` leaves it to the defaults.
    pub identifier: Option<String>,
    /// Scalekit's provider identifier, as the user gave it.
    pub provider: Option<String>,
    /// The environment it belongs to; `None` is the default one.
    pub environment: Option<String>,
    /// Hosts of the user's own choice; where there are any, the provider's built-in ones do not count.
    pub hosts: Vec<Pattern>,
}

impl Service {
    /// The provider: the one the user named, else what the service's and the connection's names say, if they agree.
    pub fn provider(&self) -> Result<Option<String>, String> {
        if let Some(provider) = &self.provider {
            return Ok(Some(provider.clone()));
        }
        let by_service = catalogue::provider_of_name(&self.name).map(|p| p.id);
        let by_connection = catalogue::provider_of_name(&self.connection).map(|p| p.id);
        match (by_service, by_connection) {
            (Some(a), Some(b)) if a != b => {
                Err(format!("the service's name says {a}, the connection's name {} says {b}", self.connection))
            }
            (a, b) => Ok(a.or(b).map(str::to_owned)),
        }
    }

    /// The provider's row in the catalogue, if its provider is known beyond doubt.
    pub fn row(&self) -> Option<&'static catalogue::Provider> {
        catalogue::provider(self.provider().ok()??.as_str())
    }

    fn parse(name: &str, entry: &Value) -> Result<Self, String> {
        let Value::Object(entry) = entry else {
            return Err("it is not an object".into());
        };
        if !is_service_name(name) {
            return Err(format!("its name is not a service name ({SERVICE_RULE})"));
        }
        let connection = text(entry, "connection_name")?.ok_or("it has no connection_name")?;
        if !is_connection_name(&connection) {
            return Err(format!("its connection_name is not one ({CONNECTION_RULE})"));
        }
        let identifier = text(entry, "identifier")?;
        if identifier.as_deref().is_some_and(|i| !is_identifier(i)) {
            return Err(format!("its identifier is not one ({IDENTIFIER_RULE})"));
        }
        let hosts = match entry.get("hosts") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(hosts)) => hosts.iter().map(pattern).collect::<Result<_, _>>()?,
            Some(_) => return Err("hosts is not a list".into()),
        };
        Ok(Self {
            name: name.to_owned(),
            connection,
            identifier,
            provider: text(entry, "provider")?,
            environment: text(entry, "environment")?,
            hosts,
        })
    }

    /// Writes our keys into `entry` and leaves the others alone.
    fn write_to(&self, entry: &mut Map<String, Value>) {
        let Self { name: _, connection, identifier, provider, environment, hosts } = self;
        entry.insert("connection_name".into(), connection.as_str().into());
        for (key, value) in [("identifier", identifier), ("provider", provider), ("environment", environment)] {
            match value {
                Some(value) => entry.insert(key.into(), value.as_str().into()),
                None => entry.shift_remove(key),
            };
        }
        if hosts.is_empty() {
            entry.shift_remove("hosts");
        } else {
            entry.insert("hosts".into(), hosts.iter().map(|host| Value::from(host.to_string())).collect());
        }
    }
}

fn pattern(host: &Value) -> Result<Pattern, String> {
    let text = host.as_str().ok_or("hosts holds something that is not text")?;
    Pattern::parse(text).map_err(|error| format!("the host {text}: {error}"))
}

fn text(entry: &Map<String, Value>, key: &str) -> Result<Option<String>, String> {
    match entry.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(format!("{key} is not text")),
    }
}

/// All configured services, in the file's order.
#[derive(Debug, Default)]
pub struct Services {
    list: Vec<Service>,
    /// Entries that cannot be used, with the reason; the others work all the same.
    pub unusable: Vec<(String, String)>,
}

impl Services {
    /// Reads `connections.json` in `directory`; a missing file is an empty configuration.
    pub fn load(directory: &Path) -> Result<Self, Error> {
        file::read(&path(directory)).map(|document| Self::from_document(&document))
    }

    /// Understands a document of the skill's or of ours. Top-level values that are no objects are left alone.
    pub fn from_document(document: &Map<String, Value>) -> Self {
        let mut services = Self::default();
        for (name, entry) in document.iter().filter(|(_, entry)| entry.is_object()) {
            match Service::parse(name, entry) {
                Ok(service) => services.list.push(service),
                Err(reason) => services.unusable.push((name.clone(), reason)),
            }
        }
        services
    }

    /// The service of this name.
    pub fn get(&self, name: &str) -> Option<&Service> {
        self.list.iter().find(|service| service.name == name)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Service> {
        self.list.iter()
    }

    /// Lets `change` make the service of this name out of what it was, if it was one, and writes it.
    pub fn edit<E: From<Error>>(
        directory: &Path,
        name: &str,
        change: impl FnOnce(Option<Service>) -> Result<Service, E>,
    ) -> Result<Service, E> {
        file::update(&path(directory), |document| {
            let entry = document.entry(name).or_insert_with(|| Value::Object(Map::new()));
            let service = change(Service::parse(name, entry).ok())?;
            let Value::Object(entry) = entry else {
                let message = format!("{name} is there already and is no service");
                return Err(Error::Entry { path: path(directory), message }.into());
            };
            service.write_to(entry);
            Ok(service)
        })
    }

    /// Removes the service of this name; `false` if there was none.
    pub fn remove(directory: &Path, name: &str) -> Result<bool, Error> {
        file::update(&path(directory), |document| {
            let is_service = document.get(name).is_some_and(Value::is_object);
            Ok(is_service && document.shift_remove(name).is_some())
        })
    }

    /// Takes over the entries of another `connections.json`, whole and in one step. Entries whose names are taken are
    /// left out unless they say the same. Returns the names taken over and those left out.
    pub fn import(directory: &Path, from: &Path) -> Result<(Vec<String>, Vec<String>), Error> {
        let theirs = file::read(from)?;
        let mut outcome = (Vec::new(), Vec::new());
        file::update(&path(directory), |document| {
            for (name, entry) in theirs {
                let taken = document.get(&name).is_some_and(|ours| *ours != entry);
                if taken || !entry.is_object() {
                    outcome.1.push(name);
                } else {
                    document.insert(name.clone(), entry);
                    outcome.0.push(name);
                }
            }
            Ok::<_, Error>(())
        })?;
        Ok(outcome)
    }
}

fn path(directory: &Path) -> PathBuf {
    directory.join("connections.json")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn load(text: &str) -> Services {
        let Value::Object(document) = super::super::json::parse(text.as_bytes()).unwrap() else {
            panic!("not an object")
        };
        Services::from_document(&document)
    }

    #[test]
    fn the_skills_format_is_read_as_it_is() {
        let services = load(r#"{"gmail": {"connection_name": "gmail_u3134a", "identifier": "mess"}, "version": 1}"#);
        let gmail = services.get("gmail").unwrap();
        assert_eq!((gmail.connection.as_str(), gmail.identifier.as_deref()), ("gmail_u3134a", Some("mess")));
        assert_eq!(gmail.provider(), Ok(Some("GMAIL".into())));
        assert!(services.unusable.is_empty());
    }

    #[test]
    fn one_bad_entry_does_not_hide_the_others() {
        let services = load(
            r#"{"a": {"connection_name": 3}, "B": {"connection_name": "x"}, "c": {"connection_name": "x"},
            "d": {"connection_name": "x", "hosts": ["*.zendesk.com"]}}"#,
        );
        assert!(services.get("c").is_some());
        assert_eq!(services.unusable.len(), 3);
    }

    #[test]
    fn names_that_disagree_about_the_provider_leave_it_unknown() {
        let services = load(r#"{"gmail": {"connection_name": "slack-x"}}"#);
        assert!(services.get("gmail").unwrap().provider().is_err());
        assert!(services.get("gmail").unwrap().row().is_none());
    }

    #[test]
    fn unknown_keys_survive_a_rewrite_and_a_broken_file_stays() {
        let dir = tempfile::tempdir().unwrap();
        let file = path(dir.path());
        std::fs::write(&file, r#"{"x": {"connection_name": "a", "note": {"keep": 1}}, "_c": "keep too"}"#).unwrap();
        let edit = || {
            Services::edit(dir.path(), "x", |service| {
                Ok::<_, Error>(Service { identifier: Some("me".into()), ..service.unwrap() })
            })
        };
        edit().unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains("\"keep\": 1") && text.contains("keep too") && text.contains("\"me\""), "{text}");

        std::fs::write(&file, "{\"x\": {\n  oops").unwrap();
        let error = edit().unwrap_err().to_string();
        assert!(error.contains("line 2, column 3"), "{error}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "{\"x\": {\n  oops");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(name in "[a-z0-9][a-z0-9_-]{0,10}", connection in "[a-zA-Z0-9_: -]{1,20}",
            identifier in proptest::option::of("[^\\p{C}]{1,20}"), host in proptest::option::of("[a-z]{1,5}\\.[a-z]{2}")) {
            let service = Service { name: name.clone(), connection, identifier, provider: None, environment: None,
                hosts: host.iter().filter_map(|h| Pattern::parse(h).ok()).collect() };
            let mut entry = Map::new();
            service.write_to(&mut entry);
            prop_assert_eq!(Service::parse(&name, &Value::Object(entry)), Ok(service));
        }

        #[test]
        fn no_document_makes_it_panic(text in "\\{\"a\": *[\\[\\]{}:,\"a-z0-9]{0,40}\\}") {
            if let Ok(Value::Object(document)) = super::super::json::parse(text.as_bytes()) {
                Services::from_document(&document);
            }
        }
    }
}
