//! The keys of one environment: fetched when they are needed, kept while they are good, and never asked for more often than
//! a flood of bad tokens should be able to make us.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jsonwebtoken::DecodingKey;

use super::held::{Held, Moment, Set};
use super::jwks::{self, Key};
use super::{Error, saved};
use crate::service::EnvironmentUrl;
use crate::vault::Limit;

/// Where keys come from.
#[derive(Debug)]
pub(super) enum Source {
    /// They were given, and there are no others.
    Given(Vec<Key>),
    /// The environment has them.
    Environment(EnvironmentUrl),
}

/// The keys of one environment. Threads share them; one at a time asks for more, and nobody else waits for it who brings a
/// known key id.
#[derive(Debug)]
pub(super) struct Keys {
    source: Source,
    pub limit: Limit,
    /// A file that outlives this process.
    file: Option<PathBuf>,
    held: Mutex<Held>,
    asking: Mutex<()>,
    /// The last key in the library's form; hardly ever is there another one.
    ready: Mutex<Option<(Key, Arc<DecodingKey>)>>,
}

impl Keys {
    pub fn new(source: Source, limit: Limit) -> Self {
        Self { source, limit, file: None, held: Mutex::default(), asking: Mutex::default(), ready: Mutex::default() }
    }

    /// Keeps the keys in the environment's file, too, where there can be one.
    pub fn keep(&mut self) {
        if let Source::Environment(environment) = &self.source {
            self.file = saved::path(environment);
        }
    }

    /// The key of this id.
    pub fn find(&self, kid: &str) -> Result<Arc<DecodingKey>, Error> {
        let key = match &self.source {
            Source::Given(keys) => keys.iter().find(|key| key.kid == kid).cloned(),
            Source::Environment(environment) => Some(self.find_in(environment, kid)?),
        };
        self.ready(key.ok_or_else(|| Error::UnknownKey(kid.to_owned()))?)
    }

    fn ready(&self, key: Key) -> Result<Arc<DecodingKey>, Error> {
        let mut ready = lock(&self.ready);
        if let Some((known, decoded)) = &*ready
            && *known == key
        {
            return Ok(Arc::clone(decoded));
        }
        let decoded = Arc::new(key.to_decoding_key()?);
        *ready = Some((key, Arc::clone(&decoded)));
        Ok(decoded)
    }

    fn find_in(&self, environment: &EnvironmentUrl, kid: &str) -> Result<Key, Error> {
        let look = || lock(&self.held).look(kid, Moment::now());
        if let Some(verdict) = look() {
            return verdict;
        }
        let _one_at_a_time = lock(&self.asking);
        self.read_file(environment);
        // Another thread, or another process, may have asked in the meantime.
        if let Some(verdict) = look() {
            return verdict;
        }
        let outcome = jwks::fetch(environment, self.limit);
        let (held, verdict) = {
            let mut held = lock(&self.held);
            let now = Moment::now();
            let verdict = match outcome {
                Ok((keys, lifetime)) => {
                    let key = keys.iter().find(|key| key.kid == kid).cloned();
                    // A fetch that was due anyway is not counted if the id turned out to be known.
                    let was_due = held.set.as_ref().is_none_or(|set| set.fetched.age(now) >= set.lifetime);
                    if !was_due || key.is_none() {
                        held.asked_again = Some(now);
                    }
                    *held = Held { set: Some(Set { keys, fetched: now, lifetime }), failed: None, ..held.clone() };
                    key.ok_or_else(|| Error::UnknownKey(kid.to_owned()))
                }
                Err(error) => {
                    held.failed = Some((now, Some(error.clone())));
                    Err(error)
                }
            };
            (held.clone(), verdict)
        };
        if let Some(file) = &self.file {
            // The next process asks again where nothing can be written.
            let _ = saved::write(file, environment, &held);
        }
        verdict
    }

    /// A file that is newer than what this process knows replaces it.
    fn read_file(&self, environment: &EnvironmentUrl) {
        let Some(read) = self.file.as_ref().and_then(|file| saved::read(file, environment)) else { return };
        let mut held = lock(&self.held);
        let at = |held: &Held| held.set.as_ref().map(|set| set.fetched.wall);
        if at(&read) > at(&held) || (held.set.is_none() && held.failed.is_none()) {
            *held = read;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
