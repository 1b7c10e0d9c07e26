//! Which environment a service belongs to, and how its vault is opened.

use super::Broker;
use super::login::{log_in, not_logged_in};
use super::source::Opener;
use crate::error::Error;
use crate::service::{Account, ClientCredentials, DEFAULT_ENVIRONMENT, EnvironmentUrl, Service};
use crate::store;
use crate::suggest::{self, Subject, Suggestion};
use crate::target::Authority;
use crate::vault::{Limit, Vault};

impl Broker {
    /// The environment whose connections are services without being named: the one that was asked for, the default one,
    /// or the only one, unless a logout from the default one made it so.
    pub fn active_environment(&self) -> &str {
        let mut all = self.environments.iter();
        let has_variables = matches!(self.variables, Ok(Some(_)));
        match (&self.forced_environment, all.next(), all.next()) {
            (Some(name), ..) => name,
            (None, Some(only), None) if !has_variables && !self.environments.is_logged_out(DEFAULT_ENVIRONMENT) => {
                &only.name
            }
            _ => DEFAULT_ENVIRONMENT,
        }
    }

    /// Why no connection of the active environment is a service, where nobody is logged in to it; and what to do about it.
    pub fn why_nothing_is_synced(&self) -> Option<(String, String)> {
        let name = self.active_environment();
        let is_logged_in = self.url_of(name).is_some() || self.variables.is_err();
        let why = format!("you are not logged in to the environment {name}");
        (!is_logged_in).then(|| (why, log_in(name)))
    }

    /// The command that reads the connections of the active environment, where nobody has done so yet.
    pub fn never_synced(&self) -> Option<Suggestion> {
        (!self.is_synced).then(|| suggest::sync(self.active_environment()))
    }

    /// The environment that `service` belongs to.
    pub fn environment_name<'a>(&'a self, service: &'a Service) -> &'a str {
        let own = self.forced_environment.as_deref().or(service.environment.as_deref());
        own.unwrap_or(DEFAULT_ENVIRONMENT)
    }

    /// The URL of the environment of this name.
    pub fn url_of(&self, name: &str) -> Option<String> {
        match &self.variables {
            Ok(Some(credentials)) if name == DEFAULT_ENVIRONMENT && self.forced_environment.is_none() => {
                Some(credentials.url.to_string())
            }
            _ => self.environments.get(name).map(|environment| environment.url.clone()),
        }
    }

    /// The hosts of all environments; a URL that cannot be read is nobody's host.
    pub(crate) fn own_hosts(&self) -> Vec<Authority> {
        let stored = self.environments.iter().filter_map(|e| EnvironmentUrl::parse(&e.url).ok());
        let variables = self.variables.iter().flatten().map(|credentials| credentials.url.clone());
        stored.chain(variables).map(|url| url.authority().clone()).collect()
    }

    /// Where the client credentials for `service` come from, in words; an error if that is decided wrongly.
    pub fn credentials_source(&self, service: &Service) -> Result<String, Error> {
        if let Some(client) = &service.client {
            return Ok(format!("{} (API client {}, {})", client.home, client.client_id, client.url));
        }
        if self.uses_variables(service)? {
            return Ok("the environment variables".into());
        }
        let name = self.environment_name(service);
        Ok(match self.environments.get(name) {
            Some(environment) => format!("{} (environment {name}, {})", environment.home, environment.url),
            None => format!("nowhere: not logged in to the environment {name}"),
        })
    }

    /// A complete set of variables stands for the default environment; a service that names one keeps to it.
    pub(super) fn uses_variables(&self, service: &Service) -> Result<bool, Error> {
        Ok(self.variables()?.is_some() && service.environment.is_none() && self.forced_environment.is_none())
    }

    /// The set of client credentials in the environment variables, if there is one.
    pub fn variables(&self) -> Result<Option<&ClientCredentials>, Error> {
        match &self.variables {
            Ok(credentials) => Ok(credentials.as_ref()),
            // An error is not Clone because of what other variants hold; reading again gives the same one.
            Err(_) => match store::from_variables(|name| std::env::var(name).ok()) {
                Err(error) => Err(error.into()),
                Ok(_) => Ok(None),
            },
        }
    }

    /// The client credentials of a stored environment, checked against what `config.json` says of it.
    pub fn stored_credentials(&self, name: &str) -> Result<ClientCredentials, Error> {
        let Some(environment) = self.environments.get(name) else {
            return Err(not_logged_in(name));
        };
        store::credentials(environment).map_err(|error| error.shown(name))
    }

    /// The vault of the environment of this name.
    pub fn vault_of(&self, name: &str) -> Result<Vault, Error> {
        self.open(self.credentials_of(name)?)
    }

    /// The same for a command of several requests: each has its own time limit.
    pub fn patient_vault_of(&self, name: &str) -> Result<Vault, Error> {
        Ok(Vault::new(self.credentials_of(name)?, Limit::Each(crate::TIME_LIMIT))?)
    }

    /// The client credentials for `service`, or of the active environment, read now from where they live.
    pub fn read_credentials(&self, service: Option<&Service>) -> Result<ClientCredentials, Error> {
        match service {
            Some(service) => self.source(service)?.read(),
            None => self.credentials_of(self.active_environment()),
        }
    }

    fn credentials_of(&self, name: &str) -> Result<ClientCredentials, Error> {
        match self.variables()? {
            Some(credentials) if name == DEFAULT_ENVIRONMENT && self.forced_environment.is_none() => {
                Ok(credentials.clone())
            }
            _ => self.stored_credentials(name),
        }
    }

    /// Whose token it is, as a command has to say it again.
    pub fn subject(&self, service: &Service, account: &Account) -> Subject {
        Subject::new(service, account, self.forced_environment())
    }

    /// The environment that was asked for in place of the services' own.
    pub fn forced_environment(&self) -> Option<&str> {
        self.forced_environment.as_deref()
    }

    /// Whether one environment was asked for, whatever the services say.
    pub fn is_environment_forced(&self) -> bool {
        self.forced_environment.is_some()
    }

    /// The vault of `service`'s environment. Its client credentials are read only if no client token is cached.
    pub(super) fn vault(&self, service: &Service) -> Result<Vault, Error> {
        let source = self.source(service)?;
        let url = source.url()?;
        Ok(Vault::opened_by(url, Box::new(Opener { source, cache: self.cache() }), Limit::Until(self.deadline))?)
    }

    /// The same with client credentials that are read now, and a client token of its own.
    pub fn fresh_vault(&self, service: &Service) -> Result<Vault, Error> {
        self.open(self.source(service)?.read()?)
    }

    /// The same for a command that waits for a person: each request has its own time limit.
    pub fn patient_vault(&self, service: &Service) -> Result<Vault, Error> {
        Ok(Vault::new(self.source(service)?.read()?, Limit::Each(crate::TIME_LIMIT))?)
    }

    /// The vault that `credentials` open.
    pub fn open(&self, credentials: ClientCredentials) -> Result<Vault, Error> {
        Ok(Vault::new(credentials, Limit::Until(self.deadline))?)
    }
}
