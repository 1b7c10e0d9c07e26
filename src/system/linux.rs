//! Linux.

use std::fs::File;
use std::io::Read;
use std::net::TcpStream;
use std::os::unix::process::parent_id;
use std::path::PathBuf;

use rustix::process::{DumpableBehavior, geteuid, set_dumpable_behavior};
use rustix::time::ClockId;

use super::Asker;
pub(crate) use super::unix::*;

/// musl's own maps and unmaps pages for each larger piece, a hundred times where the tree of all commands is built.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;
/// How many processes above the one that started us are named: the kernel takes 9 microseconds for each, and an answer from memory
/// takes 600.
const MOST_PARENTS: usize = 3;

/// No core dumps, and no other process of the same user that looks into our memory.
pub(crate) fn harden() {
    // Where the kernel refuses, the program is as it would be without; there is nobody to tell.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// The process that started us, its program, and the names of those next above it. What cannot be
/// read, as of another user's, is left out.
pub(crate) fn asker() -> Option<Asker> {
    let pid = parent_id();
    let executable = std::fs::read_link(format!("/proc/{pid}/exe")).ok();
    let mut parents = Vec::new();
    let mut above = process(pid).map_or(0, |(_, above)| above);
    while above > 1
        && parents.len() < MOST_PARENTS
        && let Some((name, next)) = process(above)
    {
        parents.push(name);
        above = next;
    }
    Some(Asker { pid, executable, parents })
}

fn process(pid: u32) -> Option<(String, u32)> {
    // What is needed stands in front, and the kernel gives it in one piece.
    let mut stat = [0; 256];
    let length = File::open(format!("/proc/{pid}/stat")).ok()?.read(&mut stat).ok()?;
    name_and_parent(&stat[..length])
}

/// The name of a process and its parent's id, of what `/proc/PID/stat` says: `PID (NAME) STATE PARENT ...` (proc_pid_stat(5)). The
/// name may hold any byte.
fn name_and_parent(stat: &[u8]) -> Option<(String, u32)> {
    let begin = stat.iter().position(|byte| *byte == b'(')?;
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let name = String::from_utf8_lossy(stat.get(begin + 1..end)?).into_owned();
    let parent = std::str::from_utf8(&stat[end + 1..]).ok()?.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some((name, parent))
}

/// Nanoseconds since the machine's start, sleep included.
pub(crate) fn nanoseconds() -> u64 {
    nanoseconds_of(ClockId::Boottime)
}

/// Lets the next bytes that arrive be acknowledged without a wait.
pub(crate) fn acknowledge_at_once(socket: &TcpStream) {
    // Where it cannot be set, an answer may take 40 ms more.
    let _ = rustix::net::sockopt::set_tcp_quickack(socket, true);
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_name_of_a_process_may_look_like_the_end_of_one() {
        let read = |stat: &str| name_and_parent(stat.as_bytes());
        assert_eq!(read("12 (git) S 7 12 3 0\n"), Some(("git".to_owned(), 7)));
        assert_eq!(read("12 (a) R 99 (b) S 7 12\n"), Some(("a) R 99 (b".to_owned(), 7)));
        assert_eq!(read("12 )git( S 7"), None);
        assert_eq!(read("12 (git) S"), None);
        assert_eq!(asker().map(|asker| asker.pid), Some(parent_id()));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = name_and_parent(&bytes);
        }

        #[test]
        fn every_name_is_read(name in "\\PC{0,15}", parent in any::<u32>()) {
            let stat = format!("1 ({name}) S {parent} 1 1");
            prop_assert_eq!(name_and_parent(stat.as_bytes()), Some((name, parent)));
        }
    }
}
