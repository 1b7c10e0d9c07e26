//! Connections and providers of the environment, as `sync` reads them: all pages.

use ureq::http::Method;

use super::text::Text;
use super::wire::{self, AuthPattern, ConnectionsReply, ProvidersReply};
use super::{Call, Error, Vault};

const CONNECTIONS: &str = "GET /api/v1/connections/app";
const PROVIDERS: &str = "GET /api/v1/providers";

/// No environment has so many pages; a server that never ends its list does.
const MOST_PAGES: usize = 1000;

/// A connection of the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// The connection name (`key_id`).
    pub name: String,
    /// Scalekit's provider identifier.
    pub provider: String,
    /// `type`: OAUTH, API_KEY, BASIC, BEARER and so on.
    pub kind: String,
    /// Whether accounts can use it: configured to the end, and not switched off.
    pub is_usable: bool,
    /// The provider's MCP server, if it has one.
    pub mcp_server_url: Option<String>,
}

/// A provider of Scalekit's catalogue, or one that somebody added to the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// Scalekit's identifier.
    pub identifier: String,
    /// Where its API is; names in `{{ }}` are for the account to fill in.
    pub proxy_url: Option<String>,
    /// For each `type` of connection, how the token travels, if that is said: `Basic`, or a header and its prefix.
    pub auth: Vec<(String, String)>,
}

impl Vault {
    /// All connections (`GET /api/v1/connections/app`).
    pub fn connections(&self) -> Result<Vec<Connection>, Error> {
        self.pages(CONNECTIONS, "/api/v1/connections/app", &[("page_size", "30")], |body| {
            let reply: ConnectionsReply = serde_json::from_slice(body).ok()?;
            let connections = reply.connections.into_iter().flatten().filter_map(connection).collect();
            Some((connections, reply.next_page_token))
        })
    }

    /// All providers, built-in and custom (`GET /api/v1/providers`).
    pub fn providers(&self) -> Result<Vec<Provider>, Error> {
        let query = [("page_size", "100"), ("filter.provider_type", "ALL")];
        self.pages(PROVIDERS, "/api/v1/providers", &query, |body| {
            let reply: ProvidersReply = serde_json::from_slice(body).ok()?;
            let providers = reply.providers.into_iter().flatten().filter_map(provider).collect();
            Some((providers, reply.next_page_token))
        })
    }

    /// All pages of a list; `read` gives a page's items and the token of the next one.
    fn pages<T>(
        &self,
        route: &'static str,
        path: &str,
        query: &[(&str, &str)],
        read: impl Fn(&[u8]) -> Option<(Vec<T>, Text)>,
    ) -> Result<Vec<T>, Error> {
        let mut all = Vec::new();
        self.each_page(route, path, query, read, |items| all.extend(items))?;
        Ok(all)
    }

    /// As [`Vault::pages`], with each page as soon as it is there.
    pub(super) fn each_page<T>(
        &self,
        route: &'static str,
        path: &str,
        query: &[(&str, &str)],
        read: impl Fn(&[u8]) -> Option<(Vec<T>, Text)>,
        mut take: impl FnMut(Vec<T>),
    ) -> Result<(), Error> {
        let mut page: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let mut query = query.to_vec();
            query.extend(page.as_deref().map(|page| ("page_token", page)));
            let call = Call { query: &query, path: path.into(), ..Call::new(route, Method::GET, "") };
            let body = self.call(&call)?;
            let (items, next) = read(body.expose()).ok_or(Error::Unreadable(route))?;
            take(items);
            match next.get() {
                None => return Ok(()),
                Some(next) => page = Some(next.to_owned()),
            }
        }
        Err(Error::Unreadable(route))
    }
}

/// What has no name cannot be asked for.
fn connection(connection: wire::Connection) -> Option<Connection> {
    let text = |text: &Text| text.get().unwrap_or_default().to_owned();
    Some(Connection {
        name: connection.key_id.get()?.to_owned(),
        provider: text(&connection.provider_key),
        kind: text(&connection.kind),
        is_usable: connection.enabled == Some(true) && connection.status.get() == Some("COMPLETED"),
        mcp_server_url: connection.mcp_server_url.get().map(str::to_owned),
    })
}

fn provider(provider: wire::Provider) -> Option<Provider> {
    Some(Provider {
        identifier: provider.identifier.get()?.to_owned(),
        proxy_url: provider.proxy_url.get().map(str::to_owned),
        auth: provider.auth_patterns.iter().flatten().filter_map(auth).collect(),
    })
}

/// Scalekit's proxy sends API keys bare, other tokens as Bearer, and either after the prefix and in the header that the
/// pattern names.
fn auth(pattern: &AuthPattern) -> Option<(String, String)> {
    let kind = pattern.kind.get()?;
    let mutations = pattern.auth_field_mutations.as_ref();
    let (usual, mutation) = match kind {
        "BASIC" => return Some((kind.to_owned(), "Basic".to_owned())),
        "API_KEY" => ("", mutations.and_then(|m| m.api_key.as_ref())),
        _ => ("Bearer ", mutations.and_then(|m| m.token.as_ref())),
    };
    let header = pattern.auth_header_key_override.get();
    let prefix =
        mutation.and_then(|mutation| mutation.prefix.get()).unwrap_or(if header.is_some() { "" } else { usual });
    let header = header.unwrap_or("Authorization");
    let is_plain = |text: &str, extra: &[u8]| text.bytes().all(|b| b.is_ascii_alphanumeric() || extra.contains(&b));
    (is_plain(header, b"-_") && is_plain(prefix, b"-_ =:/.")).then(|| (kind.to_owned(), format!("{header}: {prefix}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_say_how_the_token_travels() {
        let auth = |json: &str| auth(&serde_json::from_str(json).unwrap()).map(|(_, text)| text);
        assert_eq!(auth(r#"{"type":"OAUTH"}"#).as_deref(), Some("Authorization: Bearer "));
        assert_eq!(auth(r#"{"type":"API_KEY"}"#).as_deref(), Some("Authorization: "));
        assert_eq!(auth(r#"{"type":"BASIC"}"#).as_deref(), Some("Basic"));
        let key = r#"{"type":"API_KEY","auth_header_key_override":"x-api-key","auth_field_mutations":{"api_key":{"prefix":"K "}}}"#;
        assert_eq!(auth(key).as_deref(), Some("x-api-key: K "));
        assert_eq!(auth(r#"{"type":"API_KEY","auth_header_key_override":"a\r\nb"}"#), None);
        assert_eq!(auth("{}"), None);
    }
}
