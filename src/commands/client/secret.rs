//! The stored secret of an API client: written so that it reads back, removed only where it is ours.

use std::io;

use crate::commands::note;
use crate::error::{Error, Kind};
use crate::secret::Secret;
use crate::service::{ClientCredentials, CredentialsOrigin, Environment, EnvironmentUrl, HomeChoice};
use crate::store::{self, FileError};

/// The client credentials of `place` with this secret.
pub(super) fn credentials(place: &Environment, client_secret: Secret<String>) -> Result<ClientCredentials, Error> {
    let url = EnvironmentUrl::parse(&place.url).map_err(store::Error::Url)?;
    Ok(ClientCredentials { url, client_id: place.client_id.clone(), client_secret, origin: CredentialsOrigin::Given })
}

/// What is stored at `place`; `None` if nothing is.
pub(super) fn read(place: &Environment) -> Result<Option<ClientCredentials>, store::Error> {
    match store::credentials(place) {
        Ok(credentials) => Ok(Some(credentials)),
        Err(store::Error::NoEntry(_)) => Ok(None),
        Err(store::Error::HomeFile(_, FileError::Io(error))) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Stores `credentials` at `place` and reads them back; what was there is put back if that fails.
pub(super) fn write(place: &Environment, credentials: &ClientCredentials, replace: bool) -> Result<(), Error> {
    let undo =
        store::open(&place.name, &place.home).write(credentials, replace).map_err(|error| taken(error, place))?;
    let failed = match store::credentials(place) {
        Ok(read) if is_same(&read, credentials) => return Ok(()),
        Ok(_) => Error::new(Kind::Failed, format!("what was stored {} reads back changed", place.home)),
        Err(error) => error.into(),
    };
    if let Err(error) = undo() {
        note(format!("what was stored {} could not be taken back: {error}", place.home));
    }
    Err(failed)
}

/// Whether both have the same secret.
pub(super) fn is_same(one: &ClientCredentials, other: &ClientCredentials) -> bool {
    one.client_secret.expose() == other.client_secret.expose()
}

/// Finds out that something can be stored at `place`, by doing it. Nothing of it stays.
pub(super) fn probe(place: &Environment) -> Result<(), Error> {
    let nothing = credentials(place, Secret::new("no-secret-yet".into()))?;
    let undo = store::open(&place.name, &place.home).write(&nothing, false).map_err(|error| taken(error, place))?;
    Ok(undo()?)
}

/// Removes what is stored at `place` if we put it there; `false` if nothing is there.
pub(super) fn remove(place: &Environment, is_shared: bool) -> Result<bool, String> {
    match &place.home {
        HomeChoice::File { .. } if is_shared => Err("another service uses that file".into()),
        HomeChoice::File { written: false, .. } => Err("the file is your own".into()),
        HomeChoice::Command(_) => Err("it is not ours to remove".into()),
        home => store::open(&place.name, home).remove().map_err(|error| error.to_string()),
    }
}

fn taken(error: store::Error, place: &Environment) -> Error {
    match error {
        store::Error::HomeFile(path, FileError::Exists) => {
            Error::new(Kind::Usage, format!("the secret cannot be stored {}", place.home))
                .why("the file exists, and is not overwritten")
                .next(format!("choose another path, or remove {} if nothing needs it", path.display()))
        }
        error => error.into(),
    }
}
