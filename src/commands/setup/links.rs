//! The protocol names beside the program, as install.sh makes them; after `cargo install` they are missing.

use std::path::{Path, PathBuf};

use super::{failed, launcher, note};
use crate::error::Error;
use crate::programs::{is_same_file, on_path, places_on_path};
use crate::protocol::PROTOCOLS;
use crate::suggest::{self, quoted};
use crate::system::{self, System};

/// The script that a wheel has for each name, with `COMMAND` for its sub-command; `release/pack.py` takes it from here.
const SCRIPT: &str = include_str!("launcher.sh");
/// Room for the longest sub-command in it.
const LONGEST_SCRIPT: usize = SCRIPT.len() + 40;

/// Where this program and its protocol names are, as users find them: by links that stay where the file itself, as in
/// `/opt/cellar/0.1.0/bin`, is replaced with the next version.
pub(in crate::commands) struct Links {
    program: PathBuf,
    is_dry_run: bool,
}

/// Makes the names that are missing. Where the directory cannot be written, that is said, and no failure: git can be
/// pointed to the program itself.
pub(super) fn make(dry_run: bool) -> Result<Links, Error> {
    let links = Links { program: program()?, is_dry_run: dry_run };
    for name in PROTOCOLS.map(|protocol| protocol.link) {
        let link = links.beside(name);
        if links.path_of(name).is_some() {
            continue;
        }
        if std::fs::symlink_metadata(&link).is_ok() {
            note(format!("{} is there already and is not ours", link.display()));
        } else if dry_run {
            note(format!("{} would be made", link.display()));
        } else if let Err(error) = system::link(&links.program, &link) {
            note(format!("{} cannot be made: {error}", link.display()));
        }
    }
    Ok(links)
}

/// The names as they are.
pub(in crate::commands) fn here() -> Result<Links, Error> {
    Ok(Links { program: program()?, is_dry_run: true })
}

/// This program, as users find it.
pub(super) fn program() -> Result<PathBuf, Error> {
    let executable = std::env::current_exe().map_err(|error| failed("this program's own path is not known", error))?;
    Ok(as_found(executable))
}

impl Links {
    /// The program itself.
    pub(in crate::commands) fn program(&self) -> &Path {
        &self.program
    }

    /// Where a protocol name stands beside the program, if it does.
    fn beside(&self, name: &str) -> PathBuf {
        self.directory().join(System::HERE.executable(name))
    }

    /// The path of a protocol name that leads to this program: on PATH, or beside it.
    pub(in crate::commands) fn path_of(&self, name: &str) -> Option<PathBuf> {
        let mut links = on_path(name).chain([self.beside(name)]);
        links.find(|link| is_same_file(link, &self.program) || is_stand_in(link, &self.program))
    }

    /// Whether whoever starts this file starts this program.
    pub(in crate::commands) fn leads_here(&self, path: &Path) -> bool {
        leads_to(path, &self.program)
    }

    /// What starts where a tool looks along PATH for a protocol name.
    pub(in crate::commands) fn standing(&self, name: &str) -> Standing {
        match on_path(name).next() {
            Some(first) if self.is_installed(&first) => Standing::Ours,
            Some(first) => Standing::Foreign(first),
            None => {
                let place = places_on_path(name).find(|place| place.symlink_metadata().is_ok());
                place.map_or(Standing::Missing, Standing::Unstartable)
            }
        }
    }

    /// Whether this file is of the installation that is first on PATH, this one or another.
    fn is_installed(&self, path: &Path) -> bool {
        let is_of = |first: &PathBuf| {
            let package = launcher::package(first);
            leads_to(path, first) || package.is_some() && package == launcher::package(path)
        };
        self.leads_here(path) || on_path("scalekit-auth").next().as_ref().is_some_and(is_of)
    }

    /// Whether PATH has the directory of the program.
    pub(in crate::commands) fn is_on_path(&self) -> bool {
        let is_own = |place: PathBuf| place.parent().is_some_and(|folder| is_same_file(folder, self.directory()));
        places_on_path("scalekit-auth").any(is_own)
    }

    /// What lets programs find the names beside the program.
    pub(in crate::commands) fn put_on_path(&self) -> String {
        match System::HERE {
            System::Windows => format!("put {} first in Path", self.directory().display()),
            _ => format!("export PATH={}:\"$PATH\"", quoted(&self.directory().to_string_lossy())),
        }
    }

    /// The path of a protocol name, where nothing else will do.
    pub(super) fn needed(&self, name: &str) -> Result<PathBuf, Error> {
        match self.path_of(name) {
            None if !self.is_dry_run => {
                Err(failed(format!("{name} is not beside the program"), "it could not be made"))
            }
            found => Ok(found.unwrap_or_else(|| self.beside(name))),
        }
    }

    /// A name in a directory of our own, for what would hide another program beside the program: made if it is missing, except by
    /// `--dry-run`.
    pub(super) fn own(&self, name: &str) -> Result<PathBuf, Error> {
        let link = own_directory()?.join(System::HERE.executable(name));
        if self.is_dry_run {
            return Ok(link);
        }
        self.at(&link)?;
        Ok(link)
    }

    /// Puts a link to the program there, in the place of one that leads elsewhere.
    pub(super) fn at(&self, link: &Path) -> Result<(), Error> {
        if is_same_file(link, &self.program) {
            return Ok(());
        }
        if std::fs::symlink_metadata(link).is_ok_and(|data| !data.is_symlink()) {
            return Err(failed(format!("{} is there already and is not ours", link.display()), "it is no link"));
        }
        let make = || {
            system::private_directory(link.parent().unwrap_or(Path::new("/")))?;
            match std::fs::remove_file(link) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
                _ => system::link(&self.program, link),
            }
        };
        make().map_err(|error| failed(format!("{} cannot be made", link.display()), error))
    }

    pub(in crate::commands) fn directory(&self) -> &Path {
        self.program.parent().unwrap_or(Path::new("/"))
    }
}

/// What stands on PATH by a protocol name.
pub(in crate::commands) enum Standing {
    /// This program, or that of the installation that is first on PATH.
    Ours,
    /// Another program.
    Foreign(PathBuf),
    /// Something that is no program.
    Unstartable(PathBuf),
    /// Nothing.
    Missing,
}

fn leads_to(path: &Path, program: &Path) -> bool {
    is_same_file(path, program) || is_stand_in(path, program) || launcher::starts(path, program)
}

/// What makes room for one of our names, where something else stands.
pub(in crate::commands) fn remove_from_path(place: &Path) -> String {
    format!("remove {} if you do not need it, then {}", quoted(&place.to_string_lossy()), suggest::setup_alone())
}

/// Whether this is what a Python wheel, which has no links, holds in the place of one: a script that calls the program beside
/// it, or a copy of the program. `release/pack.py` writes both.
fn is_stand_in(name: &Path, program: &Path) -> bool {
    let length = |path: &Path| std::fs::metadata(path).map(|data| data.len()).ok();
    let (Some(own), Some(whole)) = (length(name), length(program)) else { return false };
    if own != whole && own > LONGEST_SCRIPT as u64 {
        return false;
    }
    let (Ok(text), Ok(file)) = (std::fs::read(name), dunce::canonicalize(name)) else { return false };
    let begins = SCRIPT.split("COMMAND").next().is_some_and(|begin| text.starts_with(begin.as_bytes()));
    let is_script = begins && is_same_file(&file.with_file_name("scalekit-auth"), program);
    is_script || own == whole && std::fs::read(program).is_ok_and(|whole| whole == text)
}

/// For links whose names would hide other programs beside this one.
pub(super) fn own_directory() -> Result<PathBuf, Error> {
    let strategy = etcetera::choose_base_strategy().map_err(|error| failed("there is no home directory", error))?;
    Ok(etcetera::BaseStrategy::data_dir(&strategy).join("scalekit-auth/bin"))
}

/// Whether the first program of this name on PATH is this one.
pub(super) fn is_own_first(name: &str) -> bool {
    on_path(name).next().zip(program().ok()).is_some_and(|(first, own)| is_same_file(&first, &own))
}

/// Takes the links away that lead to this program from the directory of our own, and the directory if nothing is left in it.
pub(super) fn remove_own(is_meant: impl Fn(&str) -> bool) -> Result<(), Error> {
    let directory = own_directory()?;
    let Ok(entries) = std::fs::read_dir(&directory) else { return Ok(()) };
    for entry in entries.flatten().filter(|entry| entry.file_name().to_str().is_some_and(&is_meant)) {
        remove(&entry.path())?;
    }
    // What is not empty stays.
    let _ = std::fs::remove_dir(&directory);
    Ok(())
}

/// Takes a link away that leads to this program.
pub(super) fn remove(link: &Path) -> Result<(), Error> {
    let program = program()?;
    if link == program || !is_same_file(link, &program) {
        return Ok(());
    }
    std::fs::remove_file(link).map_err(|error| failed(format!("{} cannot be removed", link.display()), error))
}

/// The path on PATH that leads to `executable`, else the one that was typed, else its own, which the system tells with all
/// links resolved.
fn as_found(executable: PathBuf) -> PathBuf {
    let typed = std::env::args_os().next().filter(|typed| typed.as_encoded_bytes().contains(&b'/'));
    let typed = typed.and_then(|typed| std::path::absolute(typed).ok());
    let mut found = on_path("scalekit-auth").chain(typed);
    found.find(|path| is_same_file(path, &executable)).unwrap_or(executable)
}
