//! `which`: the reason for every answer, for people and as JSON, without network or keyring.

use crate::common::World;
use serde_json::{Value, json};

fn world() -> World {
    let world = World::new();
    world.write_connections(
        &json!({
            "github": {"connection_name": "github-x", "identifier": "ada"},
            "team": {"connection_name": "github-y", "identifier": "bob", "hosts": ["github.com/acme", "*.acme.dev"]},
            "twin": {"connection_name": "github-z", "identifier": "eve"},
            "gmail": {"connection_name": "gmail-x"},
        })
        .to_string(),
    );
    world
}

fn json_of(world: &World, args: &[&str], code: i32) -> Value {
    let got = world.run(&[&["which", "--json"], args].concat()).exit(code);
    assert_eq!(got.stdout.matches('\n').count(), 1, "{got:?}");
    assert_eq!(world.sandbox.counts().tcp_connections, 0);
    serde_json::from_str(&got.stdout).unwrap()
}

#[test]
fn every_rule_that_was_considered_is_told_in_order_with_the_reason_why_it_lost() {
    let world = world();
    let told = json_of(&world, &["https://GitHub.com:443/acme/app?x=1#y"], 0);
    let rule = |service: &str, source: &str, rule: &str, verdict: &str| json!({"service": service, "source": source, "rule": rule, "verdict": verdict});
    assert_eq!(told["target"], "https://github.com/acme/app");
    let better = "a rule of a better source matches";
    assert_eq!(
        told["considered"],
        json!([
            rule("team", "user", "github.com/acme", "answers"),
            rule("github", "built-in", "github.com", better),
            rule("twin", "built-in", "github.com", better),
        ])
    );
    let answer = &told["answer"];
    assert_eq!(
        (&answer["service"], &answer["connection"], &answer["identifier"]),
        (&json!("team"), &json!("github-y"), &json!("bob"))
    );
    assert_eq!(answer["git"], json!({"username": "x-access-token", "scheme": "basic"}));
    assert_eq!(answer["docker"], Value::Null);
    assert_eq!(answer["authorization"], "Authorization: Bearer TOKEN");
    assert_eq!(answer["variables"], json!(["GH_TOKEN", "GITHUB_TOKEN"]));
    assert_eq!(
        (&answer["environment"], &answer["credentials"]),
        (&json!("default"), &json!("the environment variables"))
    );
}

#[test]
fn two_equally_good_services_are_both_named_with_the_command_that_decides() {
    let world = world();
    let told = json_of(&world, &["https://github.com/torvalds/linux"], 8);
    assert_eq!((&told["status"], &told["code"]), (&json!("error"), &json!("ambiguous")));
    let message = told["message"].as_str().unwrap();
    assert!(message.contains("github, twin"), "{message}");
    let command = message.split('`').nth(1).unwrap();
    assert_eq!(command, "scalekit-auth config github github-x --host github.com");
    world.ok(&command.split(' ').skip(1).collect::<Vec<_>>());
    assert_eq!(json_of(&world, &["https://github.com/torvalds/linux"], 0)["answer"]["service"], "github");
    assert_eq!(json_of(&world, &["https://gist.github.com/"], 0)["answer"]["service"], "twin");
}

#[test]
fn equals_are_settled_for_one_host_and_keep_the_others() {
    let world = world();
    let message = json_of(&world, &["https://github.com/torvalds/linux"], 8)["message"].as_str().unwrap().to_owned();
    let command = message.split('`').nth(3).unwrap();
    assert_eq!(command, "scalekit-auth use github --for github.com");
    world.ok(&command.split(' ').skip(1).collect::<Vec<_>>());
    let told = json_of(&world, &["https://github.com/torvalds/linux"], 0);
    assert_eq!(told["answer"]["service"], "github");
    assert!(told["considered"].to_string().contains("which you prefer there"), "{told}");
    // Nothing is settled about other hosts, and the other service is named by its account still.
    json_of(&world, &["https://api.github.com/user"], 8);
    world.ok(&["use", "twin", "--for", "github.com"]);
    assert_eq!(json_of(&world, &["https://github.com/x"], 0)["answer"]["service"], "twin");
    world.ok(&["use", "github", "--for", "github.com/Other"]);
    assert_eq!(json_of(&world, &["https://github.com/other/x"], 0)["answer"]["service"], "github");
    let got = world.run(&["use", "github", "--for", "evil.net"]).exit(2);
    assert!(got.stderr.contains("does not answer for evil.net"), "{got:?}");
    json_of(&world, &["https://evil.net/"], 3);
    world.run(&["use", "github"]).exit(2);
}

#[test]
fn a_helper_declines_what_belongs_to_two_and_says_so() {
    let got = world().helper("get", "protocol=https\nhost=github.com\n\n").ok();
    assert_eq!(got.stdout, "");
    assert!(got.stderr.contains("github, twin") && got.stderr.contains("config github github-x --host"), "{got:?}");
}

#[test]
fn an_unknown_host_comes_with_the_nearest_row_and_the_line_to_type() {
    let world = world();
    for (place, parts) in [
        ("https://api.notion.com/v1/users", ["NOTION", "`scalekit-auth config notion CONNECTION`"]),
        (
            "https://acme.zendesk.com/api/v2",
            ["is not known to be yours", "`scalekit-auth config zendesk CONNECTION --host acme.zendesk.com`"],
        ),
        (
            "https://uploads.notion.com/",
            ["api.notion.com, which is nearest", "`scalekit-auth config notion CONNECTION --host uploads.notion.com`"],
        ),
        (
            "https://api.github.com:8443/",
            ["github claims only api.github.com", "config SERVICE CONNECTION --host HOST"],
        ),
        ("https://example.org/", ["no configured service answers", "config SERVICE CONNECTION --host HOST"]),
    ] {
        let message = json_of(&world, &[place], 3)["message"].as_str().unwrap().to_owned();
        assert!(parts.iter().all(|part| message.contains(part)), "{place}: {message}");
    }
}

#[test]
fn a_misspelled_service_gets_a_suggestion() {
    let world = world();
    for name in ["gmial", "github-", "gitub", "temm"] {
        let got = world.run(&["token", name]).exit(3);
        assert!(got.stderr.contains("did you mean"), "{name}: {got:?}");
    }
    assert!(world.run(&["token", "notion"]).exit(3).stderr.contains("config notion CONNECTION"));
}

#[test]
fn people_read_the_same_in_lines() {
    let got = world().ok(&["which", "https://bob@git.acme.dev/x", "--identifier", "carol"]).stdout;
    let expected = "\
target       https://git.acme.dev/x
considered   *.acme.dev of team (user): answers
rule         *.acme.dev (user)
service      team
connection   github-y
identifier   carol (from --identifier)
environment  default
credentials  the environment variables
sent as      Authorization: Bearer TOKEN
git          answered with the user name x-access-token
docker       answered with the user name x-access-token
";
    assert_eq!(got, expected);
}

#[test]
fn the_accounts_of_mail_and_of_a_service_by_name_are_told_too() {
    let world = world();
    let mail = json_of(&world, &["smtp://smtp.gmail.com:587", "--identifier", "me@gmail.com"], 0);
    assert_eq!(mail["answer"]["git"]["username"], "me@gmail.com");
    let named = json_of(&world, &["gmail"], 0);
    assert_eq!((&named["target"], &named["considered"]), (&Value::Null, &json!([])));
    assert_eq!(named["answer"]["identifier_from"], "the built-in default");
    assert_eq!(named["answer"]["hosts"][0], "gmail.googleapis.com");
}

#[test]
fn a_tenants_host_that_is_not_known_yet_is_told_with_the_ways_to_name_it() {
    let world = world();
    world.ok(&["config", "desk", "zendesk-x"]);
    let shown = world.ok(&["which", "desk"]).stdout;
    assert!(
        shown.contains("not known yet") && shown.contains("token desk") && shown.contains("--host NAME.zendesk.com"),
        "{shown}"
    );
    assert_eq!(json_of(&world, &["desk"], 0)["answer"]["hosts"], json!([]));
    let message = json_of(&world, &["https://acme.zendesk.com/api"], 3)["message"].to_string();
    assert!(
        message.contains("token desk") && message.contains("config desk zendesk-x --host acme.zendesk.com"),
        "{message}"
    );
}
