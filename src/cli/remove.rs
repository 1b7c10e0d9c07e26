//! `remove`: forgets a service; the connected account in the vault stays.

use super::note;
use crate::config::{self, Services};
use crate::error::{Error, Kind};

/// Remove a service
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The service's name
    service: String,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Error> {
    if Services::remove(&config::directory()?, &arguments.service)? {
        note(format!("{} is removed; its connected account stays in the vault", arguments.service));
        return Ok(());
    }
    Err(Error::new(Kind::NotConfigured, format!("the service {} is not configured", arguments.service))
        .next("`scalekit-auth list` shows the services"))
}
