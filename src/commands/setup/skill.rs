//! The agent skill, which tells an agent when and how to call the program.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind};
use crate::system::read_regular;

/// Its files, as they are in `skills/scalekit-auth/` of the sources.
const FILES: [(&str, &str); 3] = [
    ("SKILL.md", include_str!("../../../skills/scalekit-auth/SKILL.md")),
    ("scalekit_helper.py", include_str!("../../../skills/scalekit-auth/scalekit_helper.py")),
    ("get_token.py", include_str!("../../../skills/scalekit-auth/get_token.py")),
];

/// Claude Code's folder for a user's skills: `~/.claude/skills`, or below `CLAUDE_CONFIG_DIR`.
pub(super) fn folder() -> Result<PathBuf, Error> {
    let own = std::env::var_os("CLAUDE_CONFIG_DIR").filter(|path| !path.is_empty()).map(PathBuf::from);
    let home = || etcetera::home_dir().map(|home| home.join(".claude"));
    let base =
        own.map_or_else(home, Ok).map_err(|error| Error::new(Kind::Failed, "there is no home directory").why(error))?;
    Ok(base.join("skills/scalekit-auth"))
}

/// What [`put`] would do, a line for each file that changes.
pub(super) fn describe(folder: &Path) -> Result<String, Error> {
    must_be_ours(folder)?;
    Ok(changed(folder).map(|(name, _)| format!("+ {}\n", folder.join(name).display())).collect())
}

/// Puts the files there, or newer ones in the place of older.
pub(super) fn put(folder: &Path) -> Result<(), Error> {
    must_be_ours(folder)?;
    let write = || {
        crate::system::private_directory(folder)?;
        changed(folder).try_for_each(|(name, text)| fs::write(folder.join(name), text))
    };
    write().map_err(|error: std::io::Error| failed("cannot be written", folder, error))
}

/// Takes them out again; whether there were any. What else stands in the folder stays.
pub(super) fn remove(folder: &Path, dry_run: bool) -> Result<bool, Error> {
    if !is_ours(folder) {
        return Ok(false);
    }
    if dry_run {
        return Ok(true);
    }
    for (name, _) in FILES {
        match fs::remove_file(folder.join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(failed("cannot be removed", &folder.join(name), error));
            }
            _ => {}
        }
    }
    // Python's own copies of what is gone, then the folder, if nothing else is in it.
    let _ = fs::remove_dir_all(folder.join("__pycache__"));
    let _ = fs::remove_dir(folder);
    Ok(true)
}

fn changed(folder: &Path) -> impl Iterator<Item = (&'static str, &'static str)> {
    FILES.into_iter().filter(move |(name, text)| text_of(&folder.join(name)).as_deref() != Some(*text))
}

fn text_of(file: &Path) -> Option<String> {
    String::from_utf8(read_regular(file).ok()?.0).ok()
}

/// Whether the folder holds this skill, of whatever version. The Python skill that it replaces has the same name.
fn is_ours(folder: &Path) -> bool {
    let text = text_of(&folder.join("SKILL.md"));
    text.is_some_and(|text| text.lines().any(|line| line == "  program: scalekit-auth"))
}

fn must_be_ours(folder: &Path) -> Result<(), Error> {
    if !folder.exists() || is_ours(folder) {
        return Ok(());
    }
    Err(Error::new(Kind::Usage, format!("{} is there already and is not this skill", folder.display()))
        .next("move it away first"))
}

fn failed(what: &str, path: &Path, why: impl std::fmt::Display) -> Error {
    Error::new(Kind::Failed, format!("{} {what}", path.display())).why(why)
}
