//! The keys of one environment: fetched when they are needed, kept while they are good, and never asked for more often than
//! a flood of bad tokens should be able to make us.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jsonwebtoken::DecodingKey;

use super::jwks::{self, Key};
use super::{Error, saved};
use crate::clock;
use crate::vault::{EnvironmentUrl, Limit};

/// How often an unknown key id may make us ask for the keys again.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(60);
/// How soon it is tried again after a failure without which there are no keys at all.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(10);

/// A point in time by two clocks: the wall clock may be set, and the steady one sleeps with the machine.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    steady: Option<Instant>,
    /// Seconds since 1970.
    pub wall: i64,
}

impl Moment {
    pub fn now() -> Self {
        Self { steady: Some(Instant::now()), wall: clock::wall() }
    }

    /// One that a file tells; only the wall clock is shared between processes.
    pub fn told(wall: i64) -> Self {
        Self { steady: None, wall }
    }

    /// How long ago that was. A wall clock that went back since then is not believed.
    pub fn age(self, now: Self) -> Duration {
        let by_wall = Duration::from_secs(now.wall.saturating_sub(self.wall).try_into().unwrap_or(0));
        let steady = self.steady.zip(now.steady).map(|(then, now)| now.saturating_duration_since(then));
        steady.map_or(by_wall, |steady| steady.max(by_wall))
    }
}

/// A fetched key set.
#[derive(Debug, Clone)]
pub(super) struct Set {
    pub keys: Vec<Key>,
    pub fetched: Moment,
    pub lifetime: Duration,
}

/// All that is remembered of an environment's keys.
#[derive(Debug, Clone, Default)]
pub(super) struct Held {
    pub set: Option<Set>,
    /// When an unknown key id made us ask last.
    pub asked_again: Option<Moment>,
    /// The last attempt failed then. A file does not tell why.
    pub failed: Option<(Moment, Option<Error>)>,
}

impl Held {
    /// The verdict on a key id, if there is one without asking.
    fn look(&self, kid: &str, now: Moment) -> Option<Result<Key, Error>> {
        let fresh = self.set.as_ref().filter(|set| set.fetched.age(now) < set.lifetime);
        if let Some(key) = fresh.and_then(|set| set.keys.iter().find(|key| key.kid == kid)) {
            return Some(Ok(key.clone()));
        }
        // While there are keys, nobody but a bringer of unknown ids waits for the vault to come back. Without any, another
        // process is not held up by this one's failure.
        let failed = self.failed.as_ref().filter(|(at, error)| match (fresh, error) {
            (Some(_), _) => at.age(now) < ASK_AGAIN_AFTER,
            (None, Some(_)) => at.age(now) < TRY_AGAIN_AFTER,
            (None, None) => false,
        });
        if let Some((_, error)) = failed {
            return Some(Err(error.clone().unwrap_or(Error::KeysLately)));
        }
        let is_known_as_unknown = fresh.is_some() && self.asked_again.is_some_and(|at| at.age(now) < ASK_AGAIN_AFTER);
        is_known_as_unknown.then(|| Err(Error::UnknownKey(kid.to_owned())))
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault;

    const NOW: i64 = 1_800_000_000;

    fn held(fetched: i64, asked_again: Option<i64>, failed: Option<i64>) -> Held {
        let key: Key = serde_json::from_str(r#"{"kid": "a", "n": "AQAB", "e": "AQAB"}"#).unwrap();
        Held {
            set: Some(Set { keys: vec![key], fetched: Moment::told(fetched), lifetime: Duration::from_secs(600) }),
            asked_again: asked_again.map(Moment::told),
            failed: failed.map(|at| (Moment::told(at), Some(vault::Error::Timeout("x".into()).into()))),
        }
    }

    /// `None` is to ask.
    fn verdict(held: &Held, kid: &str) -> Option<&'static str> {
        held.look(kid, Moment::told(NOW)).map(|verdict| match verdict {
            Ok(_) => "known",
            Err(Error::UnknownKey(_)) => "unknown",
            Err(_) => "unreachable",
        })
    }

    #[test]
    fn a_known_key_is_good_for_its_lifetime_whatever_else_happened() {
        assert_eq!(verdict(&held(NOW - 599, Some(NOW), Some(NOW)), "a"), Some("known"));
        assert_eq!(verdict(&held(NOW - 600, None, None), "a"), None);
        assert_eq!(verdict(&held(NOW - 600, Some(NOW), None), "a"), None);
        assert_eq!(verdict(&held(NOW - 600, None, Some(NOW - 9)), "a"), Some("unreachable"));
        assert_eq!(verdict(&held(NOW - 600, None, Some(NOW - 10)), "a"), None);
    }

    #[test]
    fn an_unknown_key_is_asked_for_once_a_minute() {
        assert_eq!(verdict(&held(NOW, None, None), "b"), None);
        assert_eq!(verdict(&held(NOW, Some(NOW - 59), None), "b"), Some("unknown"));
        assert_eq!(verdict(&held(NOW, Some(NOW - 60), None), "b"), None);
        assert_eq!(verdict(&held(NOW, Some(NOW - 60), Some(NOW - 59)), "b"), Some("unreachable"));
    }

    #[test]
    fn a_clock_that_was_set_back_breaks_nothing() {
        assert_eq!(verdict(&held(NOW + 1_000_000, None, None), "a"), Some("known"));
        let (before, after) = (Moment::now(), Moment { steady: Some(Instant::now()), wall: 0 });
        assert!(before.age(after) < Duration::from_secs(5));
        let woken = Moment { wall: before.wall + 7200, ..Moment::now() };
        assert_eq!(before.age(woken).as_secs(), 7200);
    }
}
