//! A connection: what the vault knows about it, and how it is written.

use std::time::SystemTime;

use serde_json::Value;

use crate::wire::{Message, Style, timestamp};

/// A configured use of a provider.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) provider: String,
    pub(crate) enabled: bool,
    pub(crate) mcp_server_url: Option<String>,
    pub(crate) status: String,
    /// The API's `type`.
    pub(crate) kind: String,
    pub(crate) created_at: SystemTime,
    pub(crate) auth_mode: String,
    pub(crate) resolved_proxy_url: Option<String>,
}

impl Default for Connection {
    fn default() -> Self {
        Self {
            id: String::new(),
            name: String::new(),
            provider: String::new(),
            enabled: true,
            mcp_server_url: None,
            status: String::new(),
            kind: String::new(),
            created_at: SystemTime::UNIX_EPOCH,
            auth_mode: "USER".to_owned(),
            resolved_proxy_url: None,
        }
    }
}

impl Connection {
    /// The API's name for what accounts of this connection hold; empty for connections that are for signing in.
    pub(crate) fn authorization_type(&self) -> &str {
        match self.kind.as_str() {
            "BEARER" => "BEARER_TOKEN",
            "INVALID" | "OIDC" | "SAML" | "PASSWORD" | "PASSWORDLESS" | "WEBAUTHN" => "",
            same => same,
        }
    }

    /// Whether the user consents at the provider; other users type something in.
    pub(crate) fn is_oauth(&self) -> bool {
        matches!(self.kind.as_str(), "OAUTH" | "TRELLO_OAUTH1" | "SMART_FHIR")
    }

    pub(crate) fn write(&self, style: Style) -> Value {
        let message = Message::new(style)
            .text("id", &self.id)
            // An enumeration for single sign-on; what it says of an app's connection is not documented.
            .choice("provider", "CUSTOM", "CONNECTION_PROVIDER_UNSPECIFIED")
            .choice("type", &self.kind, "INVALID")
            .choice("status", &self.status, "CONNECTION_STATUS_UNSPECIFIED")
            .flag("enabled", self.enabled)
            .text("organization_id", "")
            .text("ui_button_title", "")
            .list("domains", Vec::new())
            .text("organization_name", "")
            .text("provider_key", &self.provider)
            .text("key_id", &self.name)
            .time("created_at", Some(timestamp(self.created_at)))
            .text("mcp_server_url", self.mcp_server_url.as_deref().unwrap_or_default())
            .choice("auth_mode", &self.auth_mode, "CONNECTION_AUTH_MODE_UNSPECIFIED");
        match &self.resolved_proxy_url {
            Some(url) => message.text("resolved_proxy_url", url).done(),
            None => message.done(),
        }
    }
}
