//! One item of the Secret Service (freedesktop.org specification) that never prompts: the lock state is looked at before
//! anything is read, and the prompt time-out is zero. The keyring project's own store unlocks on every read, with a
//! prompt that waits up to a year.
//!
//! A Diffie-Hellman session, although it guards nothing against a process of the same user: opening a plain session as a
//! client's first message can abort gnome-keyring-daemon 42 when several clients do so at once.

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

use dbus_secret_service::{EncryptionType, Error as ServiceError, SecretService};
use keyring_core::api::{Credential, CredentialApi};
use keyring_core::{Error, Result};

/// Never show a prompt.
const NO_PROMPT: u64 = 0;

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

    /// Hands the one unlocked item to `call`, or `None` if there is no such item.
    fn with_item<T>(
        &self,
        call: impl FnOnce(&SecretService, Option<&dbus_secret_service::Item<'_>>) -> std::result::Result<T, ServiceError>,
    ) -> Result<T> {
        let run = || {
            let service = SecretService::connect_with_max_prompt_timeout(EncryptionType::Dh, NO_PROMPT)?;
            let found = service.search_items(self.attributes())?;
            if !found.locked.is_empty() {
                return Err(ServiceError::Locked);
            }
            call(&service, found.unlocked.first())
        };
        run().map_err(explain)
    }
}

impl CredentialApi for Item {
    fn set_secret(&self, secret: &[u8]) -> Result<()> {
        self.with_item(|service, item| {
            if let Some(item) = item {
                return item.set_secret(secret, CONTENT_TYPE);
            }
            let label = format!("{}: client credentials of the environment {}", self.service, self.user);
            let collection = match service.get_default_collection() {
                // It was never set up, and making one takes a prompt.
                Err(ServiceError::NoResult) => return Err(ServiceError::Locked),
                other => other?,
            };
            if collection.is_locked()? {
                return Err(ServiceError::Locked);
            }
            collection.create_item(&label, self.attributes(), secret, true, CONTENT_TYPE).map(drop)
        })
    }

    fn get_secret(&self) -> Result<Vec<u8>> {
        self.with_item(|service, item| match item {
            Some(item) => item.get_secret(),
            None => Err(nothing_found(service)),
        })
    }

    fn delete_credential(&self) -> Result<()> {
        self.with_item(|service, item| match item {
            Some(item) => item.delete(),
            None => Err(nothing_found(service)),
        })
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

const CONTENT_TYPE: &str = "text/plain";

/// Some services list nothing of a locked collection, so an empty answer may mean that.
fn nothing_found(service: &SecretService) -> ServiceError {
    let locked = service.get_default_collection().and_then(|collection| collection.is_locked());
    match locked {
        Ok(true) => ServiceError::Locked,
        _ => ServiceError::NoResult,
    }
}

fn explain(error: ServiceError) -> Error {
    match error {
        ServiceError::Locked | ServiceError::Prompt => Error::NoStorageAccess(Box::new(error)),
        ServiceError::NoResult => Error::NoEntry,
        // The client library waits two seconds for each reply.
        ServiceError::Dbus(error) if error.name() == Some("org.freedesktop.DBus.Error.NoReply") => {
            Error::PlatformFailure(Box::new(std::io::Error::from(std::io::ErrorKind::TimedOut)))
        }
        _ => Error::PlatformFailure(Box::new(error)),
    }
}
