//! The OS keyring as a home: one item for each environment, behind the keyring project's interface, with a deadline of
//! our own, because every library hangs when the daemon is frozen or a prompt is waiting.

use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use keyring_core::{Entry, Error as KeyringError};

use super::{ClientCredentials, Error, Home};

/// The attribute `service` of our items.
const SERVICE: &str = "scalekit-auth";

/// How long one call to the keyring may take.
const DEADLINE: Duration = Duration::from_secs(3);

/// The keyring item of one environment.
#[derive(Debug)]
pub struct Keyring {
    environment: String,
}

impl Keyring {
    /// The item of the environment of this name.
    pub fn new(environment: &str) -> Self {
        Self { environment: environment.to_owned() }
    }

    /// Runs `call` on the item in a thread of its own, which is left behind when the deadline passes: the process ends
    /// soon after, and with it the thread.
    fn call<T: Send + 'static>(
        &self,
        call: impl FnOnce(Entry) -> Result<T, KeyringError> + Send + 'static,
    ) -> Result<T, Error> {
        let environment = self.environment.clone();
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            // Nobody listens after the deadline, and then the result does not matter.
            let _ = sender.send(entry(&environment).and_then(call));
        });
        match receiver.recv_timeout(DEADLINE) {
            Ok(result) => result.map_err(|error| self.explain(error)),
            Err(mpsc::RecvTimeoutError::Timeout) => Err(Error::Silent),
            Err(mpsc::RecvTimeoutError::Disconnected) => Err(Error::Absent("its client library failed".into())),
        }
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
    fn read(&self) -> Result<ClientCredentials, Error> {
        let bytes = self.call(|entry| entry.get_secret().map(crate::secret::Secret::new))?;
        ClientCredentials::from_json(bytes.expose())
    }

    fn write(&self, credentials: &ClientCredentials) -> Result<(), Error> {
        let bytes = credentials.to_json();
        self.call(move |entry| entry.set_secret(bytes.expose()))
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
