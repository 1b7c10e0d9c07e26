//! Which API client is meant: by its id, or as a service of ours that stands for it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::input::{CLIENT, ORGANIZATION, is_id, organization};
use crate::broker::Broker;
use crate::cache;
use crate::config::json;
use crate::error::{Error, Kind};
use crate::service::{ApiClient, DEFAULT_ENVIRONMENT, Service, is_service_name};
use crate::store;
use crate::suggest::{self, Clients};
use crate::vault::{self, ApiClientRecord, Limit, Vault};

/// Which API client.
// clap names a group after the type, and commands that hold this one are named alike.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(super) struct Arguments {
    /// An API client's id (m2morg_123), or the service that stands for it
    #[arg(value_name = "CLIENT")]
    pub(super) client: String,
    /// Its organization, org_123, where the service does not say it
    #[arg(long = "org", value_name = "ORG")]
    pub(super) organization: Option<String>,
}

/// One API client, and the vault that has it.
pub(super) struct Selected {
    pub vault: Vault,
    pub organization: String,
    /// The environment, where it is not the one that would be asked anyhow.
    environment: Option<String>,
    pub client_id: String,
    /// The service of ours that stands for it.
    pub service: Option<Service>,
}

impl Selected {
    pub fn find(arguments: &Arguments, broker: &Broker) -> Result<Self, Error> {
        let Arguments { client, organization: given } = arguments;
        if let Some(given) = given {
            organization(given)?;
        }
        let service = service(client, broker)?;
        let machine = service.as_ref().and_then(|service| service.client.as_deref());
        let client_id = machine.map_or(client, |machine| &machine.client_id);
        if !is_id(client_id, CLIENT) {
            return Err(Error::new(Kind::NotConfigured, format!("{client_id:?} cannot be the id of an API client"))
                .why(format!("it begins with {CLIENT} and has at most 32 letters and digits")));
        }
        let environment = match machine {
            Some(machine) => environment_of(broker, machine)?,
            None => broker.active_environment().to_owned(),
        };
        let known = given.clone().or_else(|| machine.and_then(|machine| machine.organization.clone()));
        let found = match (known, machine) {
            (Some(known), _) => known,
            (None, Some(machine)) => organization_in_token(machine)?,
            (None, None) => return Err(no_organization(client_id)),
        };
        let client_id = client_id.clone();
        Ok(Self {
            organization: organization(&found)?.to_owned(),
            client_id,
            vault: broker.patient_vault_of(&environment)?,
            environment: Some(environment).filter(|name| broker.is_environment_forced() || name != DEFAULT_ENVIRONMENT),
            service,
        })
    }

    pub fn machine(&self) -> Option<&ApiClient> {
        self.service.as_ref()?.client.as_deref()
    }

    /// The client as the vault knows it now.
    pub fn get(&self) -> Result<ApiClientRecord, Error> {
        self.vault.client(&self.organization, &self.client_id).map_err(|error| self.explain(error, "read"))
    }

    /// What it could do or with which secret has changed, so that the tokens it got so far do not rest any longer.
    pub fn forget_tokens(&self) {
        cache::evict(|key, _| key.client_id == self.client_id);
    }

    /// What went wrong with a call that needs this permission (`read`, `write` or `rotate`).
    pub fn explain(&self, error: vault::Error, permission: &str) -> Error {
        let clients = Clients { organization: &self.organization, environment: self.environment.as_deref() };
        explain(error, permission, clients, Some(&self.client_id))
    }
}

/// What went wrong with a call about an organization's clients, or about one of them.
pub(super) fn explain(error: vault::Error, permission: &str, clients: Clients<'_>, client: Option<&str>) -> Error {
    let (list, organization) = (clients.list(), clients.organization);
    match (&error, client) {
        (vault::Error::NotFound | vault::Error::Refused { status: 404, .. }, Some(client)) => {
            Error::new(Kind::VaultRefused, format!("there is no API client {client} in {organization}"))
                .why(&error)
                .next(format!("{list} shows those that are there"))
        }
        (vault::Error::NotFound | vault::Error::Refused { status: 404, .. }, None) => {
            Error::new(Kind::VaultRefused, format!("this environment has no organization {organization}"))
                .why(&error)
                .next("compare it with Scalekit dashboard, Organizations; --environment NAME asks another environment")
        }
        (vault::Error::Refused { status: 403, .. }, _) => {
            Error::new(Kind::VaultRefused, "this environment's client may not do that with API clients")
                .why(&error)
                .next(format!(
                    "give it the permission api_credentials:{permission} in the Scalekit dashboard, or log in with a client that has it"
                ))
        }
        (vault::Error::Refused { status: 400, .. }, _) => {
            Error::new(Kind::VaultRefused, "the vault refused what it was given")
                .why(&error)
                .next(format!("{list} shows what is there"))
        }
        _ => error.into(),
    }
}

/// A service is asked for by its name; a client id may have a service that stands for it.
fn service(client: &str, broker: &Broker) -> Result<Option<Service>, Error> {
    if client.starts_with(CLIENT) {
        let stands_for =
            |service: &&Service| service.client.as_ref().is_some_and(|machine| machine.client_id == client);
        return Ok(broker.services.iter().find(stands_for).cloned());
    }
    if !is_service_name(client) {
        return Err(Error::new(Kind::Usage, format!("{client:?} is neither an API client nor a service"))
            .why(format!("the id of an API client begins with {CLIENT}")));
    }
    let service = broker.service(client)?;
    if service.client.is_none() {
        return Err(Error::new(Kind::Usage, format!("{client} is a connection, not an API client")).next(format!(
            "{} shows the API clients",
            Clients { organization: "ORG", environment: broker.forced_environment() }.list()
        )));
    }
    Ok(Some(service.clone()))
}

fn no_organization(client_id: &str) -> Error {
    Error::new(Kind::Usage, format!("the organization of {client_id} is not known"))
        .why("no service of yours stands for it")
        .next("give it: --org org_123")
}

/// The environment that has the client: its URL decides, so that no other one is asked about it.
fn environment_of(broker: &Broker, machine: &ApiClient) -> Result<String, Error> {
    let active = broker.active_environment();
    let fits = |name: &str| broker.url_of(name).as_deref() == Some(machine.url.as_str());
    if fits(active) {
        return Ok(active.to_owned());
    }
    if broker.is_environment_forced() {
        return Err(Error::new(Kind::Usage, format!("{} is not in the environment {active}", machine.client_id))
            .why(format!("it belongs to {}", machine.url))
            .next("leave --environment and SCALEKIT_AUTH_ENVIRONMENT out"));
    }
    let stored = broker.environments.iter().find(|environment| environment.url == machine.url);
    stored.map(|environment| environment.name.clone()).ok_or_else(|| {
        Error::new(Kind::NotConfigured, format!("not logged in to {}", machine.url))
            .why(format!("{} belongs there, and the environment's own client manages it", machine.client_id))
            .next(suggest::login_to(&machine.url))
    })
}

/// The `oid` of the client's current token. Nobody checked its signature; it only says where to look, and the vault checks.
fn organization_in_token(machine: &ApiClient) -> Result<String, Error> {
    let place = machine.environment();
    let credentials = store::credentials(&place).map_err(|error| error.shown(&place.name))?;
    let grant = Vault::new(credentials, Limit::Each(crate::TIME_LIMIT))?.grant(&[])?;
    let payload = grant.token.expose().split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let claims: Option<Value> = payload.and_then(|payload| json::parse(&payload).ok());
    let oid = claims.as_ref().and_then(|claims| claims.get("oid")).and_then(Value::as_str);
    oid.filter(|oid| is_id(oid, ORGANIZATION)).map(str::to_owned).ok_or_else(|| {
        Error::new(Kind::Usage, format!("the organization of {} is not known", machine.client_id))
            .why("neither the service nor its token names it")
            .next("give it: --org org_123")
    })
}
