//! `logout`: removes the client credentials of one environment; services and other environments stay.

use super::{homes, note};
use crate::broker::not_logged_in;
use crate::cache;
use crate::config::{self, DEFAULT_ENVIRONMENT, Environments, Synced};
use crate::error::Error;

/// Remove stored client credentials
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Which environment
    #[arg(long, value_name = "NAME", default_value = DEFAULT_ENVIRONMENT)]
    environment: String,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Error> {
    let name = &arguments.environment;
    let directory = config::directory()?;
    let environments = Environments::load(&directory)?;
    let environment = environments.get(name).ok_or_else(|| not_logged_in(name))?;
    let left = homes::empty(&environments, environment)?;
    Environments::remove(&directory, name)?;
    cache::evict(|key, _| key.is_of(&environment.url, &environment.client_id));
    Synced::remove(&directory, name)?;
    note(format!("logged out of {} (environment {name}); the configured services stay", environment.url));
    if let Some(left) = left {
        note(left);
    }
    Ok(())
}
