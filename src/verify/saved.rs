//! The file that hands keys from one run of the command to the next. They are public, but whoever could write them could
//! sign: it lies in a directory that is ours alone.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::held::{Held, Moment, Set};
use super::jwks::Key;
use crate::config::json;
use crate::service::EnvironmentUrl;

const VERSION: u64 = 1;
const LARGEST: u64 = 1024 * 1024;
/// How far the clock may have been set back since the file was written. What is dated later is not believed: nothing
/// tells how old it is.
const SET_BACK: i64 = 300;
const LONGEST_LIFETIME: u64 = 24 * 3600;

#[derive(Serialize, Deserialize)]
struct Document {
    version: u64,
    environment: String,
    fetched_at: i64,
    lifetime: u64,
    asked_again_at: Option<i64>,
    failed_at: Option<i64>,
    keys: Vec<Key>,
}

/// The file for `environment` in the user's runtime directory; `None` where there is none.
pub(super) fn path(environment: &EnvironmentUrl) -> Option<PathBuf> {
    let digest = ring::digest::digest(&ring::digest::SHA256, environment.as_str().as_bytes());
    let name = crate::hex::encode(&digest.as_ref()[..8]);
    Some(crate::runtime::directory()?.join(format!("keys-{name}.json")))
}

/// What the file says. One that cannot be read, or makes no sense, is none.
pub(super) fn read(file: &Path, environment: &EnvironmentUrl) -> Option<Held> {
    let mut bytes = Vec::new();
    File::open(file).ok()?.take(LARGEST).read_to_end(&mut bytes).ok()?;
    let document: Document = json::parse_as(&bytes).ok()?;
    let is_past = |at: &i64| *at <= Moment::now().wall.saturating_add(SET_BACK);
    let is_ours = document.version == VERSION && document.environment == environment.as_str();
    if !is_ours || !is_past(&document.fetched_at) || document.lifetime > LONGEST_LIFETIME {
        return None;
    }
    let (fetched, lifetime) = (Moment::told(document.fetched_at), Duration::from_secs(document.lifetime));
    Some(Held {
        set: Some(Set { keys: document.keys, fetched, lifetime }),
        asked_again: document.asked_again_at.filter(is_past).map(Moment::told),
        failed: document.failed_at.filter(is_past).map(|at| (Moment::told(at), None)),
    })
}

/// Replaces the file at once, readable by its owner only.
pub(super) fn write(file: &Path, environment: &EnvironmentUrl, held: &Held) -> std::io::Result<()> {
    let Some(set) = &held.set else { return Ok(()) };
    let document = Document {
        version: VERSION,
        environment: environment.to_string(),
        fetched_at: set.fetched.wall,
        lifetime: set.lifetime.as_secs(),
        asked_again_at: held.asked_again.map(|at| at.wall),
        failed_at: held.failed.as_ref().map(|(at, _)| at.wall),
        keys: set.keys.clone(),
    };
    let directory = file.parent().unwrap_or(Path::new("/"));
    let mut temporary = tempfile::NamedTempFile::new_in(directory)?;
    temporary.write_all(&serde_json::to_vec(&document)?)?;
    temporary.persist(file)?;
    Ok(())
}
