//! An environment's own MCP servers, which want a session token of Scalekit's in the place of an account's token.

use super::names::is_connection_name;

/// One of an environment's MCP servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum McpServer {
    /// The tools of one connection, at `/mcp/v3/connections/{key_id}`.
    Connection(String),
    /// A configuration of tools, at a path below `/mcp` that ends with its id.
    Configuration(String),
}

/// Where session tokens of one server come from, and what they may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct McpSession {
    /// Which server.
    pub server: McpServer,
    /// Whether its tools may change nothing.
    pub is_read_only: bool,
}

impl McpServer {
    /// The server at this path of the environment's host; `None` for everything else there.
    pub fn at(path: &str) -> Option<Self> {
        let segments: Vec<&str> = path.strip_prefix("/mcp/")?.trim_end_matches('/').split('/').collect();
        let is_id = |id: &str| {
            (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
        };
        match segments[..] {
            ["v3", "connections", key] if is_connection_name(key) => Some(Self::Connection(key.to_owned())),
            ["v3", "connections", ..] | ["v3"] => None,
            [id] if is_id(id) => Some(Self::Configuration(id.to_owned())),
            ["v3", kind, id] if is_id(kind) && is_id(id) && !kind.eq_ignore_ascii_case("connections") => {
                Some(Self::Configuration(id.to_owned()))
            }
            _ => None,
        }
    }

    /// Its part of the API's paths, `connections/{key_id}` or `configs/{mcp_config_id}`.
    pub fn resource(&self) -> String {
        match self {
            Self::Connection(key) => format!("connections/{}", key.replace(' ', "%20")),
            Self::Configuration(id) => format!("configs/{id}"),
        }
    }

    /// The connection's name, or the configuration's id.
    pub fn id(&self) -> &str {
        match self {
            Self::Connection(id) | Self::Configuration(id) => id,
        }
    }
}

impl McpSession {
    /// `access_level` of Scalekit's API.
    pub fn access_level(&self) -> &'static str {
        if self.is_read_only { "READ_ONLY" } else { "FULL" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_kinds_of_paths_are_servers_and_nothing_else_is() {
        let at = |path: &str| McpServer::at(path).map(|server| server.resource());
        assert_eq!(at("/mcp/v3/connections/gmail_a").as_deref(), Some("connections/gmail_a"));
        assert_eq!(at("/mcp/v3/connections/gmail_a/").as_deref(), Some("connections/gmail_a"));
        assert_eq!(at("/mcp/cfg_1").as_deref(), Some("configs/cfg_1"));
        assert_eq!(at("/mcp/v3/servers/cfg_1").as_deref(), Some("configs/cfg_1"));
        for path in [
            "/",
            "/mcp",
            "/mcp/",
            "/mcp/v3",
            "/mcp/v3/connections",
            "/mcp/v3/connections/a/b",
            "/mcp/v3/connections/a?b",
            "/mcp/v3/connections/a%2f..",
            "/mcp/v3/servers/a/b",
            "/mcp/v3/..;/cfg_1",
            "/mcp/v3/a%3fb/cfg_1",
            "/mcp/v3/CONNECTIONS/cfg_1",
            "/mcp/a.b",
            "/mcpx/a",
            "/api/v1/connected_accounts/auth",
            "/oauth/token",
        ] {
            assert_eq!(at(path), None, "{path}");
        }
    }
}
