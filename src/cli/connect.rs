//! `connect`: the link where a person grants or renews consent.

use std::time::Instant;

use super::{Place, print};
use crate::broker::{Broker, Failure};
use crate::error::Error;

/// Print a link where a person grants or renews consent
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A service, host or URL
    place: String,
    /// Whose account inside the connection
    #[arg(long, value_name = "NAME")]
    identifier: Option<String>,
    /// Give a link although the account is ACTIVE, to renew its consent
    #[arg(long)]
    renew: bool,
}

pub(super) fn run(arguments: &Arguments, deadline: Instant) -> Result<(), Error> {
    let place = Place::parse(&arguments.place)?;
    let broker = Broker::load(deadline)?;
    let (service, _) = place.service(&broker)?;
    let account = broker.account(service, arguments.identifier.as_deref())?;
    let Some(consent) = broker.consent(service, &account, arguments.renew)? else {
        return print(&format!("{} is connected (identifier {}); nothing to do\n", service.name, account.identifier));
    };
    match &consent.link {
        Ok(_) => print(&format!("{}\n", crate::error::plain(&consent.message()))),
        Err(_) => Err(Failure::Consent(Box::new(consent)).into()),
    }
}
