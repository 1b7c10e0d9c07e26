//! `remove`: forgets a service; the connected account in the vault stays.

use std::time::Instant;

use super::note;
use crate::error::{Error, Kind};
use crate::service::Services;
use crate::suggest;

/// Remove a service
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The service's name
    service: String,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Error> {
    let broker = super::load(None, Instant::now())?;
    let name = &arguments.service;
    if Services::remove(&broker.directory, name)? {
        let service = broker.services.get(name);
        if let Some(service) = service {
            broker.evict(service, |_| true);
        }
        note(match service.map(|service| service.client.is_some()) {
            Some(true) => format!("{name} is removed; the API client and its secret stay"),
            Some(false) => format!("{name} is removed; its connected account stays in the vault"),
            None => format!("{name} is removed"),
        });
        return Ok(());
    }
    let error = Error::new(Kind::NotConfigured, format!("the service {} is not configured", arguments.service))
        .next(format!("{} shows the services", suggest::list(None)));
    if broker.services.get(&arguments.service).is_some() {
        return Err(error.why("`sync` found it in your Scalekit environment").next(format!(
            "remove or switch off its connection in the dashboard, then {}",
            suggest::sync(broker.active_environment())
        )));
    }
    Err(error)
}
