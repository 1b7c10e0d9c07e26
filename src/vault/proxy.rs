//! Calls that the vault makes itself with an account's credential: `ANY {env}/proxy{path}`.

use super::{Error, Selector, Vault};
use crate::header::Header;
use crate::secret::Secret;

/// The headers that say whose call it is, besides `Authorization`.
pub const PROXY_HEADERS: &[&str] = &["connection_name", "identifier"];

/// A call through the proxy, for somebody else to make.
pub struct ProxyCall {
    /// Where it goes.
    pub url: String,
    /// What it carries: the client token, and whose account is meant.
    pub headers: Vec<Header>,
}

impl Vault {
    /// The call of `path`, with its query, below the provider's `proxy_url`, as the account that `selector` names.
    pub fn proxy_call(&self, selector: Selector<'_>, path: &str) -> Result<ProxyCall, Error> {
        let token = self.client_token(None)?;
        let own = [Some(selector.connection), selector.identifier];
        let own = PROXY_HEADERS.iter().zip(own).filter_map(|(name, value)| {
            Some(Header { name: (*name).to_owned(), value: Secret::new(value?.to_owned()) })
        });
        let bearer =
            Header { name: "Authorization".to_owned(), value: Secret::new(format!("Bearer {}", token.expose())) };
        Ok(ProxyCall {
            url: format!("{}/proxy{path}", self.url),
            headers: std::iter::once(bearer).chain(own).collect(),
        })
    }
}
