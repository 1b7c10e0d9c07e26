//! install.sh: builds, installs under a prefix, can be run twice, and takes back only what it put there.

use std::path::{Path, PathBuf};
use std::process::Command;

use scalekit_auth::protocol::PROTOCOLS;

fn install(home: &Path, options: &[&str]) -> (bool, String) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("install.sh");
    // From elsewhere, as people call it; cargo finds its own things by these variables.
    let output = Command::new(script)
        .args(options)
        .current_dir(home)
        .env("HOME", home)
        .env("CARGO_HOME", cargo_home())
        .env("RUSTUP_HOME", rustup_home())
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

fn cargo_home() -> PathBuf {
    std::env::var_os("CARGO_HOME").map_or_else(|| home().join(".cargo"), PathBuf::from)
}

fn rustup_home() -> PathBuf {
    std::env::var_os("RUSTUP_HOME").map_or_else(|| home().join(".rustup"), PathBuf::from)
}

fn home() -> PathBuf {
    PathBuf::from(std::env::var_os("HOME").expect("HOME is set"))
}

#[test]
fn installs_twice_runs_under_both_names_and_uninstalls() {
    let home = tempfile::tempdir().unwrap();
    let bin = home.path().join("some where/bin");
    let prefix = ["--prefix", "some where"];
    for _ in 0..2 {
        let (done, text) = install(home.path(), &prefix);
        assert!(done, "{text}");
        assert!(text.contains("is not on PATH"), "{text}");
    }
    let mut installed: Vec<_> =
        std::fs::read_dir(&bin).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    installed.sort();
    let mut expected: Vec<_> = PROTOCOLS.iter().map(|protocol| protocol.link.to_owned()).collect();
    expected.push("scalekit-auth".into());
    expected.sort();
    assert_eq!(installed, expected);

    let output = Command::new(bin.join("git-credential-scalekit")).arg("capability").output().unwrap();
    assert!(output.stdout.starts_with(b"version 0\n"));

    std::fs::remove_file(bin.join("git-credential-scalekit")).unwrap();
    std::fs::write(bin.join("git-credential-scalekit"), "somebody else's").unwrap();
    let (done, text) = install(home.path(), &prefix);
    assert!(!done && text.contains("is not ours"), "{text}");
    let (done, text) = install(home.path(), &["--prefix", "some where", "--uninstall"]);
    assert!(done, "{text}");
    let left: Vec<_> = std::fs::read_dir(&bin).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["git-credential-scalekit"]);
}

#[test]
fn a_failed_installation_leaves_nothing_behind() {
    let home = tempfile::tempdir().unwrap();
    let bin = home.path().join("p/bin");
    // There is a directory where the program belongs.
    std::fs::create_dir_all(bin.join("scalekit-auth/x")).unwrap();
    let (done, text) = install(home.path(), &["--prefix", "p"]);
    assert!(!done, "{text}");
    let left: Vec<_> = std::fs::read_dir(&bin).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["scalekit-auth"]);
}

#[test]
fn unknown_options_are_refused() {
    let home = tempfile::tempdir().unwrap();
    assert!(!install(home.path(), &["--perfix", "x"]).0);
    assert!(!install(home.path(), &["--prefix"]).0);
}
