//! Organization-wide connections, whose one account holds the credential for everybody; accounts that organizations and users key; and
//! the environment's own MCP servers.

use crate::common;
use common::{World, finish};
use scalekit_sandbox::{Control, Credential};
use serde_json::{Value, json};

const AUTH: &str = "GET /api/v1/connected_accounts/auth";

/// An organization-wide connection with a record of ada's consent, and the credential in the account `shared`.
fn org_wide() -> World {
    let world = World::new();
    world.control(Control::connection("notion-x", "NOTION"));
    world.seed_account("notion-x", Credential::Withheld, None);
    world.order(json!({"op": "seed_account", "connection": "notion-x", "identifier": "shared", "expires_in": 3600,
        "credential": {"kind": "oauth_token", "access_token": "org-token"}}));
    world.order(json!({"op": "extend_account", "connection": "notion-x", "identifier": "shared", "is_org_wide_credential": true}));
    world.order(json!({"op": "extend_connection", "name": "notion-x", "auth_mode": "ORG_WIDE"}));
    world
}

#[test]
fn whoever_asks_gets_the_shared_accounts_token() {
    let world = org_wide();
    world.ok(&["sync"]);
    for who in ["ada", "bob", "agent"] {
        assert_eq!(world.ok(&["token", "notion", "--identifier", who]).stdout, "org-token\n", "{who}");
    }
    // Nobody's record of consent is read, and none is made.
    assert_eq!((world.count(AUTH), world.count("POST /api/v1/connected_accounts")), (3, 0));
    let told = world.ok(&["which", "https://api.notion.com/v1/users"]).stdout;
    assert!(told.contains("account      the one that the connection shares with everybody\n"), "{told}");
    let told: Value = serde_json::from_str(&world.ok(&["which", "notion", "--json"]).stdout).unwrap();
    assert_eq!(told["answer"]["org_wide"], true);
    let told = world.ok(&["status", "--check"]).stdout;
    assert!(told.lines().any(|line| line.contains("(everybody)") && line.ends_with("ACTIVE")), "{told}");
}

#[test]
fn it_is_found_without_sync_too() {
    let world = org_wide();
    world.ok(&["config", "notion", "notion-x", "--identifier", "ada"]);
    assert_eq!(world.ok(&["token", "notion"]).stdout, "org-token\n");
}

#[test]
fn a_shared_account_that_cannot_be_used_is_the_dashboards_matter() {
    let world = org_wide();
    world.ok(&["sync"]);
    world.order(json!({"op": "set_status", "connection": "notion-x", "identifier": "shared", "status": "EXPIRED"}));
    let got = world.run(&["token", "notion"]).exit(5);
    assert!(
        got.stderr.contains("EXPIRED") && got.stderr.contains("dashboard") && !got.stderr.contains("magicLink"),
        "{got:?}"
    );
    world.order(json!({"op": "extend_account", "connection": "notion-x", "identifier": "shared"}));
    let got = world.run(&["token", "notion"]).exit(5);
    assert!(got.stderr.contains("not there yet"), "{got:?}");
}

#[test]
fn the_example_of_the_official_description_has_a_token() {
    let world = World::new();
    world.seed("gmail-x", "GMAIL", "unused");
    world.ok(&["config", "gmail", "gmail-x", "--identifier", "ada"]);
    world.order(
        json!({"op": "extend_account", "connection": "gmail-x", "identifier": "ada", "authorization_details": {
            "oauth_token": {"access_token": "ya29.x", "refresh_token": "r", "scopes": [], "domain": ""},
            "trusted_idp": {"db_user": "app", "access_key_id": "", "secret_access_key": "", "session_token": ""},
        }}),
    );
    assert_eq!(world.ok(&["token", "gmail"]).stdout, "ya29.x\n");
}

#[test]
fn organization_and_user_select_an_account_beside_the_identifier() {
    let world = World::new();
    world.seed("gmail-x", "GMAIL", "of-org-1");
    world.order(json!({"op": "extend_account", "connection": "gmail-x", "identifier": "ada", "organization_id": "org_1", "user_id": "usr_1"}));
    world.ok(&["config", "gmail", "gmail-x", "--identifier", "ada", "--organization", "org_1", "--user", "usr_1"]);
    assert_eq!(world.ok(&["token", "gmail"]).stdout, "of-org-1\n");
    let told = world.ok(&["which", "gmail"]).stdout;
    assert!(told.contains("organization org_1\n") && told.contains("user         usr_1\n"), "{told}");
    // Another organization's is another account, which waits for its consent.
    world.ok(&["config", "gmail", "gmail-x", "--organization", "org_2"]);
    world.run(&["token", "gmail"]).exit(5);
    for (option, id) in [("--organization", "org 1"), ("--user", ""), ("--user", &"u".repeat(33))] {
        world.run(&["config", "gmail", "gmail-x", option, id]).exit(2);
    }
}

#[test]
fn without_an_identifier_the_organization_says_whose_account_it_is() {
    let world = World::new();
    world.seed("gmail-x", "GMAIL", "of-org-1");
    world.order(
        json!({"op": "extend_account", "connection": "gmail-x", "identifier": "ada", "organization_id": "org_1"}),
    );
    world.ok(&["config", "gmail", "gmail-x", "--organization", "org_1"]);
    assert_eq!(world.ok(&["token", "gmail"]).stdout, "of-org-1\n");
    world.ok(&["disconnect", "gmail", "--yes"]);
    assert_eq!(world.count("POST /api/v1/connected_accounts:delete"), 1);
}

/// An environment with an MCP server of its own for gmail, and one of a configuration.
fn with_servers() -> (World, String, String) {
    let world = World::new();
    world.seed("gmail-x", "GMAIL", "ya29.x");
    world.order(json!({"op": "extend_connection", "name": "gmail-x", "mcp_server_url": "own"}));
    world.order(json!({"op": "seed_mcp_config", "id": "cfg_1"}));
    let url = world.sandbox.url().to_owned();
    (world, format!("{url}/mcp/v3/connections/gmail-x"), format!("{url}/mcp/cfg_1"))
}

#[test]
fn the_environments_own_mcp_servers_get_a_session_token() {
    let (world, connection, config) = with_servers();
    for url in [&connection, &config] {
        let got = world.ok(&["curl", url, "-sSf", "-X", "POST"]);
        assert!(got.stdout.contains("\"jsonrpc\""), "{got:?}");
        assert!(world.ok(&["header", url]).stdout.starts_with("Authorization: Bearer eyJ"));
    }
    let told: Value = serde_json::from_str(&world.ok(&["token", &connection, "--json", "--read-only"]).stdout).unwrap();
    assert_eq!((&told["token_type"], &told["connection"]), (&json!("Bearer"), &json!("gmail-x")));
    assert!(claims(told["token"].as_str().unwrap()).contains("\"access_level\":\"READ_ONLY\""));
    assert!(claims(&world.ok(&["token", &connection]).stdout).contains("\"access_level\":\"FULL\""));
    assert!(claims(&world.ok(&["token", &connection, "--identifier", "bob"]).stdout).contains("\"sub\":\"bob\""));
    assert_eq!(world.count(AUTH), 0);
    let told = world.ok(&["which", &connection]).stdout;
    assert!(told.contains("MCP server of the environment's own") && told.contains("gmail-x"), "{told}");
}

fn claims(token: &str) -> String {
    use base64::Engine;
    let payload = token.trim().split('.').nth(1).unwrap();
    String::from_utf8(base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[test]
fn nothing_else_on_the_environments_host_is_a_target() {
    let (world, connection, _) = with_servers();
    let url = world.sandbox.url();
    for path in [
        "/",
        "/mcp",
        "/mcp/v3",
        "/api/v1/connected_accounts/auth",
        "/oauth/token",
        "/mcp/../oauth/token",
        "/mcp/v3/connections/a/b",
        "/mcp/%2e%2e/keys",
    ] {
        let got = world.run(&["token", &format!("{url}{path}")]).exit(3);
        assert_eq!(got.stdout, "", "{path}");
    }
    for (tool, input) in [("git", format!("url={connection}\n\n")), ("bazel", json!({"uri": connection}).to_string())] {
        let got = match tool {
            "git" => world.helper("get", &input),
            _ => finish(world.command(world.path("bin/bazel-scalekit")).arg("get"), &input),
        };
        assert!(!got.stdout.contains("eyJ"), "{tool}: {got:?}");
    }
    let got = world.run(&["token", "https://gmail.googleapis.com", "--read-only"]).exit(2);
    assert!(got.stderr.contains("--read-only"), "{got:?}");
    let got = world.run(&["token", &format!("{url}/mcp/v3/connections/nobody")]).exit(6);
    assert!(got.stderr.contains("no MCP server for nobody"), "{got:?}");
    let got = world.run(&["token", &format!("{url}/mcp/cfg_9")]).exit(6);
    assert!(got.stderr.contains("no MCP server for cfg_9"), "{got:?}");
}

#[test]
fn sync_keeps_their_addresses_and_warns_of_none() {
    let (world, connection, _) = with_servers();
    let got = world.ok(&["sync"]);
    assert!(!got.stderr.contains("is not taken over"), "{got:?}");
    assert!(world.ok(&["list"]).stdout.contains(&connection));
    let told: Value = serde_json::from_str(&world.ok(&["list", "--json"]).stdout).unwrap();
    assert_eq!(told["services"][0]["mcp_server_url"], connection.as_str());
}

#[test]
fn a_connector_that_is_younger_than_this_program_needs_nothing_by_hand() {
    let world = World::new();
    world.order(json!({"op": "seed_provider", "identifier": "NEWCOMER", "proxy_url": "https://{{region}}.newcomer.example.com/api",
        "auth_patterns": [{"type": "API_KEY", "auth_header_key_override": "X-New-Key"}]}));
    world.order(json!({"op": "seed_connection", "name": "newcomer-1", "provider": "NEWCOMER", "kind": "API_KEY",
        "mcp_server_url": "https://mcp.newcomer.example.com/mcp"}));
    world.order(json!({"op": "extend_connection", "name": "newcomer-1", "resolved_proxy_url": "https://eu.newcomer.example.com/api"}));
    world.order(json!({"op": "seed_account", "connection": "newcomer-1", "identifier": "agent",
        "credential": {"kind": "static_auth", "details": {"integration_key": "K"}}}));
    world.ok(&["sync"]);
    for url in ["https://eu.newcomer.example.com/api/v1/things", "https://mcp.newcomer.example.com/mcp"] {
        assert_eq!(world.ok(&["header", url]).stdout, "X-New-Key: K\n", "{url}");
    }
    world.run(&["header", "https://us.newcomer.example.com/api"]).exit(3);
}

#[test]
fn the_data_centre_of_a_mailchimp_account_is_its_host() {
    let world = World::new();
    world.control(Control::connection("mailchimp-x", "MAILCHIMP"));
    world.order(
        json!({"op": "seed_account", "connection": "mailchimp-x", "identifier": "agent", "api_config": {"dc": "us21"},
        "credential": {"kind": "oauth_token", "access_token": "mc-1"}}),
    );
    world.ok(&["sync"]);
    assert_eq!(world.ok(&["token", "https://us21.api.mailchimp.com/3.0/ping"]).stdout, "mc-1\n");
    world.run(&["token", "https://us7.api.mailchimp.com/3.0/ping"]).exit(3);
}
