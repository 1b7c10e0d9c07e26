//! What an account authenticates with.

use crate::secret::Secret;

/// What an account authenticates with.
#[derive(Debug, Clone)]
pub enum Credential {
    /// A bearer token, `[\x21-\x7e]+`.
    Bearer(Secret<String>),
    /// An API key, spelled as a bearer token is; which header it travels in is the provider's matter.
    ApiKey(Secret<String>),
    /// User name and password, without CR, LF and NUL.
    Basic {
        /// User name.
        username: String,
        /// Password.
        password: Secret<String>,
    },
}

impl Credential {
    /// The token, key or password.
    pub fn secret(&self) -> &Secret<String> {
        match self {
            Self::Bearer(secret) | Self::ApiKey(secret) => secret,
            Self::Basic { password, .. } => password,
        }
    }
}
