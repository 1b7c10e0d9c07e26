//! Claude Code: `claude mcp list` connects to each server that is configured, and needs no account of its own.

use serde_json::json;

use crate::common::mcp_server::McpServer;
use crate::common::{EXE, Finished, World, finish};
use crate::{command, replace, world};

const CONNECTED: &str = "✔ Connected";

fn list(world: &World) -> Finished {
    let got = finish(&mut command(world, "claude", &["mcp", "list"]), "").ok();
    assert!(!got.stdout.contains("Bearer") && !got.stderr.contains("Bearer"), "{got:?}");
    got
}

fn add(world: &World, name: &str, entry: &serde_json::Value) {
    let entry = entry.to_string();
    finish(&mut command(world, "claude", &["mcp", "add-json", "-s", "user", name, &entry]), "").ok();
}

#[test]
fn what_set_up_wrote_connects_and_so_it_does_after_the_token_was_replaced() {
    let (world, server) = world();
    world.ok(&["setup", "claude"]);
    assert!(list(&world).stdout.contains(CONNECTED));
    replace(&world, &server, "two");
    assert!(list(&world).stdout.contains(CONNECTED));
    // Claude Code has written its file since then; what it wrote stays, and ours goes.
    world.ok(&["setup", "claude", "--undo"]);
    let text = std::fs::read_to_string(world.path(".claude.json")).unwrap();
    assert!(!text.contains("scalekit") && text.contains("firstStartTime"), "{text}");
}

#[test]
fn the_bridge_connects_and_so_it_does_after_the_token_was_replaced() {
    let (world, server) = world();
    let url = format!("{}/mcp", server.origin());
    add(&world, "linear", &json!({"type": "stdio", "command": EXE, "args": ["mcp", url]}));
    assert!(list(&world).stdout.contains(CONNECTED));
    replace(&world, &server, "two");
    assert!(list(&world).stdout.contains(CONNECTED));
}

#[test]
fn an_account_that_waits_for_consent_is_a_failure_by_either_way() {
    let (world, server) = world();
    world.ok(&["setup", "claude"]);
    let url = format!("{}/mcp", server.origin());
    add(&world, "bridged", &json!({"type": "stdio", "command": EXE, "args": ["mcp", url]}));
    world.order(json!({"op": "set_status", "connection": "linear-x", "identifier": "ada", "status": "PENDING_AUTH"}));
    let got = list(&world);
    assert!(!got.stdout.contains(CONNECTED), "{got:?}");
    assert_eq!(got.stdout.matches("Failed to connect").count(), 2, "{got:?}");
}

#[test]
fn a_server_of_nobody_gets_no_header_although_it_names_our_command() {
    let (world, _server) = world();
    let other = McpServer::start("nobody's");
    let entry = json!({"type": "http", "url": other.url, "headersHelper": format!("{EXE} mcp-headers")});
    add(&world, "other", &entry);
    let got = list(&world);
    assert!(!got.stdout.contains(CONNECTED), "{got:?}");
    let seen = other.seen();
    assert!(!seen.is_empty() && seen.iter().all(|request| request.header("authorization").is_empty()), "{seen:?}");
}

#[test]
fn a_vault_that_takes_its_time_is_waited_for() {
    let (world, _server) = world();
    world.ok(&["setup", "claude"]);
    world.order(json!({"op": "delay", "route": "GET /api/v1/connected_accounts/auth", "times": 9, "millis": 2500}));
    assert!(list(&world).stdout.contains(CONNECTED));
}
