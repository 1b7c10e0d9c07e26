//! `status`: each environment, where its client credentials live, and whether they can be read now.

use std::time::Instant;

use super::{print, reach};
use crate::broker::{Broker, not_logged_in};
use crate::config::DEFAULT_ENVIRONMENT;
use crate::error::{Error, plain};
use crate::store::ClientCredentials;

/// Show each environment, where its client credentials live, and whether they can be read
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Also prove the client credentials against the vault
    #[arg(long)]
    check: bool,
}

pub(super) fn run(arguments: &Arguments, deadline: Instant) -> Result<(), Error> {
    let broker = Broker::load(deadline)?;
    let variables = broker.variables()?;
    let mut first_error = None;
    let mut known = 0;
    let mut show = |name: &str, place: String, credentials: Result<ClientCredentials, Error>| {
        known += 1;
        let state = match check(&broker, credentials, arguments.check) {
            Ok(state) => state.to_owned(),
            Err(error) => {
                let line = error.line();
                first_error.get_or_insert(error);
                line
            }
        };
        print(&format!("{name}: {place}\n  {state}\n"))
    };
    if let Some(credentials) = variables {
        let place = format!("{}, client {}, in the environment variables", credentials.url, credentials.client_id);
        show("environment variables", place, Ok(credentials.clone()))?;
    }
    for environment in broker.environments.iter() {
        let place = format!("{}, client {}, {}", environment.url, environment.client_id, environment.home);
        show(&environment.name, place, broker.stored_credentials(&environment.name))?;
    }
    for line in reach::lines(&broker) {
        print(&format!("{}\n", plain(&line)))?;
    }
    match first_error {
        Some(error) => Err(error),
        None if known == 0 => Err(not_logged_in(DEFAULT_ENVIRONMENT)),
        None => Ok(()),
    }
}

fn check(
    broker: &Broker,
    credentials: Result<ClientCredentials, Error>,
    ask_vault: bool,
) -> Result<&'static str, Error> {
    let vault = broker.open(credentials?)?;
    if !ask_vault {
        return Ok("the client secret can be read");
    }
    vault.prove()?;
    Ok("the client secret can be read, and the vault accepts it")
}
