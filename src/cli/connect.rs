//! `connect`: the link where a person grants or renews consent.

use std::time::Instant;

use super::{Asked, print};
use crate::consent::Failure;
use crate::error::Error;

/// Print a link where a person grants or renews consent
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    asked: Asked,
    /// Give a link although the account is ACTIVE, to renew its consent
    #[arg(long)]
    renew: bool,
}

pub(super) fn run(arguments: &Arguments, deadline: Instant) -> Result<(), Error> {
    let broker = arguments.asked.broker(deadline)?;
    let (service, account) = arguments.asked.find(&broker)?;
    let Some(consent) = broker.consent(service, &account, arguments.renew)? else {
        return print(&format!("{} is connected (identifier {}); nothing to do\n", service.name, account.identifier));
    };
    match &consent.link {
        Ok(_) => print(&format!("{}\n", crate::error::plain(&consent.message()))),
        Err(_) => Err(Failure::Consent(Box::new(consent)).into()),
    }
}
