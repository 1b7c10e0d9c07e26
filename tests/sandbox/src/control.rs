//! The orders a sandbox takes, from a test or over HTTP.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::account::Credential;
use crate::wire::Absent;

/// The moment at which [`Control::Drop`] breaks off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// The request was read, nothing was answered.
    #[default]
    BeforeReply,
    /// In the middle of the header block.
    MidHeaders,
    /// In the middle of the body.
    MidBody,
}

/// Who makes sure that the person who consented is the user the account is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerifyMode {
    /// Nobody: consent is enough.
    #[default]
    None,
    /// The client, which the browser is sent back to. Binds OAuth connections only.
    B2b,
}

/// One order. As JSON: `{"op": "seed_connection", "name": …}`.
///
/// A `route` is written as in [`crate::Counts::routes`]; none means every route but the sandbox's own. Of all faults
/// that fit a request the oldest is spent on it, and of all delays likewise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
#[allow(clippy::large_enum_variant, reason = "a test has few of them, and a box would be in the way of writing one")]
#[allow(missing_docs, reason = "the fields are named as in Scalekit's API, or say what they are")]
pub enum Control {
    /// Creates or replaces a connection; `name` is its `key_id`.
    SeedConnection {
        name: String,
        provider: String,
        #[serde(default = "yes")]
        enabled: bool,
        #[serde(default)]
        mcp_server_url: Option<String>,
        #[serde(default = "completed")]
        status: String,
        /// The API's `type`.
        #[serde(default = "oauth")]
        kind: String,
    },
    /// Creates or replaces a provider of the catalog; connections need none.
    SeedProvider {
        identifier: String,
        #[serde(default)]
        display_name: Option<String>,
        /// The base of the provider's API; `proxy_enabled` if there is one.
        #[serde(default)]
        proxy_url: Option<String>,
        /// A JSON list.
        #[serde(default)]
        auth_patterns: Option<Value>,
        #[serde(default)]
        is_custom: bool,
    },
    /// Creates or replaces a connected account of a connection that exists.
    SeedAccount {
        connection: String,
        identifier: String,
        #[serde(default = "active")]
        status: String,
        #[serde(default)]
        credential: Credential,
        /// Seconds from now; negative is past. A renewed token has this lifetime again.
        #[serde(default)]
        expires_in: Option<i64>,
        /// Written as it stands; wins over `expires_in`.
        #[serde(default)]
        expires_at: Option<String>,
        /// As the credential has it, if left out; `""` is an absent one.
        #[serde(default)]
        authorization_type: Option<String>,
        #[serde(default)]
        api_config: Option<Value>,
    },
    /// What few connections have: `auth_mode` is `USER` or `ORG_WIDE`; of an MCP server's URL `own` stands for the sandbox's.
    ExtendConnection {
        name: String,
        #[serde(default)]
        auth_mode: Option<String>,
        #[serde(default)]
        resolved_proxy_url: Option<String>,
        #[serde(default)]
        mcp_server_url: Option<String>,
    },
    /// What few accounts have. One with an organization or a user is found by these as well, and not without them.
    ExtendAccount {
        connection: String,
        identifier: String,
        #[serde(default)]
        is_org_wide_credential: bool,
        #[serde(default)]
        organization_id: Option<String>,
        #[serde(default)]
        user_id: Option<String>,
        /// Written as it stands, in the place of what the credential has.
        #[serde(default)]
        authorization_details: Option<Value>,
    },
    /// Switches the proxy of a provider on or off.
    ProxyEnabled { identifier: String, enabled: bool },
    /// A configuration of tools, which has an MCP server of its own.
    SeedMcpConfig { id: String },
    /// Where a verification sends the browser; empty is nowhere.
    PostVerifyRedirect { url: String },
    /// The provider's token changes. Without `expires_in` the lifetime of before begins anew.
    SetToken {
        connection: String,
        identifier: String,
        token: String,
        #[serde(default)]
        expires_in: Option<i64>,
    },
    /// Each read of the credential brings the next token; the last one stays.
    QueueTokens { connection: String, identifier: String, tokens: Vec<String> },
    /// For example `EXPIRED`, when the provider has revoked the grant.
    SetStatus { connection: String, identifier: String, status: String },
    /// How absent fields are written from now on.
    SetAbsent { mode: Absent },
    /// An error reply. Without an `error_code` it carries none; `body` replaces all of it.
    FailNext {
        #[serde(default)]
        route: Option<String>,
        #[serde(default = "once")]
        times: u32,
        status: u16,
        #[serde(default)]
        error_code: Option<String>,
        #[serde(default)]
        body: Option<String>,
        #[serde(default)]
        retry_after: Option<String>,
    },
    /// The reply takes longer, whatever it is.
    Delay {
        #[serde(default)]
        route: Option<String>,
        #[serde(default = "once")]
        times: u32,
        millis: u64,
    },
    /// The connection is cut, without TLS's goodbye. The request has taken effect.
    Drop {
        #[serde(default)]
        route: Option<String>,
        #[serde(default = "once")]
        times: u32,
        #[serde(default)]
        when: When,
    },
    /// The true reply with padding, so many bytes in all.
    Oversize {
        #[serde(default)]
        route: Option<String>,
        #[serde(default = "once")]
        times: u32,
        bytes: usize,
    },
    /// `Content-Length` promises all of the body, half of it comes, then the connection is closed properly.
    Truncate {
        #[serde(default)]
        route: Option<String>,
        #[serde(default = "once")]
        times: u32,
    },
    /// Status 302.
    Redirect {
        #[serde(default)]
        route: Option<String>,
        #[serde(default = "once")]
        times: u32,
        location: String,
    },
    /// Status 429 with `RATE_LIMITED`.
    RateLimit {
        #[serde(default)]
        route: Option<String>,
        #[serde(default = "once")]
        times: u32,
        #[serde(default)]
        retry_after: Option<String>,
    },
    /// Status 200 with this body.
    Garbage {
        #[serde(default)]
        route: Option<String>,
        #[serde(default = "once")]
        times: u32,
        body: String,
    },
    /// All client access tokens issued so far are refused from now on.
    ExpireClientTokens,
    /// The client secret changes; issued tokens stay good.
    RotateClientSecret { secret: String },
    /// `expires_in` of client access tokens issued from now on; the sandbox keeps to it.
    TokenLifetime { seconds: u64 },
    /// Whether a magic link needs a `user_verify_url`.
    RequireVerifyUrl { required: bool },
    /// Whether a consent has to be verified.
    VerifyMode { mode: VerifyMode },
    /// Whether a magic link shows a page that asks, and is used up by consent; at first a visit is the consent.
    ConsentPage { shown: bool },
    /// How long magic links made from now on are good; 60 at first.
    MagicLinkLifetime { seconds: u64 },
    /// The next create of this account is lost to another client: it answers `RESOURCE_ALREADY_EXISTS` with 400 or 409,
    /// and the account is there.
    CreateRace { connection: String, identifier: String, as_status: u16 },
    /// An organization that clients can be created in; `id` starts with `org_`.
    SeedOrganization { id: String },
    /// Changes the secret of an organization's client: `status` is `ACTIVE` or `INACTIVE`, `expires_in` seconds from
    /// now, negative is past.
    SetSecret {
        id: String,
        #[serde(default)]
        status: Option<String>,
        #[serde(default)]
        expires_in: Option<i64>,
    },
    /// Tokens are signed with another key, under a new key id, from now on; the key set shows the key of before only
    /// if it is kept.
    RotateSigningKey {
        #[serde(default)]
        keep_old: bool,
    },
    /// Another place for the key set, or no discovery document at all. Both left out is the usual document.
    SetDiscovery {
        #[serde(default)]
        jwks_uri: Option<String>,
        #[serde(default)]
        missing: bool,
    },
    /// How long the key set may be kept: `Cache-Control: max-age=…`, which is not sent at first.
    KeysMaxAge { seconds: u64 },
    /// Back to how the sandbox started: no seeds, faults, counts, log, issued tokens or changed settings.
    Reset,
}

impl Control {
    /// Seeds a connection that can be used.
    pub fn connection(name: impl Into<String>, provider: impl Into<String>) -> Control {
        seed_connection(name.into(), provider.into(), true)
    }

    /// Seeds a connection that somebody has switched off.
    pub fn disabled_connection(name: impl Into<String>, provider: impl Into<String>) -> Control {
        seed_connection(name.into(), provider.into(), false)
    }
}

fn seed_connection(name: String, provider: String, enabled: bool) -> Control {
    Control::SeedConnection { name, provider, enabled, mcp_server_url: None, status: completed(), kind: oauth() }
}

fn yes() -> bool {
    true
}

fn once() -> u32 {
    1
}

fn active() -> String {
    "ACTIVE".to_owned()
}

fn completed() -> String {
    "COMPLETED".to_owned()
}

fn oauth() -> String {
    "OAUTH".to_owned()
}
