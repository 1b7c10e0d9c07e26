//! Reading and writing a configuration file: one lock for the directory, atomic replacement, mode 0600.

use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value};

use super::{Error, Unsafe, json};
use crate::runtime;
use crate::system::{self, private_directory};

/// How long one command waits for another that is changing the configuration.
const LOCK_WAIT: Duration = Duration::from_secs(3);

/// The document in `path`, an empty one if there is no such file.
pub fn read(path: &Path) -> Result<Map<String, Value>, Error> {
    let (bytes, metadata) = match system::read_regular(path) {
        Ok(read) => read,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Map::new()),
        Err(_) if path.metadata().is_ok_and(|metadata| !metadata.is_file()) => {
            return Err(Error::NotRegular(path.to_owned()));
        }
        Err(error) => return Err(Error::io("cannot read", path, error)),
    };
    check(path, &metadata)?;
    // Editors on Windows begin a file with a byte order mark.
    match json::parse(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes)) {
        Ok(Value::Object(document)) => Ok(document),
        Ok(_) => Err(Error::broken(path, 1, 1, "the file must hold a JSON object")),
        Err(error) => Err(Error::broken(path, error.line(), error.column(), &error.to_string())),
    }
}

/// Reads `path`, lets `change` edit the document, and replaces the file by the result, all under the directory's
/// lock. When `change` fails, or the file cannot be parsed, the file stays as it is.
pub fn update<T, E: From<Error>>(
    path: &Path,
    change: impl FnOnce(&mut Map<String, Value>) -> Result<T, E>,
) -> Result<T, E> {
    let directory = path.parent().unwrap_or(Path::new("/"));
    private_directory(directory).map_err(|error| Error::io("cannot create", directory, error))?;
    let _lock = lock(directory)?;
    let mut document = read(path)?;
    let before = document.clone();
    let result = change(&mut document)?;
    if document != before {
        write(path, &document).map_err(|error| Error::io("cannot write", path, error))?;
    }
    Ok(result)
}

fn write(path: &Path, document: &Map<String, Value>) -> io::Result<()> {
    // A dotfile manager's symbolic link stays one: its target is what gets replaced.
    let target = dunce::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let directory = target.parent().unwrap_or(Path::new("/"));
    let mut text = serde_json::to_vec_pretty(document)?;
    text.push(b'\n');
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(&text)?;
    file.as_file().sync_all()?;
    file.persist(&target)?;
    Ok(())
}

fn lock(directory: &Path) -> Result<File, Error> {
    let path: PathBuf = directory.join(".lock");
    let file = system::open_directly(File::options().write(true), &path)
        .map_err(|error| Error::io("cannot open", &path, error))?;
    match runtime::lock(&file, LOCK_WAIT) {
        Ok(true) => Ok(file),
        Ok(false) => Err(Error::Locked(path)),
        Err(error) => Err(Error::io("cannot lock", &path, error)),
    }
}

/// A file or directory that somebody else could have changed decides nothing about where tokens go. Symbolic links are
/// followed; one that is not there is nobody's.
pub fn check_owner(path: &Path) -> Result<(), Error> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::io("cannot read", path, error)),
    };
    check(path, &metadata)
}

fn check(path: &Path, metadata: &Metadata) -> Result<(), Error> {
    let guard = system::guard(metadata);
    if guard.stranger.is_some() {
        return Err(Error::Unsafe(path.to_owned(), Unsafe::Owner));
    }
    if guard.mode & 0o002 != 0 {
        return Err(Error::Unsafe(path.to_owned(), Unsafe::Writable));
    }
    Ok(())
}
