//! Programs on this machine: where PATH has them, and whether they can be started.

use std::path::PathBuf;

use crate::system::System;
pub(crate) use crate::system::{is_program as is_startable, is_same_file};

/// The programs of this name on PATH, in its order. Directories relative to the current one, which may be anybody's, are
/// left out.
pub fn on_path(name: &str) -> impl Iterator<Item = PathBuf> {
    places_on_path(name).filter(|program| is_startable(program))
}

/// Where PATH would have a program of this name, whether something is there or not.
pub fn places_on_path(name: &str) -> impl Iterator<Item = PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let directories: Vec<PathBuf> = std::env::split_paths(&path).filter(|directory| directory.is_absolute()).collect();
    let names = System::HERE.executables(name);
    directories.into_iter().flat_map(move |directory| names.iter().map(|name| directory.join(name)).collect::<Vec<_>>())
}

/// Major and minor of what a program says of its version after `before`, as in `curl 7.88.1 (x86_64-pc-linux-gnu) ...`.
pub fn version(text: &str, before: &str) -> Option<(u32, u32)> {
    let mut numbers = text.strip_prefix(before)?.split(['.', '-', ' ', '\n']).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_the_first_line() {
        assert_eq!(version("curl 7.88.1 (x86_64-pc-linux-gnu) libcurl/7.88.1", "curl "), Some((7, 88)));
        assert_eq!(version("curl 8.17.0-DEV (aarch64) libcurl/8.17.0-DEV", "curl "), Some((8, 17)));
        for (text, found) in [
            ("git version 2.39.5 (Apple Git-154)\n", (2, 39)),
            ("git version 2.54.0\n", (2, 54)),
            ("git version 2.54.0.windows.1\n", (2, 54)),
            ("git version 2.55.0-rc1\n", (2, 55)),
            ("git version 3.0.GIT\n", (3, 0)),
        ] {
            assert_eq!(version(text, "git version "), Some(found));
        }
        assert_eq!(version("busybox", "curl "), None);
        assert_eq!(version("git version unknown", "git version "), None);
    }
}
