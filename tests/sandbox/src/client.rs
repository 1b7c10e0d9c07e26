//! An organization's API client, its secrets, and how they are written.

use std::time::SystemTime;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::wire::{Message, Style, timestamp};

/// What the owner of a client says about it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Details {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) audience: Vec<String>,
    /// Key and value.
    pub(crate) custom_claims: Vec<(String, String)>,
    /// Lifetime of its tokens in seconds; 0 is the environment's.
    pub(crate) expiry: u64,
}

impl Details {
    /// Takes over what is given. Without a field mask, protobuf cannot tell an empty field from one that is not
    /// there, so nothing can be emptied.
    pub(crate) fn update(&mut self, given: Details) {
        fn put<T>(field: &mut Vec<T>, given: Vec<T>) {
            if !given.is_empty() {
                *field = given;
            }
        }
        for (field, given) in [(&mut self.name, given.name), (&mut self.description, given.description)] {
            if !given.is_empty() {
                *field = given;
            }
        }
        put(&mut self.scopes, given.scopes);
        put(&mut self.audience, given.audience);
        put(&mut self.custom_claims, given.custom_claims);
        if given.expiry != 0 {
            self.expiry = given.expiry;
        }
    }
}

#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) organization: String,
    pub(crate) details: Details,
    pub(crate) created_at: SystemTime,
    pub(crate) updated_at: SystemTime,
    pub(crate) secrets: Vec<Secret>,
}

#[derive(Debug)]
pub(crate) struct Secret {
    pub(crate) id: String,
    pub(crate) plain: String,
    pub(crate) active: bool,
    pub(crate) created_at: SystemTime,
    pub(crate) updated_at: SystemTime,
    pub(crate) expires_at: Option<SystemTime>,
    pub(crate) last_used_at: Option<SystemTime>,
}

impl Secret {
    pub(crate) fn new(id: String) -> Secret {
        let now = SystemTime::now();
        let plain = format!("test_{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        Secret { id, plain, active: true, created_at: now, updated_at: now, expires_at: None, last_used_at: None }
    }

    /// Whether a client may use it.
    pub(crate) fn is_good(&self) -> bool {
        self.active && self.expires_at.is_none_or(|end| end > SystemTime::now())
    }

    pub(crate) fn write(&self, style: Style) -> Value {
        Message::new(style)
            .text("id", &self.id)
            .time("create_time", Some(timestamp(self.created_at)))
            .time("update_time", Some(timestamp(self.updated_at)))
            .text("secret_suffix", &self.plain[self.plain.len() - 4..])
            .text("created_by", "")
            // An active secret has protobuf's value number 0, which is as good as absent.
            .choice("status", if self.active { "" } else { "INACTIVE" }, "ACTIVE")
            .time("expire_time", self.expires_at.map(timestamp))
            .time("last_used_time", self.last_used_at.map(timestamp))
            .done()
    }
}

impl Client {
    /// `secrets` are the ones to be shown.
    pub(crate) fn write(&self, secrets: &[Secret], style: Style) -> Value {
        let details = &self.details;
        let texts = |list: &[String]| list.iter().map(|text| text.as_str().into()).collect();
        let claims = details.custom_claims.iter().map(|(key, value)| json!({"key": key, "value": value}));
        Message::new(style)
            .text("client_id", &self.id)
            .list("secrets", secrets.iter().map(|secret| secret.write(style)).collect())
            .text("name", &details.name)
            .text("description", &details.description)
            .text("organization_id", &self.organization)
            .time("create_time", Some(timestamp(self.created_at)))
            .time("update_time", Some(timestamp(self.updated_at)))
            .list("scopes", texts(&details.scopes))
            .list("audience", texts(&details.audience))
            .list("custom_claims", claims.collect())
            .long("expiry", details.expiry)
            .text("resource_id", "")
            .list("redirect_uris", Vec::new())
            .flag("is_dcr", false)
            .flag("is_cimd", false)
            .text("metadata_uri", "")
            .done()
    }
}
