//! The user's runtime directory, a tmpfs that other users cannot read, and waiting for a locked file.
//!
//! What lies there helps processes that run at the same time; nothing in it is secret, and without it everything works.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use crate::system;
pub(crate) use crate::system::{runtime_directory as directory, runtime_place as place};

/// Opens the file `name` of `directory` for reading and writing, made for its owner alone if it is not there. Whoever could put a
/// symbolic link in its place would choose what is made.
pub(crate) fn open(directory: &Path, name: &str) -> io::Result<File> {
    system::open_directly(File::options().read(true).write(true), &directory.join(name))
}

/// Locks `file`, at once or within `wait`; `false` if another process holds it for longer. The lock ends with the file,
/// or with the process, however it ends.
///
/// # Errors
/// What the system says where it locks no files.
pub(crate) fn lock(file: &File, wait: Duration) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => return Ok(true),
        Err(TryLockError::WouldBlock) => {}
        Err(TryLockError::Error(error)) => return Err(error),
    }
    // The kernel wakes a thread the moment that the lock is free, and one among many; asking again and again would not.
    let waiting = file.try_clone()?;
    let (sender, receiver) = mpsc::channel();
    std::thread::Builder::new().spawn(move || {
        let outcome = waiting.lock();
        if sender.send(outcome).is_err() {
            // Nobody waits any more, and nobody may wait for us.
            let _ = waiting.unlock();
        }
    })?;
    match receiver.recv_timeout(wait) {
        Ok(outcome) => outcome.map(|()| true),
        Err(_) => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn a_lock_is_had_at_once_after_a_wait_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let held = open(dir.path(), "x").unwrap();
        assert!(lock(&held, Duration::ZERO).unwrap());
        let other = open(dir.path(), "x").unwrap();
        assert!(!lock(&other, Duration::from_millis(20)).unwrap());
        // The thread that was left behind must not keep what it gets.
        let released = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(50));
            drop(held);
        });
        let start = Instant::now();
        let third = open(dir.path(), "x").unwrap();
        assert!(lock(&third, Duration::from_secs(20)).unwrap());
        assert!(start.elapsed() < Duration::from_secs(10));
        released.join().unwrap();
    }
}
