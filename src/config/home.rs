//! Which home was chosen for the client credentials of an environment, and how `config.json` spells it:
//! `"keyring"`, `{"file": PATH, "written": BOOL}` (with `"allow_world_readable": true` where that was asked for), or
//! `{"command": [PROGRAM, ARGUMENT, ...]}`.

use std::path::Path;

use serde_json::{Value, json};

use crate::service::HomeChoice;

impl HomeChoice {
    /// Reads what `config.json` says.
    pub(super) fn from_json(value: &Value) -> Result<Self, String> {
        if value == "keyring" {
            return Ok(Self::Keyring);
        }
        match (value.get("file"), value.get("command")) {
            (Some(Value::String(path)), None) if Path::new(path).is_absolute() => {
                let flag = |key: &str| match value.get(key) {
                    None => Ok(false),
                    Some(Value::Bool(flag)) => Ok(*flag),
                    Some(_) => Err(format!("{key} is neither true nor false")),
                };
                let (allow_world_readable, written) = (flag("allow_world_readable")?, flag("written")?);
                Ok(Self::File { path: path.into(), allow_world_readable, written })
            }
            (Some(_), None) => Err("file is not an absolute path".into()),
            (None, Some(Value::Array(argv))) => {
                let argv: Option<Vec<_>> = argv.iter().map(|arg| arg.as_str().map(str::to_owned)).collect();
                match argv {
                    Some(argv) if argv.first().is_some_and(|program| Path::new(program).is_absolute()) => {
                        Ok(Self::Command(argv))
                    }
                    _ => Err("command is not a list of texts that begins with the absolute path of a program".into()),
                }
            }
            _ => Err("home is none that this version knows".into()),
        }
    }

    /// As `config.json` keeps it.
    pub(super) fn to_json(&self) -> Value {
        match self {
            Self::Keyring => json!("keyring"),
            Self::File { path, allow_world_readable, written } => {
                let mut home = json!({"file": path.to_string_lossy(), "written": written});
                if *allow_world_readable {
                    home["allow_world_readable"] = true.into();
                }
                home
            }
            Self::Command(argv) => json!({"command": argv}),
        }
    }

    /// Whether both are one file, by whatever paths.
    pub fn is_same_file(&self, other: &Self) -> bool {
        let (Self::File { path, .. }, Self::File { path: other, .. }) = (self, other) else { return false };
        path == other || matches!((path.canonicalize(), other.canonicalize()), (Ok(a), Ok(b)) if a == b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_is_read_as_it_was_kept() {
        let file = |allow_world_readable, written| HomeChoice::File {
            path: "/run/secrets/scalekit".into(),
            allow_world_readable,
            written,
        };
        let command = HomeChoice::Command(vec!["/usr/bin/pass".into(), "show".into(), "a b".into()]);
        for choice in [HomeChoice::Keyring, file(false, false), file(true, false), file(false, true), command] {
            assert_eq!(HomeChoice::from_json(&choice.to_json()), Ok(choice));
        }
        assert_eq!(file(false, true).to_json(), json!({"file": "/run/secrets/scalekit", "written": true}));
    }

    #[test]
    fn what_is_no_home_is_refused() {
        for text in [
            r#""vault""#,
            "null",
            "{}",
            r#"{"file": "relative"}"#,
            r#"{"file": "/a", "written": "yes"}"#,
            r#"{"file": "/a", "command": ["/b"]}"#,
            r#"{"command": []}"#,
            r#"{"command": ["pass", "show"]}"#,
            r#"{"command": ["/bin/pass", 1]}"#,
            r#"{"command": "/bin/pass show"}"#,
        ] {
            assert!(HomeChoice::from_json(&serde_json::from_str(text).unwrap()).is_err(), "{text}");
        }
    }
}
