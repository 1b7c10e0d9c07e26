//! Reading the files: what is there, and what comes.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::PathBuf;

use super::{Record, file};

/// The lines of the files, from the oldest on.
pub struct Reader {
    directory: PathBuf,
    /// The file that is written, once it is there, and how much of it was read.
    current: Option<(File, u64)>,
    /// The beginning of a line whose end was not there yet.
    rest: Vec<u8>,
    /// How many lines were none of ours.
    pub strange: usize,
}

impl Reader {
    /// Reads what is there.
    ///
    /// # Errors
    /// What the system says, unless it is that there is no file.
    pub fn open(directory: PathBuf) -> io::Result<(Self, Vec<Record>)> {
        // While it is held no file steps aside. Where there can be none, as in a directory that is not ours, it goes without.
        let _lock = file::lock(&directory).ok().flatten();
        let mut reader = Self { directory, current: None, rest: Vec::new(), strange: 0 };
        let mut found = Vec::new();
        let files = file::all(&reader.directory);
        for path in &files[..files.len() - 1] {
            let bytes = missing_is_none(fs::read(path))?.unwrap_or_default();
            reader.take(&bytes, &mut found);
        }
        found.extend(reader.more()?);
        Ok((reader, found))
    }

    /// What has come since the last call.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn more(&mut self) -> io::Result<Vec<Record>> {
        let mut found = Vec::new();
        let path = file::path(&self.directory);
        if let Some((mut open, at)) = self.current.take() {
            let read = self.read(&mut open, &mut found)?;
            // Where it stepped aside, a shorter one is in its place: nobody writes a whole file between two looks.
            let is_there = missing_is_none(fs::metadata(&path))?.is_some_and(|metadata| metadata.len() >= at + read);
            if is_there {
                self.current = Some((open, at + read));
                return Ok(found);
            }
        }
        if let Some(mut open) = missing_is_none(File::open(&path))? {
            let read = self.read(&mut open, &mut found)?;
            self.current = Some((open, read));
        }
        Ok(found)
    }

    fn read(&mut self, open: &mut File, found: &mut Vec<Record>) -> io::Result<u64> {
        let mut bytes = Vec::new();
        open.read_to_end(&mut bytes)?;
        self.take(&bytes, found);
        Ok(bytes.len() as u64)
    }

    fn take(&mut self, bytes: &[u8], found: &mut Vec<Record>) {
        self.rest.extend_from_slice(bytes);
        let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else { return };
        let after = self.rest.split_off(end + 1);
        let lines = std::mem::replace(&mut self.rest, after);
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            match Record::decode(line) {
                Some(record) => found.push(record),
                None => self.strange += 1,
            }
        }
    }
}

fn missing_is_none<T>(outcome: io::Result<T>) -> io::Result<Option<T>> {
    match outcome {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
