//! `disconnect`: removes a connected account in the vault.

use std::time::Instant;

use super::request::Request;
use super::{confirm, note};
use crate::broker::selector;
use crate::config::Synced;
use crate::error::{Error, Kind};
use crate::suggest;
use crate::vault;

/// Remove a connected account in the vault, with the tokens it holds
///
/// The service stays configured; `connect` brings the account back, with a new consent.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    asked: Request,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

pub(super) fn run(arguments: &Arguments, deadline: Instant) -> Result<(), Error> {
    let broker = arguments.asked.broker(deadline)?;
    let (service, account) = arguments.asked.find(&broker)?;
    if service.client.is_some() {
        return Err(Error::new(Kind::Usage, format!("{} is an API client and has no account", service.name))
            .next(format!("{} deletes it in the vault", suggest::client("delete").word(&service.name))));
    }
    let what = format!("the account {} of the connection {}", account.identifier, service.connection);
    if !arguments.yes {
        confirm::needs_terminal("--yes removes it without a question")?;
        if !confirm::ask(&format!("Remove {what} with its tokens?"))? {
            return Err(Error::new(Kind::Failed, "nothing was removed"));
        }
    }
    // The question may have taken its time.
    let vault = broker.patient_vault(service)?;
    vault.delete_account(selector(service, &account)).map_err(|error| match error {
        vault::Error::NotFound => Error::new(Kind::NotConfigured, format!("there is no {}", &what["the ".len()..]))
            .next(format!("{} shows the accounts that are there", suggest::status_check())),
        error => error.into(),
    })?;
    broker.evict(service, |_| true);
    let environment = broker.environment_name(service);
    if let Some(url) = broker.url_of(environment) {
        Synced::forget(&broker.directory, environment, &url, &service.connection, &account.identifier)?;
    }
    note(format!("{what} is removed; {} asks for a new consent", broker.subject(service, &account).connect()));
    Ok(())
}
