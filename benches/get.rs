//! What one `get` costs beside git's own helper in the same run: medians, and ratios taken pair by pair. Run with
//! `cargo bench`; the vault is the stand-in on loopback.

use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use scalekit_sandbox::{Control, Credential, Sandbox};

const ROUNDS: usize = 200;

struct Contender {
    name: &'static str,
    command: Command,
    input: &'static str,
    times: Vec<Duration>,
}

impl Contender {
    fn new(name: &'static str, command: Command, input: &'static str) -> Self {
        Self { name, command, input, times: Vec::new() }
    }

    fn run(&mut self) {
        let start = Instant::now();
        let mut child = self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(self.input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        self.times.push(start.elapsed());
        assert!(output.status.success(), "{} failed", self.name);
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let home = tempfile::tempdir().unwrap();
    let vault = Sandbox::start();
    let executable = home.path().join("git-credential-scalekit");
    symlink(env!("CARGO_BIN_EXE_scalekit-auth"), &executable).unwrap();
    configure(home.path(), &vault);

    let ours = || {
        let mut command = Command::new(&executable);
        command
            .arg("get")
            .env_clear()
            .env("HOME", home.path())
            .env("XDG_RUNTIME_DIR", home.path())
            .env("SSL_CERT_FILE", vault.ca_pem())
            .env("SCALEKIT_ENV_URL", vault.url())
            .env("SCALEKIT_CLIENT_ID", vault.client_id())
            .env("SCALEKIT_CLIENT_SECRET", vault.client_secret());
        command
    };
    let mut store = Command::new("git");
    store.args(["credential-store", "get"]).env("HOME", home.path());

    let mut contenders = [
        Contender::new("git credential-store", store, "protocol=https\nhost=github.com\n"),
        Contender::new("host not ours", ours(), "protocol=https\nhost=example.com\n"),
        Contender::new("cold, two requests", ours(), "protocol=https\nhost=github.com\n"),
    ];
    for _ in 0..ROUNDS {
        contenders.iter_mut().for_each(Contender::run);
    }
    let millis = |time: &Duration| time.as_secs_f64() * 1000.0;
    let [base, ..] = &contenders;
    println!("{:<24} {:>10} {:>10}", "one get", "median ms", "ratio");
    for contender in &contenders {
        let ratios = contender.times.iter().zip(&base.times).map(|(ours, theirs)| millis(ours) / millis(theirs));
        let times = contender.times.iter().map(millis).collect();
        println!("{:<24} {:>10.3} {:>10.2}", contender.name, median(times), median(ratios.collect()));
    }
}

fn configure(home: &Path, vault: &Sandbox) {
    let directory = home.join(".config/scalekit-auth");
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join("connections.json"), r#"{"github": {"connection_name": "github-x"}}"#).unwrap();
    std::fs::write(home.join(".git-credentials"), "https://ada:token@github.com\n").unwrap();
    vault.control(Control::connection("github-x", "GITHUB")).unwrap();
    vault
        .control(Control::SeedAccount {
            connection: "github-x".into(),
            identifier: "agent".into(),
            status: "ACTIVE".into(),
            credential: Credential::OauthToken {
                access_token: "token".into(),
                refresh_token: None,
                scopes: Vec::new(),
                domain: None,
            },
            expires_in: Some(3600),
            expires_at: None,
            authorization_type: None,
            api_config: None,
        })
        .unwrap();
}
