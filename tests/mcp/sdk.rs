//! A server and a client that nobody here wrote, the official Python SDK's, with the bridge between them.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use crate::common::{EXE, World, finish};
use scalekit_sandbox::Sandbox;
use serde_json::{Value, json};

/// `tests/run` makes it.
const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/mcp/bin/python");

/// The SDK's server, until the end of the test.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start(world: &World, token: &str) -> Self {
        assert!(Path::new(PYTHON).exists(), "tests/run installs the Python SDK");
        std::fs::write(world.path("token"), token).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mcp/server.py");
        let mut command = Command::new(PYTHON);
        command.args([script, &port.to_string()]).arg(world.path("token"));
        let child = command.stderr(std::process::Stdio::null()).spawn().unwrap();
        let end = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < end, "the server does not start");
            std::thread::sleep(Duration::from_millis(50));
        }
        Self { child, port }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_thousand_calls_arrive_once_each_while_the_token_is_replaced_every_fifty() {
    // Over plain http, so that the client can give it orders.
    let mut world = World::with(Sandbox::start_http());
    world.has_cache = true;
    world.seed("linear-x", "LINEARMCP", "first");
    let server = Server::start(&world, "first");
    let origin = format!("http://127.0.0.1:{}", server.port);
    world.ok(&["config", "linear", "linear-x", "--identifier", "ada", "--host", &origin]);
    let mut client = world.command(PYTHON);
    client.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mcp/client.py"));
    client.args([EXE, &format!("{origin}/mcp")]).arg(world.path("token")).arg("1000");
    client.env("CONTROL_URL", format!("{}/_sandbox/control", world.sandbox.url()));
    let got = finish(&mut client, "").ok();
    let seen: Value = serde_json::from_str(got.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(seen["tools"], json!(["ask", "count", "echo", "wait"]));
    assert_eq!(seen["count"], "counted");
    assert_eq!((&seen["progress"], &seen["log"]), (&json!([0.0, 1.0, 2.0]), &json!(["step 0", "step 1", "step 2"])));
    assert_eq!(seen["ask"], "file:///here", "the server asks the client in the middle of a call");
    assert_eq!(seen["right"], 1000);
}
