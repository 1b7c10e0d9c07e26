//! The main job, seen on your own machine: no Scalekit account, no keyring. A stand-in vault and a private git repository
//! run on loopback for as long as this program does.
//!
//!     cargo run --example demo

use std::path::{Path, PathBuf};
use std::process::Command;

use scalekit_sandbox::{Control, Credential, GitOptions, GitServer, Offers, Sandbox};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let executable = build()?;
    let home = tempfile::Builder::new().prefix("scalekit-auth-demo-").tempdir()?;

    step("A stand-in for Scalekit starts on loopback, with real TLS. It holds two connected accounts.");
    let vault = Sandbox::start();
    for (connection, provider) in [("github-x1y2", "GITHUB"), ("gmail-u3134a", "GMAIL")] {
        vault.control(Control::connection(connection, provider))?;
        vault.control(Control::SeedAccount {
            connection: connection.into(),
            identifier: "agent".into(),
            status: "ACTIVE".into(),
            credential: Credential::OauthToken {
                access_token: format!("demo-token-for-{provider}"),
                refresh_token: None,
                scopes: Vec::new(),
                domain: None,
            },
            expires_in: Some(3600),
            expires_at: None,
            authorization_type: None,
            api_config: None,
        })?;
    }
    println!("   {}", vault.url());

    step("A private repository is served by the real `git http-backend`; it wants the GitHub account's token.");
    let root = home.path().join("server");
    std::fs::create_dir(&root)?;
    GitServer::create_repository(&root, "app.git", &[("README", b"Cloned with a token from the vault.\n")])?;
    let server = GitServer::start(GitOptions {
        root,
        tls: Some(vault.ca()),
        offers: Offers::Basic,
        tokens: vec!["demo-token-for-GITHUB".into()],
        ..GitOptions::default()
    })?;
    println!("   {}/app.git", server.url());

    let shell = Shell::new(&executable, home.path(), &vault)?;
    step(
        "Logging in. The secret is checked with Scalekit before it is stored: on a laptop in the OS keyring, here, where\n   \
         no keyring is needed, in a file that only you can read.",
    );
    std::fs::write(home.path().join("secret.txt"), vault.client_secret())?;
    shell.run(&format!(
        "scalekit-auth login --env-url {} --client-id {} --client-secret-stdin --home file:$HOME/home.json <secret.txt",
        vault.url(),
        vault.client_id()
    ))?;
    step("Naming the two connections as services. The host is the demo's; github.com itself needs no --host.");
    shell.run(&format!("scalekit-auth config github github-x1y2 --host {}", server.url()))?;
    shell.run("scalekit-auth config gmail gmail-u3134a")?;
    step("Letting git ask for tokens.");
    shell.run("scalekit-auth setup git")?;
    step("Cloning. git gets a 401, asks the helper, and the helper asks the vault.");
    shell.run(&format!("git clone --quiet {}/app.git && cat app/README", server.url()))?;
    step("A token for anything else: the URL finds its service.");
    shell.run("scalekit-auth which https://gmail.googleapis.com/gmail/v1/users/me/messages")?;
    shell.run("scalekit-auth token https://gmail.googleapis.com/gmail/v1/users/me/messages")?;
    step("A host of nobody's gets nothing.");
    shell.run("scalekit-auth token https://gmail.googleapis.com.evil.example/ || echo \"   (exit code $?)\"")?;

    let counts = vault.counts();
    step("What the vault saw:");
    for (route, count) in &counts.routes {
        println!("   {count} x {route}");
    }
    println!("   over {} connections, one for each token", counts.tls_connections);
    println!("\nDone; everything is cleaned up. Next: ./install.sh, then `scalekit-auth login`.");
    Ok(())
}

fn step(text: &str) {
    println!("\n=> {text}");
}

/// The executable beside this example, built from the same sources.
fn build() -> Result<PathBuf> {
    let done = Command::new(env!("CARGO")).args(["build", "--quiet", "--bin", "scalekit-auth"]).status()?;
    let directory = std::env::current_exe()?.ancestors().nth(2).ok_or("no target directory")?.to_owned();
    if done.success() { Ok(directory.join("scalekit-auth")) } else { Err("the build failed".into()) }
}

/// A shell in a home of its own, so that nothing of yours is read or changed.
struct Shell<'a> {
    home: &'a Path,
    variables: Vec<(&'static str, String)>,
}

impl<'a> Shell<'a> {
    fn new(executable: &Path, home: &'a Path, vault: &Sandbox) -> Result<Self> {
        let bin = home.join("bin");
        std::fs::create_dir(&bin)?;
        // A copy, since `setup` puts the protocol names beside the program that is running.
        std::fs::copy(executable, bin.join("scalekit-auth"))?;
        let path = std::env::var("PATH")?;
        let ca = vault.ca_pem().display().to_string();
        let variables = vec![
            ("HOME", home.display().to_string()),
            ("PATH", format!("{}:{path}", bin.display())),
            ("SSL_CERT_FILE", ca.clone()),
            ("GIT_SSL_CAINFO", ca),
            ("XDG_RUNTIME_DIR", home.display().to_string()),
            // The kernel's memory would keep the tokens for a while after this program.
            ("SCALEKIT_AUTH_CACHE", "off".into()),
            ("GIT_CONFIG_NOSYSTEM", "1".into()),
        ];
        Ok(Self { home, variables })
    }

    fn run(&self, line: &str) -> Result<()> {
        println!("   $ {line}");
        let mut command = Command::new("sh");
        command.args(["-c", line]).current_dir(self.home).env_clear().envs(self.variables.iter().cloned());
        if command.status()?.success() { Ok(()) } else { Err(format!("`{line}` failed").into()) }
    }
}
