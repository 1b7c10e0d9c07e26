//! The model: a service, whose account it is, in which environment, and what authenticates. No I/O.

mod account;
mod api_client;
mod credential;
mod credentials;
mod environment;
mod environment_url;
mod mcp_server;
mod names;
pub mod pattern;
mod receivers;
mod services;

pub use account::{Account, Owner};
pub use api_client::{ApiClient, CLIENT_PREFIX};
pub use credential::{Credential, CredentialKind, is_key, is_known, is_place};
pub use credentials::{ClientCredentials, CredentialsOrigin};
pub use environment::{DEFAULT_ENVIRONMENT, Environment, HomeChoice};
pub use environment_url::{EnvironmentUrl, UrlError};
pub use mcp_server::{McpServer, McpSession};
pub use names::{CONNECTION_RULE, IDENTIFIER_RULE, SCALEKIT_ID_RULE, SERVICE_RULE};
pub use names::{client_id_shown, is_connection_name, is_identifier, is_scalekit_id, is_service_name};
pub use pattern::Pattern;
pub use receivers::{RECEIVERS, short};
pub use services::{Services, Unusable};

use crate::catalogue::{self, Authentication};

/// Who says that a service is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The user, in connections.json.
    User,
    /// `sync` alone; it yields to everything the user wrote.
    Sync,
}

/// A user's short name for a connection, and what is known about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// The user's short name.
    pub name: String,
    /// Who says that it is there.
    pub origin: Origin,
    /// Scalekit's connection name (`key_id`).
    pub connection: String,
    /// Whose account; `None` leaves it to the defaults.
    pub identifier: Option<String>,
    /// By what else its accounts are told apart.
    pub owner: Owner,
    /// Accounts with short names.
    pub accounts: Vec<NamedAccount>,
    /// Scalekit's provider identifier, as the user gave it.
    pub provider: Option<String>,
    /// The environment it belongs to; `None` is the default one.
    pub environment: Option<String>,
    /// Hosts of the user's own choice; where there are any, the provider's own ones do not count.
    pub hosts: Vec<Pattern>,
    /// Where it answers in the place of others that are as good; it claims nothing by that.
    pub preferred_for: Vec<Pattern>,
    /// The commands and helper protocols that get its token, such as `git` and `token`; none is all of them.
    pub only: Vec<String>,
    /// What the vault says about the connection.
    pub learned: Learned,
    /// Set for a service that is no connection but an API client, which gets its tokens by its own client credentials.
    pub client: Option<Box<ApiClient>>,
    /// Set for a service that stands for one of the environment's own MCP servers, for one request.
    pub mcp: Option<McpSession>,
}

/// One account of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedAccount {
    /// The user's short name for it.
    pub name: String,
    /// Scalekit's identifier.
    pub identifier: String,
    /// By what else it is told apart; the service's own where it is empty.
    pub owner: Owner,
    /// Hosts and paths where this account is the one, unless a request names another.
    pub hosts: Vec<Pattern>,
}

/// What `synced.json` holds about a service's connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Learned {
    /// Scalekit's provider identifier.
    pub provider: Option<String>,
    /// The provider's API and MCP hosts, as the environment names them.
    pub hosts: Vec<Pattern>,
    /// The host names with blanks that an account fills in, `{{domain}}.example.com/api`.
    pub templates: Vec<String>,
    /// Hosts that belong to the account of an identifier, and to no other account.
    pub tenants: Vec<(String, Pattern)>,
    /// How requests carry the credential, where the environment says it: a header with blanks for the account's fields.
    pub auth: Option<String>,
    /// Where the vault calls the provider's API itself; names in `{{ }}` are for the account to fill in.
    pub proxy_url: Option<String>,
    /// Whether one account holds the credential for everybody.
    pub is_org_wide: bool,
    /// The environment's own MCP server for the connection.
    pub mcp_server_url: Option<String>,
}

impl Service {
    /// A service with nothing but a name and a connection.
    pub fn new(name: &str, connection: &str, origin: Origin) -> Self {
        Self {
            name: name.to_owned(),
            origin,
            connection: connection.to_owned(),
            identifier: None,
            owner: Owner::default(),
            accounts: Vec::new(),
            provider: None,
            environment: None,
            hosts: Vec::new(),
            preferred_for: Vec::new(),
            only: Vec::new(),
            learned: Learned::default(),
            client: None,
            mcp: None,
        }
    }

    /// The identifiers of its accounts, the usual one first.
    pub fn identifiers(&self) -> impl Iterator<Item = &str> {
        let named = self.accounts.iter().map(|account| &account.identifier);
        self.identifier.iter().chain(named).map(String::as_str)
    }

    /// By what else the account of this identifier is told apart.
    pub fn owner_of(&self, identifier: &str) -> &Owner {
        let named = self.accounts.iter().find(|account| account.identifier == identifier);
        named.map(|account| &account.owner).filter(|owner| !owner.is_empty()).unwrap_or(&self.owner)
    }

    /// The account that goes by this short name or identifier. Of short names, which are written in lower case, the case does
    /// not count, since git hosts' user names have none either.
    pub fn account_called(&self, text: &str) -> Option<&str> {
        let by_identifier = || self.identifiers().find(|known| *known == text);
        let named = |is: &dyn Fn(&NamedAccount) -> bool| {
            self.accounts.iter().find(|account| is(account)).map(|account| account.identifier.as_str())
        };
        named(&|account| account.name == text)
            .or_else(by_identifier)
            .or_else(|| named(&|account| account.is_called(text)))
    }

    /// The provider: the one the user named, else what the vault says, else what the service's and the connection's names
    /// say, if they agree.
    pub fn provider(&self) -> Result<Option<String>, String> {
        if self.mcp.is_some() {
            return Ok(None);
        }
        if let Some(provider) = self.provider.as_ref().or(self.learned.provider.as_ref()) {
            return Ok(Some(provider.clone()));
        }
        if self.client.is_some() {
            return Ok(None);
        }
        let by_service = catalogue::provider_of_name(&self.name).map(|p| p.id);
        let by_connection = catalogue::provider_of_name(&self.connection).map(|p| p.id);
        match (by_service, by_connection) {
            (Some(a), Some(b)) if a != b => {
                Err(format!("the service's name says {a}, the connection's name {} says {b}", self.connection))
            }
            (a, b) => Ok(a.or(b).map(str::to_owned)),
        }
    }

    /// The provider's row in the catalogue, if its provider is known beyond doubt.
    pub fn row(&self) -> Option<&'static catalogue::Provider> {
        catalogue::provider(self.provider().ok()??.as_str())
    }

    /// What people call its provider; the service's own name where no row knows it.
    pub fn display_name(&self) -> String {
        self.row().map_or_else(|| self.name.clone(), |row| catalogue::display_name(row.slug))
    }

    /// How its requests carry a credential, as the provider's row says, else as the environment does.
    pub fn known_authentication(&self) -> Option<Authentication> {
        let learned = || self.learned.auth.as_deref().and_then(Authentication::parse);
        match self.mcp {
            Some(_) => None,
            None => self.row().map(|row| row.auth.clone()).or_else(learned),
        }
    }

    /// How its requests carry a credential; as Bearer where nobody says it.
    pub fn authentication(&self) -> Authentication {
        self.known_authentication().unwrap_or(Authentication::BEARER)
    }
}

impl NamedAccount {
    /// Whether it goes by this short name, in any case.
    pub fn is_called(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_disagree_about_the_provider_leave_it_unknown() {
        let mut service = Service::new("gmail", "slack-x", Origin::User);
        assert!(service.provider().is_err());
        assert!(service.row().is_none());
        service.learned.provider = Some("SLACK".into());
        assert_eq!(service.provider(), Ok(Some("SLACK".into())));
    }
}
