//! Where a token may rest until it expires, so that a tool that asks a hundred times asks the vault once: in the kernel's
//! memory, never in a file. Where the kernel offers none there is no cache, and everything else works.
//!
//! Two kinds of token rest here: a connected account's, and the one that `/oauth/token` gives to a client; and, where an
//! account has none yet, the link where a person consents. Never a refresh token, never client credentials.

mod entry;
mod failure;
mod flight;
#[cfg(target_os = "linux")]
mod kernel;
#[cfg(not(target_os = "linux"))]
#[path = "none.rs"]
mod kernel;
mod key;
mod link;

use std::time::{Duration, Instant};

pub use entry::{Entry, Ttl, decode};
pub use key::{Holder, Key};

use crate::clock;
use crate::config::CacheLimits;
use crate::consent::Failure;
use crate::trace::step;
use crate::vault::{MagicLink, Status};

/// `off` switches the cache off for one call.
const VARIABLE: &str = "SCALEKIT_AUTH_CACHE";
/// How long to wait for another process that asks for the same token; then it is asked for alone.
const LONGEST_WAIT: Duration = Duration::from_secs(3);
/// What is left of the time limit for asking alone, however many tokens were waited for one after another.
const ALONE: Duration = Duration::from_millis(4500);
/// A token that lives for less is not worth keeping, in seconds.
const SHORTEST_LIFE: i64 = 60;
/// How long a failure is there for those who wait for it, in seconds: a little longer than they wait.
const FAILURE_STAYS: i64 = 4;
/// A link is not given again in its last seconds: a person has to open it by then. Links are good for a minute or so.
const LINK_MARGIN: i64 = 15;

/// How long tokens may be cached, and until when this process waits for others.
#[derive(Debug, Clone, Copy)]
pub struct Cache {
    limits: CacheLimits,
    deadline: Instant,
}

impl Cache {
    /// The cache of this user, within `limits`.
    pub fn new(limits: CacheLimits, deadline: Instant) -> Self {
        let limits = if is_switched_off() { CacheLimits { account: 0, client: 0, ..limits } } else { limits };
        Self { limits, deadline }
    }

    /// The token that is cached for `key`. One that `is_usable` does not take is forgotten.
    pub fn get(&self, key: &Key, is_usable: impl Fn(&Entry) -> bool) -> Option<Entry> {
        let found = self.look(key, is_usable);
        match &found {
            Ok(_) => step!("cache: hit for {}", key.holder),
            Err(why) => step!("cache: {why} for {}", key.holder),
        }
        found.ok()
    }

    /// As [`Cache::get`], with the reason where there is none.
    fn look(&self, key: &Key, is_usable: impl Fn(&Entry) -> bool) -> Result<Entry, &'static str> {
        if self.ceiling(key) == 0 {
            return Err("off");
        }
        let description = key.description();
        let value = kernel::read(&description);
        let Some((entry, ttl)) = value.and_then(|value| decode(value.expose())) else { return Err("miss") };
        if ttl.left(clock::wall(), clock::since_boot()) == 0 {
            return Err("expired");
        }
        if !is_usable(&entry) {
            kernel::remove(&description);
            return Err("hit, not used because a server refused it,");
        }
        Ok(entry)
    }

    /// What `fetch` gives for `key`, where [`Cache::get`] found nothing; it is asked for once by however many processes want
    /// it at the same time. What `fetch` gives besides the token is there for its caller alone.
    ///
    /// # Errors
    /// The failure of `fetch`, in this process or in the one that this one waited for.
    pub fn fetch_once<T>(
        &self,
        key: &Key,
        is_usable: impl Fn(&Entry) -> bool,
        fetch: impl FnOnce() -> Result<(Entry, T), Failure>,
    ) -> Result<(Entry, Option<T>), Failure> {
        let began = clock::nanoseconds();
        let mut turn = None;
        if self.ceiling(key) > 0 && kernel::is_there() {
            let left = self.deadline.saturating_duration_since(Instant::now());
            turn = flight::wait_for(key, LONGEST_WAIT.min(left.saturating_sub(ALONE)));
            step!(
                "turn: {} asks for {}",
                if turn.is_some() { "only this process" } else { "every process" },
                key.holder
            );
            // What was not there before is told only if another process has put it there.
            if let Ok(entry) = self.look(key, &is_usable) {
                step!("cache: hit for {}, which another process got", key.holder);
                return Ok((entry, None));
            }
            if let Some(failure) = kernel::read(&key.failure_description())
                && let Some(failure) = failure::decode(failure.expose(), began)
            {
                return Err(failure);
            }
            turn = turn.filter(|turn| !turn.was_left_nothing(began));
        }
        let outcome = fetch();
        let is_left = match &outcome {
            Ok((entry, _)) => self.put(key, entry, &is_usable),
            Err(failure) if turn.is_some() => {
                kernel::write(&key.failure_description(), failure::encode(failure).expose(), FAILURE_STAYS)
            }
            Err(_) => true,
        };
        if let Some(turn) = turn.filter(|_| !is_left) {
            turn.leave_nothing();
        }
        outcome.map(|(entry, rest)| (entry, Some(rest)))
    }

    /// The link that was made a while ago for the account of `key`, in the state `status`, and is still good.
    pub fn link(&self, key: &Key, status: &Status) -> Option<MagicLink> {
        if self.ceiling(key) == 0 {
            return None;
        }
        let link = link::decode(kernel::read(&key.link_description())?.expose(), status)?;
        (link.expires_at?.saturating_sub(LINK_MARGIN) > clock::wall()).then_some(link)
    }

    /// Lets `link` rest while it is good, and never longer than a token of this account: this clock may be slow.
    pub fn keep_link(&self, key: &Key, status: &Status, link: &MagicLink) {
        let (Some(until), Some(bytes)) = (link.expires_at, link::encode(status, link)) else { return };
        let seconds = until.saturating_sub(LINK_MARGIN).saturating_sub(clock::wall()).min(self.ceiling(key));
        // Where there is no room, the next one asks for a link of its own.
        let _ = kernel::write(&key.link_description(), bytes.expose(), seconds);
    }

    /// Forgets the link for the account of `key`.
    pub fn forget_link(&self, key: &Key) {
        kernel::remove(&key.link_description());
    }

    /// Lets `entry` rest; `false` if it may not, or there is no room.
    fn put(&self, key: &Key, entry: &Entry, is_usable: impl Fn(&Entry) -> bool) -> bool {
        let (since, since_boot) = (clock::wall(), clock::since_boot());
        let seconds = self.seconds(key, entry, since);
        let description = key.description();
        let ttl = Ttl { since, since_boot, seconds };
        if seconds <= 0 || !kernel::write(&description, entry::encode(entry, &ttl).expose(), seconds) {
            return false;
        }
        // Whoever refuses a token notes that first and evicts then. So a refusal between the vault's answer and this moment
        // is either seen here, or its eviction comes after us.
        if !is_usable(entry) {
            kernel::remove(&description);
        }
        true
    }

    /// How long `entry` may be cached from `now` on.
    fn seconds(&self, key: &Key, entry: &Entry, now: i64) -> i64 {
        let ceiling = self.ceiling(key);
        match entry.expires_at.map(|at| at.saturating_sub(now)) {
            None => ceiling,
            Some(life) if life < SHORTEST_LIFE => 0,
            Some(life) => ceiling.min(life - self.limits.margin.min(life / 2)),
        }
    }

    fn ceiling(&self, key: &Key) -> i64 {
        match key.holder {
            Holder::Account { .. } | Holder::Session { .. } => self.limits.account,
            Holder::Client { .. } => self.limits.client,
        }
    }
}

/// Forgets the tokens of all keys that `is_meant`, whose entries it may look into, and the links, which have none.
pub fn evict(is_meant: impl Fn(&Key, Option<&Entry>) -> bool) {
    for (description, value) in kernel::all() {
        let is_meant = match (Key::of_link(&description), Key::parse(&description).zip(decode(value.expose()))) {
            (Some(key), _) => is_meant(&key, None),
            (None, Some((key, (entry, _)))) => is_meant(&key, Some(&entry)),
            (None, None) => false,
        };
        if is_meant
            && kernel::remove(&description)
            && let Some(key) = Key::parse(&description)
        {
            step!("cache: dropped what was there for {}", key.holder);
        }
    }
}

/// Forgets everything, links, failures and entries of other versions as well; returns how many tokens that were.
pub fn clear() -> usize {
    let all = kernel::all().into_iter();
    let forgotten = all.filter(|(description, _)| kernel::remove(description));
    forgotten.filter(|(description, _)| Key::parse(description).is_some()).count()
}

/// What is known of an entry without its token.
#[derive(Debug)]
pub struct CachedToken {
    /// Whose token it is.
    pub key: Key,
    /// For how long it has been here, in seconds.
    pub age: i64,
    /// For how long it stays, in seconds.
    pub left: i64,
    /// Its size in the kernel's memory, in bytes.
    pub size: usize,
}

/// Everything that is cached.
pub fn list() -> Vec<CachedToken> {
    let (now, now_boot) = (clock::wall(), clock::since_boot());
    let resting = |(description, value): (String, crate::secret::Secret<Vec<u8>>)| {
        let (key, (_, ttl)) = Key::parse(&description).zip(decode(value.expose()))?;
        let age = now_boot.saturating_sub(ttl.since_boot).max(0);
        Some(CachedToken { key, age, left: ttl.left(now, now_boot), size: description.len() + value.expose().len() })
    };
    kernel::all().into_iter().filter_map(resting).collect()
}

/// Whether a variable switches the cache off.
pub fn is_switched_off() -> bool {
    std::env::var_os(VARIABLE).is_some_and(|value| value.to_string_lossy().trim() == "off")
}

/// Whether the kernel lets us keep anything.
pub fn is_available() -> bool {
    kernel::is_there()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    #[test]
    fn a_token_rests_until_a_margin_before_its_expiry_and_never_longer_than_the_ceiling() {
        let limits = CacheLimits { account: 900, client: 3600, margin: 300 };
        let cache = Cache { limits, deadline: Instant::now() };
        let account = Holder::Account { connection: "x".into(), identifier: "ada".into(), owner: Default::default() };
        let client = Holder::Client { scopes: Vec::new() };
        let seconds = |holder: &Holder, life: Option<i64>| {
            let key = Key { environment: "https://a".into(), client_id: "c".into(), holder: holder.clone() };
            cache.seconds(&key, &Entry::bearer(Secret::new("t".into()), life.map(|life| 1000 + life)), 1000)
        };
        assert_eq!(seconds(&account, None), 900);
        assert_eq!(seconds(&client, None), 3600);
        assert_eq!(seconds(&account, Some(3600)), 900);
        assert_eq!(seconds(&client, Some(3600)), 3300);
        assert_eq!(seconds(&account, Some(1000)), 700);
        assert_eq!(seconds(&account, Some(400)), 200, "half of a short life");
        assert_eq!(seconds(&account, Some(60)), 30);
        assert_eq!(seconds(&account, Some(59)), 0);
        assert_eq!(seconds(&account, Some(-5)), 0);
    }
}
