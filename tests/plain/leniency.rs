//! Configuration written by hand: what cannot be used answers with its error, and nothing else answers in its place.

use crate::common::sync::account;
use crate::common::{World, finish};
use scalekit_sandbox::Control;
use serde_json::json;

/// A synced environment with `github-x1y2`, and this connections.json.
fn world(connections: &str) -> World {
    let world = World::new();
    world.control(Control::connection("github-x1y2", "GITHUB"));
    world.control(account("github-x1y2", "agent", json!({})));
    world.ok(&["sync"]);
    world.gives("github", "github-x1y2");
    world.write_connections(connections);
    world
}

#[test]
fn an_entry_that_cannot_be_used_claims_its_name_and_its_hosts() {
    for (entry, reason) in [
        (r#"{"github": "github-x1y2"}"#, "it is not an object"),
        (r#"{"github": [1]}"#, "it is not an object"),
        (r#"{"github": true}"#, "it is not an object"),
        (r#"{"github": {"connection_name": "github-x1y2", "identifier": 7}}"#, "identifier is not text"),
        (r#"{"github": {"identifier": "ada"}}"#, "it has no connection_name"),
        (r#"{"gh": {"connection": "x", "provider": "GITHUB"}}"#, "it has no connection_name"),
        (r#"{"gh": {"connection_name": "x", "hosts": ["github.com", 3]}}"#, "hosts holds something that is not text"),
        (
            r#"{"gh": {"connection_name": "x", "accounts": {"a": {"hosts": ["github.com"]}}}}"#,
            "its account a: it has no",
        ),
    ] {
        let world = world(entry);
        let name = if entry.starts_with("{\"gh\"") { "gh" } else { "github" };
        for place in [name, "https://github.com/acme/app.git", "github.com"] {
            let got = world.run(&["token", place]).exit(3);
            assert_eq!(got.stdout, "", "{entry} {place}");
            assert!(got.stderr.contains(&format!("the service {name} cannot be used")), "{entry} {place}: {got:?}");
            assert!(got.stderr.contains(reason), "{entry} {place}: {got:?}");
        }
        let got = world.helper("get", "protocol=https\nhost=github.com\n\n").ok();
        assert!(got.stdout.is_empty() && got.stderr.contains("cannot be used"), "{entry}: {got:?}");
        assert!(world.ok(&["list"]).stderr.contains(&format!("{name} in connections.json is not used")));
        world.ok(&["config", name, "github-x1y2", "--provider", "GITHUB", "--identifier", "agent"]);
        world.gives(name, "github-x1y2");
    }
}

#[test]
fn what_is_no_service_is_left_alone() {
    let world = world(r#"{"version": 1, "_comment": "mine", "$schema": "x", "gone": null}"#);
    world.gives("github", "github-x1y2");
    assert_eq!(world.ok(&["list"]).stderr, "");
    world.ok(&["config", "gmail", "gmail-x"]);
    let text = std::fs::read_to_string(world.config_file("connections.json")).unwrap();
    assert!(text.contains("_comment") && text.contains("$schema") && text.contains("\"gone\": null"), "{text}");
}

#[test]
fn an_entry_that_cannot_be_used_can_be_removed() {
    let world = world(r#"{"github": "github-x1y2", "gitlab": [2]}"#);
    world.ok(&["remove", "github"]);
    world.gives("github", "github-x1y2");
    assert!(world.run(&["token", "gitlab.com"]).exit(3).stderr.contains("the service gitlab cannot be used"));
}

#[test]
fn a_key_that_looks_misspelled_is_told_by_every_command_but_the_helpers() {
    let world = world(r#"{"github": {"connection_name": "github-x1y2", "identifer": "ada", "note": "mine"}}"#);
    std::fs::write(world.config_file("config.json"), r#"{"default_identifer": "ada"}"#).unwrap();
    for args in [&["token", "github"][..], &["list"], &["which", "github.com"], &["status"], &["sync"]] {
        let got = world.ok(args);
        for words in ["github in connections.json has the key identifer", "did you mean identifier?"] {
            assert_eq!(got.stderr.matches(words).count(), 1, "{args:?}: {got:?}");
        }
        assert!(got.stderr.contains("config.json has the key default_identifer"), "{got:?}");
        assert!(!got.stderr.contains("note"), "{got:?}");
    }
    let got = world.helper("get", "protocol=https\nhost=github.com\n\n").ok();
    assert!(got.stderr.is_empty() && got.stdout.contains("password="), "{got:?}");
    let got = finish(world.command("docker-credential-scalekit").arg("list"), "").ok();
    assert_eq!(got.stderr, "");
}

#[test]
fn sync_replaces_what_it_cannot_read_and_nothing_else_uses_it() {
    for text in ["{\"version\": 1, ", "{\"version\": 9}", "[]", "{\"version\": 1, \"environments\": {\"default\": 3}}"]
    {
        let world = world("{}");
        std::fs::write(world.config_file("synced.json"), text).unwrap();
        let got = world.run(&["token", "github"]).exit(3);
        assert!(got.stderr.contains("synced.json") && got.stderr.contains("`scalekit-auth sync`"), "{got:?}");
        assert_eq!(std::fs::read_to_string(world.config_file("synced.json")).unwrap(), text);
        assert!(world.ok(&["sync"]).stderr.contains("cannot be read"));
        world.gives("github", "github-x1y2");
    }
}
