//! The protocol names beside the executable, as install.sh makes them; after `cargo install` they are missing.

use std::path::{Path, PathBuf};

use super::{failed, note};
use crate::error::Error;
use crate::helper;

/// Where this program and its protocol names are.
pub(super) struct Links {
    executable: PathBuf,
}

/// Makes the names that are missing. Where the directory cannot be written, that is said, and no failure: git can be
/// pointed to the program itself.
pub(super) fn make(dry_run: bool) -> Result<Links, Error> {
    let executable = std::env::current_exe().map_err(|error| failed("this program's own path is not known", error))?;
    let links = Links { executable };
    for (name, _) in helper::NAMES {
        let link = links.directory().join(name);
        if std::fs::symlink_metadata(&link).is_ok() {
            if links.path_of(name).is_none() {
                note(format!("{} is there already and is not ours", link.display()));
            }
        } else if dry_run {
            note(format!("{} would be made", link.display()));
        } else if let Err(error) = symlink(&links.executable, &link) {
            note(format!("{} cannot be made: {error}", link.display()));
        }
    }
    Ok(links)
}

impl Links {
    /// The program itself.
    pub(super) fn executable(&self) -> &Path {
        &self.executable
    }

    /// The path of a protocol name that leads to this program.
    pub(super) fn path_of(&self, name: &str) -> Option<PathBuf> {
        let link = self.directory().join(name);
        (std::fs::canonicalize(&link).ok()? == std::fs::canonicalize(&self.executable).ok()?).then_some(link)
    }

    fn directory(&self) -> &Path {
        self.executable.parent().unwrap_or(Path::new("/"))
    }
}

#[cfg(unix)]
fn symlink(executable: &Path, link: &Path) -> std::io::Result<()> {
    // Relative, so that the directory can be moved as a whole.
    std::os::unix::fs::symlink(executable.file_name().unwrap_or_default(), link)
}

/// The first program of this name on PATH.
pub(super) fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(name)).find(|file| file.is_file())
}
