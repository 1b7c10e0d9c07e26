//! Connected accounts: reading the token, creating an account, asking for the link where a person consents.

use ureq::http::Method;

use super::text::{Text, Texts};
use super::wire::{Account, AccountReply, Details, LinkReply};
use super::{Call, Error, Vault};
use crate::secret::Secret;

const AUTH: &str = "GET /api/v1/connected_accounts/auth";
const DETAILS: &str = "GET /api/v1/connected_accounts/details";
const CREATE: &str = "POST /api/v1/connected_accounts";
const LINK: &str = "POST /api/v1/connected_accounts/magic_link";

/// Which connected account: connection and identifier.
#[derive(Debug, Clone, Copy)]
pub struct Selector<'a> {
    /// The connection name, `connector` on the wire.
    pub connection: &'a str,
    /// Whose account.
    pub identifier: &'a str,
}

/// `status` of a connected account, the authority on whether it can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// Usable.
    Active,
    /// The provider ended the consent, or it could not be refreshed.
    Expired,
    /// Nobody has consented yet.
    PendingAuth,
    /// Consented; the check of who it was is outstanding.
    PendingVerification,
    /// Disconnected by hand.
    Disconnected,
    /// None, or one that this version does not know.
    Other(String),
}

impl Status {
    fn parse(text: &str) -> Self {
        match text {
            "ACTIVE" => Self::Active,
            "EXPIRED" => Self::Expired,
            "PENDING_AUTH" => Self::PendingAuth,
            "PENDING_VERIFICATION" => Self::PendingVerification,
            "DISCONNECTED" => Self::Disconnected,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The word of Scalekit's API.
    pub fn word(&self) -> &str {
        match self {
            Self::Active => "ACTIVE",
            Self::Expired => "EXPIRED",
            Self::PendingAuth => "PENDING_AUTH",
            Self::PendingVerification => "PENDING_VERIFICATION",
            Self::Disconnected => "DISCONNECTED",
            Self::Other(word) => word,
        }
    }
}

/// What an account authenticates with.
#[derive(Debug, Clone)]
pub enum Credential {
    /// A bearer token, `[\x21-\x7e]+`.
    Bearer(Secret<String>),
    /// An API key, spelled as a bearer token is; which header it travels in is the provider's matter.
    ApiKey(Secret<String>),
    /// User name and password, without CR, LF and NUL.
    Basic {
        /// User name.
        username: String,
        /// Password.
        password: Secret<String>,
    },
}

/// Why an ACTIVE account yields no credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoCredential {
    /// The reply holds none.
    #[error("the environment does not return this account's credentials")]
    Withheld,
    /// AWS-style sessions, whose secret part Scalekit never returns.
    #[error("accounts of a trusted identity provider have no token")]
    TrustedIdp,
    /// The connection needs no credential.
    #[error("this connection needs no authentication, so there is no token")]
    NoAuth,
    /// Characters that no header or protocol line may carry.
    #[error("the credential holds characters that cannot be sent")]
    Malformed,
}

/// One read of a connected account.
#[derive(Debug)]
pub struct ConnectedAccount {
    /// Whether it can be used.
    pub status: Status,
    /// What it authenticates with; meaningful for an ACTIVE account only.
    pub credential: Result<Credential, NoCredential>,
    /// When the credential expires, in seconds since 1970, if it does.
    pub expires_at: Option<i64>,
    /// What the account says about the tenant it belongs to.
    pub facts: Facts,
}

/// The names and values, such as `domain` or `subdomain`, that fill the blanks in a provider's host.
#[derive(Default, Clone)]
pub struct Facts(pub Vec<(String, String)>);

/// The values are for the user's configuration and no message.
impl std::fmt::Debug for Facts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// Where a person consents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MagicLink {
    /// The link.
    pub link: String,
    /// Until when it works, in seconds since 1970.
    pub expires_at: Option<i64>,
}

impl Vault {
    /// Reads status and credential (`GET /api/v1/connected_accounts/auth`). [`Error::NotFound`] is a missing account or
    /// an unknown connection.
    pub fn account(&self, selector: Selector<'_>) -> Result<ConnectedAccount, Error> {
        let query = [("connector", selector.connection), ("identifier", selector.identifier)];
        let call = Call { query: &query, ..Call::new(AUTH, Method::GET, "/api/v1/connected_accounts/auth") };
        read_account(self.call(&call)?.expose())
    }

    /// What an account says about its tenant, without its credential (`GET /api/v1/connected_accounts/details`).
    pub fn facts(&self, selector: Selector<'_>) -> Result<Facts, Error> {
        let query = [("connector", selector.connection), ("identifier", selector.identifier)];
        let call = Call { query: &query, ..Call::new(DETAILS, Method::GET, "/api/v1/connected_accounts/details") };
        Ok(read_reply(DETAILS, self.call(&call)?.expose())?.facts)
    }

    /// Creates the account (`POST /api/v1/connected_accounts`), never twice. [`Error::Exists`] if another did first.
    pub fn create_account(&self, selector: Selector<'_>) -> Result<ConnectedAccount, Error> {
        let body = serde_json::json!({
            "connector": selector.connection, "identifier": selector.identifier, "connected_account": {},
        });
        let call = Call {
            body: body.to_string().into_bytes(),
            repeatable: false,
            ..Call::new(CREATE, Method::POST, "/api/v1/connected_accounts")
        };
        read_reply(CREATE, self.call(&call)?.expose())
    }

    /// A link where a person grants or renews consent (`POST /api/v1/connected_accounts/magic_link`).
    pub fn magic_link(&self, selector: Selector<'_>) -> Result<MagicLink, Error> {
        let body = serde_json::json!({"connector": selector.connection, "identifier": selector.identifier});
        let call = Call {
            body: body.to_string().into_bytes(),
            ..Call::new(LINK, Method::POST, "/api/v1/connected_accounts/magic_link")
        };
        read_link(self.call(&call)?.expose())
    }
}

/// Reads the reply of `auth`.
pub fn read_account(body: &[u8]) -> Result<ConnectedAccount, Error> {
    read_reply(AUTH, body)
}

/// Reads the reply of `auth` or of create.
fn read_reply(route: &'static str, body: &[u8]) -> Result<ConnectedAccount, Error> {
    let reply: AccountReply = serde_json::from_slice(body).map_err(|_| Error::Unreadable(route))?;
    let account = reply.connected_account.ok_or(Error::Unreadable(route))?;
    let Account { status, authorization_type, authorization_details, token_expires_at, api_config } = account;
    let details = authorization_details.unwrap_or_default();
    let own_expiry = details.google_dwd.as_ref().and_then(|dwd| dwd.token_expires_at.seconds());
    Ok(ConnectedAccount {
        facts: facts(&details, api_config),
        status: Status::parse(status.get().unwrap_or("CONNECTION_STATUS_UNSPECIFIED")),
        credential: credential(details, authorization_type.get()),
        expires_at: [own_expiry, token_expires_at.seconds()].into_iter().flatten().min(),
    })
}

/// The token's own domain, last, yields to what `api_config` says.
fn facts(details: &Details, api_config: Texts) -> Facts {
    let stored = details.static_auth.as_ref().and_then(|auth| auth.details.as_ref()).map(|stored| &stored.domain);
    let domain = details.oauth_token.as_ref().map(|oauth| &oauth.domain).or(stored);
    let domain = domain.map(|domain| ("domain".to_owned(), domain.clone()));
    let all = api_config.0.into_iter().chain(domain);
    Facts(all.filter_map(|(name, value)| Some((name, value.get()?.to_owned()))).collect())
}

fn read_link(body: &[u8]) -> Result<MagicLink, Error> {
    let reply: LinkReply = serde_json::from_slice(body).map_err(|_| Error::Unreadable(LINK))?;
    let link = reply.link.get().filter(|link| is_visible_ascii(link)).ok_or(Error::Unreadable(LINK))?;
    Ok(MagicLink { link: link.to_owned(), expires_at: reply.expiry.seconds() })
}

fn credential(details: Details, authorization_type: Option<&str>) -> Result<Credential, NoCredential> {
    let Details { oauth_token, static_auth, google_dwd, trusted_idp } = details;
    if trusted_idp.is_some() || authorization_type == Some("TRUSTED_IDP") {
        return Err(NoCredential::TrustedIdp);
    }
    let stored = static_auth.and_then(|auth| auth.details);
    let tokens = [
        oauth_token.and_then(|oauth| oauth.access_token.secret()),
        google_dwd.and_then(|dwd| dwd.access_token.secret()),
        stored.as_ref().and_then(|s| s.token.clone().secret()),
        stored.as_ref().and_then(|s| s.bearer_token.clone().secret()),
    ];
    if let Some(token) = tokens.into_iter().flatten().next() {
        return visible(token).map(Credential::Bearer);
    }
    if let Some(stored) = stored {
        if let Some(key) = stored.api_key.secret() {
            return visible(key).map(Credential::ApiKey);
        }
        if let (Some(username), Some(password)) = (stored.username.get(), stored.password.clone().secret()) {
            return basic(username, password);
        }
    }
    match authorization_type {
        Some("NO_AUTH") => Err(NoCredential::NoAuth),
        _ => Err(NoCredential::Withheld),
    }
}

fn visible(token: Secret<String>) -> Result<Secret<String>, NoCredential> {
    if is_visible_ascii(token.expose()) { Ok(token) } else { Err(NoCredential::Malformed) }
}

fn basic(username: &str, password: Secret<String>) -> Result<Credential, NoCredential> {
    let fits = |text: &str| !text.contains(['\r', '\n', '\0']);
    if fits(username) && fits(password.expose()) {
        let username = username.to_owned();
        Ok(Credential::Basic { username, password })
    } else {
        Err(NoCredential::Malformed)
    }
}

pub(super) fn is_visible_ascii(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| (0x21..=0x7e).contains(&b))
}

/// The client token in a reply of `/oauth/token`.
pub(super) fn bearer(text: Text) -> Option<Secret<String>> {
    text.secret().and_then(|token| visible(token).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(account: &str) -> ConnectedAccount {
        read_account(format!(r#"{{"connected_account":{account}}}"#).as_bytes()).unwrap()
    }

    #[test]
    fn every_kind_of_credential_is_found() {
        let bearer = |details: &str| match read(&format!(r#"{{"authorization_details":{details}}}"#)).credential {
            Ok(Credential::Bearer(token)) => token.expose().clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(bearer(r#"{"oauth_token":{"access_token":"a","refresh_token":"r"}}"#), "a");
        assert_eq!(bearer(r#"{"google_dwd":{"access_token":"b"}}"#), "b");
        assert_eq!(bearer(r#"{"static_auth":{"details":{"token":"c","domain":{"x":1}}}}"#), "c");
        let key = read(r#"{"authorization_details":{"static_auth":{"details":{"api_key":"k"}}}}"#);
        assert!(matches!(key.credential, Ok(Credential::ApiKey(_))));
        let basic = read(r#"{"authorization_details":{"static_auth":{"details":{"username":"u","password":"p w"}}}}"#);
        assert!(matches!(basic.credential, Ok(Credential::Basic { .. })));
    }

    #[test]
    fn what_cannot_be_sent_or_is_not_there_is_told_apart() {
        let why = |account: &str| read(account).credential.unwrap_err();
        assert_eq!(why("{}"), NoCredential::Withheld);
        assert_eq!(why(r#"{"authorization_details":{"oauth_token":{"access_token":""}}}"#), NoCredential::Withheld);
        assert_eq!(why(r#"{"authorization_details":{"trusted_idp":{"db_user":"x"}}}"#), NoCredential::TrustedIdp);
        assert_eq!(why(r#"{"authorization_type":"NO_AUTH"}"#), NoCredential::NoAuth);
        for token in [r"a\r\nb", "a b", r"a\u0000", "ä"] {
            let account = format!(r#"{{"authorization_details":{{"oauth_token":{{"access_token":"{token}"}}}}}}"#);
            assert_eq!(why(&account), NoCredential::Malformed, "{token}");
        }
        let split =
            r#"{"authorization_details":{"static_auth":{"details":{"username":"u","password":"a\nhost=evil"}}}}"#;
        assert_eq!(why(split), NoCredential::Malformed);
    }

    #[test]
    fn the_earlier_expiry_counts() {
        let account = read(
            r#"{"token_expires_at":"2025-01-01T00:00:09Z",
            "authorization_details":{"google_dwd":{"access_token":"b","token_expires_at":"2025-01-01T00:00:05Z"}}}"#,
        );
        assert_eq!(account.expires_at, Some(1_735_689_605));
    }

    proptest! {
        #[test]
        fn no_reply_makes_it_panic_and_no_bearer_can_split_a_line(body in proptest::collection::vec(any::<u8>(), 0..200),
            token in "\\PC{0,20}") {
            let _ = read_account(&body);
            let text = serde_json::json!({"connected_account": {"authorization_details": {"oauth_token": {"access_token": token}}}});
            if let Ok(Credential::Bearer(token)) = read_account(text.to_string().as_bytes()).unwrap().credential {
                prop_assert!(is_visible_ascii(token.expose()));
            }
        }
    }
}
