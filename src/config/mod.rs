//! What the user configured: services in `connections.json`, environments in `config.json`; and what `sync` learned, in
//! `synced.json`. All in the XDG configuration directory `scalekit-auth/`. Nothing here holds a secret.

mod cache_limits;
mod entry;
mod environments;
mod file;
mod home;
pub mod json;
mod machine;
mod misspelled;
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
pub use environments::Environments;
pub use notes::SetupRecords;
pub use rotation::Rotation;
pub use skill::name_in_identity_file;
pub use synced::{Synced, SyncedConnection, SyncedEnvironment, Tenant};

use crate::error::{Error as Shown, Kind};
use crate::service::DEFAULT_ENVIRONMENT;
use crate::suggest::{self, quoted};
use crate::system::System;
use notes::FILE as RECORDS;
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
    /// A pipe, a device or a directory where a file belongs.
    #[error("{0} is not a regular file")]
    NotRegular(PathBuf),
    /// The file or directory could have been changed by somebody else.
    #[error("{0} is not used: {1}")]
    Unsafe(PathBuf, Unsafe),
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

/// Who else could have changed a file or directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unsafe {
    /// Its owner, who is neither the user nor root.
    #[error("it belongs to another user")]
    Owner,
    /// Everybody.
    #[error("every user may write it")]
    Writable,
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
                let next = match path.file_name().and_then(|name| name.to_str()) {
                    Some(SYNCED) => format!("{} writes the file anew", suggest::sync(DEFAULT_ENVIRONMENT)),
                    Some(RECORDS) => format!(
                        "`{}`; what was set up before is then not undone by {}",
                        aside(path),
                        suggest::setup_alone().word("--undo")
                    ),
                    _ => "correct the file; it was left as it is".to_owned(),
                };
                Shown::new(Kind::NotConfigured, "the configuration cannot be read").why(&error).next(next)
            }
            Error::NotRegular(path) => {
                let shown = quoted(&path.to_string_lossy());
                Shown::new(Kind::NotConfigured, &error)
                    .next(format!("look what it is with `ls -ld {shown}`, and move it away"))
            }
            Error::Unsafe(path, problem) => {
                let shown = quoted(&path.to_string_lossy());
                let fix = match (problem, path.is_dir()) {
                    (Unsafe::Owner, is_directory) => {
                        format!("sudo chown {}\"$(id -u)\" {shown}", if is_directory { "-R " } else { "" })
                    }
                    (Unsafe::Writable, true) => format!("chmod go-w {shown}"),
                    (Unsafe::Writable, false) => format!("chmod 600 {shown}"),
                };
                Shown::new(Kind::NotConfigured, &error).next(format!("check what it says, then: {fix}"))
            }
        }
    }
}

/// The command that puts a file out of the way, where nobody wrote it by hand.
fn aside(path: &Path) -> String {
    let shown = |path: &Path| quoted(&path.to_string_lossy());
    let to = path.with_extension("json.broken");
    let program = if System::HERE == System::Windows { "move" } else { "mv" };
    format!("{program} {} {}", shown(path), shown(&to))
}

/// Where the configuration lives: `$XDG_CONFIG_HOME/scalekit-auth`, by default `~/.config/scalekit-auth`.
///
/// # Errors
/// There is neither the variable nor a home directory, or somebody else could have put files there.
pub fn directory() -> Result<PathBuf, Shown> {
    // Containers may run as a user who has no home.
    let given = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let parent = match given.filter(|_| System::HERE != System::Windows) {
        Some(path) => path,
        None => {
            etcetera::base_strategy::choose_base_strategy().map(|strategy| strategy.config_dir()).map_err(|_| {
                Shown::new(Kind::NotConfigured, "there is no home directory to read from")
                    .next("set HOME, or XDG_CONFIG_HOME to an absolute path")
            })?
        }
    };
    let directory = parent.join("scalekit-auth");
    file::check_owner(&directory)?;
    Ok(directory)
}
