//! What `sync` makes of an environment's connections and providers.

use std::collections::BTreeSet;
use std::fs;

use crate::common::sync::{CONNECTIONS, PROVIDERS, provider, token_of, with_mcp};
use crate::common::{World, docker, finish};
use scalekit_sandbox::{Absent, Control};
use serde_json::json;

/// The queries that a route was asked with.
fn queries(world: &World, route: &str) -> Vec<Vec<(String, String)>> {
    let asked = world.sandbox.requests().into_iter();
    asked
        .filter(|request| format!("{} {}", request.method, request.path) == route)
        .map(|request| request.query)
        .collect()
}

#[test]
fn every_page_of_connections_and_providers_is_read_once() {
    for mode in [Absent::Missing, Absent::Empty] {
        let world = World::new();
        world.control(Control::SetAbsent { mode });
        for n in 0..350 {
            let api = format!("https://api.p{n}.example.com/v1");
            world.control(provider(&format!("P{n}"), Some(&api), n % 2 == 0));
        }
        for n in 0..100 {
            world.connection(&format!("conn-{n}"), &format!("P{}", n * 3));
            world.control(with_mcp(
                &format!("conn-{n}"),
                &format!("P{}", n * 3),
                &format!("https://mcp{n}.example.net/mcp"),
            ));
        }
        let got = world.ok(&["sync"]);
        assert_eq!(got.stdout, "");
        for (route, pages, sent) in
            [(CONNECTIONS, 4, ("page_size", "30")), (PROVIDERS, 4, ("filter.provider_type", "ALL"))]
        {
            let queries = queries(&world, route);
            let tokens: BTreeSet<_> =
                queries.iter().map(|query| query.iter().find(|(k, _)| k == "page_token")).collect();
            assert_eq!((queries.len(), tokens.len()), (pages, pages), "{route}: {queries:?}");
            assert!(queries.iter().all(|q| q.contains(&(sent.0.into(), sent.1.into()))), "{route}: {queries:?}");
        }
        assert_eq!(world.count("POST /oauth/token"), 1);
        let rows = world.rows();
        let names: BTreeSet<_> = rows.iter().map(|row| &row[0]).collect();
        assert_eq!((rows.len(), names.len()), (100, 100));
        for n in 0..100 {
            let hosts = format!("api.p{}.example.com mcp{n}.example.net", n * 3);
            let row = [&format!("p{}", n * 3), &format!("conn-{n}"), "agent", "default", "sync", &hosts];
            assert!(rows.iter().any(|found| found.iter().eq(row)), "{row:?}: {rows:?}");
        }
        assert!(!world.config_file("connections.json").exists());
        // The first and the last page, built-in providers and custom ones.
        for n in [0, 1, 49, 98, 99] {
            world.gives(&format!("https://api.p{}.example.com/v1/me", n * 3), &format!("conn-{n}"));
            world.gives(&format!("mcp{n}.example.net"), &format!("conn-{n}"));
            world.gives(&format!("p{}", n * 3), &format!("conn-{n}"));
        }
        world.refuses("https://api.p1.example.com/v1/me");
    }
}

#[test]
fn a_service_is_named_after_its_provider_or_after_its_connection_where_two_share_it() {
    let world = World::new();
    world.connection("x-8f2k", "ACME");
    world.connection("Team A", "BETA");
    world.connection("team:b", "BETA");
    world.connection("gh-9", "GITHUB");
    world.ok(&["sync"]);
    let names: Vec<_> = world.rows().into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    let wanted = [("acme", "x-8f2k"), ("team-a", "Team A"), ("team-b", "team:b"), ("github", "gh-9")];
    assert!(names.iter().map(|(a, b)| (&**a, &**b)).eq(wanted), "{names:?}");
    for (service, connection) in wanted {
        world.gives(service, connection);
    }
    world.gives("https://api.github.com/user", "gh-9");
}

#[test]
fn every_connection_gets_a_name_that_can_be_asked_for() {
    let world = World::new();
    let long = "x".repeat(70);
    let names = ["a b", "a:b", "A-B", &format!("{long}1"), &format!("{long}2"), "::", "-", "_", "9", "-a", "a-b-2"];
    for name in names {
        world.connection(name, "BETA");
    }
    world.ok(&["sync"]);
    let rows = world.rows();
    assert_eq!(rows.len(), names.len(), "{rows:?}");
    for row in rows {
        world.gives(&row[0], names.iter().find(|name| **name == row[1]).unwrap_or(&&*row[0]));
    }
}

#[test]
fn what_the_user_configured_keeps_its_name_and_its_hosts() {
    let world = World::new();
    world.custom("acme-1", "ACME", "https://api.acme.example.com/v1");
    world.custom("beta-1", "BETA", "https://api.beta.example.com");
    world.custom("gamma-1", "GAMMA", "https://api.gamma.example.com");
    world.connection("own-1", "OTHER");
    let text = "{\"acme\": {\"connection_name\": \"own-1\", \"hosts\": [\"api.acme.example.com\"]},\n\
        \"mine\": {\"connection_name\": \"beta-1\", \"hosts\": [\"only.example.com\"]},\n\
        \"plain\":   {\"connection_name\": \"gamma-1\", \"note\": 1}}";
    world.write_connections(text);
    world.ok(&["sync"]);
    assert_eq!(fs::read_to_string(world.config_file("connections.json")).unwrap(), text);
    let row = |row: &[&str]| row.iter().map(|&cell| cell.to_owned()).collect::<Vec<_>>();
    let wanted = [
        row(&["acme", "own-1", "agent", "default", "you", "api.acme.example.com"]),
        row(&["mine", "beta-1", "agent", "default", "you", "only.example.com"]),
        row(&["plain", "gamma-1", "agent", "default", "you", "api.gamma.example.com"]),
        row(&["acme-1", "acme-1", "agent", "default", "sync", "api.acme.example.com"]),
    ];
    assert_eq!(world.rows(), wanted);
    for (place, connection) in [
        ("acme", "own-1"),
        ("https://api.acme.example.com/v1/me", "own-1"),
        ("https://only.example.com", "beta-1"),
        ("https://api.gamma.example.com", "gamma-1"),
        ("acme-1", "acme-1"),
    ] {
        world.gives(place, connection);
    }
    world.refuses("https://api.beta.example.com");
    let why = world.ok(&["which", "https://api.acme.example.com/v1/me"]).stdout;
    assert!(why.contains("yields to a service that you configured"), "{why}");
}

#[test]
fn a_name_whose_entry_cannot_be_used_is_not_given_to_another_connection() {
    let world = World::new();
    world.connection("acme-1", "ACME");
    world.write_connections(r#"{"acme": {"connection_name": 5}}"#);
    world.ok(&["sync"]);
    assert!(world.run(&["token", "acme"]).exit(3).stderr.contains("connection_name is not text"));
    world.gives("acme-1", "acme-1");
}

#[test]
fn a_host_that_two_connections_share_is_decided_by_the_command_that_is_shown() {
    let world = World::new();
    world.custom("Team B", "BETA", "https://api.beta.example.com");
    world.connection("team-c", "BETA");
    world.ok(&["sync"]);
    let place = "https://api.beta.example.com/x";
    let got = world.run(&["token", place]).exit(8);
    assert_eq!(got.stdout, "");
    assert!(got.stderr.contains("team-b") && got.stderr.contains("team-c"), "{got:?}");
    let command = got.stderr.split('`').find(|text| text.starts_with("scalekit-auth config")).expect("a command");
    assert!(command.ends_with("--host api.beta.example.com"), "{got:?}");
    finish(world.command("sh").args(["-c", command]), "").ok();
    world.gives(place, "Team B");
    world.gives("team-c", "team-c");
    world.ok(&["sync"]);
    world.gives(place, "Team B");
}

#[test]
fn a_path_counts_where_providers_share_a_host_and_nowhere_else() {
    let world = World::new();
    world.custom("one-1", "ONE", "https://api.shared.example.com/one/v1");
    world.custom("two-1", "TWO", "https://api.shared.example.com/two");
    world.custom("own-1", "OWN", "https://api.own.example.com/v1/{{workspace}}/x");
    world.ok(&["sync"]);
    world.gives("https://api.shared.example.com/one/v1/me", "one-1");
    world.gives("https://api.shared.example.com/two", "two-1");
    for place in [
        "https://api.shared.example.com",
        "https://api.shared.example.com/one",
        "https://api.shared.example.com/twofold",
    ] {
        world.refuses(place);
    }
    world.gives("https://api.own.example.com/v2/me", "own-1");
    world.refuses("https://api.own.example.com:8443/v1");
    world.refuses("https://x.api.own.example.com/v1");
}

#[test]
fn connections_that_cannot_be_used_are_left_out_and_named() {
    let world = World::new();
    world.custom("good-1", "GOOD", "https://api.good.example.com");
    world.custom("off-1", "OFF", "https://api.off.example.com");
    world.ok(&["sync"]);
    world.gives("https://api.off.example.com", "off-1");
    world.control(Control::disabled_connection("off-1", "OFF"));
    for status in ["DRAFT", "IN_PROGRESS", "CONNECTION_STATUS_UNSPECIFIED"] {
        let mut draft = with_mcp(&format!("unready-{}", status.len()), "UNREADY", "https://mcp.unready.example.com");
        if let Control::SeedConnection { status: place, .. } = &mut draft {
            *place = status.into();
        }
        world.control(draft);
    }
    let got = world.ok(&["sync"]);
    for name in ["off-1", "unready-5", "unready-11", "unready-29"] {
        assert!(got.stderr.contains(&format!("the connection {name} is left out")), "{name}: {got:?}");
    }
    assert!(!got.stderr.contains("good-1"), "{got:?}");
    assert_eq!(world.rows().len(), 1);
    for place in ["https://api.off.example.com", "https://mcp.unready.example.com", "off"] {
        world.refuses(place);
    }
    world.gives("https://api.good.example.com", "good-1");
}

#[test]
fn a_synced_service_says_how_its_token_travels() {
    let world = World::new();
    let patterns = json!([
        {"type": "OAUTH"},
        {"type": "API_KEY", "auth_header_key_override": "x-acme-key", "auth_field_mutations": {"api_key": {"prefix": "Key "}}},
    ]);
    let mut acme = provider("ACME", Some("https://api.acme.example.com"), true);
    if let Control::SeedProvider { auth_patterns, .. } = &mut acme {
        *auth_patterns = Some(patterns);
    }
    world.control(acme);
    for (name, kind) in [("by-oauth", "OAUTH"), ("by-key", "API_KEY")] {
        let mut control = with_mcp(name, "ACME", "https://mcp.acme.example.com");
        if let Control::SeedConnection { kind: place, .. } = &mut control {
            *place = kind.into();
        }
        world.control(control);
    }
    world.ok(&["sync"]);
    assert!(world.ok(&["which", "by-oauth"]).stdout.contains("sent as      Authorization: Bearer TOKEN\n"));
    assert!(world.ok(&["which", "by-key"]).stdout.contains("sent as      x-acme-key: Key TOKEN\n"));
}

#[test]
fn nothing_but_sync_asks_the_environment_about_its_connections() {
    let world = World::new();
    world.custom("acme-1", "ACME", "https://api.acme.example.com");
    world.connection("gh-9", "GITHUB");
    world.ok(&["sync"]);
    let before = world.sandbox.counts();
    assert!(world.ok(&["which", "https://api.acme.example.com/me"]).stdout.contains("(synced)"));
    world.ok(&["which", "acme", "--json"]);
    assert_eq!(world.rows().len(), 2);
    let declined = world.helper("get", "protocol=https\nhost=api.acme.example.com\n\n").ok();
    assert_eq!((&*declined.stdout, &*declined.stderr), ("", ""), "an API is no place of repositories");
    docker::is_silent(&docker::get(&world, "api.acme.example.com"), docker::NOT_FOUND, 1);
    docker::is(&docker::ask(&world, &["list"], ""), "{\"https://ghcr.io\":\"x-access-token\"}\n", 0);
    assert_eq!(world.sandbox.counts(), before);
    // A token takes what it takes without sync, too.
    let token = token_of("gh-9", "agent");
    let answer = world.helper("get", "protocol=https\nhost=github.com\n\n").ok();
    assert!(answer.stdout.contains(&format!("password={token}\n")), "{answer:?}");
    docker::is(&docker::get(&world, "ghcr.io"), &docker::answer("ghcr.io", "x-access-token", &token), 0);
    let mut wanted = before.routes;
    *wanted.get_mut("POST /oauth/token").unwrap() += 2;
    *wanted.entry("GET /api/v1/connected_accounts/auth".into()).or_default() += 2;
    assert_eq!(world.sandbox.counts().routes, wanted);
}

#[test]
fn to_prefer_one_of_two_that_sync_found_says_nothing_about_other_hosts() {
    let world = World::new();
    for name in ["github-one", "github-two"] {
        world.connection(name, "GITHUB");
    }
    world.ok(&["sync"]);
    world.ok(&["use", "github-one", "--for", "github.com"]);
    assert!(world.ok(&["which", "github.com"]).stdout.contains("github-one"));
    world.run(&["which", "ghcr.io"]).exit(8);
    let row = world.rows().into_iter().find(|row| row[0] == "github-one").unwrap();
    assert_eq!(row[4], "sync");
    // What a person configures comes first everywhere.
    world.ok(&["config", "github-one", "github-one"]);
    assert!(world.ok(&["which", "ghcr.io"]).stdout.contains("github-one"));
    assert!(!std::fs::read_to_string(world.config_file("connections.json")).unwrap().contains("\"from\""));
}
