//! What the tests share: a private home, a stand-in vault over real TLS, and the built executable under its protocol
//! names on PATH.

// Each test file uses a part of it.
#![allow(dead_code)]

pub mod api;
pub mod attacks;
pub mod canary;
pub mod chromium;
pub mod consent;
pub mod crowd;
pub mod curl_rules;
pub mod docker;
pub mod expect;
pub mod gits;
pub mod homes;
pub mod https;
pub mod issuer;
pub mod keyring;
pub mod mcp_sdk;
pub mod mcp_server;
pub mod organization;
pub mod proxy;
pub mod registry;
pub mod setup;
pub mod sync;
pub mod user;

use std::ffi::OsStr;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use scalekit_sandbox::{Control, Credential, Sandbox};
use tempfile::TempDir;

/// The executable under test.
pub const EXE: &str = env!("CARGO_BIN_EXE_scalekit-auth");

/// One user's machine: home, runtime directory, PATH, and an environment at Scalekit's.
pub struct World {
    pub sandbox: Sandbox,
    pub home: TempDir,
    /// Whether the client credentials are in the environment variables, as in CI jobs.
    pub credentials_in_variables: bool,
    /// Whether tokens may rest in the kernel's memory, which all tests of one user share.
    pub has_cache: bool,
}

/// What a finished process left.
#[derive(Debug)]
pub struct Finished {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Finished {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Finished {
    /// The same, if the process ended well.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    /// The same, if the process ended with this exit code.
    #[track_caller]
    pub fn exit(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        self
    }
}

impl World {
    /// A fresh home, and an environment whose client credentials are in the environment variables.
    pub fn new() -> Self {
        Self::with(Sandbox::start())
    }

    pub fn with(sandbox: Sandbox) -> Self {
        let home = tempfile::Builder::new().prefix("scalekit-auth-test-").tempdir().unwrap();
        for directory in ["run", "bin", ".config"] {
            std::fs::DirBuilder::new().mode(0o700).create(home.path().join(directory)).unwrap();
        }
        let links = scalekit_auth::protocol::PROTOCOLS.map(|protocol| protocol.link);
        for name in links.into_iter().chain(["scalekit-auth"]) {
            symlink(EXE, home.path().join("bin").join(name)).unwrap();
        }
        Self { sandbox, home, credentials_in_variables: true, has_cache: false }
    }

    pub fn path(&self, below_home: &str) -> PathBuf {
        self.home.path().join(below_home)
    }

    /// The configuration file of this name.
    pub fn config_file(&self, name: &str) -> PathBuf {
        self.path(".config/scalekit-auth").join(name)
    }

    /// Writes `connections.json` as it stands.
    pub fn write_connections(&self, text: &str) {
        std::fs::create_dir_all(self.path(".config/scalekit-auth")).unwrap();
        std::fs::write(self.config_file("connections.json"), text).unwrap();
    }

    pub fn control(&self, control: Control) {
        self.sandbox.control(control).unwrap();
    }

    /// Lets the next requests to `route` fail with this status, and with this code in the body.
    /// The same as JSON.
    #[track_caller]
    pub fn order(&self, control: serde_json::Value) {
        self.control(serde_json::from_value(control).expect("a control"));
    }

    pub fn fail_next(&self, route: &str, times: u32, status: u16, error_code: Option<&str>) {
        let (route, error_code) = (Some(route.into()), error_code.map(str::to_owned));
        self.control(Control::FailNext { route, times, status, error_code, body: None, retry_after: None });
    }

    /// A directory in which another user finds what the executable needs: itself as `exe`, the services, and the authority.
    pub fn copy_for_everybody(&self) -> TempDir {
        let open = tempfile::tempdir().unwrap();
        let readable = |path: &Path| std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
        let config = open.path().join("scalekit-auth");
        std::fs::create_dir(&config).unwrap();
        [open.path(), &config].into_iter().for_each(readable);
        for (from, to) in [
            (Path::new(EXE), open.path().join("exe")),
            (self.sandbox.ca_pem(), open.path().join("ca.pem")),
            (&self.config_file("connections.json"), config.join("connections.json")),
        ] {
            std::fs::copy(from, &to).unwrap();
            readable(&to);
        }
        open
    }

    /// `program` as a user who is not root, with what was copied to `open`.
    pub fn command_as_another(&self, open: &Path, program: impl AsRef<OsStr>) -> Command {
        let is_root = std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
        let mut command =
            self.command(if is_root { OsStr::new(keyring::needed("setpriv", "util-linux")) } else { program.as_ref() });
        if is_root {
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&program);
        }
        command.env("XDG_CONFIG_HOME", open).env("SSL_CERT_FILE", open.join("ca.pem")).current_dir(open);
        command
    }

    /// A connection with one ACTIVE OAuth account of the identifier `ada`.
    pub fn seed(&self, connection: &str, provider: &str, token: &str) {
        self.seed_as("ada", connection, provider, token);
    }

    /// As [`World::seed`], for another identifier.
    pub fn seed_as(&self, identifier: &str, connection: &str, provider: &str, token: &str) {
        self.control(Control::connection(connection, provider));
        self.control(account(connection, identifier, oauth(token), Some(3600)));
    }

    /// The account `ada` of a connection that exists, ACTIVE.
    pub fn seed_account(&self, connection: &str, credential: Credential, expires_in: Option<i64>) {
        self.control(account(connection, "ada", credential, expires_in));
    }

    /// How often a route was asked.
    pub fn count(&self, route: &str) -> u64 {
        self.sandbox.counts().routes.get(route).copied().unwrap_or(0)
    }

    /// `program` in this world, with nothing of the tests' own environment.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().current_dir(self.home.path());
        for (name, value) in self.variables() {
            command.env(name, value);
        }
        command.stdin(Stdio::null());
        command
    }

    /// The environment variables of this world.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let text = |path: PathBuf| path.to_str().unwrap().to_owned();
        let mut variables = vec![
            ("HOME", text(self.home.path().to_owned())),
            ("XDG_RUNTIME_DIR", text(self.path("run"))),
            ("PATH", format!("{}:{}", text(self.path("bin")), std::env::var("PATH").unwrap())),
            ("SSL_CERT_FILE", text(self.sandbox.ca_pem().to_owned())),
            ("GIT_TERMINAL_PROMPT", "0".into()),
            ("GIT_CONFIG_NOSYSTEM", "1".into()),
            ("LC_ALL", "C.UTF-8".into()),
        ];
        if self.credentials_in_variables {
            variables.push(("SCALEKIT_ENV_URL", self.sandbox.url().into()));
            variables.push(("SCALEKIT_CLIENT_ID", self.sandbox.client_id().into()));
            variables.push(("SCALEKIT_CLIENT_SECRET", self.sandbox.client_secret().into()));
        }
        if !self.has_cache {
            variables.push(("SCALEKIT_AUTH_CACHE", "off".into()));
        }
        variables
    }

    /// Runs the executable.
    pub fn run(&self, args: &[&str]) -> Finished {
        finish(self.command(EXE).args(args), "")
    }

    /// Runs the executable, or fails the test with what it said.
    #[track_caller]
    pub fn ok(&self, args: &[&str]) -> Finished {
        self.run(args).ok()
    }

    /// Runs git's helper under its protocol name.
    pub fn helper(&self, action: &str, input: &str) -> Finished {
        finish(self.command("git-credential-scalekit").arg(action), input)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.sandbox.violations(), Vec::<String>::new(), "requests and replies keep to the schemas");
        }
    }
}

/// Runs `command` with `input` on its stdin.
pub fn finish(command: &mut Command, input: &str) -> Finished {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let since = Instant::now();
    let mut child = loop {
        match command.spawn() {
            // Just copied: what another test starts at the same moment holds it open for writing until it is that program.
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy && since.elapsed() < Duration::from_secs(5) => {
                std::thread::sleep(Duration::from_millis(5));
            }
            child => break child.expect("the program starts"),
        }
    };
    // A program that reads nothing may have ended by now.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap().into()
}

/// An OAuth token with the refresh token that the sandbox gives each account.
pub fn oauth(token: &str) -> Credential {
    Credential::OauthToken { access_token: token.into(), refresh_token: None, scopes: vec![], domain: None }
}

fn account(connection: &str, identifier: &str, credential: Credential, expires_in: Option<i64>) -> Control {
    Control::SeedAccount {
        connection: connection.into(),
        identifier: identifier.into(),
        status: "ACTIVE".into(),
        credential,
        expires_in,
        expires_at: None,
        authorization_type: None,
        api_config: None,
    }
}

/// Everything below `directory`, for tests that look for what must not be there.
pub fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => files.extend(files_below(&entry.path())),
            Ok(kind) if kind.is_file() => files.push(entry.path()),
            _ => {}
        }
    }
    files
}
