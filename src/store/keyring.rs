//! The OS keyring as a home: one item for each environment, with a deadline of our own, because every client hangs when the
//! daemon is frozen or a prompt is waiting.

use std::sync::mpsc::RecvTimeoutError;

use super::problem::Problem;
use super::secret_service::Item;
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
        call: impl FnOnce(&Item) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Error> {
        let item = Item::new(SERVICE, &self.environment);
        match within_deadline(move || call(&item)) {
            Ok(result) => result.map_err(|problem| self.explain(problem)),
            Err(RecvTimeoutError::Timeout) => Err(Error::Silent),
            Err(RecvTimeoutError::Disconnected) => Err(Error::Absent("its client library failed".into())),
        }
    }

    fn get(&self) -> Result<Secret<Vec<u8>>, Error> {
        self.call(Item::get)
    }

    fn set(&self, content: Secret<Vec<u8>>) -> Result<(), Error> {
        self.call(move |item| item.set(content.expose()))
    }

    fn explain(&self, problem: Problem) -> Error {
        match problem {
            Problem::NoItem | Problem::NoCollection => Error::NoEntry(self.environment.clone()),
            Problem::Locked => Error::Locked,
            Problem::Silent => Error::Silent,
            Problem::NoBus | Problem::NoService | Problem::Refused(_) | Problem::MalformedReply => {
                Error::Absent(problem.to_string())
            }
        }
    }
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
        match self.call(Item::delete) {
            Ok(()) => Ok(true),
            Err(Error::NoEntry(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
