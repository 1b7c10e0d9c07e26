//! The OS keyring as a home: one item for each environment, behind the keyring project's interface, with a deadline of
//! our own, because every library hangs when the daemon is frozen or a prompt is waiting.

use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;

use keyring_core::{Entry, Error as KeyringError};

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
        call: impl FnOnce(Entry) -> Result<T, KeyringError> + Send + 'static,
    ) -> Result<T, Error> {
        let environment = self.environment.clone();
        match within_deadline(move || entry(&environment).and_then(call)) {
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

    fn explain(&self, error: KeyringError) -> Error {
        match error {
            KeyringError::NoEntry => Error::NoEntry(self.environment.clone()),
            KeyringError::NoStorageAccess(_) => Error::Locked,
            KeyringError::PlatformFailure(error) if is_timeout(&*error) => Error::Silent,
            KeyringError::PlatformFailure(error) => Error::Absent(error.to_string()),
            // Other variants may carry what was stored in them, so their text is not passed on.
            _ => Error::Malformed,
        }
    }
}

fn is_timeout(error: &(dyn std::error::Error + 'static)) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::TimedOut)
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
        match self.call(|entry| entry.delete_credential()) {
            Ok(()) => Ok(true),
            Err(Error::NoEntry(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
fn entry(environment: &str) -> Result<Entry, KeyringError> {
    let item = super::secret_service::Item::new(SERVICE, environment);
    Ok(Entry::new_with_credential(Arc::new(item)))
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
fn entry(_: &str) -> Result<Entry, KeyringError> {
    Err(KeyringError::NoDefaultStore)
}
