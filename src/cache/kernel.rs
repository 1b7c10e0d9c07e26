//! The kernel's memory for keys (keyrings(7), user-keyring(7)): it enforces the expiry, other users cannot see what is
//! there, nothing touches a disk, and all is gone when the machine stops.
//!
//! A key is put into the keyring of this process, gets its permissions and its time, and only then is linked into the
//! user's keyring: one that is added there at once can be read only from sessions that link that keyring. What is there
//! already is updated in place, since a replaced key counts against the user's quota until the kernel collects it.
//! Every error is a miss: there may be no room, and containers refuse the calls.
//!
//! Ours are a few places with fixed names, and whose value it is stands before it. Keys are never listed: the library
//! panics where any key of the user's, of other programs too, has a name of 500 bytes, and cuts names at a semicolon.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use linux_keyutils::{Key, KeyPermissions, KeyRing, KeyRingIdentifier};

use super::key::gives_way;
use crate::runtime;
use crate::secret::Secret;

/// The user's other programs share the quota of 200 keys and 20,000 bytes.
const PLACES: usize = 32;
/// In how many of them a value may be, so that a miss need not look into all.
const CHOICES: usize = 16;
const MOST_BYTES: usize = 12 * 1024;
/// The largest value that is kept, its description included.
const LARGEST: usize = 4096;
/// Everything for the process that holds the key and for the user, nothing for group and others.
const PERMISSIONS: u32 = 0x3f3f_0000;

/// Two threads that find the same place free would lose one of their values. So would two processes, for which a file is
/// locked as well; where that is not possible, it is a miss later.
static WRITING: Mutex<()> = Mutex::new(());
/// How long to wait for other processes that look for a place.
const LOCK_WAIT: Duration = Duration::from_millis(200);

/// A place with a value in it.
struct Taken {
    place: usize,
    key: Key,
    description: String,
    value: Secret<Vec<u8>>,
}

impl Taken {
    fn at(users: KeyRing, place: usize) -> Option<Self> {
        let key = users.search(&name(place)).ok()?;
        let mut text = Secret::new(vec![0; LARGEST]);
        // The whole length is told, even where it does not fit.
        let len = key.read(&mut text.expose_mut()).ok().filter(|len| *len <= LARGEST)?;
        text.truncate(len);
        let end = text.expose().iter().position(|byte| *byte == b'\n')?;
        let (description, value) = (&text.expose()[..end], &text.expose()[end + 1..]);
        let description = std::str::from_utf8(description).ok()?.to_owned();
        Some(Self { place, key, description, value: Secret::new(value.to_vec()) })
    }
}

/// Whether this process may keep anything here at all.
pub(super) fn is_there() -> bool {
    users().is_some()
}

/// The value of this description.
pub(super) fn read(description: &str) -> Option<Secret<Vec<u8>>> {
    chosen(description).next().map(|taken| taken.value)
}

/// Keeps `value` for so many seconds; `false` if there is no room or the kernel refuses.
pub(super) fn write(description: &str, value: &[u8], seconds: i64) -> bool {
    keep(description, value, seconds).is_some()
}

fn keep(description: &str, value: &[u8], seconds: i64) -> Option<()> {
    let seconds = usize::try_from(seconds).ok().filter(|seconds| *seconds > 0)?;
    let users = users()?;
    let _turn = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    let file = runtime::directory().and_then(|directory| runtime::open(&directory, "places").ok());
    let _others = file.filter(|file| runtime::lock(file, LOCK_WAIT).unwrap_or(false));
    let text = Secret::new([description.as_bytes(), b"\n", value].concat());
    let len = text.expose().len();
    let (mut own, mut others): (Vec<_>, Vec<_>) =
        taken(description).partition(|taken| taken.description == description);
    if len > LARGEST {
        return None;
    }
    let size = |taken: &Taken| taken.description.len() + 1 + taken.value.expose().len();
    let free = |others: &[Taken]| {
        places(description).take(CHOICES).find(|place| others.iter().all(|taken| taken.place != *place))
    };
    let is_choice = |place| places(description).take(CHOICES).any(|choice| choice == place);
    // Where all is full, the first that may has to make room; best by its very key, see above.
    loop {
        let needs_place = own.is_empty() && free(&others).is_none();
        if !needs_place && others.iter().map(size).sum::<usize>() + len <= MOST_BYTES {
            break;
        }
        let goes = |taken: &Taken| gives_way(&taken.description) && (!needs_place || is_choice(taken.place));
        let first = others.remove(others.iter().position(goes)?);
        if own.is_empty() && is_choice(first.place) {
            own.push(first);
        } else {
            first.key.invalidate().ok()?;
        }
    }
    if let Some(Taken { key, .. }) = own.first()
        && key.update(text.expose()).is_ok()
    {
        // Until then the old time holds; it is also part of the value.
        return key.set_timeout(seconds).ok();
    }
    let key = KeyRing::from_special_id(KeyRingIdentifier::Process, true).ok()?;
    let key = key.add_key(&name(free(&others)?), text.expose()).ok()?;
    key.set_perms(KeyPermissions::from_u32(PERMISSIONS)).ok()?;
    key.set_timeout(seconds).ok()?;
    users.link_key(key).ok()
}

/// Forgets the value of this description; `false` if there was none.
pub(super) fn remove(description: &str) -> bool {
    // Two processes may have put it into two places at the same moment.
    chosen(description).filter(|taken| taken.key.invalidate().is_ok()).count() > 0
}

/// All of ours: descriptions and values.
pub(super) fn all() -> Vec<(String, Secret<Vec<u8>>)> {
    taken("").map(|Taken { description, value, .. }| (description, value)).collect()
}

/// What is there, in the order in which this description looks for its place.
fn taken(description: &str) -> impl Iterator<Item = Taken> + use<> {
    let users = users();
    places(description).filter_map(move |place| Taken::at(users?, place))
}

/// Where this description is.
fn chosen(description: &str) -> impl Iterator<Item = Taken> {
    let users = users();
    let there = places(description).take(CHOICES).filter_map(move |place| Taken::at(users?, place));
    there.filter(move |taken| taken.description == description)
}

/// All places, beginning with one that is as good as this description's own.
fn places(description: &str) -> impl Iterator<Item = usize> + use<> {
    let digest = ring::digest::digest(&ring::digest::SHA256, description.as_bytes());
    let first = usize::from(digest.as_ref()[0]);
    (0..PLACES).map(move |step| (first + step) % PLACES)
}

fn name(place: usize) -> String {
    format!("scalekit-auth:{place}")
}

fn users() -> Option<KeyRing> {
    KeyRing::from_special_id(KeyRingIdentifier::User, false).ok()
}
