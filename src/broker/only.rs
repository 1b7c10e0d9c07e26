//! Services for some commands and helper protocols alone.

use super::Broker;
use crate::error::{Error, Kind};
use crate::service::Service;
use crate::suggest;

/// The name of a command or helper protocol for people: `git` for `git-credential`.
pub fn short(command: &str) -> &str {
    command.strip_suffix("-credential").unwrap_or(command)
}

impl Broker {
    /// Whether this command or helper protocol may have the service's token.
    ///
    /// # Errors
    /// The user named others.
    pub fn must_serve(&self, service: &Service, command: &str) -> Result<(), Error> {
        if service.only.is_empty() || service.only.iter().any(|name| name == short(command)) {
            return Ok(());
        }
        let (name, only) = (&service.name, service.only.join(","));
        Err(Error::new(Kind::NotConfigured, format!("{name} is not for {}", short(command)))
            .why(format!("it was configured for {only} alone"))
            .next(suggest::config(service).option("--only", format!("{only},{}", short(command)))))
    }
}
