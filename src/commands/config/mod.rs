//! `config`: names a connection, or an API client, as a service.

mod known;
mod machine;

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::builder::PossibleValuesParser;

use super::homes::HomeArgument;
use super::note;
use crate::broker::Broker;
use crate::config::{self, Synced};
use crate::error::{Error, Kind};
use crate::resolve::{Chosen, has_hosts_of_its_own, hosts_in_short, why_no_hosts};
use crate::service::{
    CONNECTION_RULE, IDENTIFIER_RULE, NamedAccount, Origin, Owner, Pattern, RECEIVERS, SCALEKIT_ID_RULE, SERVICE_RULE,
    Service, Services, Unusable, is_connection_name, is_identifier, is_scalekit_id, is_service_name,
};
use crate::shown;
use crate::similar::nearest;
use crate::suggest;
use known::Found;

/// Name a connection as a service, and say which hosts are its own
///
/// Options that are not given keep what was configured before. A service that is configured, or that `sync` found, needs no CONNECTION.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A short name of your own: gmail, github-work
    #[arg(required_unless_present = "import")]
    service: Option<String>,
    /// The connection name of Scalekit dashboard, AgentKit > Connections
    connection: Option<String>,
    /// The provider, where the names do not say it: GITHUB
    #[arg(long, value_name = "PROVIDER")]
    provider: Option<String>,
    /// Whose account inside the connection
    #[arg(long, value_name = "ID")]
    identifier: Option<String>,
    /// A short name for this account, to keep several of one service apart; the first one is the usual one, see `use`
    #[arg(long = "as", value_name = "NAME")]
    account: Option<String>,
    /// The environment it belongs to
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// A host that gets this service's token, instead of the provider's own: api.example.com, *.example.com,
    /// github.com/acme, http://127.0.0.1:8080; may be repeated. With --as, where that account alone is the one
    #[arg(long = "host", value_name = "PATTERN")]
    hosts: Vec<String>,
    /// The commands and helper protocols that may have its token, with commas between them; all lifts the limit. It guards
    /// against accidents, not against programs of yours
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = PossibleValuesParser::new(RECEIVERS.into_iter().chain([ALL])))]
    only: Vec<String>,
    /// An API client of an organization, in a connection's place: its tokens are JWTs by client credentials
    #[arg(long, value_name = "ID", conflicts_with_all = ["connection", "provider", "identifier", "account"])]
    client_id: Option<String>,
    /// Read the API client's secret from stdin, prove it, and store it
    #[arg(long)]
    secret_stdin: bool,
    /// A scope to ask for; may be repeated. Without any, the token has all that the API client has
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// The user name beside the API client's token, for docker and for git servers that take Basic alone
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// The account's organization, org_123, where the environment tells accounts apart by it; the API client's, which `client
    /// rotate` needs
    #[arg(long, visible_alias = "org", value_name = "ORG")]
    organization: Option<String>,
    /// The account's user, usr_123, where the environment tells accounts apart by it
    #[arg(long, value_name = "USER", conflicts_with = "client_id")]
    user: Option<String>,
    /// The URL of the API client's environment, where it is not one that is logged in to
    #[arg(long, value_name = "URL")]
    env_url: Option<String>,
    /// Where the API client's secret lives: keyring or file:PATH
    #[arg(long, value_name = "HOME", value_parser = HomeArgument::parse)]
    home: Option<HomeArgument>,
    /// Take over the services of another connections.json
    #[arg(long, value_name = "PATH", exclusive = true)]
    import: Option<PathBuf>,
}

pub(super) fn run(arguments: Arguments) -> Result<(), Error> {
    if let Some(path) = &arguments.import {
        return import(path);
    }
    let Some(name) = &arguments.service else { return Err(Error::new(Kind::Usage, "the service is missing")) };
    check("service", name, is_service_name, SERVICE_RULE)?;
    if let Some(client_id) = &arguments.client_id {
        check("client id", client_id, is_connection_name, CONNECTION_RULE)?;
        return machine::configure(&arguments, &super::load(None, Instant::now())?, name, client_id);
    }
    let found = known::find(&arguments, name)?;
    let (connection, environment) = match &found {
        Found::Client(client_id) => {
            return machine::configure(&arguments, &super::load(None, Instant::now())?, name, client_id);
        }
        Found::Connection { name, environment } => (name, environment),
    };
    check("connection name", connection, is_connection_name, CONNECTION_RULE)?;
    if let Some(identifier) = &arguments.identifier {
        check("identifier", identifier, is_identifier, IDENTIFIER_RULE)?;
    }
    for (what, id) in [("organization id", &arguments.organization), ("user id", &arguments.user)] {
        id.as_ref().map_or(Ok(()), |id| check(what, id, is_scalekit_id, SCALEKIT_ID_RULE))?;
    }
    if let Some(environment) = environment {
        check("environment", environment, is_service_name, SERVICE_RULE)?;
    }
    let broker = super::load(None, Instant::now())?;
    // What it was; what it will be gets the vault's word, too.
    let forget = |broker: &Broker| broker.services.get(name).map(|service| broker.evict(service, |_| true));
    forget(&broker);
    Services::edit(&broker.directory, name, |before| {
        let mut service = merge(before, &arguments, name, connection, environment.as_deref())?;
        check_hosts(&broker, &service)?;
        if let Some(known) = broker.services.get(name).filter(|known| known.connection == *connection) {
            service.learned.clone_from(&known.learned);
        }
        check_provider(&service)?;
        Ok::<_, Error>(service)
    })?;
    let broker = Broker::load(Instant::now())?;
    forget(&broker);
    report(&broker, broker.service(name)?)
}

fn check_provider(service: &Service) -> Result<(), Error> {
    let name = &service.name;
    service.provider().map(drop).map_err(|why| {
        Error::new(Kind::Usage, format!("it is not clear whose service {name} is"))
            .why(why)
            .next(suggest::config(service).option("--provider", "PROVIDER"))
    })
}

fn check(what: &str, value: &str, fits: fn(&str) -> bool, rule: &str) -> Result<(), Error> {
    if fits(value) {
        return Ok(());
    }
    Err(Error::new(Kind::Usage, format!("{value:?} cannot be a {what}")).why(rule))
}

/// In the place of their names: no limit.
const ALL: &str = "all";

/// Who may have the token: `None` leaves it as it was.
fn only(names: &[String]) -> Result<Option<Vec<String>>, Error> {
    if names == [ALL] {
        return Ok(Some(Vec::new()));
    }
    if names.iter().any(|name| name == ALL) {
        return Err(Error::new(Kind::Usage, "--only all lifts the limit and stands alone"));
    }
    Ok(Some(names.to_vec()).filter(|names| !names.is_empty()))
}

fn merge(
    before: Option<Service>,
    arguments: &Arguments,
    name: &str,
    connection: &str,
    environment: Option<&str>,
) -> Result<Service, Error> {
    let hosts = arguments.hosts.iter().map(|text| pattern(text)).collect::<Result<Vec<_>, _>>()?;
    if before.as_ref().is_some_and(|service| service.client.is_some()) {
        return Err(Error::new(Kind::Usage, format!("{name} is an API client already"))
            .next(format!("choose another name, or {} first", suggest::remove(name))));
    }
    let mut service = before.unwrap_or_else(|| Service::new(name, connection, Origin::User));
    // What a person configures yields to nothing that sync finds.
    service.origin = Origin::User;
    if let Some(only) = only(&arguments.only)? {
        service.only = only;
    }
    service.connection = connection.to_owned();
    if let Some(provider) = &arguments.provider {
        service.provider = Some(provider.to_ascii_uppercase());
    }
    if let Some(environment) = environment {
        service.environment = Some(environment.to_owned());
    }
    let owner = Owner { organization_id: arguments.organization.clone(), user_id: arguments.user.clone() };
    if let Some(account) = &arguments.account {
        return with_account(service, account, arguments.identifier.as_deref(), owner, hosts);
    }
    service.owner.change(owner);
    if arguments.identifier.is_some() {
        service.identifier.clone_from(&arguments.identifier);
    } else if service.identifier.is_none() {
        service.identifier = config::name_in_identity_file();
    }
    if !hosts.is_empty() {
        service.hosts = hosts;
    }
    Ok(service)
}

/// A host pattern that somebody typed.
pub(super) fn pattern(text: &str) -> Result<Pattern, Error> {
    Pattern::parse(text).map_err(|error| {
        Error::new(Kind::Usage, format!("{:?} cannot be a host pattern", shown::place(text))).why(error)
    })
}

/// Adds the account of this short name, or changes it.
fn with_account(
    mut service: Service,
    name: &str,
    identifier: Option<&str>,
    owner: Owner,
    hosts: Vec<Pattern>,
) -> Result<Service, Error> {
    check("name for an account", name, is_service_name, SERVICE_RULE)?;
    let known = service.accounts.iter_mut().find(|account| account.name == name);
    let identifier = match (&known, identifier) {
        (_, Some(identifier)) => identifier.to_owned(),
        (Some(known), None) => known.identifier.clone(),
        (None, None) => {
            return Err(Error::new(Kind::Usage, format!("{} has no account {name} yet", service.name))
                .next(format!("say whose it is: --identifier ID --as {name}")));
        }
    };
    service.identifier.get_or_insert_with(|| identifier.clone());
    match known {
        Some(known) => {
            known.identifier = identifier;
            known.owner.change(owner);
            if !hosts.is_empty() {
                known.hosts = hosts;
            }
        }
        None => service.accounts.push(NamedAccount { name: name.to_owned(), identifier, owner, hosts }),
    }
    Ok(service)
}

/// No host of a Scalekit environment may be claimed.
pub(super) fn check_hosts(broker: &Broker, service: &Service) -> Result<(), Error> {
    let own = broker.own_hosts();
    let mut hosts = service.hosts.iter().chain(service.accounts.iter().flat_map(|account| &account.hosts));
    match hosts.find(|pattern| own.contains(pattern.authority())) {
        Some(pattern) => Err(Error::new(Kind::Usage, format!("{pattern} is a Scalekit environment's own host"))
            .why("it never gets an account's token")),
        None => Ok(()),
    }
}

fn report(broker: &Broker, service: &Service) -> Result<(), Error> {
    let name = &service.name;
    let hosts = hosts_in_short(service);
    let account = broker.account(service, &Chosen::default())?;
    note(format!("{name} is the connection {}, identifier {}", service.connection, account.identifier));
    warn_of_unknown_connection(broker, service)?;
    if !hosts.is_empty() {
        note(format!("it answers for {}", hosts.join(", ")));
        if let Some(row) = service.row().filter(|row| !row.places.is_empty() && has_hosts_of_its_own(service)) {
            note(format!("it answers for no other host of {}, because it has hosts of its own", row.id));
        }
        return Ok(());
    }
    note(format!("it answers for no host: {}", why_no_hosts(service)));
    Ok(())
}

/// Where `sync` read the environment, it is known which connections there are.
fn warn_of_unknown_connection(broker: &Broker, service: &Service) -> Result<(), Error> {
    let environment = broker.environment_name(service);
    let synced = Synced::load(&broker.directory)?;
    let known = broker.url_of(environment).and_then(|url| synced.get(environment, &url).cloned());
    let Some(known) = known.filter(|known| known.synced_at.is_some()) else { return Ok(()) };
    let connection = &service.connection;
    let names: Vec<&str> = known.connections.iter().map(|known| known.name.as_str()).collect();
    if !names.contains(&connection.as_str()) {
        let near = match nearest(connection, names) {
            Some(near) => format!("; did you mean {near}?"),
            None => ";".to_owned(),
        };
        note(format!(
            "the environment {environment} had no connection {connection} when it was synced{near} {} reads it again",
            suggest::sync(environment)
        ));
    }
    Ok(())
}

fn import(path: &Path) -> Result<(), Error> {
    if !path.is_file() {
        return Err(Error::new(Kind::Usage, format!("there is no file {}", path.display())));
    }
    let (taken, left) = Services::import(&config::directory()?, path)?;
    if !taken.is_empty() {
        note(format!("taken over: {}", taken.join(", ")));
    }
    if !left.is_empty() {
        note(format!("left out, because they are configured differently or are no services: {}", left.join(", ")));
    }
    for Unusable { claim, reason } in Services::load(&config::directory()?)?.unusable {
        note(format!("{} is there, but cannot be used: {reason}", claim.name));
    }
    Ok(())
}
