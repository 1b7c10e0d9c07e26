//! The script of the action for CI jobs, with a release in a folder.

use std::path::PathBuf;

use super::{User, VERSION, artifact, out};
use crate::common::{Finished, finish};

/// Runs the script, and tells which folders it put on PATH.
fn act(user: &User, sha256: &str) -> (Finished, Vec<PathBuf>) {
    let (temp, list) = (user.path("runner"), user.path("path"));
    std::fs::create_dir_all(&temp).unwrap();
    std::fs::write(&list, "").unwrap();
    let releases = user.path("releases");
    if !releases.exists() {
        std::fs::create_dir(&releases).unwrap();
        std::os::unix::fs::symlink(out(), releases.join(format!("v{VERSION}"))).unwrap();
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/release/action");
    let mut command = user.command(script, &[]);
    command.env("RUNNER_OS", "Linux").env("RUNNER_ARCH", "X64").env("RUNNER_TEMP", &temp).env("GITHUB_PATH", &list);
    command.env("VERSION", VERSION).env("SHA256", sha256).env("RELEASES", format!("file://{}", releases.display()));
    let done = finish(&mut command, "");
    (done, std::fs::read_to_string(&list).unwrap().lines().map(PathBuf::from).collect())
}

#[test]
fn a_release_with_the_expected_digest_is_on_path() {
    let sums = std::fs::read_to_string(out().join("SHA256SUMS")).unwrap();
    let archive = artifact("scalekit-auth-VERSION-x86_64-unknown-linux-musl.tar.gz");
    let name = archive.file_name().unwrap().to_str().unwrap();
    let digest = sums.lines().find_map(|line| line.strip_suffix(name)).unwrap().trim();
    for sha256 in [digest, &sums] {
        let user = User::new();
        let (done, folders) = act(&user, sha256);
        done.ok();
        assert_eq!(folders.len(), 1);
        user.is_answered_by(&folders[0]);
    }
}

#[test]
fn another_digest_or_none_installs_nothing() {
    let user = User::new();
    for (sha256, message) in
        [("0".repeat(64).as_str(), "nothing was installed"), ("", "no SHA-256"), ("abc", "no SHA-256")]
    {
        let (done, folders) = act(&user, sha256);
        let done = done.exit(1);
        assert!(done.stdout.contains(message), "{done:?}");
        assert_eq!(folders, Vec::<PathBuf>::new());
        assert_eq!(std::fs::read_dir(user.path("runner")).unwrap().count(), 0);
    }
}
