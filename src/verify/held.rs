//! What is remembered of an environment's keys, and what can be said from it without asking.

use std::time::{Duration, Instant};

use super::Error;
use super::jwks::Key;
use crate::clock;

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
    pub fn look(&self, kid: &str, now: Moment) -> Option<Result<Key, Error>> {
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
