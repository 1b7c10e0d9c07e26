//! The kernel's memory for keys (keyrings(7), user-keyring(7)): it enforces the expiry, other users cannot see what is
//! there, nothing touches a disk, and all is gone when the machine stops.
//!
//! A key is put into the keyring of this process, gets its permissions and its time, and only then is linked into the
//! user's keyring: one that is added there at once can be read only from sessions that link that keyring. What is there
//! already is updated in place, since a replaced key counts against the user's quota until the kernel collects it.
//! Every error is a miss: there may be no room, and containers refuse the calls.

use linux_keyutils::{Key, KeyPermissions, KeyRing, KeyRingIdentifier, LinkNode};

use super::key::is_ours;
use crate::secret::Secret;

/// The user's other programs share the quota of 200 keys and 20,000 bytes.
const MOST_KEYS: usize = 32;
const MOST_BYTES: usize = 12 * 1024;
/// The largest value that is kept.
const LARGEST: usize = 4096;
/// Everything for the process that holds the key and for the user, nothing for group and others.
const PERMISSIONS: u32 = 0x3f3f_0000;
/// The library wants room for all links that the user's keyring has, whoever made them; root's may have many.
const MOST_LINKS: usize = 65_536;

/// Whether this process may keep anything here at all.
pub(super) fn is_there() -> bool {
    users().is_some()
}

/// The value of this description.
pub(super) fn read(description: &str) -> Option<Secret<Vec<u8>>> {
    value(&users()?.search(description).ok()?)
}

/// Keeps `value` for so many seconds; `false` if there is no room or the kernel refuses.
pub(super) fn write(description: &str, value: &[u8], seconds: i64) -> bool {
    keep(description, value, seconds).is_some()
}

fn keep(description: &str, value: &[u8], seconds: i64) -> Option<()> {
    let seconds = usize::try_from(seconds).ok().filter(|seconds| *seconds > 0)?;
    let users = users()?;
    if value.len() > LARGEST || !has_room(description, value.len()) {
        return None;
    }
    if let Ok(key) = users.search(description)
        && key.update(&value).is_ok()
    {
        // Until then the old time holds, which is the shorter one.
        return key.set_timeout(seconds).ok();
    }
    let key = KeyRing::from_special_id(KeyRingIdentifier::Process, true).ok()?.add_key(description, value).ok()?;
    key.set_perms(KeyPermissions::from_u32(PERMISSIONS)).ok()?;
    key.set_timeout(seconds).ok()?;
    users.link_key(key).ok()
}

/// Forgets the value of this description; `false` if there was none.
pub(super) fn remove(description: &str) -> bool {
    users().and_then(|users| users.search(description).ok()).is_some_and(|key| key.invalidate().is_ok())
}

/// All of ours: descriptions and values.
pub(super) fn all() -> Vec<(String, Secret<Vec<u8>>)> {
    let links = users().and_then(|users| users.get_links(MOST_LINKS).ok());
    let keys = links.iter().flat_map(|links| links.iter()).filter_map(LinkNode::as_key);
    let ours = keys.filter_map(|key| {
        let description = key.metadata().ok()?.get_description().to_owned();
        if !is_ours(&description) {
            return None;
        }
        Some((description, value(&key)?))
    });
    ours.collect()
}

fn has_room(description: &str, len: usize) -> bool {
    let others: Vec<_> = all().into_iter().filter(|(other, _)| other != description).collect();
    let bytes: usize = others.iter().map(|(description, value)| description.len() + value.expose().len()).sum();
    others.len() < MOST_KEYS && bytes + description.len() + len <= MOST_BYTES
}

fn users() -> Option<KeyRing> {
    KeyRing::from_special_id(KeyRingIdentifier::User, false).ok()
}

fn value(key: &Key) -> Option<Secret<Vec<u8>>> {
    let mut buffer = Secret::new(vec![0; LARGEST]);
    // The whole length is told, even where it does not fit.
    let len = key.read(&mut buffer.expose_mut()).ok().filter(|len| *len <= LARGEST)?;
    buffer.truncate(len);
    Some(buffer)
}
