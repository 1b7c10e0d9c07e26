//! `remove`: forgets a service; the connected account in the vault stays.

use std::time::Instant;

use super::note;
use crate::config::Services;
use crate::error::{Error, Kind};

/// Remove a service
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The service's name
    service: String,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Error> {
    let broker = super::load(None, Instant::now())?;
    if Services::remove(&broker.directory, &arguments.service)? {
        if let Some(service) = broker.services.get(&arguments.service) {
            broker.evict(service, |_| true);
        }
        note(format!("{} is removed; its connected account stays in the vault", arguments.service));
        return Ok(());
    }
    let error = Error::new(Kind::NotConfigured, format!("the service {} is not configured", arguments.service))
        .next("`scalekit-auth list` shows the services");
    if broker.services.get(&arguments.service).is_some() {
        return Err(error
            .why("`sync` found it in your Scalekit environment")
            .next("remove or switch off its connection in the dashboard, then `scalekit-auth sync`"));
    }
    Err(error)
}
