//! What the user configured: services in `connections.json`, environments in `config.json`; and what `sync` learned, in
//! `synced.json`. All in the XDG configuration directory `scalekit-auth/`. Nothing here holds a secret.

mod cache_limits;
mod environments;
mod file;
mod home;
pub mod json;
mod machine;
mod notes;
mod rotation;
mod service;
mod services;
mod skill;
mod synced;
mod unusable;

use std::io;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

pub use cache_limits::{CacheLimits, LONGEST as LONGEST_REST};
pub use environments::{DEFAULT_ENVIRONMENT, Environment, Environments};
pub use file::create_directory;
pub use home::HomeChoice;
pub use machine::Machine;
pub use notes::Notes;
pub use rotation::Rotation;
pub use service::{CONNECTION_RULE, IDENTIFIER_RULE, SERVICE_RULE};
pub use service::{Learned, NamedAccount, Origin, Service};
pub use service::{is_connection_name, is_identifier, is_service_name};
pub use services::Services;
pub use skill::name_in_identity_file;
pub use synced::{Synced, SyncedConnection, SyncedEnvironment, Tenant};
pub use unusable::Unusable;

use crate::error::{Error as Shown, Kind};
use synced::FILE as SYNCED;

/// Why a configuration file could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("{action} {path}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file does not parse.
    #[error("{path}, line {line}, column {column}: {message}")]
    Broken {
        /// Which file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong there.
        message: String,
    },
    /// The file could have been written by somebody else.
    #[error("{0} is not used: {1}")]
    Unsafe(PathBuf, &'static str),
    /// Another process held the configuration's lock for too long.
    #[error("another scalekit-auth is changing the configuration ({0} is locked)")]
    Locked(PathBuf),
    /// An entry of a file makes no sense.
    #[error("{path}: {message}")]
    Entry {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
}

impl Error {
    fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }

    fn broken(path: &Path, line: usize, column: usize, message: &str) -> Self {
        Self::Broken {
            path: path.to_owned(),
            line,
            column,
            // serde_json repeats the place at the end of its message.
            message: message.split(" at line ").next().unwrap_or(message).to_owned(),
        }
    }
}

impl From<Error> for Shown {
    fn from(error: Error) -> Self {
        match &error {
            Error::Io { .. } | Error::Locked(_) => Shown::new(Kind::Failed, &error),
            Error::Broken { path, .. } | Error::Entry { path, .. } => {
                let is_synced = path.file_name().is_some_and(|name| name == SYNCED);
                Shown::new(Kind::NotConfigured, "the configuration cannot be read").why(&error).next(match is_synced {
                    true => "`scalekit-auth sync` writes the file anew",
                    false => "correct the file; it was left as it is",
                })
            }
            Error::Unsafe(path, _) => Shown::new(Kind::NotConfigured, &error)
                .next(format!("check what it says, then: chmod 600 {}", path.display())),
        }
    }
}

/// Where the configuration lives: `$XDG_CONFIG_HOME/scalekit-auth`, by default `~/.config/scalekit-auth`.
pub fn directory() -> Result<PathBuf, Shown> {
    match etcetera::base_strategy::choose_base_strategy() {
        Ok(strategy) => Ok(strategy.config_dir().join("scalekit-auth")),
        Err(_) => Err(Shown::new(Kind::NotConfigured, "there is no home directory to read from")
            .next("set HOME, or XDG_CONFIG_HOME to an absolute path")),
    }
}
