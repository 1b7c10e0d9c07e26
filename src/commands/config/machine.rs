//! `config SERVICE --client-id ID`: makes a service of an API client that exists already.

use super::{Arguments, check_hosts, only, pattern};
use crate::broker::Broker;
use crate::cache;
use crate::commands::{homes, note, terminal};
use crate::error::{Error, Kind};
use crate::secret::Secret;
use crate::service::{
    ApiClient, ClientCredentials, CredentialsOrigin, EnvironmentUrl, HomeChoice, Origin, Service, Services,
};
use crate::store;
use crate::suggest;
use crate::vault::{Limit, Vault};

/// Longer than any client secret, in bytes.
const LONGEST_SECRET: usize = 4096;

/// Stores the secret, if one is given, once the vault took it, and writes the service.
pub(super) fn configure(arguments: &Arguments, broker: &Broker, name: &str, client_id: &str) -> Result<(), Error> {
    let before = broker.services.get(name).filter(|service| service.origin == Origin::User).cloned();
    let old = before.as_ref().and_then(|service| service.client.clone()).filter(|old| old.client_id == client_id);
    let service = with_client(before, arguments, broker, name, machine(arguments, broker, old.as_deref(), client_id)?)?;
    let Some(client) = &service.client else { return Ok(()) };
    if arguments.secret_stdin {
        // A file that is there and not ours is left alone.
        let is_ours = old.as_ref().is_some_and(|old| old.home == client.home);
        store_secret(client, read_secret()?, is_ours || client.home == HomeChoice::Keyring)?;
    } else {
        // What is in the home already will do, if it is this client's.
        store::credentials(&client.environment()).map_err(|error| {
            let again = suggest::config_client(name, client_id).word("--secret-stdin");
            Error::from(error).next(again.with_stdin())
        })?;
    }
    Services::edit(&broker.directory, name, |_| Ok::<_, Error>(service.clone()))?;
    cache::evict(|key, _| key.is_of(&client.url, &client.client_id));
    note(format!("{name} is the API client {client_id}; its secret is {}", client.home));
    let hosts: Vec<String> = service.hosts.iter().map(ToString::to_string).collect();
    if hosts.is_empty() {
        note(format!("{} works, but it answers for no host: name some with --host HOST", suggest::token(name)));
    } else {
        note(format!("it answers for {}", hosts.join(", ")));
    }
    Ok(())
}

fn machine(
    arguments: &Arguments,
    broker: &Broker,
    old: Option<&ApiClient>,
    client_id: &str,
) -> Result<ApiClient, Error> {
    let environment = arguments.environment.as_deref().unwrap_or_else(|| broker.active_environment());
    let url = arguments.env_url.clone().or(old.map(|old| old.url.clone())).or_else(|| broker.url_of(environment));
    let Some(url) = url else {
        return Err(Error::new(Kind::Usage, "the environment's URL is not known")
            .next("give it: --env-url https://NAME.scalekit.com, or log in to the environment first"));
    };
    let url = EnvironmentUrl::parse(&url).map_err(store::Error::Url)?.to_string();
    let mut home = match &arguments.home {
        Some(home) => home.choice(false, &[])?,
        None => old.map_or(HomeChoice::Keyring, |old| old.home.clone()),
    };
    if arguments.secret_stdin {
        homes::mark_as_written(&mut home);
    }
    let kept = |given: &Option<String>, old: Option<&Option<String>>| given.clone().or(old.cloned().flatten());
    Ok(ApiClient {
        url,
        client_id: client_id.to_owned(),
        organization: kept(&arguments.organization, old.map(|old| &old.organization)),
        scopes: if arguments.scopes.is_empty() {
            old.map(|old| old.scopes.clone()).unwrap_or_default()
        } else {
            arguments.scopes.clone()
        },
        username: kept(&arguments.username, old.map(|old| &old.username)),
        home,
    })
}

fn with_client(
    before: Option<Service>,
    arguments: &Arguments,
    broker: &Broker,
    name: &str,
    client: ApiClient,
) -> Result<Service, Error> {
    if before.as_ref().is_some_and(|service| service.client.is_none()) {
        return Err(Error::new(Kind::Usage, format!("{name} is a connection already"))
            .next(format!("choose another name, or {} first", suggest::remove(name))));
    }
    let mut service = before.unwrap_or_else(|| Service::new(name, &client.client_id, Origin::User));
    if let Some(only) = only(&arguments.only)? {
        service.only = only;
    }
    service.connection.clone_from(&client.client_id);
    service.identifier = Some(client.client_id.clone());
    service.client = Some(Box::new(client));
    let hosts = arguments.hosts.iter().map(|text| pattern(text)).collect::<Result<Vec<_>, _>>()?;
    if !hosts.is_empty() {
        service.hosts = hosts;
    }
    check_hosts(broker, &service)?;
    Ok(service)
}

fn read_secret() -> Result<Secret<String>, Error> {
    let secret = terminal::read_secret("Client secret")?;
    let is_visible = secret.expose().bytes().all(|b| (0x21..=0x7e).contains(&b));
    if secret.expose().is_empty() || secret.expose().len() > LONGEST_SECRET || !is_visible {
        return Err(
            Error::new(Kind::Usage, "there is no client secret on stdin").why("it is one line of visible characters")
        );
    }
    Ok(secret)
}

fn store_secret(client: &ApiClient, client_secret: Secret<String>, replace: bool) -> Result<(), Error> {
    let environment = client.environment();
    let url = EnvironmentUrl::parse(&client.url).map_err(store::Error::Url)?;
    let credentials =
        ClientCredentials { url, client_id: client.client_id.clone(), client_secret, origin: CredentialsOrigin::Given };
    Vault::new(credentials.clone(), Limit::Each(crate::TIME_LIMIT))?.grant(&client.scopes)?;
    let undo = store::open(&environment.name, &environment.home).write(&credentials, replace)?;
    let stored = store::credentials(&environment);
    if stored.as_ref().is_ok_and(|stored| stored.client_secret.expose() == credentials.client_secret.expose()) {
        return Ok(());
    }
    if let Err(error) = undo() {
        note(format!("what was stored {} could not be taken back: {error}", environment.home));
    }
    Err(Error::new(Kind::Failed, format!("what was stored {} reads back changed", environment.home)))
}
