//! The executable for Windows, run by wine, against the stand-in for the vault. `.ci/run` builds it.
//!
//! Each test has a wine of its own, whose user's name is not ASCII: profile, application data and temporary files are below it.

#[path = "../common/mod.rs"]
mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Finished, World, finish};
use serde_json::{Value, json};

const AUTH: &str = "GET /api/v1/connected_accounts/auth";

struct Windows {
    world: World,
}

impl Windows {
    fn new() -> Self {
        let mut world = World::new();
        world.credentials_in_variables = false;
        let built =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("target/systems/x86_64-pc-windows-gnu/debug/scalekit-auth.exe");
        assert!(built.exists(), "`.ci/windows` builds {}", built.display());
        let windows = Self { world };
        std::fs::create_dir(windows.program_directory()).unwrap();
        std::fs::copy(built, windows.program()).unwrap();
        windows.compile("process_prng.c", "bcryptprimitives.dll", &["-shared", "-ladvapi32"]);
        windows
    }

    fn program_directory(&self) -> PathBuf {
        self.world.path("my programs")
    }

    fn program(&self) -> PathBuf {
        self.program_directory().join("scalekit-auth.exe")
    }

    fn compile(&self, source: &str, name: &str, options: &[&str]) {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/windows").join(source);
        let mut compiler = Command::new("x86_64-w64-mingw32-gcc");
        compiler.arg("-o").arg(self.program_directory().join(name)).arg(source).args(options);
        assert!(compiler.status().expect("Debian's gcc-mingw-w64-x86-64 is needed").success());
    }

    /// As Windows spells the path.
    fn path(&self, path: &Path) -> String {
        format!("Z:{}", path.display()).replace('/', "\\")
    }

    fn command(&self, program: &Path, args: &[&str]) -> Command {
        let mut wine = self.world.command("wine");
        wine.arg(program).args(args);
        let own = [("WINEPREFIX", self.world.path("wine").display().to_string()), ("WINEDEBUG", "-all".into())];
        wine.envs(own).env("USER", "Ädä").env("WINEPATH", self.path(&self.program_directory()));
        wine.env("SSL_CERT_FILE", self.path(self.world.sandbox.ca_pem()));
        wine
    }

    fn run(&self, args: &[&str]) -> Finished {
        self.run_with(args, "")
    }

    fn run_with(&self, args: &[&str], input: &str) -> Finished {
        finish(&mut self.command(&self.program(), args), input)
    }

    /// Logs in to the Credential Manager, and names a service.
    fn log_in(&self) {
        let sandbox = &self.world.sandbox;
        let login = ["login", "--env-url", sandbox.url(), "--client-id", sandbox.client_id(), "--client-secret-stdin"];
        self.run_with(&login, sandbox.client_secret()).ok();
        self.world.seed("github-x", "GITHUB", "gho_1");
        self.run(&["config", "github", "github-x", "--identifier", "ada"]).ok();
    }

    fn git(&self, host: &str) -> Finished {
        self.run_with(&["git-credential", "get"], &format!("protocol=https\nhost={host}\n\n"))
    }
}

#[test]
fn credentials_live_in_the_credential_manager_and_configuration_in_the_users_folder() {
    let windows = Windows::new();
    let got = windows.run(&["token", "github"]);
    assert_eq!(got.code, Some(3), "{got:?}");
    windows.log_in();
    let roaming = windows.world.path("wine/drive_c/users/Ädä/AppData/Roaming/scalekit-auth");
    assert!(roaming.join("config.json").exists() && roaming.join("connections.json").exists());
    let secret = windows.world.sandbox.client_secret();
    for file in ["config.json", "connections.json"] {
        assert!(!std::fs::read_to_string(roaming.join(file)).unwrap().contains(secret));
    }
    assert_eq!(windows.run(&["token", "github"]).ok().stdout, "gho_1\n");
    assert_eq!(windows.run(&["header", "github", "--value"]).ok().stdout, "Bearer gho_1\n");
    let status: Value = serde_json::from_str(&windows.run(&["status", "--json"]).ok().stdout).unwrap();
    assert_eq!(status["environments"][0]["name"], "default", "{status}");
    let cache: Value = serde_json::from_str(&windows.run(&["cache", "status", "--json"]).ok().stdout).unwrap();
    assert_eq!(cache["available"], json!(false), "{cache}");
    windows.run(&["logout"]).ok();
    assert_eq!(windows.run(&["token", "github"]).code, Some(3));
}

#[test]
fn more_than_the_credential_manager_takes_is_refused() {
    let windows = Windows::new();
    let sandbox = &windows.world.sandbox;
    let long = "x".repeat(2600);
    windows.world.order(json!({"op": "rotate_client_secret", "secret": long}));
    let login = ["login", "--env-url", sandbox.url(), "--client-id", sandbox.client_id(), "--client-secret-stdin"];
    let got = windows.run_with(&login, &long).exit(4);
    assert!(got.stderr.contains("2560 bytes at most") && !got.stderr.contains("xxx"), "{got:?}");
}

#[test]
fn git_and_docker_are_answered_as_elsewhere() {
    let windows = Windows::new();
    windows.log_in();
    let got = windows.git("github.com").ok();
    assert!(got.stdout.contains("username=x-access-token\npassword=gho_1\n") && !got.stdout.contains('\r'), "{got:?}");
    // Without a cache a hit is two requests, and a miss none.
    let before = windows.world.sandbox.requests().len();
    windows.git("github.com").ok();
    assert_eq!(windows.world.sandbox.requests().len(), before + 2);
    assert_eq!(windows.git("example.com").ok().stdout, "");
    assert_eq!(windows.git("github.com\r").stdout, "");
    assert_eq!(windows.world.sandbox.requests().len(), before + 2);

    // The protocol names are other names of the same file.
    windows.run(&["setup"]).ok();
    let docker = windows.program_directory().join("docker-credential-scalekit.exe");
    let ask = |server: &str| finish(&mut windows.command(&docker, &["get"]), server);
    let answer: Value = serde_json::from_str(&ask("ghcr.io").ok().stdout).unwrap();
    assert_eq!(answer["Secret"], "gho_1");
    assert_eq!(ask("example.com").exit(1).stdout, "credentials not found in native keychain\n");
    assert_eq!(windows.run(&["no-such-command"]).code, Some(2));
}

#[test]
fn exec_passes_the_exit_status_on_and_curl_gets_the_header_by_stdin() {
    let windows = Windows::new();
    windows.log_in();
    let got = windows.run(&["exec", "--with", "github=TOK", "--", "cmd", "/c", "echo %TOK%"]).ok();
    assert_eq!(got.stdout.trim(), "gho_1");
    windows.run(&["exec", "--with", "github=TOK", "--", "cmd", "/c", "exit 7"]).exit(7);
    windows.run(&["exec", "--with", "github=TOK", "--", "no-such-command"]).exit(127);

    windows.compile("curl.c", "curl.exe", &[]);
    let got = windows.run(&["curl", "https://api.github.com/user", "-s"]).exit(9);
    let (words, stdin) = got.stdout.split_once("word -s").unwrap();
    assert!(words.contains("word @-") && !words.contains("gho_1"), "{got:?}");
    assert!(stdin.contains("Authorization: Bearer gho_1"), "{got:?}");
    let got = windows.run(&["curl", "https://api.github.com/user", "-d", "@-"]).exit(2);
    assert!(got.stderr.contains("stdin"), "{got:?}");
}

#[test]
fn many_at_once_all_get_an_answer() {
    let windows = Windows::new();
    windows.log_in();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(windows.run(&["token", "github"]).ok().stdout, "gho_1\n"));
        }
    });
    assert_eq!(windows.world.count(AUTH), 8);
}

#[test]
fn set_up_writes_what_tools_of_windows_read() {
    let windows = Windows::new();
    windows.log_in();
    windows.compile("git.c", "git.exe", &[]);
    let got = windows.run(&["setup", "git", "--dry-run"]).ok();
    let program = windows.path(&windows.program()).replace('\\', "/");
    assert!(
        got.stdout.contains(&format!("helper = \"!'{program}' git-credential --only-helper --ephemeral\"")),
        "{got:?}"
    );
    assert!(got.stdout.contains("helper =\n") && got.stdout.contains(r"Ädä\.gitconfig"), "{got:?}");
    let got = windows.run(&["setup", "docker", "--dry-run"]).ok();
    assert!(
        got.stdout.contains(r"Ädä\.docker\config.json") && got.stdout.contains("\"ghcr.io\": \"scalekit\""),
        "{got:?}"
    );
    let got = windows.run(&["setup", "go", "--dry-run"]).ok();
    assert!(got.stdout.contains(r"AppData\Roaming\go\env"), "{got:?}");
    // cargo finds a bare name by PATH; a path with a blank it takes apart.
    windows.run(&["setup", "cargo"]).ok();
    let file = windows.world.path("wine/drive_c/users/Ädä/.cargo/config.toml");
    assert!(std::fs::read_to_string(&file).unwrap().contains("\"cargo-credential-scalekit\""));
    windows.run(&["setup", "--undo"]).ok();
    assert!(!file.exists());
}
