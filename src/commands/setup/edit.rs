//! Changing somebody else's configuration file: all or nothing, its mode and symbolic links kept, shown before it is done.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind};
use crate::system::{for_owner_alone, keep_owner, private_directory};

/// A file as it was read, and as it shall become.
pub(super) struct Edit {
    path: PathBuf,
    /// `None` where there was no file.
    before: Option<String>,
}

impl Edit {
    /// Reads `path`, which need not exist.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        // A dotfile manager's symbolic link stays one: its target is what changes. What a link to nowhere should become is
        // not for us to say; its disk may just not be there.
        let path = match dunce::canonicalize(path) {
            Ok(path) => path,
            Err(error) if fs::symlink_metadata(path).is_ok_and(|data| data.is_symlink()) => {
                return Err(failed("is a link that leads nowhere, and is left as it is", path, error).next(format!(
                    "`ls -l {}` shows where it should lead; make that file, or remove the link",
                    path.display()
                )));
            }
            // With the system's own separators throughout.
            Err(_) => path.components().collect(),
        };
        // A device, or a pipe, whose reading might never end.
        if fs::metadata(&path).is_ok_and(|data| !data.is_file()) {
            return Err(failed("is no regular file and is left as it is", &path, "settings cannot be kept there"));
        }
        let before = match fs::read_to_string(&path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed("cannot be read", &path, error)),
        };
        Ok(Self { path, before })
    }

    /// The text that was read; empty where there was no file.
    pub(super) fn before(&self) -> &str {
        self.before.as_deref().unwrap_or_default()
    }

    /// Whether there was a file.
    pub(super) fn exists(&self) -> bool {
        self.before.is_some()
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Which lines would go and come, as a reader expects it of a diff.
    pub(super) fn describe(&self, after: Option<&str>) -> String {
        let old: Vec<&str> = self.before().lines().collect();
        let new: Vec<&str> = after.unwrap_or_default().lines().collect();
        let same = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
        let most = old.len().min(new.len()) - same;
        let same_end = old.iter().rev().zip(new.iter().rev()).take(most).take_while(|(a, b)| a == b).count();
        let mut text = format!("{}\n", self.path.display());
        for line in &old[same..old.len() - same_end] {
            text.push_str(&format!("- {line}\n"));
        }
        for line in &new[same..new.len() - same_end] {
            text.push_str(&format!("+ {line}\n"));
        }
        text
    }

    /// Replaces the file by `after`, or removes it. Like git, it takes `PATH.lock` meanwhile.
    pub(super) fn write(&self, after: Option<&str>) -> Result<(), Error> {
        if after == self.before.as_deref() {
            return Ok(());
        }
        let metadata = fs::metadata(&self.path).ok();
        if metadata.as_ref().is_some_and(|metadata| metadata.permissions().readonly()) {
            return Err(Error::new(Kind::Failed, format!("{} is read-only and is left as it is", self.path.display()))
                .next("make it writable, or add the lines that --dry-run shows yourself"));
        }
        let lock = PathBuf::from(format!("{}.lock", self.path.display()));
        let Some(after) = after else {
            if lock.exists() {
                return Err(failed("is being changed by another program", &self.path, lock.display()));
            }
            return fs::remove_file(&self.path).map_err(|error| failed("cannot be removed", &self.path, error));
        };
        let write = || {
            if let Some(directory) = self.path.parent() {
                private_directory(directory)?;
            }
            // What a program makes of its new file later may be nobody else's business.
            let mut file = for_owner_alone(File::options().write(true).create_new(true)).open(&lock)?;
            let written = file.write_all(after.as_bytes()).and_then(|()| {
                // Some programs write theirs all the time, and take no lock.
                if fs::read_to_string(&self.path).ok() != self.before {
                    return Err(io::ErrorKind::ResourceBusy.into());
                }
                if let Some(metadata) = &metadata {
                    keep_owner(&file, metadata)?;
                    file.set_permissions(metadata.permissions())?;
                }
                file.sync_all()?;
                fs::rename(&lock, &self.path)
            });
            if written.is_err() {
                // What is left of the attempt would look like another program's lock.
                let _ = fs::remove_file(&lock);
            }
            written
        };
        write().map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => failed("is being changed by another program", &self.path, lock.display()),
            io::ErrorKind::ResourceBusy => {
                failed("was changed meanwhile and is left as it is", &self.path, "another program writes it")
                    .next("type it again")
            }
            _ => failed("cannot be written", &self.path, error),
        })
    }

    /// Puts back what was there before [`Edit::write`].
    pub(super) fn restore(&self) -> Result<(), Error> {
        Edit::open(&self.path)?.write(self.before.as_deref())
    }
}

fn failed(what: &str, path: &Path, why: impl std::fmt::Display) -> Error {
    Error::new(Kind::Failed, format!("{} {what}", path.display())).why(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_shows_the_changed_lines_only() {
        let edit = Edit { path: "/x".into(), before: Some("a\nb\nc\n".into()) };
        assert_eq!(edit.describe(Some("a\nB\nB2\nc\n")), "/x\n- b\n+ B\n+ B2\n");
        assert_eq!(edit.describe(Some("a\nb\nc\nd\n")), "/x\n+ d\n");
    }

    #[test]
    fn links_stay_links_modes_stay_modes_and_a_lock_is_respected() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("file"), dir.path().join("link"));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&file, &link).unwrap();
        let edit = Edit::open(&link).unwrap();
        edit.write(Some("new")).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        edit.restore().unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "old");
        let nowhere = dir.path().join("nowhere");
        symlink(dir.path().join("missing"), &nowhere).unwrap();
        assert!(Edit::open(&nowhere).is_err() && fs::symlink_metadata(&nowhere).unwrap().is_symlink());
        fs::write(dir.path().join("file.lock"), "").unwrap();
        assert!(edit.write(Some("new")).is_err());
        assert_eq!(fs::read_to_string(&file).unwrap(), "old");
    }
}
