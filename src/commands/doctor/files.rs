//! The configuration files: whether they are ours alone, and can be understood.

use std::path::Path;
use std::time::Instant;

use super::check::Check;
use crate::broker::Broker;
use crate::config::{self, Environments, SetupRecords, Synced};
use crate::service::Services;
use crate::suggest;

/// The link of the directory.
pub(super) const NAME: &str = "configuration";

/// What was found about each file; and the configuration, if all of it can be used.
pub(super) fn read(deadline: Instant) -> (Vec<Check>, Option<Broker>) {
    let directory = match config::directory() {
        Ok(directory) => directory,
        Err(error) => return (vec![Check::broken(NAME, &error)], None),
    };
    let state = if directory.exists() { "" } else { ", which is not there yet" };
    let mut checks = vec![Check::ok(NAME, format!("{}{state}", directory.display()))];
    checks.push(file(&directory, "connections.json", |directory| Ok(services(&Services::load(directory)?))));
    checks.push(file(&directory, "config.json", |directory| {
        let environments = Environments::load(directory)?;
        let found = format!("environments: {}", environments.iter().count());
        Ok(Found { found, doubtful: environments.misspelled })
    }));
    checks.push(file(&directory, "synced.json", |directory| {
        Synced::load(directory)?;
        Ok(Found { found: "it can be read".to_owned(), doubtful: Vec::new() })
    }));
    // Only `setup` reads it.
    let records = file(&directory, "setup.json", |directory| {
        SetupRecords::load(directory)?;
        Ok(Found { found: "it can be read".to_owned(), doubtful: Vec::new() })
    });
    checks.push(records.or_note());
    if checks.iter().any(|check| check.failure().is_some()) {
        return (checks, None);
    }
    match Broker::load_in(None, deadline) {
        Ok(broker) => (checks, Some(broker)),
        Err(error) => {
            checks[0] = Check::broken(NAME, &error);
            (checks, None)
        }
    }
}

/// What a file says, and what in it looks wrong.
struct Found {
    found: String,
    doubtful: Vec<String>,
}

fn services(services: &Services) -> Found {
    let unusable = services.unusable.iter().map(|one| format!("{} cannot be used: {}", one.claim.name, one.reason));
    let doubtful = unusable.chain(services.misspelled.iter().cloned()).collect();
    Found { found: format!("services: {}", services.iter().count()), doubtful }
}

fn file(directory: &Path, name: &'static str, read: impl FnOnce(&Path) -> Result<Found, config::Error>) -> Check {
    let path = directory.join(name);
    if path.metadata().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
        return Check::ok(name, "it is not there");
    }
    match read(directory) {
        Ok(Found { found, doubtful }) if doubtful.is_empty() => Check::ok(name, found),
        Ok(Found { found, doubtful }) => {
            let next = format!("correct {}; {} shows the services", path.display(), suggest::list(None));
            Check::note(name, format!("{found}; {}", doubtful.join("; ")), next)
        }
        Err(error) => Check::broken(name, &error.into()),
    }
}
