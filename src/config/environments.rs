//! `config.json`: the environments without their secrets, and where each one's client credentials live.
//!
//! ```json
//! {"version": 1, "environments": {"default": {"url": "https://acme.scalekit.com", "client_id": "skc_1",
//!                                             "home": "keyring"}}, "default_identifier": "ada", "logged_out": ["dev"],
//!  "cache": {"account_seconds": 900, "client_seconds": 3600, "margin_seconds": 300}, "audit": true}
//! ```

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::cache_limits::fields;
use super::{CacheLimits, Error, file, misspelled};
use crate::service::{Environment, EnvironmentUrl, HomeChoice, is_identifier};

/// The key of the environments that were left.
const LOGGED_OUT: &str = "logged_out";

/// The key that says whether credentials handed out are written down.
const AUDIT: &str = "audit";

/// The format that this version reads and writes.
const VERSION: u64 = 1;

/// All environments, and the identifier used where nothing else names one.
#[derive(Debug, Default)]
pub struct Environments {
    list: Vec<Environment>,
    /// The configured default identifier.
    pub default_identifier: Option<String>,
    /// How long tokens may be cached.
    pub cache: CacheLimits,
    /// Whether it is written down which credentials are handed out.
    pub is_audited: bool,
    /// The environments that were left by `logout` since the last login.
    logged_out: Vec<String>,
    /// Keys that look misspelled, in words.
    pub misspelled: Vec<String>,
}

impl Environments {
    /// Reads `config.json` in `directory`; a missing file means that nothing is configured.
    pub fn load(directory: &Path) -> Result<Self, Error> {
        let path = path(directory);
        let document = file::read(&path)?;
        let wrong = |message: &str| Error::Entry { path: path.clone(), message: message.to_owned() };
        check_version(&document).map_err(wrong)?;
        let list = match document.get("environments") {
            None => Vec::new(),
            Some(Value::Object(entries)) => entries
                .iter()
                .map(|(name, entry)| parse(name, entry).map_err(|m| wrong(&format!("environment {name}: {m}"))))
                .collect::<Result<_, _>>()?,
            Some(_) => return Err(wrong("environments is not an object")),
        };
        let default_identifier = match document.get("default_identifier") {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) if is_identifier(text) => Some(text.clone()),
            Some(_) => return Err(wrong("default_identifier is not an identifier")),
        };
        let cache = CacheLimits::parse(&document).map_err(|message| wrong(&message))?;
        let is_audited = match document.get(AUDIT) {
            None => false,
            Some(Value::Bool(is_audited)) => *is_audited,
            Some(_) => return Err(wrong("audit is neither true nor false")),
        };
        let logged_out = match document.get(LOGGED_OUT) {
            None => Vec::new(),
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            Some(_) => return Err(wrong("logged_out is not a list")),
        };
        let misspelled = misspelled::in_config(&document);
        Ok(Self { list, default_identifier, cache, is_audited, logged_out, misspelled })
    }

    /// The environment of this name.
    pub fn get(&self, name: &str) -> Option<&Environment> {
        self.list.iter().find(|environment| environment.name == name)
    }

    /// Whether the environment of this name was left by `logout`, and nothing was logged in to since.
    pub fn is_logged_out(&self, name: &str) -> bool {
        self.logged_out.iter().any(|known| known == name)
    }

    /// All of them, in the file's order.
    pub fn iter(&self) -> impl Iterator<Item = &Environment> {
        self.list.iter()
    }

    /// Whether another environment than `environment` has the same file as its home.
    pub fn share_the_file_of(&self, environment: &Environment) -> bool {
        self.iter().any(|other| other.name != environment.name && other.home.is_same_file(&environment.home))
    }

    /// Adds `environment` or replaces the one of its name.
    pub fn put(directory: &Path, environment: &Environment) -> Result<(), Error> {
        edit(directory, |document, entries| {
            let Environment { name, url, client_id, home } = environment;
            let entry = json!({"url": url, "client_id": client_id, "home": home.to_json()});
            entries.insert(name.clone(), entry);
            document.shift_remove(LOGGED_OUT);
        })
    }

    /// Removes the environment of this name, and remembers that it was there: while others stay, its services are nobody
    /// else's.
    pub fn remove(directory: &Path, name: &str) -> Result<(), Error> {
        edit(directory, |document, entries| {
            let was_there = entries.shift_remove(name).is_some();
            if was_there && entries.is_empty() {
                document.shift_remove(LOGGED_OUT);
            } else if was_there && let Value::Array(names) = document.entry(LOGGED_OUT).or_insert_with(|| json!([])) {
                names.push(name.into());
            }
        })
    }

    /// Writes how long tokens may be cached into `config.json` in `directory`.
    pub fn put_cache(directory: &Path, mut limits: CacheLimits) -> Result<(), Error> {
        let path = path(directory);
        file::update(&path, |document| {
            stamp(document).map_err(|message| Error::Entry { path: path.clone(), message: message.into() })?;
            let values = fields(&mut limits).map(|(name, value)| (name.to_owned(), Value::from(*value)));
            document.insert("cache".into(), Value::Object(values.into_iter().collect()));
            Ok(())
        })
    }

    /// Writes whether credentials handed out are to be written down into `config.json` in `directory`.
    pub fn put_audit(directory: &Path, is_audited: bool) -> Result<(), Error> {
        let path = path(directory);
        file::update(&path, |document| {
            stamp(document).map_err(|message| Error::Entry { path: path.clone(), message: message.into() })?;
            match is_audited {
                true => document.insert(AUDIT.into(), true.into()),
                false => document.shift_remove(AUDIT),
            };
            Ok(())
        })
    }
}

fn edit(directory: &Path, change: impl FnOnce(&mut Map<String, Value>, &mut Map<String, Value>)) -> Result<(), Error> {
    let path = path(directory);
    file::update(&path, |document| {
        let wrong = |message: &str| Error::Entry { path: path.clone(), message: message.to_owned() };
        stamp(document).map_err(wrong)?;
        let mut entries = match document.entry("environments").or_insert_with(|| json!({})).take() {
            Value::Object(entries) => entries,
            _ => return Err(wrong("environments is not an object")),
        };
        change(document, &mut entries);
        document.insert("environments".into(), Value::Object(entries));
        Ok(())
    })
}

/// Makes sure that `document` is of this version, and says so in it.
fn stamp(document: &mut Map<String, Value>) -> Result<(), &'static str> {
    check_version(document)?;
    document.insert("version".into(), VERSION.into());
    Ok(())
}

fn check_version(document: &Map<String, Value>) -> Result<(), &'static str> {
    match document.get("version") {
        None => Ok(()),
        Some(version) if version.as_u64() == Some(VERSION) => Ok(()),
        Some(_) => Err("it was written by another version of scalekit-auth; this one reads version 1"),
    }
}

fn parse(name: &str, entry: &Value) -> Result<Environment, String> {
    let text = |key: &str| {
        entry.get(key).and_then(Value::as_str).map(str::to_owned).ok_or(format!("{key} is missing or not text"))
    };
    let home = HomeChoice::from_json(entry.get("home").ok_or("home is missing")?)?;
    let url = text("url")?;
    EnvironmentUrl::parse(&url).map_err(|error| format!("its url {error}"))?;
    Ok(Environment { name: name.to_owned(), url, client_id: text("client_id")?, home })
}

fn path(directory: &Path) -> PathBuf {
    directory.join("config.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_is_loaded_and_what_is_unknown_stays() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(path(dir.path()), r#"{"default_identifier": "ada", "later": true}"#).unwrap();
        let environment = Environment {
            name: "dev".into(),
            url: "https://a.scalekit.dev".into(),
            client_id: "skc_1".into(),
            home: HomeChoice::Keyring,
        };
        Environments::put(dir.path(), &environment).unwrap();
        let loaded = Environments::load(dir.path()).unwrap();
        assert_eq!(loaded.get("dev"), Some(&environment));
        assert_eq!(loaded.default_identifier.as_deref(), Some("ada"));
        assert!(std::fs::read_to_string(path(dir.path())).unwrap().contains("later"));
        Environments::remove(dir.path(), "dev").unwrap();
        assert_eq!(Environments::load(dir.path()).unwrap().iter().count(), 0);
    }

    #[test]
    fn a_file_of_a_later_version_is_refused_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(path(dir.path()), r#"{"version": 2}"#).unwrap();
        assert!(Environments::load(dir.path()).is_err());
        assert!(Environments::remove(dir.path(), "x").is_err());
        assert_eq!(std::fs::read_to_string(path(dir.path())).unwrap(), r#"{"version": 2}"#);
    }

    #[test]
    fn what_is_saved_is_loaded() {
        let dir = tempfile::tempdir().unwrap();
        let limits = CacheLimits { account: 1, client: 2, margin: 3 };
        Environments::put_cache(dir.path(), limits).unwrap();
        assert_eq!(Environments::load(dir.path()).unwrap().cache, limits);
        for is_audited in [true, false] {
            Environments::put_audit(dir.path(), is_audited).unwrap();
            assert_eq!(Environments::load(dir.path()).unwrap().is_audited, is_audited);
        }
        std::fs::write(path(dir.path()), r#"{"audit": "on"}"#).unwrap();
        assert!(Environments::load(dir.path()).is_err());
    }
}
