//! One item of the Secret Service that never prompts: a locked keyring is told by its state, before anything is searched
//! or read. The keyring project's own store unlocks on every read, with a prompt that waits up to a year.

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

use dbus::Path;
use keyring_core::api::{Credential, CredentialApi};
use keyring_core::{Error, Result};

use super::bus::{Problem, Service};

/// The attributes by which the item is found; the keyring project's and Python's keyring use the same two.
#[derive(Debug, Clone)]
pub struct Item {
    service: String,
    user: String,
}

impl Item {
    /// The item of `user` at `service`.
    pub fn new(service: &str, user: &str) -> Self {
        Self { service: service.to_owned(), user: user.to_owned() }
    }

    fn attributes(&self) -> HashMap<&str, &str> {
        HashMap::from([("service", self.service.as_str()), ("username", self.user.as_str())])
    }

    /// The service and the one unlocked item, if there is one.
    fn find(&self) -> std::result::Result<(Service, Option<Path<'static>>), Problem> {
        let service = Service::connect()?;
        if service.is_locked()? {
            return Err(Problem::Locked);
        }
        let found = service.search(&self.attributes())?;
        if found.some_locked {
            return Err(Problem::Locked);
        }
        Ok((service, found.unlocked))
    }

    fn find_existing(&self) -> std::result::Result<(Service, Path<'static>), Problem> {
        let (service, item) = self.find()?;
        Ok((service, item.ok_or(Problem::NoItem)?))
    }

    fn set(&self, secret: &[u8]) -> std::result::Result<(), Problem> {
        let (service, item) = self.find()?;
        let session = service.open_session()?;
        match item {
            Some(item) => service.set_secret(&item, &session, secret),
            None => {
                let label = format!("{}: client credentials of the environment {}", self.service, self.user);
                service.create(&label, &self.attributes(), &session, secret)
            }
        }
    }
}

impl CredentialApi for Item {
    fn set_secret(&self, secret: &[u8]) -> Result<()> {
        self.set(secret).map_err(|problem| match problem {
            // Making a collection takes a prompt.
            Problem::NoCollection => Problem::Locked.into(),
            other => other.into(),
        })
    }

    fn get_secret(&self) -> Result<Vec<u8>> {
        let (service, item) = self.find_existing()?;
        Ok(service.secret(&item, &service.open_session()?)?)
    }

    fn delete_credential(&self) -> Result<()> {
        let (service, item) = self.find_existing()?;
        Ok(service.delete(&item)?)
    }

    fn get_credential(&self) -> Result<Option<Arc<Credential>>> {
        Ok(None)
    }

    fn get_specifiers(&self) -> Option<(String, String)> {
        Some((self.service.clone(), self.user.clone()))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn debug_fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self, f)
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        match problem {
            Problem::Locked => Self::NoStorageAccess(Box::new(problem)),
            Problem::NoCollection | Problem::NoItem => Self::NoEntry,
            Problem::Silent => Self::PlatformFailure(Box::new(std::io::Error::from(std::io::ErrorKind::TimedOut))),
            Problem::Refused(_) | Problem::Strange => Self::PlatformFailure(Box::new(problem)),
        }
    }
}
