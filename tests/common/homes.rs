//! Machines without a keyring, whose client credentials live where their user says.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use scalekit_sandbox::{Options, Sandbox};
use serde_json::{Value, json};

use super::keyring::needed;
use super::{EXE, Finished, World, files_below, finish};

/// The client secret; whatever shows a part of it fails its test.
pub const SECRET: &str = "canary-home-secret-Zt7Qw2Lx9Vb4Mk";
/// A user who is neither root nor anybody.
pub const USER: u32 = 65534;

/// One user's machine with the service `github` and without a keyring; the client credentials are nowhere yet.
pub struct Machine {
    pub world: World,
    user: Option<u32>,
}

impl Machine {
    pub fn new() -> Self {
        let options = Options { client_secret: SECRET.into(), ..Options::default() };
        let mut world = World::with(Sandbox::with(options).unwrap());
        world.credentials_in_variables = false;
        world.seed("github-x", "GITHUB", "token-1");
        let machine = Self { world, user: None };
        machine.run(&["config", "github", "github-x", "--identifier", "ada"]).ok();
        machine
    }

    /// One whose user is not root, which may read everything. Without root the tests' own user is such a one.
    pub fn unprivileged() -> Self {
        let mut machine = Self::new();
        if !is_root() {
            return machine;
        }
        let home = machine.world.home.path();
        // Neither the build directory nor the sandbox's may be open to others.
        fs::copy(machine.world.sandbox.ca_pem(), home.join("ca.pem")).unwrap();
        fs::copy(EXE, home.join("exe")).unwrap();
        for name in ["scalekit-auth", "git-credential-scalekit"] {
            fs::remove_file(home.join("bin").join(name)).unwrap();
            symlink(home.join("exe"), home.join("bin").join(name)).unwrap();
        }
        for path in [".", "bin", "run", ".config", ".config/scalekit-auth"] {
            chown(home.join(path), Some(USER), Some(USER)).unwrap();
        }
        files_below(home).iter().for_each(|file| chown(file, Some(USER), Some(USER)).unwrap());
        machine.user = Some(USER);
        machine
    }

    /// The id of its user.
    pub fn user(&self) -> u32 {
        self.user.unwrap_or_else(|| fs::metadata("/proc/self").unwrap().uid())
    }

    /// `program` as its user.
    pub fn command(&self, program: &str) -> Command {
        let Some(user) = self.user else { return self.world.command(program) };
        let mut command = self.world.command(needed("setpriv", "util-linux"));
        command.args([format!("--reuid={user}"), format!("--regid={user}"), "--clear-groups".into()]).arg(program);
        command.env("SSL_CERT_FILE", self.world.path("ca.pem"));
        command
    }

    /// Runs the executable; its output never shows the secret.
    #[track_caller]
    pub fn run(&self, args: &[&str]) -> Finished {
        self.run_with(args, "")
    }

    #[track_caller]
    pub fn run_with(&self, args: &[&str], input: &str) -> Finished {
        shows_no_secret(finish(self.command("scalekit-auth").args(args), input))
    }

    /// Runs a shell script as its user.
    #[track_caller]
    pub fn script(&self, script: &str) -> Finished {
        shows_no_secret(finish(self.command("sh").args(["-e", "-c", script]), ""))
    }

    /// What git's helper answers about a repository at github.com.
    #[track_caller]
    pub fn get(&self) -> Finished {
        let request = "protocol=https\nhost=github.com\n\n";
        shows_no_secret(finish(self.command("git-credential-scalekit").arg("get"), request))
    }

    /// `login` with `home`, and with URL and client id but no secret.
    #[track_caller]
    pub fn login(&self, home: &[&str]) -> Finished {
        let sandbox = &self.world.sandbox;
        let args = ["login", "--env-url", sandbox.url(), "--client-id", sandbox.client_id()];
        self.run(&[&args, home].concat())
    }

    /// `login` with `home` and with everything.
    #[track_caller]
    pub fn login_with_secret(&self, home: &[&str], secret: &str) -> Finished {
        let sandbox = &self.world.sandbox;
        let args = ["login", "--env-url", sandbox.url(), "--client-id", sandbox.client_id(), "--client-secret-stdin"];
        self.run_with(&[&args, home].concat(), secret)
    }

    /// A file of its user's own.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>, mode: u32) -> PathBuf {
        let path = self.world.path(name);
        fs::write(&path, content).unwrap();
        set_mode(&path, mode);
        if let Some(user) = self.user {
            chown(&path, Some(user), Some(user)).unwrap();
        }
        path
    }

    /// A shell script, to be the command of a home.
    pub fn program(&self, name: &str, body: &str) -> String {
        let path = self.file(name, format!("#!/bin/sh\n{body}\n"), 0o755);
        path.to_str().unwrap().to_owned()
    }

    /// All three as the JSON object.
    pub fn object(&self, secret: &str) -> Value {
        let sandbox = &self.world.sandbox;
        json!({"environment_url": sandbox.url(), "client_id": sandbox.client_id(), "client_secret": secret})
    }

    /// The home of the default environment in `config.json`; null if there is none.
    pub fn home(&self) -> Value {
        let text = fs::read_to_string(self.world.config_file("config.json")).unwrap_or("{}".into());
        serde_json::from_str::<Value>(&text).unwrap()["environments"]["default"]["home"].clone()
    }

    /// Everything works: a token, git's helper, and `status`.
    #[track_caller]
    pub fn works(&self) {
        assert_eq!(self.run(&["token", "github"]).ok().stdout, "token-1\n");
        assert!(self.get().ok().stdout.contains("password=token-1\n"));
        assert!(self.run(&["status"]).ok().stdout.contains("the client secret can be read\n"));
    }

    /// Nothing works, for the reason `words`: exit code 4, and git's helper declines with one line, below the one that a command said.
    #[track_caller]
    pub fn fails(&self, words: &[&str]) {
        let declined = self.get().ok();
        let own = declined.stderr.lines().filter(|line| !line.contains(" says: "));
        assert_eq!((declined.stdout.as_str(), own.count()), ("", 1), "{declined:?}");
        let token = self.run(&["token", "github"]).exit(4);
        let json = self.run(&["token", "github", "--json"]).exit(4);
        let status = self.run(&["status"]).exit(4);
        for word in words {
            for text in [&declined.stderr, &token.stderr, &json.stdout, &status.stdout] {
                assert!(text.contains(word), "{word}: {text}");
            }
        }
    }

    /// The files below its home that hold the secret.
    pub fn holders(&self) -> Vec<PathBuf> {
        let mut files = files_below(self.world.home.path());
        files.retain(|file| String::from_utf8_lossy(&fs::read(file).unwrap_or_default()).contains(SECRET));
        files
    }
}

/// A machine that uses the file `secret`, which holds the secret alone.
pub fn with_secret_file(machine: Machine) -> (Machine, PathBuf) {
    let file = machine.file("secret", format!("{SECRET}\n"), 0o600);
    machine.login(&["--home", &at(&file)]).ok();
    (machine, file)
}

pub fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

pub fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

pub fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

/// `file:PATH` for `--home`.
pub fn at(path: &Path) -> String {
    format!("file:{}", path.display())
}

/// A dozen characters of it in a row are as good as the secret.
#[track_caller]
pub fn shows_no_secret(finished: Finished) -> Finished {
    for text in [&finished.stdout, &finished.stderr] {
        assert!(
            SECRET.as_bytes().windows(12).all(|piece| !text.contains(std::str::from_utf8(piece).unwrap())),
            "{text}"
        );
    }
    finished
}
