//! The OS keyring as a home: one item for each environment, with a deadline of our own, because every client hangs when the
//! daemon is frozen or a prompt is waiting.

use std::sync::mpsc::RecvTimeoutError;

use keyring_core::Entry;

use super::{ClientCredentials, Content, Error, Home, Undo, within_deadline};
use crate::secret::Secret;

/// The attribute `service` of our items.
const SERVICE: &str = "scalekit-auth";

/// The keyring item of one environment.
#[derive(Debug, Clone)]
pub struct Keyring {
    environment: String,
}

impl Keyring {
    /// The item of the environment of this name.
    pub fn new(environment: &str) -> Self {
        Self { environment: environment.to_owned() }
    }

    fn call<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Entry) -> keyring_core::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let user = self.environment.clone();
        match within_deadline(move || call(&entry(&user)?)) {
            Ok(result) => result.map_err(|error| self.explain(error)),
            Err(RecvTimeoutError::Timeout) => Err(Error::Silent),
            Err(RecvTimeoutError::Disconnected) => Err(Error::Absent("its client library failed".into())),
        }
    }

    fn get(&self) -> Result<Secret<Vec<u8>>, Error> {
        self.call(|entry| entry.get_secret().map(Secret::new))
    }

    fn set(&self, content: Secret<Vec<u8>>) -> Result<(), Error> {
        self.call(move |entry| entry.set_secret(content.expose()))
    }

    fn explain(&self, error: keyring_core::Error) -> Error {
        match error {
            keyring_core::Error::NoEntry => Error::NoEntry(self.environment.clone()),
            keyring_core::Error::NoStorageAccess(cause) | keyring_core::Error::PlatformFailure(cause) => {
                absent(&*cause)
            }
            // Its other words may quote what is stored.
            _ => Error::Malformed,
        }
    }
}

/// The item of `user` in the keyring of this system.
#[cfg(all(unix, not(target_os = "macos")))]
fn entry(user: &str) -> keyring_core::Result<Entry> {
    use keyring_core::api::CredentialStoreApi;
    super::secret_service::Store.build(SERVICE, user, None)
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
fn entry(_: &str) -> keyring_core::Result<Entry> {
    Err(keyring_core::Error::NoStorageAccess("this system's keyring is not supported yet".into()))
}

#[cfg(all(unix, not(target_os = "macos")))]
fn absent(cause: &(dyn std::error::Error + Send + Sync + 'static)) -> Error {
    use super::secret_service::Problem;
    match cause.downcast_ref() {
        Some(Problem::Locked) => Error::Locked,
        Some(Problem::Silent) => Error::Silent,
        _ => Error::Absent(cause.to_string()),
    }
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
fn absent(cause: &(dyn std::error::Error + Send + Sync + 'static)) -> Error {
    Error::Absent(cause.to_string())
}

impl Home for Keyring {
    fn read(&self) -> Result<Content, Error> {
        match Content::parse(self.get()?.expose()) {
            // We keep nothing less, so that a URL changed by hand in config.json never gets the secret.
            Ok(Content::Complete(credentials)) => Ok(Content::Complete(credentials)),
            _ => Err(Error::Malformed),
        }
    }

    /// The item is ours by its attributes, so that it may be replaced in any case.
    fn write(&self, credentials: &ClientCredentials, _: bool) -> Result<Undo, Error> {
        let before = match self.get() {
            Ok(before) => Some(before),
            Err(Error::NoEntry(_)) => None,
            Err(error) => return Err(error),
        };
        self.set(credentials.to_json())?;
        let home = self.clone();
        Ok(Box::new(move || match before {
            Some(before) => home.set(before),
            None => home.remove().map(drop),
        }))
    }

    fn remove(&self) -> Result<bool, Error> {
        match self.call(Entry::delete_credential) {
            Ok(()) => Ok(true),
            Err(Error::NoEntry(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
