//! `mcp-headers`: what Claude Code and Codex take from a command.

use std::io::Read;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::common::{EXE, Finished, World, finish};
use scalekit_sandbox::{Control, Credential};
use serde_json::json;

const URL: &str = "https://mcp.linear.app/mcp";
const AUTH: &str = "GET /api/v1/connected_accounts/auth";

fn world() -> World {
    let world = World::new();
    world.seed("linearmcp-x", "LINEARMCP", "lin_abc");
    world.ok(&["config", "linearmcp", "linearmcp-x", "--identifier", "ada"]);
    world
}

fn named(world: &World, url: &str, args: &[&str]) -> Finished {
    finish(world.command(EXE).arg("mcp-headers").args(args).env("CLAUDE_CODE_MCP_SERVER_URL", url), "")
}

#[test]
fn one_line_of_json_for_the_url_of_the_argument_or_of_the_client() {
    let world = world();
    let line = "{\"Authorization\":\"Bearer lin_abc\"}\n";
    assert_eq!(world.ok(&["mcp-headers", URL]).stdout, line);
    assert_eq!(named(&world, URL, &[]).ok().stdout, line);
    assert_eq!(named(&world, URL, &[URL]).ok().stdout, line);
    let got = named(&world, "https://mcp.evil.net/mcp", &[URL]).exit(2);
    assert!(got.stdout.is_empty() && got.stderr.contains("two different MCP servers"), "{got:?}");
    world.run(&["mcp-headers"]).exit(2);
}

#[test]
fn the_url_decides_and_a_server_of_nobody_gets_nothing() {
    let world = world();
    for url in [
        "https://mcp.evil.net/mcp",
        "https://mcp.linear.app.evil.net/mcp",
        "https://evilmcp.linear.app/",
        "http://mcp.linear.app/mcp",
    ] {
        let got = named(&world, url, &[]);
        assert_eq!((got.stdout.as_str(), got.code), ("{}\n", Some(0)), "{url}: {got:?}");
    }
    for url in ["https://a b/", "mcp.linear.app", "https://me:pw@mcp.linear.app/"] {
        let got = named(&world, url, &[]).exit(2);
        assert!(got.stdout.is_empty() && !got.stderr.contains("pw"), "{url}: {got:?}");
    }
    assert_eq!(world.count(AUTH), 0);
}

#[test]
fn whoever_asks_again_gets_the_vaults_newest() {
    let mut world = world();
    world.has_cache = true;
    world.ok(&["mcp-headers", URL]);
    world.order(json!({"op": "set_token", "connection": "linearmcp-x", "identifier": "ada", "token": "lin_new"}));
    assert_eq!(world.ok(&["mcp-headers", URL]).stdout, "{\"Authorization\":\"Bearer lin_new\"}\n");
}

#[test]
fn several_headers_and_session_tokens_are_headers_too() {
    let world = world();
    world.control(Control::connection("datadog-x", "DATADOG"));
    let fields = json!({"api_key": "K", "app_key": "A"});
    world.seed_account("datadog-x", Credential::StaticAuth { details: fields.as_object().unwrap().clone() }, None);
    world.ok(&["config", "datadog", "datadog-x", "--identifier", "ada"]);
    let got = world.ok(&["mcp-headers", "https://api.datadoghq.eu/api/mcp"]);
    assert_eq!(got.stdout, "{\"DD-API-KEY\":\"K\",\"DD-APPLICATION-KEY\":\"A\"}\n");
    let own = format!("{}/mcp/v3/connections/linearmcp-x", world.sandbox.url());
    assert!(world.ok(&["mcp-headers", &own]).stdout.starts_with("{\"Authorization\":\"Bearer eyJ"));
}

#[test]
fn an_account_without_consent_is_no_header() {
    let world = world();
    world.order(json!({"op": "set_status", "connection": "linearmcp-x", "identifier": "ada", "status": "EXPIRED"}));
    let got = named(&world, URL, &[]).exit(5);
    assert!(got.stdout.is_empty() && got.stderr.contains("/magicLink/"), "{got:?}");
}

#[test]
fn stdin_is_left_alone() {
    let world = world();
    let mut child =
        world.command(EXE).args(["mcp-headers", URL]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let began = Instant::now();
    let mut line = String::new();
    child.stdout.take().unwrap().read_to_string(&mut line).unwrap();
    assert!(line.contains("lin_abc") && began.elapsed() < Duration::from_secs(8));
    child.wait().unwrap();
}
