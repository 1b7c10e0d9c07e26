//! A service that is an API client of an organization: whose client credentials get its tokens, and where their secret is.

use super::{Environment, HomeChoice};

/// Its client credentials are kept under this and its id.
pub const CLIENT_PREFIX: &str = "client/";

/// An API client that a service stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiClient {
    /// The URL of its environment.
    pub url: String,
    /// `m2morg_...`.
    pub client_id: String,
    /// `org_...`, where it is known.
    pub organization: Option<String>,
    /// The scopes to ask for; none means all that it has.
    pub scopes: Vec<String>,
    /// The user name beside its token, for docker and for git servers that take Basic alone.
    pub username: Option<String>,
    /// Where its secret is.
    pub home: HomeChoice,
}

impl ApiClient {
    /// Its client credentials, as the store knows them.
    pub fn environment(&self) -> Environment {
        let Self { url, client_id, home, .. } = self;
        let name = format!("{CLIENT_PREFIX}{client_id}");
        Environment { name, url: url.clone(), client_id: client_id.clone(), home: home.clone() }
    }
}
