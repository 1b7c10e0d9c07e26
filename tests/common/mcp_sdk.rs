//! A server of the official Python SDK behind a check of the bearer token.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use super::World;

/// `tests/run` makes it.
pub const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/mcp/bin/python");

/// The SDK's server, until the end of the test.
pub struct SdkServer {
    child: Child,
    port: u16,
}

impl SdkServer {
    /// Takes one token at a time.
    pub fn start(world: &World, token: &str) -> Self {
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

    pub fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The one token that is taken from now on.
    pub fn takes(&self, world: &World, token: &str) {
        std::fs::write(world.path("token"), token).unwrap();
    }
}

impl Drop for SdkServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
