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
fn each_system_is_told_what_it_needs() {
    let home = tempfile::tempdir().unwrap();
    let as_on = |system: &str| {
        let bin = home.path().join("fakes");
        std::fs::create_dir_all(&bin).unwrap();
        for (name, text) in [("uname", format!("echo {system}")), ("cc", "exit 1".into())] {
            let script = bin.join(name);
            std::fs::write(&script, format!("#!/bin/sh\n{text}\n")).unwrap();
            std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        }
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("install.sh");
        let output = Command::new(script).env("HOME", home.path()).env("PATH", path).output().unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(as_on("MINGW64_NT-10.0").contains("-File install.ps1"));
    assert!(as_on("Darwin").contains("xcode-select --install"));
}

/// No registry has PowerShell, so this is all that is held of the script.
#[test]
fn both_scripts_know_every_protocol_name() {
    for script in ["install.sh", "install.ps1"] {
        let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(script)).unwrap();
        for protocol in PROTOCOLS {
            assert!(text.contains(protocol.link), "{script}: {}", protocol.link);
        }
    }
}

#[test]
fn unknown_options_are_refused() {
    let home = tempfile::tempdir().unwrap();
    assert!(!install(home.path(), &["--perfix", "x"]).0);
    for without_directory in [&["--prefix"][..], &["--prefix", ""], &["--prefix="]] {
        let (done, text) = install(home.path(), without_directory);
        assert!(!done && text.contains("--prefix needs a directory"), "{text}");
    }
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
}

/// What the archive of a release has: the executable beside the script, and files for shells and man.
fn released() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    scalekit_release::write(folder.path()).unwrap();
    std::fs::copy(crate::common::EXE, folder.path().join("scalekit-auth")).unwrap();
    std::fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("install.sh"), folder.path().join("install.sh")).unwrap();
    folder
}

#[test]
fn completions_and_manual_pages_of_a_release_are_put_where_they_are_looked_for_and_taken_away() {
    let release = released();
    let home = tempfile::tempdir().unwrap();
    let run = |options: &[&str], data: Option<&Path>| {
        let mut command = Command::new(release.path().join("install.sh"));
        command.args(options).current_dir(home.path()).env("HOME", home.path()).env_remove("XDG_DATA_HOME");
        if let Some(data) = data {
            command.env("XDG_DATA_HOME", data);
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let elsewhere = home.path().join("data");
    for (options, data, share, man) in [
        (&[][..], None, ".local/share", ".local/share"),
        (&[], Some(&*elsewhere), "data", ".local/share"),
        (&["--prefix", "p"], Some(&*elsewhere), "p/share", "p/share"),
    ] {
        let (share, man) = (home.path().join(share), home.path().join(man).join("man/man1"));
        let told = run(options, data);
        assert!(told.contains(&format!("are below {}", share.display())), "{told}");
        let made = [
            share.join("bash-completion/completions/scalekit-auth"),
            share.join("zsh/site-functions/_scalekit-auth"),
            share.join("fish/vendor_completions.d/scalekit-auth.fish"),
            man.join("scalekit-auth.1"),
            man.join("scalekit-auth-login.1"),
            man.join("git-credential-scalekit.1"),
        ];
        assert!(made.iter().all(|file| file.exists()), "{made:?}");
        std::fs::write(man.join("other.1"), "somebody else's").unwrap();
        run(&[options, &["--uninstall"]].concat(), data);
        assert!(made.iter().all(|file| !file.exists()), "{made:?}");
        assert_eq!(std::fs::read_dir(&man).unwrap().count(), 1, "what is not ours stays");
    }
}

/// What `sh install.sh` says in the folder of the release, and whether it did it.
fn run_released(release: &Path, home: &Path, options: &[&str]) -> (bool, String) {
    let mut command = Command::new(release.join("install.sh"));
    let output =
        command.args(options).current_dir(home).env("HOME", home).env_remove("XDG_DATA_HOME").output().unwrap();
    (output.status.success(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

#[test]
fn another_program_of_this_name_is_neither_replaced_nor_removed() {
    let release = released();
    let home = tempfile::tempdir().unwrap();
    let program = home.path().join("p/bin/scalekit-auth");
    std::fs::create_dir_all(program.parent().unwrap()).unwrap();
    std::fs::write(&program, "somebody else's").unwrap();
    let (done, text) = run_released(release.path(), home.path(), &["--prefix", "p"]);
    assert!(!done && text.contains("is not ours; move it away"), "{text}");
    let (done, text) = run_released(release.path(), home.path(), &["--prefix", "p", "--uninstall"]);
    assert!(done && text.contains("is another program and stays"), "{text}");
    assert_eq!(std::fs::read(&program).unwrap(), b"somebody else's");
    assert_eq!(std::fs::read_dir(program.parent().unwrap()).unwrap().count(), 1);
}

#[test]
fn cdpath_does_not_choose_what_is_installed() {
    let release = released();
    let home = tempfile::tempdir().unwrap();
    let (here, other) = (home.path().join("here"), home.path().join("other/rel"));
    std::fs::create_dir_all(&here).unwrap();
    std::fs::create_dir_all(&other).unwrap();
    std::os::unix::fs::symlink(release.path(), here.join("rel")).unwrap();
    let evil = other.join("scalekit-auth");
    std::fs::write(&evil, "#!/bin/sh\necho of CDPATH\n").unwrap();
    std::fs::set_permissions(&evil, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let mut command = Command::new("sh");
    command.args(["rel/install.sh", "--prefix", "p"]).current_dir(&here).env("HOME", home.path());
    let output = command.env("CDPATH", other.parent().unwrap()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let installed = std::fs::read(here.join("p/bin/scalekit-auth")).unwrap();
    assert!(installed == std::fs::read(crate::common::EXE).unwrap());
}

#[test]
fn paths_are_shown_without_control_characters_and_quoted_for_a_shell() {
    let release = released();
    let home = tempfile::tempdir().unwrap();
    let path_of = |text: &str| text.lines().find(|line| line.contains("is not on PATH")).unwrap().to_owned();
    let (_, text) = run_released(release.path(), home.path(), &["--prefix", "a'$(b)\\033[31m"]);
    let expected = format!("export PATH='{}/a'\\''$(b)\\033[31m/bin':\"$PATH\"", home.path().display());
    assert!(path_of(&text).ends_with(&expected), "{text}");
    let (_, text) = run_released(release.path(), home.path(), &["--prefix", "a\u{1b}[31m\u{9b}1mé"]);
    assert!(!text.contains(['\u{1b}', '\u{9b}']) && text.contains("a?[31m?1mé/bin is not on PATH"), "{text}");
    assert!(!text.contains("export PATH"), "{text}");
}

#[test]
fn the_skill_is_not_written_through_a_link() {
    let home = tempfile::tempdir().unwrap();
    assert!(install(home.path(), &["--skill", "skills"]).0);
    let (file, target) = (home.path().join("skills/scalekit-auth/SKILL.md"), home.path().join("target"));
    std::fs::rename(&file, &target).unwrap();
    std::fs::write(&target, "  program: scalekit-auth\n").unwrap();
    std::os::unix::fs::symlink(&target, &file).unwrap();
    for options in [&["--skill", "skills"][..], &["--skill", "skills", "--uninstall"]] {
        let (done, text) = install(home.path(), options);
        assert!(!done && text.contains("SKILL.md is a symbolic link"), "{text}");
    }
    assert_eq!(std::fs::read(&target).unwrap(), b"  program: scalekit-auth\n");
}
