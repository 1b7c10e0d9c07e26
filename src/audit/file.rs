//! The file: lines are put to its end under a lock, and once it is large it steps aside for a new one.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::{runtime, system};

/// The file's name; those that stepped aside have a number behind it, the newest 1.
const NAME: &str = "audit.jsonl";
/// The file's lock: one of its own, since the file itself is renamed.
const LOCK: &str = "audit.lock";
/// How large the file may become, in bytes.
const LARGEST: u64 = 1_000_000;
/// How many are kept besides the one that is written.
const KEPT: u32 = 5;
/// How long an answer waits for others that write.
const WAIT: Duration = Duration::from_millis(300);

/// The file that is written.
pub(super) fn path(directory: &Path) -> PathBuf {
    directory.join(NAME)
}

fn aside(directory: &Path, number: u32) -> PathBuf {
    directory.join(format!("{NAME}.{number}"))
}

/// All files, the oldest first, whether they are there or not.
pub(super) fn all(directory: &Path) -> Vec<PathBuf> {
    (1..=KEPT).rev().map(|number| aside(directory, number)).chain([path(directory)]).collect()
}

/// Puts one line to the end. What failed besides, if anything did, is told: the line matters more than the lock and the file's size.
pub(super) fn append(directory: &Path, line: &[u8]) -> io::Result<Option<String>> {
    let lock = match lock(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            system::private_directory(directory)?;
            lock(directory)
        }
        lock => lock,
    };
    let path = path(directory);
    let mut file = system::append_to_own(&path)?;
    let _lock = match lock {
        Ok(Some(lock)) => lock,
        // Somebody holds it for long.
        Ok(None) => return put(&mut file, line).map(|()| None),
        Err(error) => {
            put(&mut file, line)?;
            return Ok(Some(format!("{} cannot be opened: {error}", directory.join(LOCK).display())));
        }
    };
    let mut trouble = None;
    let mut length = file.metadata()?.len();
    if length > 0 && length + line.len() as u64 > LARGEST {
        drop(file);
        if let Err(error) = step_aside(directory) {
            trouble = Some(format!("{} cannot be renamed, and grows: {error}", path.display()));
        }
        file = system::append_to_own(&path)?;
        length = file.metadata()?.len();
    }
    put(&mut file, line).inspect_err(|_| {
        // The half of a line on a full disk would spoil the next one.
        let _ = file.set_len(length);
    })?;
    Ok(trouble)
}

/// Writes a line of its own, also where another process ended in the midst of one.
fn put(file: &mut File, line: &[u8]) -> io::Result<()> {
    let mut last = [b'\n'];
    if file.metadata()?.len() > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    match last {
        [b'\n'] => file.write_all(line),
        _ => file.write_all(&[b"\n", line].concat()),
    }
}

/// The lock until it is dropped; `None` if others hold it for too long.
pub(super) fn lock(directory: &Path) -> io::Result<Option<File>> {
    let file = runtime::open(directory, LOCK)?;
    // Where the file system has no locks it is as if it were held.
    Ok(runtime::lock(&file, WAIT).unwrap_or(false).then_some(file))
}

fn step_aside(directory: &Path) -> io::Result<()> {
    for number in (1..KEPT).rev() {
        match fs::rename(aside(directory, number), aside(directory, number + 1)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    fs::rename(path(directory), aside(directory, 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_file_steps_aside_and_the_oldest_goes() {
        let dir = tempfile::tempdir().unwrap();
        let directory = dir.path().join("not/there/yet");
        let line = |number: u8| [vec![number; 600_000], b"\n".to_vec()].concat();
        for number in 0..8 {
            append(&directory, &line(number)).unwrap();
        }
        let first = |path: &PathBuf| fs::read(path).unwrap()[0];
        assert_eq!(all(&directory).iter().map(first).collect::<Vec<_>>(), [2, 3, 4, 5, 6, 7]);
        append(&directory, b"short\n").unwrap();
        assert!(fs::read(path(&directory)).unwrap().ends_with(b"\nshort\n"));
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 7);
    }

    #[test]
    fn a_line_begins_after_one_that_was_not_ended() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(path(dir.path()), "{\"a\":").unwrap();
        append(dir.path(), b"one\n").unwrap();
        append(dir.path(), b"two\n").unwrap();
        assert_eq!(fs::read(path(dir.path())).unwrap(), b"{\"a\":\none\ntwo\n");
    }

    #[test]
    fn without_a_lock_or_a_place_to_step_aside_the_line_is_written_and_what_failed_is_told() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join(LOCK)).unwrap();
        let trouble = append(dir.path(), b"one\n").unwrap().unwrap();
        assert!(trouble.contains("audit.lock cannot be opened"), "{trouble}");
        assert_eq!(fs::read(path(dir.path())).unwrap(), b"one\n");

        let dir = tempfile::tempdir().unwrap();
        append(dir.path(), &[vec![b'x'; 999_999], b"\n".to_vec()].concat()).unwrap();
        // Nothing takes the name of a directory that is not empty.
        for number in 1..=KEPT {
            fs::create_dir_all(aside(dir.path(), number).join("x")).unwrap();
        }
        let trouble = append(dir.path(), b"two\n").unwrap().unwrap();
        assert!(trouble.contains("audit.jsonl cannot be renamed"), "{trouble}");
        assert!(fs::read(path(dir.path())).unwrap().ends_with(b"x\ntwo\n"));
    }

    #[test]
    fn a_line_longer_than_a_file_makes_no_empty_one() {
        let dir = tempfile::tempdir().unwrap();
        append(dir.path(), &vec![b'x'; 1_100_000]).unwrap();
        assert!(!aside(dir.path(), 1).exists());
    }
}
