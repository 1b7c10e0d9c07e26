//! `config`: names a connection as a service.

use std::path::{Path, PathBuf};
use std::time::Instant;

use super::note;
use crate::broker::Broker;
use crate::config::{
    self, CONNECTION_RULE, IDENTIFIER_RULE, SERVICE_RULE, Service, Services, is_connection_name, is_identifier,
    is_service_name,
};
use crate::error::{Error, Kind, without_userinfo};
use crate::resolve::{Pattern, catalogue, rules};

/// Name a connection as a service, and say which hosts are its own
///
/// Options that are not given keep what was configured before.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A short name of your own: gmail, github-work
    #[arg(required_unless_present = "import")]
    service: Option<String>,
    /// The connection name of Scalekit dashboard, AgentKit > Connections
    #[arg(required_unless_present = "import")]
    connection: Option<String>,
    /// The provider, where the names do not say it: GITHUB
    #[arg(long, value_name = "PROVIDER")]
    provider: Option<String>,
    /// Whose account inside the connection
    #[arg(long, value_name = "NAME")]
    identifier: Option<String>,
    /// The environment it belongs to
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// A host that gets this service's token, instead of the provider's own: api.example.com, *.example.com,
    /// github.com/acme, http://127.0.0.1:8080; may be repeated
    #[arg(long = "host", value_name = "PATTERN")]
    hosts: Vec<String>,
    /// Take over the services of another connections.json
    #[arg(long, value_name = "PATH", exclusive = true)]
    import: Option<PathBuf>,
}

pub(super) fn run(arguments: Arguments) -> Result<(), Error> {
    let Arguments { service: Some(name), connection: Some(connection), .. } = &arguments else {
        return match &arguments.import {
            Some(path) => import(path),
            None => Err(Error::new(Kind::Usage, "service and connection are missing")),
        };
    };
    check("service", name, is_service_name, SERVICE_RULE)?;
    check("connection name", connection, is_connection_name, CONNECTION_RULE)?;
    if let Some(identifier) = &arguments.identifier {
        check("identifier", identifier, is_identifier, IDENTIFIER_RULE)?;
    }
    if let Some(environment) = &arguments.environment {
        check("environment", environment, is_service_name, SERVICE_RULE)?;
    }
    let broker = Broker::load(Instant::now())?;
    let service = Services::edit(&broker.directory, name, |before| {
        let service = merge(before, &arguments, name, connection)?;
        check_hosts(&broker, &service)?;
        check_provider(&service)?;
        Ok::<_, Error>(service)
    })?;
    report(&broker, &service)
}

fn check_provider(service: &Service) -> Result<(), Error> {
    let Service { name, connection, .. } = service;
    service.provider().map(drop).map_err(|why| {
        Error::new(Kind::Usage, format!("it is not clear whose service {name} is"))
            .why(why)
            .next(format!("scalekit-auth config {name} {connection} --provider PROVIDER"))
    })
}

fn check(what: &str, value: &str, fits: fn(&str) -> bool, rule: &str) -> Result<(), Error> {
    if fits(value) {
        return Ok(());
    }
    Err(Error::new(Kind::Usage, format!("{value:?} cannot be a {what}")).why(rule))
}

fn merge(before: Option<Service>, arguments: &Arguments, name: &str, connection: &str) -> Result<Service, Error> {
    let hosts = arguments.hosts.iter().map(|text| {
        Pattern::parse(text).map_err(|error| {
            Error::new(Kind::Usage, format!("{:?} cannot be a host pattern", without_userinfo(text))).why(error)
        })
    });
    let hosts = hosts.collect::<Result<Vec<_>, _>>()?;
    let mut service = before.unwrap_or_else(|| Service {
        name: name.to_owned(),
        connection: String::new(),
        identifier: None,
        provider: None,
        environment: None,
        hosts: Vec::new(),
    });
    service.connection = connection.to_owned();
    if let Some(provider) = &arguments.provider {
        service.provider = Some(provider.to_ascii_uppercase());
    }
    if arguments.identifier.is_some() {
        service.identifier.clone_from(&arguments.identifier);
    } else if service.identifier.is_none() {
        service.identifier = config::name_in_identity_file();
    }
    if arguments.environment.is_some() {
        service.environment.clone_from(&arguments.environment);
    }
    if !hosts.is_empty() {
        service.hosts = hosts;
    }
    Ok(service)
}

fn check_hosts(broker: &Broker, service: &Service) -> Result<(), Error> {
    let own = broker.own_hosts();
    match service.hosts.iter().find(|pattern| own.contains(pattern.authority())) {
        Some(pattern) => Err(Error::new(Kind::Usage, format!("{pattern} is a Scalekit environment's own host"))
            .why("it never gets an account's token")),
        None => Ok(()),
    }
}

fn report(broker: &Broker, service: &Service) -> Result<(), Error> {
    let name = &service.name;
    let provider = service.provider().ok().flatten();
    let provider = provider.as_deref();
    let hosts: Vec<String> = rules(service).iter().map(|rule| rule.pattern.to_string()).collect();
    let account = broker.account(service, None)?;
    note(format!("{name} is the connection {}, identifier {}", service.connection, account.identifier));
    if !hosts.is_empty() {
        note(format!("it answers for {}", hosts.join(", ")));
        return Ok(());
    }
    let tenants = provider.and_then(catalogue::provider).map_or(&[][..], |row| row.tenants);
    let why = match (provider, tenants.first()) {
        (Some(_), Some(suffix)) => {
            format!("your own host below {suffix} is not known yet; name it with --host NAME.{suffix}")
        }
        (Some(provider), None) => format!("no hosts of {provider} are built in; name them with --host HOST"),
        (None, _) => "no provider is known for it; name one with --provider, or hosts with --host".to_owned(),
    };
    note(format!("`scalekit-auth token {name}` works, but it answers for no host: {why}"));
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
    for (name, reason) in Services::load(&config::directory()?)?.unusable {
        note(format!("{name} is there, but cannot be used: {reason}"));
    }
    Ok(())
}
