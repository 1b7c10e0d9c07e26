//! All that differs between Linux, macOS and Windows, behind one interface: each system has a file of its own, and Linux and macOS
//! share what they have of Unix. What only names places and texts takes the system as a parameter, so that every system's answer
//! is tested on each.
//!
//! Besides here, only `store` (keyrings) and `cache` (the kernel's memory) know of systems.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as own;
#[cfg(all(unix, not(target_os = "linux")))]
mod macos;
#[cfg(all(unix, not(target_os = "linux")))]
use macos as own;
pub(crate) mod places;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as own;

// Files.
pub(crate) use own::{
    append_to_own, can_append, check_private, for_owner_alone, guard, is_file_at, is_program, is_same_file, keep_owner,
    link, open_directly, open_there, private_directory, read_at, runtime_directory, runtime_place, sync_directory,
    write_at,
};
// Processes.
pub(crate) use own::{
    GRACE, Handed, Waitless, asker, become_command, detach, exit_code, harden, heads_pipe, kill_with_helpers,
};
// Network, terminal and clock.
pub(crate) use own::{acknowledge_at_once, columns, nanoseconds, read_hidden};

use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// A system, as far as texts and places differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum System {
    /// Linux, and other systems that keep to its ways.
    Linux,
    MacOs,
    Windows,
}

impl System {
    /// The one that this program was built for.
    pub(crate) const HERE: Self = if cfg!(windows) {
        Self::Windows
    } else if cfg!(target_os = "macos") {
        Self::MacOs
    } else {
        Self::Linux
    };

    /// The file of a program of this name.
    pub(crate) fn executable(self, name: &str) -> String {
        if self == Self::Windows { format!("{name}.exe") } else { name.to_owned() }
    }

    /// The files that a name on PATH may mean, in the order in which the system tries them.
    pub(crate) fn executables(self, name: &str) -> Vec<String> {
        match self {
            Self::Windows if Path::new(name).extension().is_none() => {
                ["exe", "cmd", "bat"].map(|extension| format!("{name}.{extension}")).into()
            }
            _ => vec![name.to_owned()],
        }
    }

    /// A path as a shell reads it that takes backslashes for escapes, such as the one of Git for Windows.
    pub(crate) fn slashes(self, path: &Path) -> String {
        let path = path.display().to_string();
        if self == Self::Windows { path.replace('\\', "/") } else { path }
    }
}

/// The process that started this one, as far as the system tells; Windows does not.
#[cfg_attr(windows, allow(dead_code))]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asker {
    pub pid: u32,
    /// Which program it is.
    pub executable: Option<PathBuf>,
    /// The names of those above it, the nearest first.
    pub parents: Vec<String>,
}

/// Reads a file that anybody may have put there. A pipe without a writer or a device, which might never end, is refused.
pub(crate) fn read_regular(path: &Path) -> io::Result<(Vec<u8>, Metadata)> {
    let mut file = check_private(File::options().read(true)).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other(NOT_REGULAR));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok((bytes, metadata))
}

/// Why a file is not read.
const NOT_REGULAR: &str = "it is not a regular file";

/// Why a file is not written to.
pub(crate) const NOT_OURS: &str = "it is not a file of your own (symbolic links are not followed)";

/// How well a file is kept from others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Guard {
    /// The id of its owner, if that is neither this user nor the system's administrator.
    pub stranger: Option<u32>,
    /// The mode of Unix; 0600 where the system has none.
    pub mode: u32,
}

/// A variable that names a path.
pub(crate) fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value: &OsString| !value.is_empty()).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_paths_are_those_of_the_system() {
        assert_eq!(System::Windows.executable("git-credential-scalekit"), "git-credential-scalekit.exe");
        assert_eq!(System::MacOs.executable("keyring"), "keyring");
        assert_eq!(System::Windows.executables("code"), ["code.exe", "code.cmd", "code.bat"]);
        assert_eq!(System::Windows.executables("git.exe"), ["git.exe"]);
        assert_eq!(System::Linux.executables("code"), ["code"]);
        assert_eq!(System::Windows.slashes(Path::new(r"C:\Users\Ada\x.exe")), "C:/Users/Ada/x.exe");
        assert_eq!(System::Linux.slashes(Path::new(r"/a\b")), r"/a\b");
    }
}
