//! The file: lines are put to its end under a lock, and once it is large it steps aside for a new one.

use std::fs::{self, File};
use std::io::{self, Write};
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

/// Puts one line to the end.
pub(super) fn append(directory: &Path, line: &[u8]) -> io::Result<()> {
    let lock = match lock(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            system::private_directory(directory)?;
            lock(directory)?
        }
        lock => lock?,
    };
    let path = path(directory);
    let mut file = system::append_to_own(&path)?;
    let Some(_lock) = lock else {
        // Somebody holds it for long. The line matters more than the file's size.
        return file.write_all(line);
    };
    let mut length = file.metadata()?.len();
    if length > 0 && length + line.len() as u64 > LARGEST {
        drop(file);
        step_aside(directory)?;
        file = system::append_to_own(&path)?;
        length = 0;
    }
    file.write_all(line).inspect_err(|_| {
        // The half of a line on a full disk would spoil the next one.
        let _ = file.set_len(length);
    })
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
    fn a_line_longer_than_a_file_makes_no_empty_one() {
        let dir = tempfile::tempdir().unwrap();
        append(dir.path(), &vec![b'x'; 1_100_000]).unwrap();
        assert!(!aside(dir.path(), 1).exists());
    }
}
