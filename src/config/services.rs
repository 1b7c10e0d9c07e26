//! `connections.json`: services at the top level, the format of the Python skill with optional keys of ours.
//!
//! ```json
//! {"gmail": {"connection_name": "gmail_u3134a", "identifier": "mess",
//!            "provider": "GMAIL", "environment": "dev", "hosts": ["gmail.example.com"],
//!            "accounts": {"work": "alice@acme.com",
//!                         "club": {"identifier": "alice", "hosts": ["gmail.example.com/club"]}}}}
//! ```
//! Keys that we don't know are kept.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::{Error, file, misspelled, unusable};
use crate::service::{Service, Services, Unusable};

impl Services {
    /// Reads `connections.json` in `directory`; a missing file is an empty configuration.
    pub fn load(directory: &Path) -> Result<Self, Error> {
        file::read(&path(directory)).map(|document| Self::from_document(&document))
    }

    /// Understands a document of the skill's or of ours. A version and comments at its top are left alone.
    pub fn from_document(document: &Map<String, Value>) -> Self {
        let mut services = Self { misspelled: misspelled::in_services(document), ..Self::default() };
        for (name, entry) in document.iter().filter(|(name, entry)| !unusable::is_remark(name, entry)) {
            match Service::parse(name, entry) {
                Ok(service) => services.list.push(service),
                Err(reason) => services.unusable.push(Unusable::new(name, entry, reason)),
            }
        }
        services
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
            if !entry.is_object() && !unusable::is_remark(name, entry) {
                *entry = Value::Object(Map::new());
            }
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
            let is_service = document.get(name).is_some_and(|entry| !unusable::is_remark(name, entry));
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
                if taken || unusable::is_remark(&name, &entry) {
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

pub(super) fn path(directory: &Path) -> PathBuf {
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
        fn no_document_makes_it_panic(text in "\\{\"a\": *[\\[\\]{}:,\"a-z0-9]{0,40}\\}") {
            if let Ok(Value::Object(document)) = super::super::json::parse(text.as_bytes()) {
                Services::from_document(&document);
            }
        }
    }
}
