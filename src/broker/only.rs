//! Services for some commands and helper protocols alone.

use super::{Asked, Broker};
use crate::audit::Outcome;
use crate::error::{Error, Kind};
use crate::suggest;

/// The name of a command or helper protocol for people: `git` for `git-credential`.
pub fn short(command: &str) -> &str {
    command.strip_suffix("-credential").unwrap_or(command)
}

impl Broker {
    /// Whether the command or helper protocol may have the service's token; that it may not is written down.
    ///
    /// # Errors
    /// The user named others.
    pub fn must_serve(&self, asked: Asked<'_>) -> Result<(), Error> {
        let Asked { command, service, .. } = asked;
        if service.only.is_empty() || service.only.iter().any(|name| name == short(command)) {
            return Ok(());
        }
        self.record(asked, Outcome::NotForIt);
        let (name, only) = (&service.name, service.only.join(","));
        Err(Error::new(Kind::NotConfigured, format!("{name} is not for {}", short(command)))
            .why(format!("it was configured for {only} alone"))
            .next(suggest::config(service).option("--only", format!("{only},{}", short(command)))))
    }
}
