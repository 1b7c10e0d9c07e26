//! macOS, and whatever other Unix this is built for.

use std::net::TcpStream;
use std::os::unix::process::parent_id;
use std::path::PathBuf;

use rustix::process::{Resource, Rlimit, setrlimit};
use rustix::time::ClockId;

use super::Asker;
pub(crate) use super::unix::*;

/// No core dumps. A debugger of the same user is kept away by the system where the program is signed with the hardened runtime.
pub(crate) fn harden() {
    // Where the kernel refuses, the program is as it would be without; there is nobody to tell.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
}

/// The process that started us; without unsafe code no more than its id is known.
pub(crate) fn asker() -> Option<Asker> {
    Some(Asker { pid: parent_id(), executable: None, parents: Vec::new() })
}

/// Nanoseconds since the machine's start, which this clock counts through sleep, unlike Linux' clock of the same name.
pub(crate) fn nanoseconds() -> u64 {
    nanoseconds_of(ClockId::Monotonic)
}

/// A directory in the temporary directory, which is each user's own.
pub(crate) fn runtime_directory() -> Option<PathBuf> {
    super::unix::runtime_directory(None)
}

/// There is no such setting.
pub(crate) fn acknowledge_at_once(_: &TcpStream) {}

/// The same without making it: where it is, and whether it can be used.
pub(crate) fn runtime_place() -> (PathBuf, bool) {
    super::unix::runtime_place(None)
}
