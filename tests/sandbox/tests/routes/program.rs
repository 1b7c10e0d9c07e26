//! The sandbox as a program of its own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::json;
use tempfile::TempDir;

/// Killed when the test ends, however it ends; a killed program leaves its CA behind, so that it gets a place for it.
struct Running(Child, #[allow(dead_code, reason = "removes the place")] TempDir);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn program(arguments: &[&str]) -> (Running, Vec<String>) {
    let place = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_scalekit-sandbox"));
    let mut child = command.args(arguments).env("TMPDIR", place.path()).stdout(Stdio::piped()).spawn().unwrap();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let lines = stdout.lines().take(4).map(Result::unwrap).collect();
    (Running(child, place), lines)
}

#[test]
fn it_prints_how_to_reach_it_and_serves_what_it_was_seeded_with() {
    let directory = tempfile::tempdir().unwrap();
    let (seed, ca) = (directory.path().join("seed.json"), directory.path().join("ca.pem"));
    let controls = json!([
        {"op": "seed_connection", "name": "gmail_a", "provider": "GMAIL"},
        {"op": "seed_account", "connection": "gmail_a", "identifier": "ann",
            "credential": {"kind": "oauth_token", "access_token": "ya29.seed"}},
    ]);
    std::fs::write(&seed, controls.to_string()).unwrap();
    let (seed, ca) = (seed.to_str().unwrap(), ca.to_str().unwrap());
    let (_running, lines) = program(&["--seed", seed, "--ca-out", ca, "--client-secret", "hush"]);
    let url = lines[0].strip_prefix("SCALEKIT_ENV_URL=https://localhost:").unwrap();
    assert!(url.parse::<u16>().is_ok(), "{url}");
    assert_eq!(lines[1], "SCALEKIT_CLIENT_ID=skc_sandbox");
    assert_eq!(lines[2], "SCALEKIT_CLIENT_SECRET=hush");
    assert_eq!(lines[3], format!("SSL_CERT_FILE={ca}"));
    assert!(std::fs::read_to_string(ca).unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
}

#[test]
fn without_tls_it_takes_orders_over_http() {
    let (_running, lines) = program(&["--http"]);
    let url = lines[0].strip_prefix("SCALEKIT_ENV_URL=").unwrap();
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    let order = json!({"op": "seed_connection", "name": "gmail_a", "provider": "GMAIL"}).to_string();
    let reply = ureq::post(format!("{url}/_sandbox/control")).send(order).unwrap();
    assert_eq!(reply.status(), 200);
}

#[test]
fn a_seed_that_cannot_be_carried_out_ends_it() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let order = json!([{"op": "seed_account", "connection": "nothing", "identifier": "ann"}]);
    std::fs::write(file.path(), order.to_string()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_scalekit-sandbox"));
    let output = command.arg("--seed").arg(file.path()).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("nothing"));
}
