//! `use`: which account of a service is its usual one.

use super::note;
use crate::config;
use crate::error::{Error, Kind};
use crate::service::Services;
use crate::suggest;

/// Choose which account of a service is its usual one
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The service's name
    service: String,
    /// The account's short name or identifier
    account: String,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Error> {
    let Arguments { service: name, account } = arguments;
    let directory = config::directory()?;
    let services = Services::load(&directory)?;
    services.misspelled.iter().for_each(note);
    if services.get(name).is_none() {
        return Err(Error::new(Kind::NotConfigured, format!("the service {name} is not configured"))
            .why("accounts have names only in services that you configured")
            .next(suggest::config_new(name).option("--identifier", "IDENTIFIER").option("--as", account)));
    }
    let service = Services::edit(&directory, name, |before| {
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
    })?;
    note(format!("{name} uses the account {}", service.identifier.unwrap_or_default()));
    Ok(())
}
