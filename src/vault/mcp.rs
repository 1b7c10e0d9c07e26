//! Session tokens for the environment's own MCP servers.

use serde_json::json;
use ureq::http::Method;

use super::credential::bearer;
use super::wire::SessionTokenReply;
use super::{Call, Error, Vault};
use crate::secret::Secret;
use crate::service::McpSession;

const ROUTE: &str = "POST /api/v1/mcp/…/tokens";

/// How long a session token is good, as the API wants it written.
const EXPIRY: &str = "3600s";

/// A session token.
#[derive(Debug)]
pub struct SessionToken {
    /// The token, a JWT of Scalekit's.
    pub token: Secret<String>,
    /// When it expires, in seconds since 1970, if that was said.
    pub expires_at: Option<i64>,
}

impl Vault {
    /// A token for a session of `identifier` (`POST /api/v1/mcp/connections/{key_id}/tokens`, `…/configs/{mcp_config_id}/tokens`).
    /// [`Error::NotFound`] if there is no such server.
    pub fn session_token(&self, session: &McpSession, identifier: &str) -> Result<SessionToken, Error> {
        let body = json!({"identifier": identifier, "expiry": EXPIRY, "access_level": session.access_level()});
        let call = Call {
            path: format!("/api/v1/mcp/{}/tokens", session.server.resource()).into(),
            body: body.to_string().into_bytes(),
            ..Call::new(ROUTE, Method::POST, "")
        };
        let reply = self.call(&call)?;
        let reply: SessionTokenReply = serde_json::from_slice(reply.expose()).map_err(|_| Error::Unreadable(ROUTE))?;
        let expires_at = reply.expires_at.seconds();
        Ok(SessionToken { token: bearer(reply.token).ok_or(Error::Unreadable(ROUTE))?, expires_at })
    }
}
