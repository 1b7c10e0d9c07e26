//! What a service is already, where CONNECTION is left out.

use std::time::Instant;

use super::Arguments;
use crate::commands::load;
use crate::error::{Error, Kind};
use crate::service::Origin;
use crate::suggest;

/// What a service stands for.
pub(super) enum Found {
    /// A connection, and its environment, where the service names one.
    Connection { name: String, environment: Option<String> },
    /// An API client.
    Client(String),
}

/// What the service of this name stands for: as typed, else as it was configured or `sync` found it.
pub(super) fn find(arguments: &Arguments, name: &str) -> Result<Found, Error> {
    let environment = arguments.environment.clone();
    let found = match &arguments.connection {
        Some(connection) => Found::Connection { name: connection.clone(), environment },
        None => {
            let broker = load(arguments.environment.as_deref(), Instant::now())?;
            let service = broker.service(name)?;
            match &service.client {
                Some(client) => Found::Client(client.client_id.clone()),
                None => Found::Connection {
                    name: service.connection.clone(),
                    // One that sync found is in the environment that was synced.
                    environment: environment
                        .or_else(|| service.environment.clone().filter(|_| service.origin == Origin::Sync)),
                },
            }
        }
    };
    match (&found, foreign_option(&found, arguments)) {
        (_, None) => Ok(found),
        (Found::Connection { .. }, Some(option)) => {
            Err(Error::new(Kind::Usage, format!("{name} is a connection, which has no {option}"))
                .next(format!("{} makes a service of an API client", suggest::config_client("SERVICE", "ID"))))
        }
        (Found::Client(_), Some(option)) => {
            Err(Error::new(Kind::Usage, format!("{name} is an API client, which has no {option}")))
        }
    }
}

/// The first option that was given and is for the other kind.
fn foreign_option(found: &Found, arguments: &Arguments) -> Option<&'static str> {
    let Arguments { secret_stdin, scopes, username, env_url, home, provider, identifier, account, user, .. } =
        arguments;
    let others: &[_] = match found {
        Found::Connection { .. } => &[
            (*secret_stdin, "--secret-stdin"),
            (!scopes.is_empty(), "--scope"),
            (username.is_some(), "--username"),
            (env_url.is_some(), "--env-url"),
            (home.is_some(), "--home"),
        ],
        Found::Client(_) => &[
            (provider.is_some(), "--provider"),
            (identifier.is_some(), "--identifier"),
            (account.is_some(), "--as"),
            (user.is_some(), "--user"),
        ],
    };
    others.iter().find_map(|(is_given, option)| is_given.then_some(*option))
}
