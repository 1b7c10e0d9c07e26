//! Services for some commands and helper protocols alone.

use super::{Asked, Broker};
use crate::audit::Outcome;
use crate::error::{Error, Kind};
use crate::service::{RECEIVERS, Service, short};
use crate::suggest;

/// Whether the command or helper protocol may have the service's token.
///
/// # Errors
/// The user named others.
pub fn may_have(command: &str, service: &Service) -> Result<(), Error> {
    if service.only.is_empty() || service.only.iter().any(|name| name == short(command)) {
        return Ok(());
    }
    let (name, only) = (&service.name, service.only.join(","));
    // A name that was misspelled by hand would be refused.
    let known = service.only.iter().map(String::as_str).filter(|name| RECEIVERS.contains(name));
    let with_it: Vec<&str> = known.chain([short(command)]).collect();
    Err(Error::new(Kind::NotConfigured, format!("{name} is not for {}", short(command)))
        .why(format!("it was configured for {only} alone"))
        .next(suggest::config(service).option("--only", with_it.join(","))))
}

impl Broker {
    /// As [`may_have`] says, which is written down where it is no.
    ///
    /// # Errors
    /// The user named others.
    pub fn must_serve(&self, asked: Asked<'_>) -> Result<(), Error> {
        let allowed = may_have(asked.command, asked.service);
        if allowed.is_err() {
            self.record(asked, Outcome::NotForIt);
        }
        allowed
    }
}
