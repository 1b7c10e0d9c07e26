//! A provider of the catalog, and how it is written.

use serde_json::Value;

use crate::wire::{Message, Style};

/// What connections are made for.
#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) id: String,
    pub(crate) identifier: String,
    pub(crate) display_name: Option<String>,
    pub(crate) proxy_url: Option<String>,
    pub(crate) auth_patterns: Option<Value>,
    pub(crate) is_custom: bool,
    /// Whether there is an address, where nobody said otherwise.
    pub(crate) proxy_enabled: Option<bool>,
}

impl Provider {
    /// Whether calls may be made through the vault.
    pub(crate) fn has_proxy(&self) -> bool {
        self.proxy_enabled.unwrap_or(self.proxy_url.is_some())
    }

    pub(crate) fn write(&self, style: Style) -> Value {
        Message::new(style)
            .text("id", &self.id)
            .text("identifier", &self.identifier)
            .text("display_name", self.display_name.as_deref().unwrap_or_default())
            .text("description", "")
            .list("categories", Vec::new())
            .values("auth_patterns", self.auth_patterns.clone())
            .text("icon_src", "")
            .count("display_priority", 0)
            .flag("coming_soon", false)
            .text("proxy_url", self.proxy_url.as_deref().unwrap_or_default())
            .flag("proxy_enabled", self.has_proxy())
            .flag("is_custom", self.is_custom)
            .flag("is_custom_mcp", false)
            .list("metadata", Vec::new())
            .done()
    }
}
