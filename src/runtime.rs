//! The user's runtime directory, a tmpfs that other users cannot read, and waiting for a locked file.
//!
//! What lies there helps processes that run at the same time; nothing in it is secret, and without it everything works.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

/// `$XDG_RUNTIME_DIR/scalekit-auth`, else a directory of the user's own in `/run/user` or the temporary directory;
/// `None` unless it is ours alone.
pub(crate) fn directory() -> Option<PathBuf> {
    let own = rustix::process::geteuid().as_raw();
    let given = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
    let run = PathBuf::from(format!("/run/user/{own}"));
    let directory = match given.or_else(|| run.is_dir().then_some(run)) {
        Some(directory) => directory.join("scalekit-auth"),
        None => std::env::temp_dir().join(format!("scalekit-auth-{own}")),
    };
    // Most calls find it there.
    let is_ours = || is_ours_alone(&directory, own);
    let is_ready = is_ours() || (create_directory(&directory).is_ok() && is_ours());
    is_ready.then_some(directory)
}

/// A directory of ours, mode 0700 where we make it.
///
/// # Errors
/// What the system says.
pub(crate) fn create_directory(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

#[cfg(unix)]
fn is_ours_alone(directory: &Path, own: u32) -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::symlink_metadata(directory)
        .is_ok_and(|metadata| metadata.is_dir() && metadata.uid() == own && metadata.mode() & 0o077 == 0)
}

/// Opens the file `name` of `directory` for reading and writing, made for its owner alone if it is not there.
pub(crate) fn open(directory: &Path, name: &str) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(directory.join(name))
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
