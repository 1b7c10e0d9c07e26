//! `setup.json`: what `setup` put into other programs' files and what it replaced there, so that it can be undone.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::{Error, file};

/// The file's name.
pub(super) const FILE: &str = "setup.json";

/// The notes that `setup` left.
#[derive(Debug)]
pub struct SetupRecords(Map<String, Value>);

impl SetupRecords {
    /// Reads `setup.json` in `directory`; a missing file means that nothing was set up.
    pub fn load(directory: &Path) -> Result<Self, Error> {
        file::read(&path(directory)).map(Self)
    }

    /// The note of this kind about the configuration file at `file`.
    pub fn note(&self, kind: &str, file: &Path) -> Option<Value> {
        let note = self.0.get(kind)?.get(file.to_string_lossy().as_ref())?;
        note.is_object().then(|| note.clone())
    }

    /// The notes of this kind, and the files that they are about.
    pub fn notes(&self, kind: &str) -> Vec<(PathBuf, Value)> {
        let notes = self.0.get(kind).and_then(Value::as_object).into_iter().flatten();
        notes.filter(|(_, note)| note.is_object()).map(|(file, note)| (file.into(), note.clone())).collect()
    }

    /// Replaces the note of this kind about the configuration file at `file`, or removes it.
    pub fn put(directory: &Path, kind: &str, file: &Path, note: Option<&Value>) -> Result<(), Error> {
        file::update(&path(directory), |document| {
            document.insert("version".into(), 1.into());
            let entries = document.entry(kind).or_insert_with(|| json!({}));
            let Value::Object(entries) = entries else {
                return Err(Error::Entry { path: path(directory), message: format!("{kind} is not an object") });
            };
            let key = file.to_string_lossy().into_owned();
            match note {
                Some(note) => entries.insert(key, note.clone()),
                None => entries.shift_remove(&key),
            };
            Ok(())
        })
    }
}

fn path(directory: &Path) -> PathBuf {
    directory.join(FILE)
}
