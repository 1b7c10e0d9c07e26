//! A connected account: what the vault knows about it, and how it is written.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::connection::Connection;
use crate::wire::{Message, Style, timestamp};

/// Seconds that a token is good after a consent.
const LIFETIME: i64 = 3600;

/// What a connected account holds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Credential {
    /// A token of a provider that speaks OAuth.
    OauthToken {
        /// The token to hand out.
        access_token: String,
        /// Never to be handed out; made up if left out, so that a leak has something to show.
        #[serde(default)]
        refresh_token: Option<String>,
        /// Granted scopes.
        #[serde(default)]
        scopes: Vec<String>,
        /// The tenant's domain, for providers that have one per tenant.
        #[serde(default)]
        domain: Option<String>,
    },
    /// Something the user typed in: `token`, `api_key`, `username` and `password`, …
    StaticAuth {
        /// Field names as the provider's auth pattern has them.
        details: Map<String, Value>,
    },
    /// Google domain-wide delegation.
    GoogleDwd {
        /// The impersonated user.
        subject: String,
        /// The token to hand out.
        access_token: String,
        /// Granted scopes.
        #[serde(default)]
        scopes: Vec<String>,
        /// Seconds from now to the expiry written inside of `google_dwd`; negative is past.
        #[serde(default)]
        expires_in: Option<i64>,
    },
    /// A trusted identity provider: holds nothing that could be handed out.
    TrustedIdp {
        /// The database user.
        db_user: String,
    },
    /// The environment does not return credentials, or there are none yet.
    #[default]
    Withheld,
    /// The connection needs no credential.
    NoAuth,
}

impl Credential {
    /// The `authorization_type` such a credential usually comes with, in a connection that has `expected`.
    fn usual_type<'e>(&self, expected: &'e str) -> &'e str {
        match self {
            Credential::Withheld => expected,
            Credential::OauthToken { .. } if matches!(expected, "OAUTH_M2M" | "SMART_FHIR" | "TRELLO_OAUTH1") => {
                expected
            }
            Credential::OauthToken { .. } => "OAUTH",
            Credential::GoogleDwd { .. } => "GOOGLE_DWD",
            Credential::TrustedIdp { .. } => "TRUSTED_IDP",
            Credential::NoAuth => "NO_AUTH",
            Credential::StaticAuth { details } if details.contains_key("api_key") => "API_KEY",
            Credential::StaticAuth { details } if details.contains_key("password") => "BASIC",
            Credential::StaticAuth { details } if details.keys().any(|key| key.ends_with("token")) => "BEARER_TOKEN",
            Credential::StaticAuth { .. } => "CUSTOM",
        }
    }

    /// What an account holds after its first consent.
    fn first(authorization_type: &str, token: String) -> Credential {
        let typed = |fields: &[(&str, &str)]| {
            let details = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
            Credential::StaticAuth { details }
        };
        let (user, scopes) = ("sandbox".to_owned(), Vec::new());
        match authorization_type {
            "API_KEY" => typed(&[("api_key", &token)]),
            "BASIC" | "BASIC_AUTH" => typed(&[("username", &user), ("password", &token)]),
            "BEARER_TOKEN" => typed(&[("token", &token)]),
            "GOOGLE_DWD" => {
                Credential::GoogleDwd { subject: user, access_token: token, scopes, expires_in: Some(LIFETIME) }
            }
            "TRUSTED_IDP" => Credential::TrustedIdp { db_user: user },
            "NO_AUTH" => Credential::NoAuth,
            _ => Credential::OauthToken { access_token: token, refresh_token: None, scopes, domain: None },
        }
    }

    fn expires(&self) -> bool {
        !matches!(self, Credential::StaticAuth { .. } | Credential::NoAuth)
    }

    /// Puts another token in place of the present one; false if this kind has none that changes.
    pub(crate) fn renew(&mut self, token: String) -> bool {
        match self {
            Credential::OauthToken { access_token, .. } | Credential::GoogleDwd { access_token, .. } => {
                *access_token = token;
            }
            Credential::Withheld => {
                let (refresh_token, scopes, domain) = (None, Vec::new(), None);
                *self = Credential::OauthToken { access_token: token, refresh_token, scopes, domain };
            }
            Credential::StaticAuth { .. } | Credential::TrustedIdp { .. } | Credential::NoAuth => {
                return false;
            }
        }
        true
    }
}

/// When the account's token expires.
#[derive(Debug, Clone)]
pub(crate) enum Expiry {
    Unknown,
    Verbatim(String),
    /// So many seconds after `Account::renewed_at`.
    After(i64),
}

#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) connection: String,
    pub(crate) identifier: String,
    pub(crate) status: String,
    pub(crate) credential: Credential,
    /// Tokens that the next reads of the credential bring out.
    pub(crate) queue: VecDeque<String>,
    pub(crate) expiry: Expiry,
    pub(crate) authorization_type: Option<String>,
    pub(crate) api_config: Option<Value>,
    pub(crate) renewed_at: SystemTime,
    pub(crate) last_used_at: Option<SystemTime>,
    pub(crate) is_org_wide_credential: bool,
    /// Empty where the account is keyed by its identifier alone.
    pub(crate) organization_id: String,
    /// Likewise.
    pub(crate) user_id: String,
    /// Written in the place of what the credential has.
    pub(crate) verbatim: Option<Value>,
}

/// Which fields of an account a route shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    /// Everything.
    Full,
    /// Everything but the credential.
    Details,
    /// The fields of a list's items.
    Item,
}

impl Account {
    /// An account that waits for its user.
    pub(crate) fn pending(id: String, connection: &str, identifier: &str) -> Account {
        Account {
            id,
            connection: connection.to_owned(),
            identifier: identifier.to_owned(),
            status: "PENDING_AUTH".to_owned(),
            credential: Credential::Withheld,
            queue: VecDeque::new(),
            expiry: Expiry::Unknown,
            authorization_type: None,
            api_config: None,
            renewed_at: SystemTime::now(),
            last_used_at: None,
            is_org_wide_credential: false,
            organization_id: String::new(),
            user_id: String::new(),
            verbatim: None,
        }
    }

    /// What a reading of the credential does to an account.
    pub(crate) fn touch(&mut self) {
        if let Some(token) = self.queue.pop_front() {
            self.credential.renew(token);
            self.renewed_at = SystemTime::now();
        }
    }

    /// What a consent does to an account once nothing more is asked for.
    pub(crate) fn activate(&mut self, authorization_type: &str, token: String) {
        let changed = if self.credential == Credential::Withheld {
            self.credential = Credential::first(authorization_type, token);
            true
        } else {
            self.credential.renew(token)
        };
        if changed {
            self.queue.clear();
            self.renewed_at = SystemTime::now();
            self.expiry = if self.credential.expires() { Expiry::After(LIFETIME) } else { Expiry::Unknown };
        }
        // What was typed in earlier stays as it is: consent to it is all that was missing.
        self.status = "ACTIVE".to_owned();
    }

    pub(crate) fn write(&self, connection: &Connection, view: View, style: Style) -> Value {
        let usual = self.credential.usual_type(connection.authorization_type());
        let authorization_type = self.authorization_type.as_deref().unwrap_or(usual);
        let mut message = Message::new(style)
            .text("id", &self.id)
            .text("identifier", &self.identifier)
            .text("connector", &self.connection)
            .text("connection_id", &connection.id)
            .text("provider", &connection.provider)
            .choice("status", &self.status, "CONNECTION_STATUS_UNSPECIFIED")
            .choice("authorization_type", authorization_type, "CONNECTION_TYPE_UNSPECIFIED");
        if view != View::Item {
            // Who shares a connection's credential holds none of it.
            let is_recorded_only = connection.auth_mode == "ORG_WIDE" && !self.is_org_wide_credential;
            let credential = || self.verbatim.clone().or_else(|| self.write_credential(style));
            let shown = (view == View::Full && !is_recorded_only).then(credential).flatten();
            message = message.object("authorization_details", shown);
        }
        message = message
            .time("token_expires_at", self.token_expires_at())
            .time("updated_at", Some(timestamp(self.renewed_at)))
            .time("last_used_at", self.last_used_at.map(timestamp));
        if view != View::Item {
            message = message.object("api_config", self.api_config.clone());
        }
        message.flag("is_org_wide_credential", self.is_org_wide_credential).done()
    }

    fn token_expires_at(&self) -> Option<String> {
        match &self.expiry {
            Expiry::Unknown => None,
            Expiry::Verbatim(text) => Some(text.clone()),
            Expiry::After(seconds) => Some(timestamp(shifted(self.renewed_at, *seconds))),
        }
    }

    fn write_credential(&self, style: Style) -> Option<Value> {
        let message = Message::new(style);
        let (kind, message) = match &self.credential {
            Credential::Withheld | Credential::NoAuth => return None,
            Credential::OauthToken { access_token, refresh_token, scopes, domain } => {
                let made_up = format!("1//sandbox-refresh-{}", self.id);
                let message = message
                    .text("access_token", access_token)
                    .text("refresh_token", refresh_token.as_deref().unwrap_or(&made_up))
                    .list("scopes", scopes.iter().map(|scope| scope.as_str().into()).collect())
                    .text("domain", domain.as_deref().unwrap_or_default());
                ("oauth_token", message)
            }
            Credential::StaticAuth { details } => {
                ("static_auth", message.object("details", Some(Value::Object(details.clone()))))
            }
            Credential::GoogleDwd { subject, access_token, scopes, expires_in } => {
                let expiry = expires_in.map(|seconds| timestamp(shifted(self.renewed_at, seconds)));
                let message = message
                    .text("subject", subject)
                    .text("access_token", access_token)
                    .list("scopes", scopes.iter().map(|scope| scope.as_str().into()).collect())
                    .time("token_expires_at", expiry);
                ("google_dwd", message)
            }
            Credential::TrustedIdp { db_user } => {
                // The secret halves are "never returned in public API responses".
                let message = message
                    .text("db_user", db_user)
                    .text("access_key_id", "ASIASANDBOX000000000")
                    .text("secret_access_key", "")
                    .text("session_token", "")
                    .time("expiry", self.token_expires_at());
                ("trusted_idp", message)
            }
        };
        Some(Value::Object(Map::from_iter([(kind.to_owned(), message.done())])))
    }
}

/// `seconds` after `time`, or before it.
pub(crate) fn shifted(time: SystemTime, seconds: i64) -> SystemTime {
    // A lifetime: further away, and the years of a timestamp would no longer have four digits.
    const FAR: u64 = 1_000_000_000;
    let distance = Duration::from_secs(seconds.unsigned_abs().min(FAR));
    if seconds < 0 { time - distance } else { time + distance }
}
