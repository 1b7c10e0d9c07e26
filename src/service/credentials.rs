//! Client credentials, and where they came from.

use super::{EnvironmentUrl, HomeChoice};
use crate::secret::Secret;

/// The key to every account of an environment.
#[derive(Debug, Clone)]
pub struct ClientCredentials {
    /// The environment's URL.
    pub url: EnvironmentUrl,
    /// The client id.
    pub client_id: String,
    /// The client secret.
    pub client_secret: Secret<String>,
    /// Where all three came from.
    pub origin: CredentialsOrigin,
}

/// Where client credentials came from, which is where a person corrects them once they are refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialsOrigin {
    /// Just given, with options, on stdin, on the terminal, or in a `.env` file.
    Given,
    /// Environment variables, of which this one holds the secret.
    Variable(&'static str),
    /// The home of the environment of this name.
    Home {
        /// The environment's name.
        environment: String,
        /// Its home.
        home: HomeChoice,
    },
}
