//! A server and a client that nobody here wrote, the official Python SDK's, with the bridge between them.

use crate::common::mcp_sdk::{PYTHON, SdkServer};
use crate::common::{EXE, World, finish};
use scalekit_sandbox::Sandbox;
use serde_json::{Value, json};

#[test]
fn a_thousand_calls_arrive_once_each_while_the_token_is_replaced_every_fifty() {
    // Over plain http, so that the client can give it orders.
    let mut world = World::with(Sandbox::start_http());
    world.has_cache = true;
    world.seed("linear-x", "LINEARMCP", "first");
    let server = SdkServer::start(&world, "first");
    let origin = server.origin();
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
