//! What `release/build` made is installed as people install it, and then answers a real git. `release/test` runs this.

#[path = "../common/mod.rs"]
mod common;

mod action;
mod archive;
mod container;
mod linux;
mod npm;
mod python;
mod windows;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::gits::{Repository, all};
use common::{EXE, Finished, finish};
use scalekit_auth::protocol::PROTOCOLS;
use scalekit_sandbox::Offers;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The folder with all artifacts.
fn out() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("release/out").join(VERSION)
}

/// An artifact, by its name with `VERSION` for the version.
fn artifact(name: &str) -> PathBuf {
    let path = out().join(name.replace("VERSION", VERSION));
    assert!(path.exists(), "`release/build` makes {}", path.display());
    path
}

/// A program of the virtual environment that `release/test` makes.
fn tool(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/release-test/bin").join(name);
    assert!(path.exists(), "`release/test` installs {}", path.display());
    path
}

/// A user with a private repository behind a token, and with no program of ours but what is installed.
struct User {
    repository: Repository,
}

impl User {
    fn new() -> Self {
        let repository = Repository::new(all().remove(0), Offers::Basic);
        std::fs::remove_dir_all(repository.world.path("bin")).unwrap();
        Self { repository }
    }

    fn path(&self, below_home: &str) -> PathBuf {
        self.repository.world.path(below_home)
    }

    /// `program` with these folders first on PATH, and with the caches of this machine's own user out of the way.
    fn command(&self, program: impl AsRef<Path>, folders: &[&Path]) -> Command {
        let mut command = self.repository.world.command(program.as_ref());
        let first: String = folders.iter().map(|folder| format!("{}:", folder.display())).collect();
        let path = format!("{first}{}", std::env::var("PATH").unwrap());
        command.env("PATH", path).env("GIT_SSL_CAINFO", self.repository.world.sandbox.ca_pem());
        command
    }

    /// Runs an installer. The stand-in's certificate authority would be the only one that it trusts.
    #[track_caller]
    fn install(&self, program: impl AsRef<Path>, args: &[&str], variables: &[(&str, &str)]) -> Finished {
        let mut command = self.command(program, &[]);
        command.args(args).env_remove("SSL_CERT_FILE").envs(variables.iter().copied());
        finish(&mut command, "").ok()
    }

    /// The program in `bin` answers git, as itself and under each of its names, and sets tools up.
    #[track_caller]
    fn is_answered_by(&self, bin: &Path) {
        let run = |program: &Path, args: &[&str], input: &str| finish(self.command(program, &[bin]).args(args), input);
        let program = bin.join("scalekit-auth");
        assert_eq!(run(&program, &["--version"], "").ok().stdout, format!("scalekit-auth {VERSION}\n"));
        assert_eq!(run(&program, &["token", "github"], "").ok().stdout, "token-1\n");

        let copy = tempfile::tempdir_in(self.path("")).unwrap();
        let (url, copy) = (self.repository.url("app.git"), copy.path().join("app"));
        run(Path::new("git"), &["clone", "--quiet", &url, copy.to_str().unwrap()], "").ok();
        assert_eq!(std::fs::read_to_string(copy.join("README")).unwrap(), "hello\n");

        // Each name speaks as a link to the program of the other tests does.
        let links = tempfile::tempdir().unwrap();
        for name in PROTOCOLS.map(|protocol| protocol.link) {
            let link = links.path().join(name);
            std::os::unix::fs::symlink(EXE, &link).unwrap();
            for (words, input) in
                [(vec![], ""), (vec!["get"], "protocol=https\nhost=example.com\n\n"), (vec!["store"], "x")]
            {
                let (got, expected) = (run(&bin.join(name), &words, input), run(&link, &words, input));
                assert_eq!((got.code, &got.stdout), (expected.code, &expected.stdout), "{name} {words:?}: {got:?}");
            }
        }
        let capability = run(&bin.join("git-credential-scalekit"), &["capability"], "").ok();
        assert!(capability.stdout.starts_with("version 0\n"), "{capability:?}");

        for tool in ["git", "docker", "cargo"] {
            let got = run(&program, &["setup", tool], "").ok();
            let text = got.stdout + &got.stderr;
            assert!(!text.contains("not ours") && !text.contains("cannot be made"), "{text}");
        }
        run(&program, &["setup", "--undo"], "").ok();
        // `--undo` takes the helper of the fixture away, too, if it is the program's.
        run(Path::new("git"), &["config", "--global", "--replace-all", "credential.helper", "scalekit"], "").ok();
    }

    /// Whether nothing of ours is left there.
    #[track_caller]
    fn has_nothing_in(&self, bin: &Path) {
        let entries = std::fs::read_dir(bin).into_iter().flatten().flatten();
        let left: Vec<_> =
            entries.map(|entry| entry.file_name()).filter(|name| is_ours(name.to_str().unwrap())).collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

fn is_ours(name: &str) -> bool {
    name.contains("scalekit")
}

#[test]
fn names_of_the_packages_are_those_of_the_program() {
    let text = include_str!("../../release/names");
    let expected: String =
        PROTOCOLS.iter().map(|protocol| format!("{} {}\n", protocol.link, protocol.command)).collect();
    assert_eq!(text, expected);
}

#[test]
fn every_artifact_has_its_checksum() {
    let got = finish(Command::new("sha256sum").args(["--check", "--quiet", "SHA256SUMS"]).current_dir(out()), "").ok();
    assert_eq!(got.stdout, "");
    let sums = std::fs::read_to_string(out().join("SHA256SUMS")).unwrap();
    let listed: Vec<_> = sums.lines().filter_map(|line| line.split_whitespace().nth(1)).collect();
    for entry in std::fs::read_dir(out()).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        assert!(name == "SHA256SUMS" || listed.contains(&name.as_str()), "{name}");
    }
}
