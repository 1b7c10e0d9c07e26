//! The wire protocols, one file each: bytes in, bytes out, no I/O. protocol.md describes them byte by byte.

pub mod docker;
pub mod git;

use std::ffi::OsStr;
use std::path::Path;

/// A protocol that can be selected by the name under which the executable is called, or by a sub-command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// docker/docker-credential-helpers.
    Docker,
    /// gitcredentials(7).
    Git,
}

/// Which name selects which protocol; installed as links to the executable.
pub const NAMES: &[(&str, Protocol)] =
    &[("git-credential-scalekit", Protocol::Git), ("docker-credential-scalekit", Protocol::Docker)];

impl Protocol {
    /// The protocol that the executable's name selects.
    pub fn by_name(argv0: &Path) -> Option<Self> {
        let name = argv0.file_stem()?.to_str()?;
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, protocol)| *protocol)
    }

    /// The protocol of a sub-command, for configurations that hold a command line but no link.
    pub fn by_command(word: &OsStr) -> Option<Self> {
        match word.to_str()? {
            "git-credential" => Some(Self::Git),
            "docker-credential" => Some(Self::Docker),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_name_decides() {
        assert_eq!(Protocol::by_name(Path::new("/a/b/git-credential-scalekit")), Some(Protocol::Git));
        assert_eq!(Protocol::by_name(Path::new("git-credential-scalekit.exe")), Some(Protocol::Git));
        assert_eq!(Protocol::by_name(Path::new("bin/docker-credential-scalekit")), Some(Protocol::Docker));
        assert_eq!(Protocol::by_name(Path::new("scalekit-auth")), None);
    }
}
