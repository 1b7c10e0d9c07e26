//! The homes of client credentials, as they are named on the command line and emptied.

use std::path::Path;

use crate::config::Environments;
use crate::error::{Error, Kind};
use crate::service::{Environment, HomeChoice};
use crate::store;

/// What `--home` names.
#[derive(Debug, Clone)]
pub(super) enum HomeArgument {
    Keyring,
    File(String),
    Command,
}

impl HomeArgument {
    pub fn parse(text: &str) -> Result<Self, String> {
        match (text, text.strip_prefix("file:")) {
            ("keyring", _) => Ok(Self::Keyring),
            ("command", _) => Ok(Self::Command),
            (_, Some(path)) if path == "~" || path.starts_with("~/") => {
                Err("shells leave the ~ in file:~/... as it is; write file:$HOME/...".into())
            }
            (_, Some(path)) if !path.is_empty() => Ok(Self::File(path.to_owned())),
            _ => Err("it is keyring, file:PATH or command".into()),
        }
    }

    /// As it is remembered. A relative path is one below the working directory of this call.
    pub fn choice(&self, allow_world_readable: bool, command: &[String]) -> Result<HomeChoice, Error> {
        match self {
            Self::Keyring => Ok(HomeChoice::Keyring),
            Self::File(path) => {
                let absolute = std::path::absolute(path);
                match absolute {
                    Ok(path) if path.to_str().is_some() => {
                        Ok(HomeChoice::File { path, allow_world_readable, written: false })
                    }
                    _ => Err(Error::new(Kind::Usage, "the path cannot be made an absolute one in UTF-8")
                        .next("give the absolute path of the file")),
                }
            }
            Self::Command if command.first().is_some_and(|program| Path::new(program).is_absolute()) => {
                Ok(HomeChoice::Command(command.to_owned()))
            }
            Self::Command => Err(Error::new(Kind::Usage, "the command does not begin with an absolute path")
                .why("which program answers must not depend on PATH")
                .next("`command -v PROGRAM` shows the path")),
        }
    }
}

/// What is stored there from now on is ours.
pub(super) fn mark_as_written(home: &mut HomeChoice) {
    if let HomeChoice::File { written, .. } = home {
        *written = true;
    }
}

/// Whether one of the homes can be emptied without the other.
pub(super) fn differ(old: &HomeChoice, new: &HomeChoice) -> bool {
    old != new && !old.is_same_file(new)
}

/// Removes the client credentials of `environment` from its home if we put them there; else, says who has to.
pub(super) fn empty(environments: &Environments, environment: &Environment) -> Result<Option<String>, store::Error> {
    let home = &environment.home;
    match home {
        HomeChoice::File { written: true, .. } if environments.share_the_file_of(environment) => {
            Ok(Some(format!("the client secret stays {home}, since another environment uses that file")))
        }
        HomeChoice::Keyring | HomeChoice::File { written: true, .. } => {
            store::open(&environment.name, home).remove().map(|_| None)
        }
        HomeChoice::File { path, .. } => Ok(Some(format!(
            "{} still holds the client secret; it was not written by scalekit-auth and is yours to remove",
            path.display()
        ))),
        HomeChoice::Command(_) => {
            Ok(Some(format!("the client secret still comes {home}; it is yours to remove there")))
        }
    }
}
