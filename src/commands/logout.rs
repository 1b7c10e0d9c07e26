//! `logout`: removes the client credentials of one environment, or of all; the services that the user named stay.

use super::{homes, note};
use crate::cache;
use crate::config::{self, Environments, Synced};
use crate::error::Error;
use crate::service::{DEFAULT_ENVIRONMENT, Environment};

/// Remove stored client credentials
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Which environment
    #[arg(long, value_name = "NAME", default_value = DEFAULT_ENVIRONMENT)]
    environment: String,
    /// All environments
    #[arg(long, conflicts_with = "environment")]
    all: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Error> {
    let environments = Environments::load(&config::directory()?)?;
    environments.misspelled.iter().for_each(note);
    let wanted: Vec<&Environment> = match arguments.all {
        true => environments.iter().collect(),
        false => environments.get(&arguments.environment).into_iter().collect(),
    };
    if wanted.is_empty() {
        let whose =
            if arguments.all { "any environment".into() } else { format!("the environment {}", arguments.environment) };
        note(format!("you are not logged in to {whose}, so there is nothing to remove"));
    }
    // One home that cannot be emptied keeps no other from being so.
    wanted.into_iter().map(|environment| log_out(&environments, environment)).fold(Ok(()), Result::and)
}

fn log_out(environments: &Environments, environment: &Environment) -> Result<(), Error> {
    let directory = config::directory()?;
    let left = homes::empty(environments, environment)?;
    Environments::remove(&directory, &environment.name)?;
    cache::evict(|key, _| key.is_of(&environment.url, &environment.client_id));
    Synced::remove(&directory, &environment.name)?;
    note(format!(
        "logged out of {} (environment {}); the services that you configured stay, those that `sync` found are \
         forgotten",
        environment.url, environment.name
    ));
    left.into_iter().for_each(note);
    Ok(())
}
