//! The OS keyring as a home: one item for each environment, with a deadline of our own, because every client hangs when the
//! daemon is frozen or a prompt is waiting.

use std::sync::mpsc::RecvTimeoutError;

use keyring_core::Entry;

use super::{ClientCredentials, Content, Error, Home, Undo, native, within_deadline};
use crate::secret::Secret;

/// The attribute `service` of our items.
const SERVICE: &str = "scalekit-auth";

/// The keyring item of one environment.
#[derive(Debug, Clone)]
pub struct Keyring {
    environment: String,
    entry: fn(&str, &str) -> keyring_core::Result<Entry>,
}

impl Keyring {
    /// The item of the environment of this name.
    pub fn new(environment: &str) -> Self {
        Self { environment: environment.to_owned(), entry: native::entry }
    }

    fn call<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Entry) -> keyring_core::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let (user, entry) = (self.environment.clone(), self.entry);
        match within_deadline(move || call(&entry(SERVICE, &user)?)) {
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
                native::problem(&*cause)
            }
            keyring_core::Error::TooLong(_, most) => Error::TooLong(most),
            // Its other words may quote what is stored.
            _ => Error::Malformed,
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
        match self.call(Entry::delete_credential) {
            Ok(()) => Ok(true),
            Err(Error::NoEntry(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::{CredentialsOrigin, EnvironmentUrl};
    use keyring_core::api::CredentialStoreApi;
    use keyring_core::mock;
    use std::sync::{Arc, LazyLock};

    /// One keyring for all tests; each has a name of its own in it.
    static STORE: LazyLock<Arc<mock::Store>> = LazyLock::new(|| mock::Store::new().unwrap());

    fn keyring(environment: &str) -> Keyring {
        let entry = |service: &str, user: &str| STORE.build(service, user, None);
        Keyring { environment: environment.to_owned(), entry }
    }

    fn credentials(secret: &str) -> ClientCredentials {
        ClientCredentials {
            url: EnvironmentUrl::parse("https://acme.scalekit.com").unwrap(),
            client_id: "skc_1".into(),
            client_secret: Secret::new(secret.into()),
            origin: CredentialsOrigin::Given,
        }
    }

    fn secret(home: &Keyring) -> Result<String, Error> {
        match home.read()? {
            Content::Complete(credentials) => Ok(credentials.client_secret.expose().clone()),
            Content::Secret(_) => panic!("a keyring holds all three"),
        }
    }

    fn fails_next(environment: &str, error: keyring_core::Error) {
        let entry = STORE.build(SERVICE, environment, None).unwrap();
        entry.as_any().downcast_ref::<mock::Cred>().unwrap().set_error(error);
    }

    #[test]
    fn what_is_stored_is_read_replaced_put_back_and_removed() {
        let home = keyring("a");
        assert!(matches!(home.read(), Err(Error::NoEntry(name)) if name == "a"));
        drop(home.write(&credentials("one"), false).unwrap());
        let undo = home.write(&credentials("two"), false).unwrap();
        assert_eq!(secret(&home).unwrap(), "two");
        undo().unwrap();
        assert_eq!(secret(&home).unwrap(), "one");
        assert!(home.remove().unwrap() && !home.remove().unwrap());
        let undo = home.write(&credentials("three"), false).unwrap();
        undo().unwrap();
        assert!(matches!(home.read(), Err(Error::NoEntry(_))));
    }

    #[test]
    fn what_the_keyring_says_is_told_without_what_it_holds() {
        let home = keyring("b");
        drop(home.write(&credentials("one"), false).unwrap());
        fails_next("b", keyring_core::Error::TooLong("secret".into(), 2560));
        assert!(matches!(home.read(), Err(Error::TooLong(2560))));
        fails_next("b", keyring_core::Error::NoStorageAccess("gone".into()));
        assert!(matches!(home.read(), Err(Error::Absent(why)) if why == "gone"));
        fails_next("b", keyring_core::Error::BadEncoding(b"one".to_vec()));
        assert!(matches!(home.read(), Err(Error::Malformed)));
    }
}
