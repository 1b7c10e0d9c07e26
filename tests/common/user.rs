//! A user of its own for each test, because the kernel keeps tokens for each user, and all sandboxes have one client id.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{lchown, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use scalekit_sandbox::Control;
use serde_json::Value;

use super::homes::is_root;
use super::keyring::needed;
use super::{EXE, Finished, World, finish};

/// The vault's answers with an account's credential.
pub const AUTH: &str = "GET /api/v1/connected_accounts/auth";
/// The vault's client tokens.
pub const TOKEN: &str = "POST /oauth/token";
/// git's question about github.com.
pub const GITHUB: &str = "protocol=https\nhost=github.com\n\n";

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A world whose processes run as a user that nobody else is, and whose tokens may rest in the kernel's memory.
pub struct User {
    pub world: World,
    pub id: u32,
}

/// A key that the kernel has for a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    pub id: String,
    /// Its line in `/proc/keys`.
    pub line: String,
}

impl User {
    pub fn new() -> Self {
        Self::with(World::new())
    }

    pub fn with(mut world: World) -> Self {
        assert!(is_root(), "this test needs root, which may become any user");
        world.has_cache = true;
        let id = 70_000 + std::process::id() * 64 + NEXT.fetch_add(1, Ordering::Relaxed);
        // Neither the build directory nor the sandbox's may be open to others.
        fs::copy(world.sandbox.ca_pem(), world.path("ca.pem")).unwrap();
        let own = world.path("bin/scalekit-auth");
        fs::remove_file(&own).unwrap();
        fs::hard_link(EXE, &own).or_else(|_| fs::copy(EXE, &own).map(drop)).unwrap();
        for name in ["git-credential-scalekit", "docker-credential-scalekit"] {
            fs::remove_file(world.path("bin").join(name)).unwrap();
            symlink(&own, world.path("bin").join(name)).unwrap();
        }
        let user = Self { world, id };
        user.own();
        user
    }

    /// One whose service `github` has the token `token-0`.
    pub fn of_github() -> Self {
        let user = Self::new();
        user.world.seed("github-x", "GITHUB", "token-0");
        user.write_connections(r#"{"github": {"connection_name": "github-x", "identifier": "ada"}}"#);
        user
    }

    /// Everything in the home becomes the user's, but for the programs.
    pub fn own(&self) {
        let home = self.world.home.path();
        let entries = fs::read_dir(home).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| !path.ends_with("bin")).for_each(|path| give(&path, self.id));
        for directory in [home, &self.world.path("bin")] {
            lchown(directory, Some(self.id), Some(self.id)).unwrap();
        }
    }

    pub fn write_connections(&self, text: &str) {
        self.world.write_connections(text);
        self.own();
    }

    /// `program` as this user.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        self.command_as(self.id, program)
    }

    /// `program` as another user in this world.
    pub fn command_as(&self, id: u32, program: impl AsRef<OsStr>) -> Command {
        let mut command = self.world.command(program);
        command.uid(id).gid(id).env("SSL_CERT_FILE", self.world.path("ca.pem"));
        if id != self.id {
            // The home is closed to others.
            command.current_dir("/");
        }
        command
    }

    pub fn run(&self, args: &[&str]) -> Finished {
        finish(self.command("scalekit-auth").args(args), "")
    }

    #[track_caller]
    pub fn ok(&self, args: &[&str]) -> Finished {
        self.run(args).ok()
    }

    /// What `token` prints.
    #[track_caller]
    pub fn token(&self, place: &str) -> String {
        let got = self.ok(&["token", place]);
        assert_eq!(got.stderr, "", "{got:?}");
        got.stdout.trim_end().to_owned()
    }

    /// git's helper.
    pub fn git(&self, action: &str, input: &str) -> Finished {
        finish(self.command("git-credential-scalekit").arg(action), input)
    }

    /// docker's helper.
    pub fn docker(&self, action: &str, input: &str) -> Finished {
        finish(self.command("docker-credential-scalekit").arg(action), input)
    }

    /// A login to the sandbox, whose client secret is in a file from then on.
    pub fn login_with_file(&mut self) -> Finished {
        self.world.credentials_in_variables = false;
        let sandbox = &self.world.sandbox;
        let home = format!("file:{}", self.world.path("secret").display());
        let args = ["login", "--env-url", sandbox.url(), "--client-id", sandbox.client_id(), "--client-secret-stdin"];
        finish(self.command("scalekit-auth").args(args).args(["--home", &home]), sandbox.client_secret()).ok()
    }

    /// Another token for the account `ada` of `github-x` in the vault.
    pub fn set_token(&self, token: &str) {
        let (connection, identifier) = ("github-x".into(), "ada".into());
        self.world.control(Control::SetToken { connection, identifier, token: token.into(), expires_in: Some(3600) });
    }

    /// How often the vault was asked for anything, and on how many connections.
    pub fn asked(&self) -> (u64, u64) {
        let counts = self.world.sandbox.counts();
        (counts.routes.values().sum(), counts.tcp_connections)
    }

    /// `act` does its work without the vault.
    #[track_caller]
    pub fn is_from_memory<T>(&self, act: impl FnOnce() -> T) -> T {
        let before = self.asked();
        let done = act();
        assert_eq!(self.asked(), before, "the vault is not asked");
        done
    }

    /// `act` asks the vault once for an account's credential.
    #[track_caller]
    pub fn is_from_vault<T>(&self, act: impl FnOnce() -> T) -> T {
        let before = self.world.count(AUTH);
        let done = act();
        assert_eq!(self.world.count(AUTH), before + 1, "the vault is asked once");
        done
    }

    /// `cache status --json`.
    #[track_caller]
    pub fn status(&self) -> Value {
        serde_json::from_str(&self.ok(&["cache", "status", "--json"]).stdout).unwrap()
    }

    /// For how many seconds the account's token of this connection stays; `None` if there is none.
    #[track_caller]
    pub fn left(&self, connection: &str) -> Option<i64> {
        let status = self.status();
        let found = status["tokens"].as_array().unwrap().iter().find(|token| token["connection"] == connection)?;
        found["left_seconds"].as_i64()
    }

    /// The valid keys of this user (not the keyrings) as the user `seer` sees them.
    pub fn keys_seen_by(&self, seer: u32) -> Vec<Key> {
        let text = finish(self.command_as(seer, "cat").arg("/proc/keys"), "").ok().stdout;
        let id = self.id.to_string();
        let lines = text.lines().filter(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            // What is invalidated, or never got its value, waits for the kernel's collector.
            let is_valid = |flags: &str| flags.starts_with('I') && !flags.ends_with('i');
            matches!(words[..], [_, flags, _, _, _, of, _, "user", ..] if of == id && is_valid(flags))
        });
        lines.map(|line| Key { id: format!("0x{}", &line[..8]), line: line.to_owned() }).collect()
    }

    pub fn keys(&self) -> Vec<Key> {
        self.keys_seen_by(self.id)
    }

    /// keyutils' program.
    pub fn keyctl(&self, args: &[&str]) -> Finished {
        finish(self.command(needed("keyctl", "keyutils")).args(args), "")
    }

    /// All that the kernel has for this user, as text.
    pub fn kernel_memory(&self) -> String {
        let keys = self.keys();
        let values = keys.iter().map(|key| key.line.clone() + "\n" + &self.keyctl(&["pipe", &key.id]).stdout);
        values.collect::<Vec<_>>().join("\n")
    }
}

impl Drop for User {
    fn drop(&mut self) {
        let _ = self.keyctl(&["clear", "@u"]);
    }
}

fn give(path: &Path, id: u32) {
    lchown(path, Some(id), Some(id)).unwrap();
    if fs::symlink_metadata(path).unwrap().is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| give(&entry.unwrap().path(), id));
    }
}
