//! Where client credentials live. URL, client id and secret always come out of one home together: a URL from one place
//! and a secret from another is how a secret gets posted to a stranger.

mod environment;
mod keyring;
#[cfg(all(unix, not(target_os = "macos")))]
mod secret_service;

use serde::Deserialize;

use crate::error::{Error as Shown, Kind};
use crate::secret::Secret;
use crate::vault::{EnvironmentUrl, UrlError};

pub use environment::{from_dotenv, from_variables};
pub use keyring::Keyring;

/// The names that hold a client secret or a client token; children never see them.
pub const SECRET_VARIABLES: &[&str] = &["SCALEKIT_CLIENT_SECRET", "TOOL_CLIENT_SECRET", "SCALEKIT_ACCESS_TOKEN"];

/// The key to every account of an environment.
#[derive(Debug, Clone)]
pub struct ClientCredentials {
    /// The environment's URL.
    pub url: EnvironmentUrl,
    /// The client id.
    pub client_id: String,
    /// The client secret.
    pub client_secret: Secret<String>,
}

impl ClientCredentials {
    /// The form in which a home keeps them: one JSON object with `environment_url`, `client_id`, `client_secret`.
    fn to_json(&self) -> Secret<Vec<u8>> {
        let Self { url, client_id, client_secret } = self;
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

    fn from_json(bytes: &[u8]) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Stored {
            environment_url: String,
            client_id: String,
            client_secret: Secret<String>,
        }
        // The parser's message could quote the secret, so it is not passed on.
        let stored: Stored = serde_json::from_slice(bytes).map_err(|_| Error::Malformed)?;
        Ok(Self {
            url: EnvironmentUrl::parse(&stored.environment_url)?,
            client_id: stored.client_id,
            client_secret: stored.client_secret,
        })
    }
}

/// A place that keeps the client credentials of one environment.
pub trait Home {
    /// Reads them. Never prompts, and returns within the keyring's deadline.
    fn read(&self) -> Result<ClientCredentials, Error>;
    /// Stores them, replacing what was there in one step.
    fn write(&self, credentials: &ClientCredentials) -> Result<(), Error>;
    /// Removes them; `false` if there were none.
    fn remove(&self) -> Result<bool, Error>;
}

/// Why client credentials cannot be read or stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Some variables of a set are there and some are not.
    #[error("{set} is set, but {missing} is not")]
    Partial {
        /// The names that are set.
        set: String,
        /// The names that are missing.
        missing: String,
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
    /// What the home holds is not ours.
    #[error("what is stored there is not a set of client credentials")]
    Malformed,
}

impl From<Error> for Shown {
    fn from(error: Error) -> Self {
        const CHOICES: &str = "or set SCALEKIT_ENV_URL, SCALEKIT_CLIENT_ID and SCALEKIT_CLIENT_SECRET together";
        match &error {
            Error::Partial { .. } => Shown::new(Kind::NotConfigured, "the client credentials are incomplete")
                .why(&error)
                .next("set all three of URL, client id and client secret, or none of them"),
            Error::Conflict(..) => Shown::new(Kind::NotConfigured, "the client credentials are ambiguous")
                .why(&error)
                .next("unset one of them"),
            Error::Url(_) => Shown::new(Kind::NotConfigured, "the environment URL cannot be used")
                .why(&error)
                .next("give it as https://NAME.scalekit.com (Scalekit dashboard, Settings > API credentials)"),
            Error::File(_) => Shown::new(Kind::NotConfigured, "the file cannot be imported").why(&error),
            Error::NoEntry(_) => Shown::new(Kind::NotConfigured, "not logged in")
                .why(&error)
                .next(format!("run `scalekit-auth login`, {CHOICES}")),
            Error::Malformed => Shown::new(Kind::NotConfigured, "the client credentials cannot be read")
                .why(&error)
                .next("run `scalekit-auth login` to replace it"),
            Error::Locked => Shown::new(Kind::NoKeyring, "the client credentials cannot be read")
                .why(&error)
                .next(format!("unlock it (log in to the desktop, or `gnome-keyring-daemon --unlock`), {CHOICES}")),
            Error::Absent(_) | Error::Silent => {
                Shown::new(Kind::NoKeyring, "the client credentials cannot be read or stored")
                    .why(&error)
                    .next(format!("start a Secret Service (gnome-keyring, KWallet, KeePassXC), {CHOICES}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_a_home_keeps_is_read_back(client_id in "\\PC{1,20}", secret in "\\PC{1,40}") {
            let credentials = ClientCredentials {
                url: EnvironmentUrl::parse("https://acme.scalekit.com").unwrap(),
                client_id,
                client_secret: Secret::new(secret),
            };
            let read = ClientCredentials::from_json(credentials.to_json().expose()).unwrap();
            prop_assert_eq!(read.client_id, credentials.client_id);
            prop_assert_eq!(read.client_secret.expose(), credentials.client_secret.expose());
        }
    }
}
