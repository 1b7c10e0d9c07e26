//! What `client rotate` notes about a rotation under way, in the service's entry of connections.json: after a crash it says
//! which secrets were there before.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::services::path;
use super::{Error, file};
use crate::service::Services;

/// The key in the service's entry.
const KEY: &str = "rotation";

/// A rotation under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// Whose secret is being replaced; a service may have been given another client meanwhile.
    pub client_id: String,
    /// The ids of the secrets that were there before.
    pub known: Vec<String>,
    /// The id of the secret that is being replaced, where it could be told from the others.
    pub old: Option<String>,
}

impl Rotation {
    fn parse(entry: &Value) -> Option<Self> {
        let note = entry.get(KEY)?;
        let known = note.get("known")?.as_array()?;
        Some(Self {
            client_id: note.get("client_id")?.as_str()?.to_owned(),
            known: known.iter().map(|id| id.as_str().map(str::to_owned)).collect::<Option<_>>()?,
            old: note.get("old").and_then(Value::as_str).map(str::to_owned),
        })
    }

    fn to_json(&self) -> Value {
        let Self { client_id, known, old } = self;
        json!({"client_id": client_id, "known": known, "old": old})
    }
}

impl Services {
    /// The rotation of this service that was begun and not finished.
    pub fn rotation(directory: &Path, name: &str) -> Result<Option<Rotation>, Error> {
        Ok(file::read(&path(directory))?.get(name).and_then(Rotation::parse))
    }

    /// Notes that a rotation of this service is under way, or that none is.
    pub fn note_rotation(directory: &Path, name: &str, rotation: Option<&Rotation>) -> Result<(), Error> {
        let path = path(directory);
        file::update(&path, |document: &mut Map<String, Value>| {
            let Some(Value::Object(entry)) = document.get_mut(name) else {
                let message = format!("{name} is no longer there");
                return Err(Error::Entry { path: path.clone(), message });
            };
            match rotation {
                Some(rotation) => _ = entry.insert(KEY.into(), rotation.to_json()),
                None => _ = entry.shift_remove(KEY),
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_as_it_was_written_and_leaves_with_the_rest_untouched() {
        let dir = tempfile::tempdir().unwrap();
        let before = "{\n  \"x\": {\n    \"connection_name\": \"a\"\n  }\n}\n";
        std::fs::write(path(dir.path()), before).unwrap();
        let note = Rotation { client_id: "m2morg_1".into(), known: vec!["sks_1".into()], old: None };
        Services::note_rotation(dir.path(), "x", Some(&note)).unwrap();
        assert_eq!(Services::rotation(dir.path(), "x").unwrap(), Some(note));
        Services::note_rotation(dir.path(), "x", None).unwrap();
        assert_eq!(std::fs::read_to_string(path(dir.path())).unwrap(), before);
        assert!(Services::note_rotation(dir.path(), "y", None).is_err());
        assert_eq!(Services::rotation(dir.path(), "y").unwrap(), None);
    }
}
