//! The sandbox as a program: prints how to reach it, then serves until it is killed.
#![forbid(unsafe_code)]

use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Parser;
use scalekit_sandbox::{Control, Options, Sandbox};

/// A stand-in for Scalekit's vault on loopback, for trying things out and for tests.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Plain HTTP instead of TLS
    #[arg(long)]
    http: bool,
    /// Port of 127.0.0.1; any free one if left out
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The id of the client [default: skc_sandbox]
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// The secret of the client; it protects nothing [default: test_sandbox_client_secret_do_not_use]
    #[arg(long, value_name = "SECRET")]
    client_secret: Option<String>,
    /// Orders to carry out first: a JSON array of controls
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,
    /// Where to write the CA certificate as well
    #[arg(long, value_name = "PATH")]
    ca_out: Option<PathBuf>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let defaults = Options::default();
    let sandbox = Sandbox::with(Options {
        tls: !arguments.http,
        port: arguments.port,
        client_id: arguments.client_id.unwrap_or(defaults.client_id),
        client_secret: arguments.client_secret.unwrap_or(defaults.client_secret),
        absent: defaults.absent,
    })?;
    if let Some(file) = &arguments.seed {
        seed(&sandbox, file)?;
    }
    if let Some(path) = &arguments.ca_out {
        std::fs::copy(sandbox.ca_pem(), path)?;
    }
    let ca = arguments.ca_out.as_deref().unwrap_or(sandbox.ca_pem());
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "SCALEKIT_ENV_URL={}", sandbox.url())?;
    writeln!(stdout, "SCALEKIT_CLIENT_ID={}", sandbox.client_id())?;
    writeln!(stdout, "SCALEKIT_CLIENT_SECRET={}", sandbox.client_secret())?;
    writeln!(stdout, "SSL_CERT_FILE={}", ca.display())?;
    stdout.flush()?;
    loop {
        std::thread::park();
    }
}

fn seed(sandbox: &Sandbox, file: &Path) -> Result<(), Box<dyn Error>> {
    let controls: Vec<Control> = serde_json::from_slice(&std::fs::read(file)?)?;
    for control in controls {
        sandbox.control(control)?;
    }
    Ok(())
}
