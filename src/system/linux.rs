//! Linux.

use std::path::PathBuf;

use rustix::process::{DumpableBehavior, geteuid, set_dumpable_behavior};
use rustix::time::{ClockId, clock_gettime};

pub(crate) use super::unix::*;

/// No core dumps, and no other process of the same user that looks into our memory.
pub(crate) fn harden() {
    // Where the kernel refuses, the program is as it would be without; there is nobody to tell.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// Nanoseconds since the machine's start, sleep included.
pub(crate) fn nanoseconds() -> u64 {
    let time = clock_gettime(ClockId::Boottime);
    let (seconds, nanoseconds) = (u64::try_from(time.tv_sec), u64::try_from(time.tv_nsec));
    seconds.unwrap_or_default().saturating_mul(1_000_000_000).saturating_add(nanoseconds.unwrap_or_default())
}

/// `$XDG_RUNTIME_DIR/scalekit-auth`, else a directory of the user's own in `/run/user` or the temporary directory.
pub(crate) fn runtime_directory() -> Option<PathBuf> {
    super::unix::runtime_directory(usual())
}

/// The same without making it: where it is, and whether it can be used.
pub(crate) fn runtime_place() -> (PathBuf, bool) {
    super::unix::runtime_place(usual())
}

fn usual() -> Option<PathBuf> {
    let run = PathBuf::from(format!("/run/user/{}", geteuid().as_raw()));
    run.is_dir().then_some(run)
}
