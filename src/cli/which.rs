//! `which`: who would answer for a place, and why, without network or keyring.

use std::time::Instant;

use super::{Asked, Place, print};
use crate::broker::Broker;
use crate::error::{Error, plain};

/// Say which service and account would answer for a URL, or why none would
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    asked: Asked,
}

pub(super) fn run(arguments: &Arguments, deadline: Instant) -> Result<(), Error> {
    let place = arguments.asked.place()?;
    let broker = Broker::load(deadline)?;
    let (service, rule) = place.service(&broker)?;
    let account = broker.account(service, arguments.asked.identifier.as_deref())?;
    let mut lines = Vec::new();
    if let Place::Target(target, _) = &place {
        lines.push(("target", target.to_string()));
    }
    if let Some(rule) = &rule {
        lines.push(("rule", format!("{} ({})", rule.pattern, rule.source.word())));
    }
    lines.push(("service", service.name.clone()));
    lines.push(("connection", service.connection.clone()));
    lines.push(("identifier", format!("{} (from {})", account.identifier, account.source)));
    lines.push(("credentials", broker.credentials_source(service)?));
    if let Some(rule) = &rule {
        for (tool, username) in [("git", rule.git_username), ("docker", rule.registry_username)] {
            let answer =
                username.map_or("not answered here".into(), |name| format!("answered with the user name {name}"));
            lines.push((tool, answer));
        }
    }
    print(&lines.iter().map(|(key, value)| format!("{key:<12} {}\n", plain(value))).collect::<String>())
}
