//! Where the client credentials of a service are, and the key under which its tokens are cached: both are known before
//! any home is read.

use super::{Broker, not_logged_in};
use crate::cache::{self, Cache, Entry, Holder, Key};
use crate::consent::Failure;
use crate::error::Error;
use crate::secret::Secret;
use crate::service::{Account, ClientCredentials, Environment, EnvironmentUrl, HomeChoice, McpServer, Service};
use crate::store;
use crate::vault::{self, CredentialsSource, Grant};

/// Where the client credentials of a service are, before anything is read.
pub(super) enum Source {
    /// In the environment variables.
    Variables(ClientCredentials),
    /// In the home of an environment, or of an API client.
    Home(Environment),
}

impl Source {
    pub(super) fn read(&self) -> Result<ClientCredentials, Error> {
        match self {
            Self::Variables(credentials) => Ok(credentials.clone()),
            Self::Home(environment) => store::credentials(environment).map_err(|error| error.shown(&environment.name)),
        }
    }

    pub(super) fn url(&self) -> Result<EnvironmentUrl, Error> {
        match self {
            Self::Variables(credentials) => Ok(credentials.url.clone()),
            Self::Home(environment) => Ok(EnvironmentUrl::parse(&environment.url).map_err(store::Error::from)?),
        }
    }

    pub(super) fn key(&self, holder: Holder) -> Key {
        let (environment, client_id) = match self {
            Self::Variables(credentials) => (credentials.url.as_str(), &credentials.client_id),
            Self::Home(environment) => (environment.url.as_str(), &environment.client_id),
        };
        Key { environment: environment.to_owned(), client_id: client_id.clone(), holder }
    }
}

/// Opens a vault with the cached client token; the client credentials are read where there is none.
pub(super) struct Opener {
    pub(super) source: Source,
    pub(super) cache: Cache,
}

impl CredentialsSource for Opener {
    fn credentials(&self) -> Result<ClientCredentials, vault::Error> {
        self.source.read().map_err(|error| vault::Error::Closed(Box::new(error)))
    }

    fn takes_time(&self) -> bool {
        matches!(&self.source, Source::Home(Environment { home: HomeChoice::Keyring | HomeChoice::Command(_), .. }))
    }

    fn client_token(
        &self,
        refused: Option<&Secret<String>>,
        grant: &dyn Fn() -> Result<Grant, vault::Error>,
    ) -> Result<Secret<String>, vault::Error> {
        let key = self.source.key(Holder::Client { scopes: Vec::new() });
        let is_usable = |entry: &Entry| refused.is_none_or(|refused| refused.expose() != entry.secret().expose());
        if let Some(entry) = self.cache.get(&key, is_usable) {
            return Ok(entry.secret().clone());
        }
        let found = self.cache.fetch_once(&key, is_usable, || {
            let grant = grant()?;
            let expires_at = grant.expires_at();
            Ok((Entry::bearer(grant.token, expires_at), ()))
        });
        match found {
            Ok((entry, _)) => Ok(entry.secret().clone()),
            Err(Failure::Error(error)) => Err(vault::Error::Closed(Box::new(error))),
            Err(consent @ Failure::Consent(_)) => Err(vault::Error::Closed(Box::new(consent.into()))),
        }
    }
}

impl Broker {
    pub(super) fn source(&self, service: &Service) -> Result<Source, Error> {
        if let Some(client) = &service.client {
            return Ok(Source::Home(client.environment()));
        }
        match self.variables()? {
            Some(credentials) if self.uses_variables(service)? => Ok(Source::Variables(credentials.clone())),
            _ => {
                let name = self.environment_name(service);
                self.environments.get(name).cloned().map(Source::Home).ok_or_else(|| not_logged_in(name))
            }
        }
    }

    /// The key under which the token of this account is cached.
    pub(super) fn key(&self, service: &Service, account: &Account) -> Result<Key, Error> {
        let holder = match (&service.client, &service.mcp) {
            (Some(client), _) => Holder::Client { scopes: client.scopes.clone() },
            (None, Some(session)) => Holder::Session {
                server: session.server.resource(),
                identifier: account.identifier.clone(),
                access_level: session.access_level().to_owned(),
            },
            (None, None) => {
                let (connection, identifier) = (service.connection.clone(), account.identifier.clone());
                let owner = service.owner_of(&identifier).fields().map(|(_, id)| id.unwrap_or_default().to_owned());
                Holder::Account { connection, identifier, owner }
            }
        };
        Ok(self.source(service)?.key(holder))
    }

    /// Forgets the tokens of `service`'s connection, or of its API client, that are cached: those that `is_meant`;
    /// and the links of its accounts.
    pub fn evict(&self, service: &Service, is_meant: impl Fn(&Entry) -> bool) {
        // Without client credentials there was no token.
        let Ok(source) = self.source(service) else { return };
        let owner = source.key(Holder::Client { scopes: Vec::new() });
        cache::evict(|key, entry| {
            let is_holder = match &key.holder {
                Holder::Account { connection, .. } => service.client.is_none() && *connection == service.connection,
                Holder::Client { .. } => service.client.is_some(),
                Holder::Session { server, .. } => {
                    service.client.is_none() && *server == McpServer::Connection(service.connection.clone()).resource()
                }
            };
            is_holder && key.is_of(&owner.environment, &owner.client_id) && entry.is_none_or(&is_meant)
        });
    }
}
