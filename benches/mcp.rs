//! The bridge `mcp` against `mcp-remote`, which brings node: start to the first answer, time a call, memory at rest.
//!
//! `cargo bench --bench mcp`; `tests/run --clients` installs what it is compared with.

#[path = "../tests/common/mcp_server.rs"]
mod mcp_server;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use mcp_server::McpServer;
use scalekit_sandbox::Sandbox;
use serde_json::{Value, json};

const EXE: &str = env!("CARGO_BIN_EXE_scalekit-auth");
const REMOTE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/clients/node_modules/mcp-remote/dist/proxy.js");
const STARTS: usize = 9;
const CALLS: usize = 500;
const TOKEN: &str = "bench-token";

/// A stdio server under measurement.
struct Running {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Running {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, stdin, stdout }
    }

    fn send(&mut self, message: &Value) {
        writeln!(self.stdin, "{message}").unwrap();
    }

    /// The response to a request; what the server says on its own is passed over.
    fn ask(&mut self, id: usize, method: &str, params: &Value) {
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        loop {
            let mut line = String::new();
            assert!(self.stdout.read_line(&mut line).unwrap() > 0, "it ended");
            let answer: Value = serde_json::from_str(&line).unwrap();
            if answer["id"] == id {
                assert!(answer["error"].is_null(), "{answer}");
                return;
            }
        }
    }

    fn initialize(&mut self) {
        let client = json!({"name": "bench", "version": "1"});
        self.ask(0, "initialize", &json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client}));
        self.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    }

    /// Resident memory in KB, and its peak.
    fn memory(&self) -> (u64, u64) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let of = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim().trim_end_matches(" kB").parse().unwrap()
        };
        (of("VmRSS:"), of("VmHWM:"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Row {
    start: Duration,
    call: Duration,
    rest: u64,
    peak: u64,
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn measure(mut command: impl FnMut() -> Command) -> Row {
    let mut starts = Vec::new();
    let mut running = None;
    for _ in 0..STARTS {
        drop(running.take());
        let began = Instant::now();
        let mut one = Running::start(&mut command());
        one.initialize();
        starts.push(began.elapsed());
        running = Some(one);
    }
    let mut running = running.unwrap();
    let calls = (1..=CALLS).map(|id| {
        let began = Instant::now();
        running.ask(id, "tools/call", &json!({"name": "echo", "arguments": {"text": "hello"}}));
        began.elapsed()
    });
    let call = median(calls.collect());
    std::thread::sleep(Duration::from_secs(1));
    let (rest, peak) = running.memory();
    Row { start: median(starts), call, rest, peak }
}

fn main() {
    let home = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::start_http();
    let server = McpServer::start(TOKEN);
    for order in [
        json!({"op": "seed_connection", "name": "linear-x", "provider": "LINEARMCP"}),
        json!({"op": "seed_account", "connection": "linear-x", "identifier": "agent",
            "credential": {"kind": "oauth_token", "access_token": TOKEN}, "expires_in": 3600}),
    ] {
        sandbox.control(serde_json::from_value(order).unwrap()).unwrap();
    }
    let ours = || {
        let mut command = Command::new(EXE);
        command.env("HOME", home.path()).env("XDG_CONFIG_HOME", home.path().join("config"));
        command.env("SCALEKIT_ENV_URL", sandbox.url()).env("SCALEKIT_CLIENT_ID", sandbox.client_id());
        command.env("SCALEKIT_CLIENT_SECRET", sandbox.client_secret());
        command
    };
    let configured = ours().args(["config", "linear", "linear-x", "--host", &server.origin]).output().unwrap();
    assert!(configured.status.success(), "{configured:?}");
    let bridge = measure(|| {
        let mut command = ours();
        command.args(["mcp", &server.url]);
        command
    });
    let mut rows = vec![("scalekit-auth mcp", bridge)];
    if Path::new(REMOTE).exists() {
        rows.push((
            "mcp-remote",
            measure(|| {
                let mut command = Command::new("node");
                command.arg(REMOTE).arg(&server.url).args(["--allow-http", "--transport", "http-only"]);
                command.args(["--header", &format!("Authorization: Bearer {TOKEN}")]).env("HOME", home.path());
                command
            }),
        ));
    } else {
        println!("mcp-remote is not installed (tests/run --clients), so there is nothing to compare with");
    }
    println!("| | start to first answer, ms | a call, ms | memory at rest, KB | at most, KB |\n|---|--:|--:|--:|--:|");
    let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
    for (name, row) in &rows {
        let (start, call) = (milliseconds(row.start), milliseconds(row.call));
        println!("| {name} | {start:.1} | {call:.2} | {} | {} |", row.rest, row.peak);
    }
    if let [(_, ours), (_, theirs)] = &rows[..] {
        let ratio = |a: f64, b: f64| a / b;
        println!(
            "| ratio | {:.3} | {:.2} | {:.3} | {:.3} |",
            ratio(milliseconds(ours.start), milliseconds(theirs.start)),
            ratio(milliseconds(ours.call), milliseconds(theirs.call)),
            ratio(ours.rest as f64, theirs.rest as f64),
            ratio(ours.peak as f64, theirs.peak as f64)
        );
    }
}
