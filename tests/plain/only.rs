//! `config --only`: a service for some commands and helper protocols alone.

use crate::common::{World, finish};
use serde_json::{Value, json};

fn world() -> World {
    let world = World::new();
    world.seed("github-x", "GITHUB", "gho_1");
    world.ok(&["config", "github", "github-x", "--identifier", "ada", "--only", "git,docker"]);
    world
}

#[test]
fn those_named_get_the_token_and_all_others_are_told_why_not() {
    let world = world();
    assert!(world.helper("get", "protocol=https\nhost=github.com\n\n").ok().stdout.contains("password=gho_1"));
    let docker = finish(world.command("docker-credential-scalekit").arg("get"), "ghcr.io").ok();
    assert!(docker.stdout.contains("gho_1"));
    let before = world.sandbox.requests().len();
    for words in [
        &["token", "github"][..],
        &["header", "https://api.github.com/user"],
        &["exec", "--with", "github", "--", "true"],
        &["curl", "https://api.github.com/user"],
        &["mcp-headers", "https://api.github.com/mcp"],
    ] {
        let got = world.run(words).exit(3);
        let command = words[0];
        assert!(got.stdout.is_empty() && got.stderr.contains(&format!("github is not for {command}")), "{got:?}");
        assert!(got.stderr.contains(&format!("--only git,docker,{command}")), "{got:?}");
    }
    // A batch says it of the one.
    let got = world.run(&["token", "github", "github.com", "--json"]).exit(3);
    let told: Value = serde_json::from_str(&got.stdout).unwrap();
    assert_eq!(told["results"][0]["code"], "not_configured", "{told}");
    // A tool that is not named gets what it gets for a host of nobody's, with the reason beside it.
    let got = finish(world.command("bazel-scalekit").arg("get"), "{\"uri\":\"https://github.com/x\"}").ok();
    assert!(got.stdout.trim() == "{\"headers\":{}}" && got.stderr.contains("github is not for bazel"), "{got:?}");
    assert_eq!(world.sandbox.requests().len(), before, "nobody is asked");
}

#[test]
fn the_limit_is_shown_changed_lifted_and_never_misread() {
    let world = world();
    assert!(world.ok(&["which", "github.com"]).stdout.contains("only for     git, docker\n"));
    world.ok(&["config", "github", "github-x", "--host", "github.com"]);
    world.run(&["token", "github"]).exit(3);
    world.ok(&["config", "github", "github-x", "--only", "token"]);
    assert_eq!(world.ok(&["token", "github"]).stdout, "gho_1\n");
    world.ok(&["config", "github", "github-x", "--only", "all"]);
    assert!(!std::fs::read_to_string(world.config_file("connections.json")).unwrap().contains("only"));
    let got = world.run(&["config", "github", "github-x", "--only", "git,gti"]).exit(2);
    assert!(got.stderr.contains("'gti'") && got.stderr.contains("[possible values: git, docker, "), "{got:?}");
    world.run(&["config", "github", "github-x", "--only", "git,all"]).exit(2);
    let help = world.ok(&["config", "--help"]).stdout;
    assert!(["bazel", "token", "mcp-headers", "all"].iter().all(|name| help.contains(name)), "{help}");
    // What names nobody, and what is no list, is a broken entry.
    for only in [json!([]), json!("git"), json!([1])] {
        let document = json!({"github": {"connection_name": "github-x", "identifier": "ada", "only": only}});
        world.write_connections(&document.to_string());
        world.run(&["token", "github"]).exit(3);
    }
}

#[test]
fn a_service_that_is_there_is_changed_without_its_connection() {
    let world = world();
    world.ok(&["config", "github", "--only", "token"]);
    assert_eq!(world.ok(&["token", "github"]).stdout, "gho_1\n");
    world.ok(&["config", "github", "--host", "github.com"]);
    let kept: Value =
        serde_json::from_str(&std::fs::read_to_string(world.config_file("connections.json")).unwrap()).unwrap();
    let expected =
        json!({"connection_name": "github-x", "identifier": "ada", "hosts": ["github.com"], "only": ["token"]});
    assert_eq!(kept["github"], expected);
    // What is of API clients alone is none of a connection's, and there is nothing to change in what is not there.
    let got = world.run(&["config", "github", "--scope", "read"]).exit(2);
    assert!(got.stderr.contains("github is a connection, which has no --scope"), "{got:?}");
    let got = world.run(&["config", "notion", "--only", "git"]).exit(3);
    assert!(got.stderr.contains("`scalekit-auth config notion CONNECTION`"), "{got:?}");
}

#[test]
fn what_sync_found_is_limited_without_its_connection() {
    let world = World::new();
    world.connection("slack-of-acme", "GITHUB");
    world.ok(&["sync"]);
    world.ok(&["config", "github", "--only", "git"]);
    let kept: Value =
        serde_json::from_str(&std::fs::read_to_string(world.config_file("connections.json")).unwrap()).unwrap();
    assert_eq!(kept["github"]["connection_name"], "slack-of-acme", "{kept}");
    let got = world.run(&["token", "github"]).exit(3);
    assert!(got.stderr.contains("github is not for token"), "{got:?}");
}
