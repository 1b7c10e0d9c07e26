//! Connections and providers of the environment, as `sync` reads them: all pages.

use serde::Deserialize as _;
use ureq::http::Method;

use super::text::Text;
use super::wire::{self, AuthPattern, ConnectionsReply, Mutation, ProvidersReply};
use super::{Call, Error, Vault};
use crate::catalogue::HeaderTemplate;

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
    /// Where its API is, with no name left to fill in, if that is known.
    pub resolved_proxy_url: Option<String>,
    /// Whether one account holds the credential for everybody.
    pub is_org_wide: bool,
}

/// A provider of Scalekit's catalogue, or one that somebody added to the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// Scalekit's identifier.
    pub identifier: String,
    /// Where its API is; names in `{{ }}` are for the account to fill in.
    pub proxy_url: Option<String>,
    /// For each `type` of connection, how the credential travels, if that is said: a header with blanks for the account's fields.
    pub auth: Vec<(String, String)>,
    /// Whether there is a pattern besides these that makes no header.
    pub has_unreadable_auth: bool,
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

    /// The provider with this identifier, if there is one.
    pub fn provider(&self, identifier: &str) -> Result<Option<Provider>, Error> {
        let query = [("identifier", identifier), ("filter.provider_type", "ALL")];
        let call = Call { query: &query, ..Call::new(PROVIDERS, Method::GET, "/api/v1/providers") };
        let body = self.call(&call)?;
        let reply: ProvidersReply = serde_json::from_slice(body.expose()).map_err(|_| Error::Unreadable(PROVIDERS))?;
        let mut found = reply.providers.into_iter().flatten().filter_map(provider);
        Ok(found.find(|provider| provider.identifier.eq_ignore_ascii_case(identifier)))
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
        resolved_proxy_url: connection.resolved_proxy_url.get().map(str::to_owned),
        is_org_wide: connection.auth_mode.get() == Some("ORG_WIDE"),
    })
}

fn provider(provider: wire::Provider) -> Option<Provider> {
    // Any JSON may stand there; what is no pattern is nobody else's loss.
    let patterns = provider.auth_patterns.as_ref().and_then(|patterns| patterns.as_array()).into_iter().flatten();
    let read: Vec<_> = patterns.map(|pattern| AuthPattern::deserialize(pattern).ok().and_then(|p| auth(&p))).collect();
    let has_unreadable_auth = read.iter().any(Option::is_none);
    let readable = read.into_iter().flatten().collect();
    Some(Provider {
        identifier: provider.identifier.get()?.to_owned(),
        proxy_url: provider.proxy_url.get().map(str::to_owned),
        auth: readable,
        has_unreadable_auth,
    })
}

/// As Scalekit's proxy builds the header: each field with its default, prefix and suffix, then what the type adds. The override
/// changes the header's name alone. `None` for what is no header.
fn auth(pattern: &AuthPattern) -> Option<(String, String)> {
    let kind = pattern.kind.get()?;
    let header = pattern.auth_header_key_override.get().unwrap_or("Authorization");
    let value = match kind {
        "BASIC" => {
            let has_password = pattern.fields.iter().flatten().any(|field| field.field_name.get() == Some("password"));
            let password = blank(pattern, "password", "password", if has_password { None } else { Some("") })?;
            format!("Basic base64({}:{password})", blank(pattern, "username", "username|key", None)?)
        }
        "API_KEY" => blank(pattern, "api_key", "key", None)?,
        _ => format!("Bearer {}", blank(pattern, "token", "key", None)?),
    };
    let line = format!("{header}: {value}");
    // Not what frames or routes a request, and only the type says that a value is encoded.
    let is_others = NOT_FOR_CREDENTIALS.iter().any(|name| header.eq_ignore_ascii_case(name));
    let is_read = HeaderTemplate::parse(&line)
        .is_some_and(|read| read.name == header && read.value == value && read.is_basic() == (kind == "BASIC"));
    (is_read && !is_others).then(|| (kind.to_owned(), line))
}

/// Headers that carry something else.
const NOT_FOR_CREDENTIALS: &[&str] = &[
    "connection",
    "connection_name",
    "content-length",
    "host",
    "identifier",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The blank for `field`, filled by the first of `names`, with what the pattern puts around it.
fn blank(pattern: &AuthPattern, field: &str, names: &str, usual: Option<&str>) -> Option<String> {
    let mutation = pattern.auth_field_mutations.as_ref().and_then(|mutations| mutations.get(field));
    let text = |which: fn(&Mutation) -> &Text| mutation.and_then(|mutation| which(mutation).get());
    let (prefix, suffix) = (text(|m| &m.prefix).unwrap_or_default(), text(|m| &m.suffix).unwrap_or_default());
    let default = text(|m| &m.default).or(usual);
    // A brace would be read as a blank of its own.
    let is_plain = |text: &str| !text.contains(['{', '}']);
    let default_part = default.map(|text| format!("={text}")).unwrap_or_default();
    [prefix, suffix, default.unwrap_or_default()]
        .into_iter()
        .all(is_plain)
        .then(|| format!("{prefix}{{{names}{default_part}}}{suffix}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_say_how_the_credential_travels() {
        let auth = |json: &str| auth(&serde_json::from_str(json).unwrap()).map(|(_, text)| text);
        for (pattern, wanted) in [
            (r#"{"type":"OAUTH"}"#, "Authorization: Bearer {key}"),
            (r#"{"type":"API_KEY"}"#, "Authorization: {key}"),
            (r#"{"type":"BASIC"}"#, "Authorization: Basic base64({username|key}:{password=})"),
            (
                r#"{"type":"BASIC","fields":[{"field_name":"username"},{"field_name":"password"}]}"#,
                "Authorization: Basic base64({username|key}:{password})",
            ),
            (
                r#"{"type":"BASIC","auth_field_mutations":{"password":{"default":"X"},"username":{"suffix":"/token"}}}"#,
                "Authorization: Basic base64({username|key}/token:{password=X})",
            ),
            (r#"{"type":"BEARER","auth_header_key_override":"x-token"}"#, "x-token: Bearer {key}"),
            (
                r#"{"type":"BEARER","auth_field_mutations":{"token":{"prefix":"tok_"}}}"#,
                "Authorization: Bearer tok_{key}",
            ),
            (
                r#"{"type":"API_KEY","auth_header_key_override":"x-api-key","auth_field_mutations":{"api_key":{"prefix":"K "}}}"#,
                "x-api-key: K {key}",
            ),
            (r#"{"type":"API_KEY","auth_field_mutations":{"api_key":{"suffix":":x"}}}"#, "Authorization: {key}:x"),
        ] {
            assert_eq!(auth(pattern).as_deref(), Some(wanted));
        }
    }

    #[test]
    fn what_could_change_the_request_is_left_out() {
        let auth = |json: &str| auth(&serde_json::from_str(json).unwrap());
        for pattern in [
            "{}",
            r#"{"type":"API_KEY","auth_header_key_override":"a\r\nb"}"#,
            r#"{"type":"API_KEY","auth_header_key_override":"A: b"}"#,
            r#"{"type":"API_KEY","auth_header_key_override":"Content-Length"}"#,
            r#"{"type":"API_KEY","auth_field_mutations":{"api_key":{"prefix":"Basic base64(","suffix":")"}}}"#,
            r#"{"type":"BEARER","auth_field_mutations":{"token":{"prefix":"{x}"}}}"#,
            r#"{"type":"BEARER","auth_field_mutations":{"token":{"suffix":"\r\nHost: evil"}}}"#,
            r#"{"type":"BASIC","auth_field_mutations":{"password":{"default":"}"}}}"#,
        ] {
            assert_eq!(auth(pattern), None, "{pattern}");
        }
    }
}
