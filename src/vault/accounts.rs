//! Connected accounts: reading, creating and deleting them.

use serde_json::{Map, Value, json};
use ureq::http::Method;

use super::credential::{NoCredential, credential};
use super::text::Texts;
use super::wire::{Account, AccountReply, AccountsReply, AuthorizationDetails};
use super::{Call, Error, Vault};
use crate::service::{Credential, Owner, is_place};

const AUTH: &str = "GET /api/v1/connected_accounts/auth";
const DETAILS: &str = "GET /api/v1/connected_accounts/details";
const DELETE: &str = "POST /api/v1/connected_accounts:delete";
const LIST: &str = "GET /api/v1/connected_accounts";
const CREATE: &str = "POST /api/v1/connected_accounts";

/// Which connected account: the connection, and whose.
#[derive(Debug, Clone, Copy)]
pub struct Selector<'a> {
    /// The connection name, `connector` on the wire.
    pub connection: &'a str,
    /// Whose account; `None` where its owner says that.
    pub identifier: Option<&'a str>,
    /// By what else it is told apart.
    pub owner: &'a Owner,
}

impl<'a> Selector<'a> {
    /// The fields that name it.
    fn fields(self) -> impl Iterator<Item = (&'static str, &'a str)> {
        let own = [("connector", Some(self.connection)), ("identifier", self.identifier)];
        own.into_iter().chain(self.owner.fields()).filter_map(|(name, value)| Some((name, value?)))
    }

    /// A request's body that names it, with what else it says.
    pub(super) fn body(self, more: Value) -> Vec<u8> {
        let mut body: Map<String, Value> = self.fields().map(|(name, value)| (name.to_owned(), value.into())).collect();
        if let Value::Object(more) = more {
            body.extend(more);
        }
        Value::Object(body).to_string().into_bytes()
    }
}

/// The account that holds an organization-wide connection's credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedAccount {
    /// Its id, `ca_` and digits.
    pub id: String,
    /// Whether it can be used.
    pub status: Status,
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
    /// The status of this word of Scalekit's API.
    pub fn from_word(word: &str) -> Self {
        match word {
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

impl ConnectedAccount {
    /// Whether it can be used and the vault does not hand its credential out.
    pub fn is_withheld(&self) -> bool {
        self.status == Status::Active && matches!(self.credential, Err(NoCredential::Withheld))
    }
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

/// What is known about a connected account besides its credential.
#[derive(Debug, Clone)]
pub struct Details {
    /// Whether it can be used.
    pub status: Status,
    /// `authorization_type`: OAUTH, API_KEY, BASIC and so on, if it was said.
    pub kind: Option<String>,
    /// When the credential expires, in seconds since 1970, if it does.
    pub expires_at: Option<i64>,
    /// When the account last changed, as the vault wrote it; another text says that something happened.
    pub updated_at: Option<String>,
    /// When the credential was last used, in seconds since 1970.
    pub last_used_at: Option<i64>,
    /// What the account says about the tenant it belongs to.
    pub facts: Facts,
}

impl Vault {
    /// Reads status and credential (`GET /api/v1/connected_accounts/auth`). [`Error::NotFound`] is a missing account or
    /// an unknown connection.
    pub fn account(&self, selector: Selector<'_>) -> Result<ConnectedAccount, Error> {
        let query: Vec<_> = selector.fields().collect();
        let call = Call { query: &query, ..Call::new(AUTH, Method::GET, "/api/v1/connected_accounts/auth") };
        read_account(self.call(&call)?.expose())
    }

    /// The account that holds the credential for everybody (`GET /api/v1/connected_accounts?is_org_wide_credential=true`), if the
    /// connection has one.
    pub fn shared_account(&self, connection: &str) -> Result<Option<SharedAccount>, Error> {
        let query = [("connector", connection), ("is_org_wide_credential", "true")];
        let call = Call { query: &query, ..Call::new(LIST, Method::GET, "/api/v1/connected_accounts") };
        let body = self.call(&call)?;
        let reply: AccountsReply = serde_json::from_slice(body.expose()).map_err(|_| Error::Unreadable(LIST))?;
        // An older vault may not know the filter.
        let shared =
            reply.connected_accounts.into_iter().flatten().find(|one| one.is_org_wide_credential == Some(true));
        Ok(shared
            .and_then(|account| Some(SharedAccount { id: account.id.get()?.to_owned(), status: status(&account) })))
    }

    /// As [`Vault::account`], of the account with this id.
    pub fn account_by_id(&self, id: &str) -> Result<ConnectedAccount, Error> {
        let query = [("id", id)];
        let call = Call { query: &query, ..Call::new(AUTH, Method::GET, "/api/v1/connected_accounts/auth") };
        read_account(self.call(&call)?.expose())
    }

    /// What is known about an account, without its credential (`GET /api/v1/connected_accounts/details`).
    pub fn details(&self, selector: Selector<'_>) -> Result<Details, Error> {
        self.details_of(&selector.fields().collect::<Vec<_>>())
    }

    /// As [`Vault::details`], of the account with this id.
    pub fn details_by_id(&self, id: &str) -> Result<Details, Error> {
        self.details_of(&[("id", id)])
    }

    fn details_of(&self, query: &[(&str, &str)]) -> Result<Details, Error> {
        let call = Call { query, ..Call::new(DETAILS, Method::GET, "/api/v1/connected_accounts/details") };
        let account = account_in(DETAILS, self.call(&call)?.expose())?;
        Ok(Details {
            status: status(&account),
            kind: account.authorization_type.get().map(str::to_owned),
            expires_at: account.token_expires_at.seconds(),
            updated_at: account.updated_at.get().map(str::to_owned),
            last_used_at: account.last_used_at.seconds(),
            facts: facts(&AuthorizationDetails::default(), account.api_config),
        })
    }

    /// Removes the account and what it holds (`POST /api/v1/connected_accounts:delete`). [`Error::NotFound`] if there is none.
    pub fn delete_account(&self, selector: Selector<'_>) -> Result<(), Error> {
        let call = Call {
            body: selector.body(Value::Null),
            repeatable: false,
            ..Call::new(DELETE, Method::POST, "/api/v1/connected_accounts:delete")
        };
        self.call(&call).map(drop)
    }

    /// Creates the account (`POST /api/v1/connected_accounts`), never twice. [`Error::Exists`] if another did first.
    pub fn create_account(&self, selector: Selector<'_>) -> Result<ConnectedAccount, Error> {
        let call = Call {
            body: selector.body(json!({"connected_account": {}})),
            repeatable: false,
            ..Call::new(CREATE, Method::POST, "/api/v1/connected_accounts")
        };
        read_reply(CREATE, self.call(&call)?.expose())
    }
}

/// Reads the reply of `auth`.
pub fn read_account(body: &[u8]) -> Result<ConnectedAccount, Error> {
    read_reply(AUTH, body)
}

/// Reads the reply of `auth` or of create.
fn read_reply(route: &'static str, body: &[u8]) -> Result<ConnectedAccount, Error> {
    let account = account_in(route, body)?;
    let status = status(&account);
    let Account { authorization_type, authorization_details, token_expires_at, api_config, .. } = account;
    let details = authorization_details.unwrap_or_default();
    let own_expiry = details.google_dwd.as_ref().and_then(|dwd| dwd.token_expires_at.seconds());
    Ok(ConnectedAccount {
        facts: facts(&details, api_config),
        status,
        credential: credential(details, authorization_type.get()),
        expires_at: [own_expiry, token_expires_at.seconds()].into_iter().flatten().min(),
    })
}

fn account_in(route: &'static str, body: &[u8]) -> Result<Account, Error> {
    let reply: AccountReply = serde_json::from_slice(body).map_err(|_| Error::Unreadable(route))?;
    reply.connected_account.ok_or(Error::Unreadable(route))
}

fn status(account: &Account) -> Status {
    Status::from_word(account.status.get().unwrap_or("CONNECTION_STATUS_UNSPECIFIED"))
}

/// What the credential itself says, last, yields to what `api_config` says.
fn facts(details: &AuthorizationDetails, api_config: Texts) -> Facts {
    let oauth = details.oauth_token.iter().map(|oauth| ("domain".to_owned(), oauth.domain.clone()));
    let stored = details.static_auth.iter().flat_map(|auth| auth.details.0.iter().cloned());
    let all = api_config.0.into_iter().chain(oauth).chain(stored.filter(|(name, _)| is_place(name)));
    Facts(all.filter_map(|(name, value)| Some((name, value.get()?.to_owned()))).collect())
}

#[cfg(test)]
mod tests;
