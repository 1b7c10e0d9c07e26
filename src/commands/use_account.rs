//! `use`: which account of a service is its usual one, and where the service comes before others that are as good.

use std::time::Instant;

use super::config::{check_hosts, pattern};
use super::note;
use crate::broker::Broker;
use crate::config;
use crate::error::{Error, Kind};
use crate::resolve::rules;
use crate::service::{Pattern, Service, Services};
use crate::suggest;

/// Choose which account of a service is its usual one, or where it comes before others
///
/// With --for, the service answers for a host that another one has as well, such as a second connection of the same provider; it
/// keeps all other hosts.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The service's name
    service: String,
    /// The account's short name or identifier
    #[arg(required_unless_present = "places")]
    account: Option<String>,
    /// A host of the service's, perhaps with a path, for which others are as good: github.com, github.com/acme; may be repeated
    #[arg(long = "for", value_name = "HOST")]
    places: Vec<String>,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Error> {
    let Arguments { service: name, account, places } = arguments;
    let places = places.iter().map(|text| pattern(text)).collect::<Result<Vec<_>, _>>()?;
    let directory = config::directory()?;
    let services = Services::load(&directory)?;
    services.misspelled.iter().for_each(note);
    if let Some(account) = account {
        let service = use_account(&directory, &services, name, account)?;
        note(format!("{name} uses the account {}", service.identifier.unwrap_or_default()));
    }
    if !places.is_empty() {
        prefer(&Broker::load(Instant::now())?, name, &places)?;
        let places: Vec<String> = places.iter().map(ToString::to_string).collect();
        note(format!("{name} comes before others for {}", places.join(", ")));
    }
    Ok(())
}

fn use_account(directory: &std::path::Path, services: &Services, name: &str, account: &str) -> Result<Service, Error> {
    if services.get(name).is_none() {
        return Err(Error::new(Kind::NotConfigured, format!("the service {name} is not configured"))
            .why("accounts have names only in services that you configured")
            .next(suggest::config_new(name).option("--identifier", "IDENTIFIER").option("--as", account)));
    }
    Services::edit(directory, name, |before| {
        let mut service = before.ok_or_else(|| Error::new(Kind::NotConfigured, format!("{name} cannot be used")))?;
        let Some(identifier) = service.account_called(account).map(str::to_owned) else {
            let known: Vec<&str> = service.accounts.iter().map(|account| account.name.as_str()).collect();
            return Err(Error::new(Kind::Usage, format!("{name} has no account {account}"))
                .why(format!("there are: {}", known.join(", ")))
                .next(format!(
                    "{} adds one",
                    suggest::config(&service).option("--identifier", "IDENTIFIER").option("--as", account)
                )));
        };
        service.identifier = Some(identifier);
        Ok(service)
    })
}

/// Lets the service of this name come before others at `places`, and no other service there any more.
fn prefer(broker: &Broker, name: &str, places: &[Pattern]) -> Result<(), Error> {
    let service = broker.service(name)?;
    for place in places {
        if !rules(service).iter().any(|rule| rule.pattern.authority() == place.authority()) {
            return Err(Error::new(Kind::Usage, format!("{name} does not answer for {place}"))
                .why("--for decides between services that both answer for a host, and gives none to either")
                .next(suggest::config(service).option("--host", place.to_string())));
        }
    }
    let others = broker.services.iter().filter(|other| other.name != name);
    for other in others.filter(|other| other.preferred_for.iter().any(|place| places.contains(place))) {
        Services::edit(&broker.directory, &other.name, |before| {
            let mut other = before.unwrap_or_else(|| other.clone());
            other.preferred_for.retain(|place| !places.contains(place));
            Ok::<_, Error>(other)
        })?;
    }
    Services::edit(&broker.directory, name, |before| {
        // What `sync` found is written down with what is known of it.
        let mut service = before.unwrap_or_else(|| service.clone());
        service
            .preferred_for
            .extend(places.iter().filter(|place| !service.preferred_for.contains(place)).cloned().collect::<Vec<_>>());
        check_hosts(broker, &service)?;
        Ok::<_, Error>(service)
    })?;
    Ok(())
}
