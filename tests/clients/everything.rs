//! The protocol's own example server, behind a check of the token, and its inspector as the client, with the bridge between them.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::checked::Checked;
use crate::common::{EXE, World, finish};
use crate::{command, logged_in, program, token};

/// `@modelcontextprotocol/server-everything`, until the end of the test.
struct Everything {
    child: Child,
    port: u16,
}

impl Everything {
    fn start(world: &World) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = world.command(program("mcp-server-everything"));
        command.arg("streamableHttp").env("PORT", port.to_string());
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let end = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < end, "the server does not start");
            std::thread::sleep(Duration::from_millis(50));
        }
        Self { child, port }
    }
}

impl Drop for Everything {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_inspector_sees_all_that_the_server_has() {
    let world = logged_in();
    let server = Everything::start(&world);
    let checked = Checked::start(server.port, &token(&world, "one"));
    world.ok(&["config", "linear", "linear-x", "--identifier", "ada", "--host", &checked.origin]);
    let url = format!("{}/mcp", checked.origin);
    let ask = |arguments: &[&str]| -> Value {
        let all = [&["--cli", EXE, "mcp", &url, "--method"][..], arguments].concat();
        let got = finish(&mut command(&world, "mcp-inspector", &all), "").ok();
        serde_json::from_str(&got.stdout).unwrap_or_else(|error| panic!("{error}: {got:?}"))
    };
    let tools = ask(&["tools/list"])["tools"].as_array().unwrap().len();
    assert!(tools > 5, "{tools}");
    let said = ask(&["tools/call", "--tool-name", "echo", "--tool-arg", "message=hello"]);
    assert_eq!(said["content"][0]["text"], "Echo: hello");
    assert!(ask(&["resources/list"])["resources"].is_array());
    assert!(ask(&["prompts/list"])["prompts"].is_array());
    // The vault has another token than the one that is cached, and the server takes no other.
    world.order(
        json!({"op": "set_token", "connection": "linear-x", "identifier": "ada", "token": token(&world, "two")}),
    );
    checked.takes(&token(&world, "two"));
    let long = ["tools/call", "--tool-name", "trigger-long-running-operation", "--tool-arg", "duration=1", "steps=3"];
    let said = ask(&long);
    assert!(said["content"][0]["text"].as_str().unwrap().contains("completed"), "{said}");
}
