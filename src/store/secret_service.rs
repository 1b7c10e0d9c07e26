//! One item of the Secret Service that never prompts: a locked keyring is told by its state, before anything is searched
//! or read. The keyring project's own store unlocks on every read, with a prompt that waits up to a year.

use std::collections::HashMap;

use dbus::Path;

use super::bus::Service;
use super::problem::Problem;
use crate::secret::Secret;

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
    fn find(&self) -> Result<(Service, Option<Path<'static>>), Problem> {
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

    fn find_existing(&self) -> Result<(Service, Path<'static>), Problem> {
        let (service, item) = self.find()?;
        Ok((service, item.ok_or(Problem::NoItem)?))
    }

    /// Its secret.
    pub fn get(&self) -> Result<Secret<Vec<u8>>, Problem> {
        let (service, item) = self.find_existing()?;
        service.secret(&item, &service.open_session()?)
    }

    /// Gives it another secret; it is made if it is not there.
    pub fn set(&self, secret: &[u8]) -> Result<(), Problem> {
        let (service, item) = self.find().map_err(|problem| match problem {
            // Making a collection takes a prompt.
            Problem::NoCollection => Problem::Locked,
            other => other,
        })?;
        let session = service.open_session()?;
        match item {
            Some(item) => service.set_secret(&item, &session, secret),
            None => {
                let label = format!("{}: client credentials of the environment {}", self.service, self.user);
                service.create(&label, &self.attributes(), &session, secret)
            }
        }
    }

    /// Removes it.
    pub fn delete(&self) -> Result<(), Problem> {
        let (service, item) = self.find_existing()?;
        service.delete(&item)
    }
}
