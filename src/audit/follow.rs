//! Reading the files: what is there, and what comes.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::{Record, file};
use crate::system;

/// How much is read at once.
const PIECE: usize = 64 * 1024;
/// What is longer is no line of ours, and is not kept until it ends.
const LONGEST: usize = 4_000_000;

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
        let mut files = {
            // While it is held no file steps aside. Where there can be none, as in a directory that is not ours, it goes without.
            // Answers wait for it, so it is not held while the files are read.
            let _lock = file::lock(&directory).ok().flatten();
            let opened = file::all(&directory).into_iter().map(|path| open(&path).map(|file| (path, file)));
            opened.collect::<io::Result<Vec<_>>>()?
        };
        let mut reader = Self { directory, current: None, rest: Vec::new(), strange: 0 };
        let mut found = Vec::new();
        let written = files.pop().and_then(|(_, file)| file);
        for (path, file) in files {
            if let Some(mut file) = file {
                reader.read(&path, &mut file, &mut found)?;
                reader.end();
            }
        }
        if let Some(mut file) = written {
            let read = reader.read(&file::path(&reader.directory), &mut file, &mut found)?;
            reader.current = Some((file, read));
        }
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
            let is_there = system::is_file_at(&open, &path);
            // After the look: what was written before the file stepped aside is in it.
            let at = at + self.read(&path, &mut open, &mut found)?;
            if is_there && open.metadata()?.len() >= at {
                self.current = Some((open, at));
                return Ok(found);
            }
            self.end();
        }
        if let Some(mut open) = open(&path)? {
            let read = self.read(&path, &mut open, &mut found)?;
            self.current = Some((open, read));
        }
        Ok(found)
    }

    fn read(&mut self, path: &Path, open: &mut File, found: &mut Vec<Record>) -> io::Result<u64> {
        let mut piece = vec![0; PIECE];
        let mut all = 0;
        loop {
            match open.read(&mut piece) {
                Ok(0) => return Ok(all),
                Ok(read) => {
                    self.take(&piece[..read], found);
                    all += read as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(of(path, &error)),
            }
        }
    }

    /// A line that no file ends is none.
    fn end(&mut self) {
        self.strange += usize::from(!self.rest.is_empty());
        self.rest.clear();
    }

    fn take(&mut self, bytes: &[u8], found: &mut Vec<Record>) {
        self.rest.extend_from_slice(bytes);
        let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else {
            if self.rest.len() > LONGEST {
                self.end();
            }
            return;
        };
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

/// The file, if it is there. What is no regular file might never end.
fn open(path: &Path) -> io::Result<Option<File>> {
    match system::open_there(File::options().read(true), path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(of(path, &error)),
    }
}

/// The error with the file that it is about.
fn of(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
