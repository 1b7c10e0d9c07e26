//! The machine of one user on which everything is measured: a home, a keyring, a vault on loopback, and a delay line to it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

use scalekit_sandbox::Sandbox;
use serde_json::{Map, Value, json};

use super::common::keyring::Desk;
use super::common::{EXE, finish};
use super::delay::Line;
use super::program::Program;

/// What git 2.47 writes for a `git fetch`.
pub const REQUEST: &str = "capability[]=authtype\ncapability[]=state\nprotocol=https\nhost=github.com\n\
                           wwwauth[]=Basic realm=\"GitHub\"\n\n";
/// The same for a host of nobody's.
const NOT_OURS: &str = "capability[]=authtype\ncapability[]=state\nprotocol=https\nhost=git.example.com\n\
                        wwwauth[]=Basic realm=\"somewhere\"\n\n";
/// The line of a good answer to [`REQUEST`], from us and from the peers.
pub const ANSWER: &str = "password=token-1";
/// The environment whose vault is behind the delay line.
const FAR: &str = "far";
/// So many services have an account in the vault besides github.
pub const MOST_IN_A_BATCH: usize = 50;

pub struct Stage {
    pub desk: Desk,
    pub line: Line,
    clear: Program,
}

/// What the vault saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traffic {
    pub requests: u64,
    pub connections: u64,
}

impl Traffic {
    pub fn since(self, before: Self) -> Self {
        let Self { requests, connections } = before;
        Self { requests: self.requests - requests, connections: self.connections - connections }
    }
}

/// How an own program is configured.
#[derive(Clone, Copy)]
pub struct Setup {
    /// Services besides github.
    pub others: usize,
    /// Whether its vault is the one behind the delay line.
    pub is_far: bool,
    /// Whether the account's token may rest in the cache; the client's always may.
    pub keeps_accounts: bool,
}

impl Setup {
    pub const USUAL: Self = Self { others: 0, is_far: false, keeps_accounts: true };

    fn name(self) -> String {
        let Self { others, is_far, keeps_accounts } = self;
        format!("setups/{others}-{is_far}-{keeps_accounts}")
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // Nothing of all this stays in the user's cache.
        self.clear.time(1);
    }
}

impl Stage {
    pub fn new() -> Self {
        let mut desk = Desk::logged_in();
        desk.world.has_cache = true;
        install(&desk);
        let port = desk.world.sandbox.url().rsplit(':').next().and_then(|port| port.parse().ok());
        let line = Line::start(port.expect("the vault's URL has a port"));
        let clear = Program::new(own(&desk, "scalekit-auth").args(["cache", "clear"]), "", "");
        let stage = Self { clear, line, desk };
        for n in 1..=MOST_IN_A_BATCH {
            stage.desk.world.seed(&format!("connection-{n}"), "CUSTOM", &format!("token-of-{n}"));
        }
        let (url, id) = (stage.far_url(), stage.vault().client_id().to_owned());
        let login = ["login", "--environment", FAR, "--env-url", &url, "--client-id", &id, "--client-secret-stdin"];
        finish(stage.desk.command("scalekit-auth").args(login), stage.vault().client_secret()).ok();
        stage
    }

    /// The size of the program, in bytes.
    pub fn size(&self) -> u64 {
        fs::metadata(self.desk.world.path("bin/release")).expect("the executable is there").len()
    }

    pub fn vault(&self) -> &Sandbox {
        &self.desk.world.sandbox
    }

    /// The vault's URL behind the delay line.
    pub fn far_url(&self) -> String {
        format!("https://localhost:{}", self.line.port())
    }

    /// How much the vault has been asked so far.
    pub fn traffic(&self) -> Traffic {
        let counts = self.vault().counts();
        Traffic { requests: counts.routes.values().sum(), connections: counts.tcp_connections }
    }

    /// The next one who asks finds no token of this user's in the cache, and room in it.
    pub fn forget_tokens(&self) {
        let (_, failures) = self.clear.time(1);
        assert_eq!(failures, 0, "`scalekit-auth cache clear` works");
    }

    /// git's helper, asked about a repository at github.com.
    pub fn get(&self, setup: Setup) -> Program {
        let mut command = self.ours("git-credential-scalekit", setup);
        Program::new(command.arg("get"), REQUEST, ANSWER)
    }

    /// git's helper, asked about a host that no service claims.
    pub fn decline(&self, setup: Setup) -> Program {
        let mut command = self.ours("git-credential-scalekit", setup);
        Program::new(command.arg("get"), NOT_OURS, "")
    }

    /// The token of a service by its name.
    pub fn token(&self, setup: Setup) -> Program {
        let mut command = self.ours("scalekit-auth", setup);
        Program::new(command.args(["token", "github"]), "", "token-1\n")
    }

    /// Reads the connections of the vault.
    pub fn sync(&self, setup: Setup) -> Program {
        Program::new(self.ours("scalekit-auth", setup).arg("sync"), "", "")
    }

    /// The tokens of so many services in one run.
    pub fn batch(&self, count: usize, is_far: bool) -> Program {
        let mut command = self.ours("scalekit-auth", Setup { others: MOST_IN_A_BATCH, is_far, ..Setup::USUAL });
        command.arg("token").args((1..=count).map(service)).arg("--json");
        Program::new(&command, "", "token-of-1\"")
    }

    fn ours(&self, name: &str, setup: Setup) -> Command {
        let mut command = own(&self.desk, name);
        command.env("XDG_CONFIG_HOME", self.written(setup));
        command
    }

    /// The configuration directory of `setup`, made from what `login` and `config` wrote.
    fn written(&self, setup: Setup) -> PathBuf {
        let home = self.desk.world.path(&setup.name());
        let directory = home.join("scalekit-auth");
        if directory.exists() {
            return home;
        }
        fs::create_dir_all(&directory).unwrap();
        let config = fs::read(self.desk.world.config_file("config.json")).unwrap();
        let mut config: Value = serde_json::from_slice(&config).unwrap();
        if !setup.keeps_accounts {
            config["cache"] = json!({"account_seconds": 0});
        }
        fs::write(directory.join("config.json"), config.to_string()).unwrap();
        fs::write(directory.join("connections.json"), services(setup).to_string()).unwrap();
        home
    }
}

/// The program under one of its names, by its path, so that nobody's PATH is searched.
fn own(desk: &Desk, name: &str) -> Command {
    desk.command(desk.world.path("bin").join(name).to_str().expect("a plain path"))
}

/// The program that is measured: the one of a release that `SCALEKIT_AUTH_PROGRAM` names, else what cargo builds as a release, since what
/// it builds for a benchmark unwinds.
pub fn program() -> PathBuf {
    if let Some(program) = std::env::var_os("SCALEKIT_AUTH_PROGRAM") {
        return program.into();
    }
    let done = Command::new(env!("CARGO")).args(["build", "--quiet", "--release", "--bin", "scalekit-auth"]).status();
    assert!(done.is_ok_and(|status| status.success()), "the release builds");
    EXE.into()
}

/// Puts a copy of the program in the place of the one that the tests use: whatever is built meanwhile changes nothing.
fn install(desk: &Desk) {
    let copy = desk.world.path("bin/release");
    fs::copy(program(), &copy).unwrap();
    for name in ["scalekit-auth", "git-credential-scalekit"] {
        let name = desk.world.path("bin").join(name);
        fs::remove_file(&name).unwrap();
        symlink(&copy, name).unwrap();
    }
}

fn service(n: usize) -> String {
    format!("service-{n}")
}

/// `connections.json`: github, and the others with a host of each one's own.
fn services(setup: Setup) -> Value {
    let github = ("github".to_owned(), json!({"connection_name": "github-x", "identifier": "ada"}));
    let others = (1..=setup.others).map(|n| {
        let hosts = [format!("host-{n}.example.org")];
        (service(n), json!({"connection_name": format!("connection-{n}"), "identifier": "ada", "hosts": hosts}))
    });
    let mut all: Map<String, Value> = std::iter::once(github).chain(others).collect();
    if setup.is_far {
        all.values_mut().for_each(|service| service["environment"] = FAR.into());
    }
    all.into()
}
