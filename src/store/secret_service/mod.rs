//! The Secret Service as a store of the keyring project's interface ([`keyring_core`]) that never prompts: a locked keyring
//! is told by its state, before anything is searched or read. The keyring project's own store unlocks on every read, with a
//! prompt that waits up to a year. Nothing here but the label of a new item is of this program, so that it could be a crate
//! of its own.

mod bus;
mod problem;

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

use dbus::Path;
use keyring_core::api::{Credential, CredentialApi, CredentialStoreApi};
use keyring_core::{Entry, Error, Result};

use bus::Service;
pub use problem::Problem;

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        match problem {
            Problem::NoItem | Problem::NoCollection => Self::NoEntry,
            Problem::Refused(_) | Problem::MalformedReply => Self::PlatformFailure(Box::new(problem)),
            Problem::Locked | Problem::Silent | Problem::NoBus | Problem::NoService => {
                Self::NoStorageAccess(Box::new(problem))
            }
        }
    }
}

/// The item of this service and user.
pub(super) fn entry(service: &str, user: &str) -> Result<Entry> {
    Store.build(service, user, None)
}

/// What is wrong with the Secret Service as a whole.
pub(super) fn problem(cause: &(dyn std::error::Error + Send + Sync + 'static)) -> super::Error {
    match cause.downcast_ref() {
        Some(Problem::Locked) => super::Error::Locked,
        Some(Problem::Silent) => super::Error::Silent,
        _ => super::Error::Absent(cause.to_string()),
    }
}

/// The Secret Service of the user's session. Entries have no modifiers.
#[derive(Debug)]
pub struct Store;

impl CredentialStoreApi for Store {
    fn vendor(&self) -> String {
        "scalekit-auth, Secret Service without prompts".to_owned()
    }

    fn id(&self) -> String {
        "session".to_owned()
    }

    fn build(&self, service: &str, user: &str, modifiers: Option<&HashMap<&str, &str>>) -> Result<Entry> {
        if let Some(name) = modifiers.and_then(|modifiers| modifiers.keys().next()) {
            return Err(Error::NotSupportedByStore(format!("there is no modifier {name}")));
        }
        Ok(Entry::new_with_credential(Arc::new(Item { service: service.to_owned(), user: user.to_owned() })))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The attributes by which an item is found; the keyring project's and Python's keyring use the same two.
#[derive(Debug, Clone)]
pub struct Item {
    service: String,
    user: String,
}

impl Item {
    fn attributes(&self) -> HashMap<&str, &str> {
        HashMap::from([("service", self.service.as_str()), ("username", self.user.as_str())])
    }

    /// The one unlocked item, if there is one.
    fn find(&self, service: &Service) -> std::result::Result<Option<Path<'static>>, Problem> {
        let found = service.search(&self.attributes())?;
        if found.some_locked {
            return Err(Problem::Locked);
        }
        Ok(found.unlocked)
    }

    fn find_existing(&self, service: &Service) -> std::result::Result<Path<'static>, Problem> {
        self.find(service)?.ok_or(Problem::NoItem)
    }
}

/// The service, if it can be asked without a prompt.
fn unlocked_service() -> std::result::Result<Service, Problem> {
    let service = Service::connect()?;
    if service.is_locked()? { Err(Problem::Locked) } else { Ok(service) }
}

impl CredentialApi for Item {
    fn get_secret(&self) -> Result<Vec<u8>> {
        let service = unlocked_service()?;
        let opening = service.begin_session()?;
        let item = self.find_existing(&service)?;
        Ok(service.secret(&item, &service.session(&opening)?)?)
    }

    /// Makes the item if it is not there.
    fn set_secret(&self, secret: &[u8]) -> Result<()> {
        let service = unlocked_service().map_err(|problem| match problem {
            // Making a collection takes a prompt.
            Problem::NoCollection => Problem::Locked,
            other => other,
        })?;
        let opening = service.begin_session()?;
        let item = self.find(&service)?;
        let session = service.session(&opening)?;
        match item {
            Some(item) => service.set_secret(&item, &session, secret)?,
            None => {
                let label = format!("{}: client credentials of the environment {}", self.service, self.user);
                service.create(&label, &self.attributes(), &session, secret)?;
            }
        }
        Ok(())
    }

    fn delete_credential(&self) -> Result<()> {
        let service = unlocked_service()?;
        let item = self.find_existing(&service)?;
        Ok(service.delete(&item)?)
    }

    /// None: an entry is found by its attributes each time, and wraps no item of its own.
    fn get_credential(&self) -> Result<Option<Arc<Credential>>> {
        self.find_existing(&unlocked_service()?)?;
        Ok(None)
    }

    fn get_specifiers(&self) -> Option<(String, String)> {
        Some((self.service.clone(), self.user.clone()))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
