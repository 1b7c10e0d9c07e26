//! Where client credentials live. URL, client id and secret always come out of one home together: a URL from one place
//! and a secret from another is how a secret gets posted to a stranger.

mod command;
mod content;
#[cfg(windows)]
mod credential_manager;
mod environment;
mod file;
#[cfg(target_os = "macos")]
mod keychain;
mod keyring;
#[cfg(all(unix, not(target_os = "macos")))]
pub mod secret_service;
#[cfg(windows)]
use credential_manager as native;
#[cfg(target_os = "macos")]
use keychain as native;
#[cfg(all(unix, not(target_os = "macos")))]
use secret_service as native;

use std::path::PathBuf;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use crate::error::{Error as Shown, Kind};
use crate::secret::Secret;
use crate::service::{
    ClientCredentials, CredentialsOrigin, DEFAULT_ENVIRONMENT, Environment, EnvironmentUrl, HomeChoice, UrlError,
};
use crate::suggest;
use crate::system::System;
use crate::trace::step;

pub use command::CommandError;
pub use content::{Content, ContentError};
pub use environment::{credential_variables, from_dotenv, from_variables};
pub use file::FileError;

/// How long one home may take to answer.
const DEADLINE: Duration = Duration::from_secs(3);

/// The names that hold a client secret or a client token; children never see them.
pub const SECRET_VARIABLES: &[&str] = &["SCALEKIT_CLIENT_SECRET", "TOOL_CLIENT_SECRET", "SCALEKIT_ACCESS_TOKEN"];

impl ClientCredentials {
    /// The form in which a home keeps them: one JSON object with `environment_url`, `client_id`, `client_secret`.
    fn to_json(&self) -> Secret<Vec<u8>> {
        let Self { url, client_id, client_secret, .. } = self;
        let text = |value: &str| serde_json::Value::from(value).to_string();
        Secret::new(
            format!(
                r#"{{"environment_url":{},"client_id":{},"client_secret":{}}}"#,
                text(url.as_str()),
                text(client_id),
                Secret::new(text(client_secret.expose())).expose()
            )
            .into_bytes(),
        )
    }
}

/// Puts a home back into the state before a write.
pub type Undo = Box<dyn FnOnce() -> Result<(), Error>>;

/// A place that keeps the client credentials of one environment.
pub trait Home {
    /// Reads what it holds. Never prompts, and returns within the deadline.
    fn read(&self) -> Result<Content, Error>;
    /// Stores `credentials` in one step. What is there and not ours for sure is replaced only if `replace` says so.
    fn write(&self, credentials: &ClientCredentials, replace: bool) -> Result<Undo, Error>;
    /// Removes them; `false` if there were none.
    fn remove(&self) -> Result<bool, Error>;
}

/// The home that was chosen for the environment `name`.
pub fn open(name: &str, choice: &HomeChoice) -> Box<dyn Home> {
    match choice {
        HomeChoice::Keyring => Box::new(keyring::Keyring::new(name)),
        HomeChoice::File { path, allow_world_readable, .. } => {
            Box::new(file::FileHome::new(path, *allow_world_readable))
        }
        HomeChoice::Command(argv) => Box::new(command::CommandHome::new(argv)),
    }
}

/// The client credentials of `environment`. A home that keeps URL and client id itself must agree with `config.json`.
pub fn credentials(environment: &Environment) -> Result<ClientCredentials, Error> {
    let Environment { name, url, client_id, home } = environment;
    let origin = CredentialsOrigin::Home { environment: name.clone(), home: home.clone() };
    let content = open(name, home).read();
    // Why not may be in a command's own words, which are nobody's to keep.
    step!("home: client credentials of {name} {home}: {}", if content.is_ok() { "read" } else { "cannot be read" });
    match content? {
        Content::Secret(client_secret) => Ok(ClientCredentials {
            url: EnvironmentUrl::parse(url)?,
            client_id: client_id.clone(),
            client_secret,
            origin,
        }),
        Content::Complete(credentials) if credentials.url.as_str() == url && credentials.client_id == *client_id => {
            Ok(ClientCredentials { origin, ..credentials })
        }
        Content::Complete(_) => Err(Error::Differs { environment: name.clone(), place: home.to_string() }),
    }
}

/// Runs `call` in a thread of its own, which is left behind when the deadline passes: the process ends soon after, and
/// with it the thread.
fn within_deadline<T: Send + 'static>(call: impl FnOnce() -> T + Send + 'static) -> Result<T, RecvTimeoutError> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        // Nobody listens after the deadline, and then the result does not matter.
        let _ = sender.send(call());
    });
    receiver.recv_timeout(DEADLINE)
}

/// Why client credentials cannot be read or stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Some variables of a set are there and some are not.
    #[error("{} set, but {} not", are(set), are(missing))]
    Partial {
        /// The names that are set.
        set: Vec<&'static str>,
        /// The names that are missing.
        missing: Vec<&'static str>,
    },
    /// Two names for one value disagree.
    #[error("{0} and {1} are both set and differ")]
    Conflict(&'static str, &'static str),
    /// The environment URL is not one.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// A `.env` file cannot be read.
    #[error("{0}")]
    File(String),
    /// The keyring holds nothing for this environment.
    #[error("the keyring holds no client credentials for the environment {0}")]
    NoEntry(String),
    /// The keyring is locked.
    #[error("the keyring is locked")]
    Locked,
    /// There is no keyring to ask.
    #[error("no keyring can be reached: {0}")]
    Absent(String),
    /// The keyring did not answer.
    #[error("the keyring did not answer in time")]
    Silent,
    /// It takes no more than so many bytes.
    #[error("the keyring takes {0} bytes at most, and URL, client id and secret together are longer")]
    TooLong(u32),
    /// A file cannot be used as a home.
    #[error("the file {0}: {1}")]
    HomeFile(PathBuf, FileError),
    /// A command cannot be used as a home.
    #[error("the command {program}: {problem}")]
    HomeCommand {
        /// The program, without its arguments.
        program: String,
        /// What is wrong.
        problem: CommandError,
    },
    /// A home that keeps all three names another URL or client id than `config.json`.
    #[error("config.json and what is stored {place} name different URLs or client ids")]
    Differs {
        /// The environment's name.
        environment: String,
        /// Where its home is, in words.
        place: String,
    },
    /// What the home holds is not ours.
    #[error("what is stored there is not a set of client credentials")]
    Malformed,
}

/// The names with their verb.
fn are(names: &[&str]) -> String {
    format!("{} {}", names.join(" and "), if names.len() == 1 { "is" } else { "are" })
}

impl Error {
    /// What a person is told, and does, about the credentials of the environment of this name.
    pub fn shown(self, environment: &str) -> Shown {
        let again = suggest::credentials_of(environment);
        let in_file = suggest::credentials_in_file(environment);
        let choices = match environment {
            DEFAULT_ENVIRONMENT => format!(
                "or choose another home ({in_file}), or set SCALEKIT_ENV_URL, SCALEKIT_CLIENT_ID and SCALEKIT_CLIENT_SECRET together"
            ),
            _ => format!("or choose another home ({in_file})"),
        };
        let unreadable = || Shown::new(Kind::NoKeyring, "the client credentials cannot be read").why(&self);
        let unusable = || Shown::new(Kind::NoKeyring, "the client credentials cannot be read or stored").why(&self);
        match &self {
            Self::Partial { .. } => Shown::new(Kind::NotConfigured, "the client credentials are incomplete")
                .why(&self)
                .next("set all three of URL, client id and client secret, or none of them"),
            Self::Conflict(..) => Shown::new(Kind::NotConfigured, "the client credentials are ambiguous")
                .why(&self)
                .next("unset one of them"),
            Self::Url(error) => error.clone().into(),
            Self::File(_) => Shown::new(Kind::NotConfigured, "the file cannot be imported").why(&self),
            Self::NoEntry(_) => {
                Shown::new(Kind::NotConfigured, "not logged in").why(&self).next(format!("run {again}, {choices}"))
            }
            Self::Malformed => Shown::new(Kind::NotConfigured, "the client credentials cannot be read")
                .why(&self)
                .next(format!("run {again} to replace it")),
            Self::HomeFile(path, FileError::Exists) => Shown::new(Kind::Usage, "the file is not overwritten")
                .why(&self)
                .next(FileError::Exists.next(path, environment)),
            Self::HomeFile(path, problem) => unusable().next(problem.next(path, environment)),
            Self::HomeCommand { problem: CommandError::ReadOnly, .. } => {
                let with_command = again.option("--home", "command").word("--").word("PROGRAM").word("ARGUMENT...");
                Shown::new(Kind::Usage, "a command takes no client credentials").why(&self).next(format!(
                    "store them with the secret manager's own program, then {with_command} without a secret"
                ))
            }
            Self::HomeCommand { .. } => unreadable().next(format!("run the command yourself to see why, {choices}")),
            Self::Differs { environment, .. } => {
                Shown::new(Kind::NotConfigured, format!("the environment {environment} is not what was stored"))
                    .why(&self)
                    .next(again)
            }
            Self::Locked => unreadable().next(format!("{}, {choices}", how_to_unlock(System::HERE))),
            Self::TooLong(_) => unusable().next(format!("choose another home ({in_file})")),
            Self::Absent(_) | Self::Silent => {
                let is_wsl = std::env::var_os("WSL_DISTRO_NAME").is_some();
                unusable().next(format!("{}, {choices}", how_to_have_one(System::HERE, is_wsl)))
            }
        }
    }
}

fn how_to_unlock(system: System) -> &'static str {
    match system {
        System::MacOs => {
            "`security unlock-keychain` unlocks it; where another version of this program stored the item, delete it in Keychain \
             Access and log in again"
        }
        _ => "unlock it (log in to the desktop, or `gnome-keyring-daemon --unlock`)",
    }
}

fn how_to_have_one(system: System, is_wsl: bool) -> &'static str {
    match system {
        System::Linux if is_wsl => {
            "let tools in WSL call the program of Windows, which has the keyring there, as in `git config --global \
             credential.helper '/mnt/c/PATH/scalekit-auth.exe git-credential'`"
        }
        System::Linux => "start a Secret Service (gnome-keyring, KWallet, KeePassXC)",
        System::MacOs => "open Keychain Access and see that there is a login keychain",
        System::Windows => {
            "log on with your password: a session opened without it, as by an SSH key, has no Credential Manager"
        }
    }
}

/// For what is of no stored environment.
impl From<Error> for Shown {
    fn from(error: Error) -> Self {
        error.shown(DEFAULT_ENVIRONMENT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_system_has_its_own_way_to_a_keyring() {
        assert!(how_to_have_one(System::Linux, false).contains("gnome-keyring"));
        assert!(how_to_have_one(System::Linux, true).contains("scalekit-auth.exe git-credential"));
        assert!(how_to_have_one(System::Windows, false).contains("Credential Manager"));
        assert!(how_to_unlock(System::MacOs).contains("security unlock-keychain"));
        assert!(how_to_unlock(System::Linux).contains("gnome-keyring-daemon"));
    }

    proptest! {
        #[test]
        fn what_a_home_keeps_is_read_back(client_id in "\\PC{1,20}", secret in "\\PC{1,40}") {
            let credentials = ClientCredentials {
                url: EnvironmentUrl::parse("https://acme.scalekit.com").unwrap(),
                client_id,
                client_secret: Secret::new(secret),
                origin: CredentialsOrigin::Given,
            };
            let Ok(Content::Complete(read)) = Content::parse(credentials.to_json().expose()) else {
                panic!("what is stored is an object");
            };
            prop_assert_eq!(read.client_id, credentials.client_id);
            prop_assert_eq!(read.client_secret.expose(), credentials.client_secret.expose());
        }
    }
}
