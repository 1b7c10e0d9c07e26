//! The steps of a rotation, each of which may be the last before a crash.

use std::path::Path;

use super::{Old, orphans};
use crate::commands::client::secret::{credentials, is_same, read, write};
use crate::commands::client::selected::Selected;
use crate::commands::note;
use crate::config::Rotation;
use crate::error::{Error, Kind};
use crate::service::{ClientCredentials, Environment, Services};
use crate::store;
use crate::suggest;
use crate::vault::{self, ClientSecret, Limit, Vault};

/// How many characters of a secret the vault shows.
const SUFFIX: usize = 4;

/// A rotation of one service's client.
pub(super) struct UnderWay<'a> {
    pub selected: &'a Selected,
    pub directory: &'a Path,
    /// The service.
    pub name: &'a str,
    /// Where the secret is.
    pub place: &'a Environment,
    /// Where the new one waits.
    pub next: Environment,
}

impl UnderWay<'_> {
    /// What an earlier run began and got so far that it can be finished. What cannot be is undone.
    pub fn begun(&self) -> Result<Option<Rotation>, Error> {
        let noted = Services::rotation(self.directory, self.name)?;
        let noted = noted.filter(|noted| noted.client_id == self.selected.client_id);
        let waiting = self.waiting()?;
        let current = self.current()?;
        if let (Some(waiting), None) = (&waiting, &noted)
            && is_same(waiting, &current)
        {
            // All is done but for the last thing.
            store::open(&self.next.name, &self.next.home).remove()?;
            return Ok(None);
        }
        if let Some(waiting) = &waiting {
            match prove(waiting) {
                Ok(()) => return noted.map_or_else(|| self.note(&current), Ok).map(Some),
                Err(vault::Error::Credentials { .. }) => {
                    store::open(&self.next.name, &self.next.home).remove()?;
                }
                Err(error) => return Err(self.broken_off(error.into())),
            }
        }
        if let Some(noted) = &noted {
            let secrets = self.selected.get()?.secrets;
            let leftover = orphans::find(&secrets, noted, &suffix(&current));
            if let Some(orphan) = leftover.ours {
                self.delete(&orphan.id)?;
                note(format!("the secret {} of a rotation that was broken off is deleted", orphan.id));
            }
            for secret in leftover.doubtful {
                note(format!(
                    "the secret {} was added since a rotation that was broken off, and may be in use elsewhere; it is kept",
                    secret.id
                ));
            }
        }
        Ok(None)
    }

    /// Steps 1 to 4: a new secret, stored beside the old one, and proven.
    pub fn begin(&self) -> Result<Rotation, Error> {
        let Selected { vault, organization, client_id, .. } = self.selected;
        let rotation = self.note(&self.current()?)?;
        let (added, plain) = vault.add_secret(organization, client_id).map_err(|error| {
            if is_definite(&error) {
                // Nothing was added, so that nothing is to be cleaned up; a note that stays is only looked at once more.
                let _ = Services::note_rotation(self.directory, self.name, None);
                return self.selected.explain(error, "write");
            }
            self.broken_off(error.into())
        })?;
        let stored = credentials(&self.next, plain).and_then(|new| write(&self.next, &new, false).map(|()| new));
        let new = stored.map_err(|error| self.undone(&added, error))?;
        match prove(&new) {
            Ok(()) => Ok(rotation),
            Err(error @ vault::Error::Credentials { .. }) => {
                store::open(&self.next.name, &self.next.home).remove()?;
                let what = Error::new(Kind::VaultRefused, format!("the vault refused the new secret of {}", self.name));
                Err(self.undone(&added, what.why(error)))
            }
            Err(error) => Err(self.broken_off(error.into())),
        }
    }

    /// Step 5.
    pub fn make_current(&self) -> Result<(), Error> {
        let Some(new) = self.waiting()? else {
            return Err(self.broken_off(Error::new(Kind::Failed, "the new secret is no longer where it was stored")));
        };
        if store::credentials(self.place).is_ok_and(|current| is_same(&current, &new)) {
            return Ok(());
        }
        write(self.place, &new, true).map_err(|error| self.broken_off(error))
    }

    /// Step 6.
    pub fn drop_old(&self, rotation: &Rotation, keep: bool) -> Result<Old, Error> {
        if keep {
            return Ok(Old::Kept);
        }
        let Some(old) = &rotation.old else {
            let why = "the vault's list does not tell it from the others by its last characters";
            return Ok(Old::Unknown(why.into()));
        };
        // Deleted already, where a crash came after this.
        let secrets = self.selected.get().map_err(|error| self.broken_off(error))?.secrets;
        if secrets.iter().any(|secret| secret.id == *old) {
            self.delete(old).map_err(|error| self.broken_off(error))?;
        }
        Ok(Old::Deleted(old.clone()))
    }

    /// Step 7. The note goes first, see the table in the module above.
    pub fn end(&self) -> Result<(), Error> {
        Services::note_rotation(self.directory, self.name, None)?;
        store::open(&self.next.name, &self.next.home).remove()?;
        Ok(())
    }

    /// Step 1.
    fn note(&self, current: &ClientCredentials) -> Result<Rotation, Error> {
        let secrets = self.selected.get()?.secrets;
        let suffix = suffix(current);
        let waiting = self.waiting()?.map(|waiting| self::suffix(&waiting));
        let mut alike = secrets.iter().filter(|secret| secret.suffix.as_deref() == Some(&suffix));
        let old = match (alike.next(), alike.next()) {
            (Some(only), None) if waiting.as_ref() != Some(&suffix) => Some(only.id.clone()),
            _ => None,
        };
        let rotation = Rotation {
            client_id: self.selected.client_id.clone(),
            known: secrets.into_iter().map(|secret| secret.id).collect(),
            old,
        };
        Services::note_rotation(self.directory, self.name, Some(&rotation))?;
        Ok(rotation)
    }

    /// The secret that the service uses now.
    fn current(&self) -> Result<ClientCredentials, Error> {
        read(self.place)?.ok_or_else(|| {
            let Self { name, place, .. } = self;
            Error::new(Kind::NotConfigured, format!("the secret of {name} is not {}, where it should be", place.home))
                .next(format!("{} stores it", suggest::config_client(name, &place.client_id).word("--secret-stdin")))
        })
    }

    /// The secret that waits to take its place.
    fn waiting(&self) -> Result<Option<ClientCredentials>, Error> {
        use store::Error::{Differs, HomeFile, Malformed};
        read(&self.next).map_err(|error| match error {
            Differs { .. } | HomeFile(..) | Malformed => {
                let what = format!("what is {} beside the secret of {} cannot be used", self.next.home, self.name);
                Error::new(Error::from(error).kind(), what)
                    .why("it is not the new secret of a rotation")
                    .next("nothing was changed; move it away, then again")
            }
            error => error.into(),
        })
    }

    fn delete(&self, secret_id: &str) -> Result<(), Error> {
        let Selected { vault, organization, client_id, .. } = self.selected;
        vault.delete_secret(organization, client_id, secret_id).map_err(|error| self.selected.explain(error, "rotate"))
    }

    /// After a failure from which nothing is to be finished: the new secret goes, and so does the note.
    fn undone(&self, added: &ClientSecret, error: Error) -> Error {
        let what =
            match self.delete(&added.id).and_then(|()| Ok(Services::note_rotation(self.directory, self.name, None)?)) {
                Ok(()) => format!("{} keeps its old secret, which works", self.name),
                Err(undo) => {
                    note(format!("the new secret {} could not be deleted again: {}", added.id, undo.line()));
                    format!("{} keeps its old secret, which works; the next `client rotate` cleans up", self.name)
                }
            };
        Error::new(error.kind(), what)
            .why(error.line())
            .next(format!("then again: {}", suggest::client("rotate").word(self.name)))
    }

    /// After a failure from which the next run can go on.
    fn broken_off(&self, error: Error) -> Error {
        Error::new(error.kind(), format!("the rotation of {} is broken off; its stored secret works", self.name))
            .why(error.line())
            .next(format!("{} finishes or undoes it", suggest::client("rotate").word(self.name)))
    }
}

/// Whether the vault has said no, so that nothing was added.
fn is_definite(error: &vault::Error) -> bool {
    use vault::Error::{Connect, Credentials, NotFound, RateLimited, Refused};
    matches!(error, Refused { status: 400..500, .. } | NotFound | Credentials { .. } | RateLimited(_) | Connect { .. })
}

fn prove(credentials: &ClientCredentials) -> Result<(), vault::Error> {
    Vault::new(credentials.clone(), Limit::Each(crate::TIME_LIMIT))?.prove()
}

/// What the vault shows of this secret.
fn suffix(credentials: &ClientCredentials) -> String {
    let secret = credentials.client_secret.expose();
    let from = secret.char_indices().rev().nth(SUFFIX - 1).map_or(0, |(at, _)| at);
    secret[from..].to_owned()
}
