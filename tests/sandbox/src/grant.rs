//! What a client access token says.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};
use uuid::Uuid;

/// What a client was granted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Grant {
    pub(crate) client_id: String,
    /// None for the environment's own client.
    pub(crate) organization: Option<String>,
    pub(crate) audience: Vec<String>,
    pub(crate) scopes: Vec<String>,
    pub(crate) custom_claims: Map<String, Value>,
    /// Seconds.
    pub(crate) lifetime: u64,
}

impl Grant {
    /// The claims of a token that is issued now. What the client does not have is left out.
    pub(crate) fn claims(&self, issuer: &str) -> Value {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let mut claims = json!({
            "iss": issuer, "sub": self.client_id, "client_id": self.client_id, "iat": now, "nbf": now,
            "exp": now.saturating_add(self.lifetime), "jti": format!("tkn_{}", Uuid::new_v4().simple()),
        });
        if let Some(organization) = &self.organization {
            claims["oid"] = organization.as_str().into();
        }
        for (name, list) in [("aud", &self.audience), ("scopes", &self.scopes)] {
            if !list.is_empty() {
                claims[name] = json!(list);
            }
        }
        if !self.custom_claims.is_empty() {
            claims["custom_claims"] = json!(self.custom_claims);
        }
        claims
    }
}
