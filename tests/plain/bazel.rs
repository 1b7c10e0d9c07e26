//! The credential helper protocol of Bazel and EngFlow byte by byte, under both of its names.

use crate::common::{EXE, Finished, World, finish, oauth};
use scalekit_sandbox::{Control, Credential};
use serde_json::{Value, json};

const TOKEN: &str = "gho_canary-Bz4Lm8Wc";

fn world() -> World {
    let world = World::new();
    world.seed("github-x", "GITHUB", TOKEN);
    world.ok(&["config", "github", "github-x", "--identifier", "ada"]);
    world
}

fn ask(world: &World, args: &[&str], input: &str) -> Finished {
    let by_link = finish(world.command("bazel-scalekit").args(args), input);
    let by_command = finish(world.command(EXE).arg("bazel").args(args), input);
    assert_eq!((&by_link.stdout, by_link.code), (&by_command.stdout, by_command.code));
    by_link
}

fn get(world: &World, uri: &str) -> Finished {
    ask(world, &["get"], &json!({"uri": uri}).to_string())
}

#[track_caller]
fn is(got: &Finished, stdout: &str, code: i32) {
    assert_eq!((got.stdout.as_str(), got.code), (stdout, Some(code)), "{got:?}");
}

#[test]
fn a_host_of_ours_gets_its_header_and_when_it_expires() {
    let world = world();
    world.seed_account("github-x", oauth(TOKEN), None);
    let plain = format!("{{\"headers\":{{\"Authorization\":[\"Bearer {TOKEN}\"]}}}}\n");
    for uri in ["https://github.com/o/r/archive/v1.tar.gz", "https://API.github.com/repos", "https://ghcr.io/v2/"] {
        let got = get(&world, uri);
        is(&got, &plain, 0);
        assert_eq!(got.stderr, "");
    }
    world.seed_account("github-x", oauth(TOKEN), Some(3600));
    let got = get(&world, "https://github.com/o/r").ok();
    let answer: Value = serde_json::from_str(&got.stdout).unwrap();
    assert_eq!(answer["headers"], json!({"Authorization": [format!("Bearer {TOKEN}")]}));
    let expires = answer["expires"].as_str().unwrap();
    // yyyy-MM-ddTHH:mm:ssZ: Bazel reads no fractions.
    assert_eq!((expires.len(), expires.ends_with('Z')), (20, true), "{expires}");
    assert_eq!(ask(&world, &["get", "--later"], "{\"uri\":\"https://github.com/a\",\"later\":1}").stdout, got.stdout);
}

#[test]
fn a_provider_gets_the_header_that_it_wants() {
    let world = World::new();
    world.control(Control::connection("brave", "BRAVE"));
    let details = json!({"api_key": "key-1"}).as_object().unwrap().clone();
    world.seed_account("brave", Credential::StaticAuth { details }, None);
    world.ok(&["config", "brave", "brave", "--identifier", "ada"]);
    is(
        &get(&world, "https://api.search.brave.com/res/v1"),
        "{\"headers\":{\"X-Subscription-Token\":[\"key-1\"]}}\n",
        0,
    );
}

#[test]
fn what_is_not_ours_has_no_headers() {
    let world = world();
    for uri in [
        "https://example.com/a",
        "https://evilgithub.com/a",
        "https://github.com.evil.net/a",
        "http://github.com/a",
        "https://ada@github.com/a",
        "https://github.com\\@evil.net/",
        "https:\\\\github.com",
        "https://GITHUB%2ecom/",
        "github.com",
        "file:///etc/passwd",
        "",
    ] {
        let got = get(&world, uri);
        is(&got, "{\"headers\":{}}\n", 0);
        assert_eq!(got.stderr, "", "{uri}");
    }
}

#[test]
fn what_is_no_request_fails_and_says_so() {
    let world = world();
    let twice = "{\"uri\":\"https://github.com/\",\"uri\":\"https://a.b/\"}";
    let control = "{\"uri\":\"https://github.com/\\r\\n\"}";
    let long = format!("{{\"uri\":\"https://github.com/{}\"}}", "a".repeat(65_536));
    for input in ["", "x", "[]", "{}", "{\"uri\":7}", twice, control, &long] {
        let got = ask(&world, &["get"], input);
        is(&got, "", 1);
        assert_eq!((got.stderr.lines().count(), got.stderr.contains("the request is refused")), (1, true), "{got:?}");
    }
    for args in [&[][..], &["store"], &["GET"]] {
        let got = ask(&world, args, "");
        is(&got, "", 1);
        assert!(got.stderr.contains("Usage: bazel-scalekit get"), "{got:?}");
    }
    assert!(world.ok(&["bazel", "--help"]).stdout.contains("Usage: scalekit-auth bazel"));
}

#[test]
fn an_account_without_consent_fails_with_the_command_to_type() {
    let world = World::new();
    world.control(Control::connection("github-x", "GITHUB"));
    world.ok(&["config", "github", "github-x", "--identifier", "ada"]);
    let got = get(&world, "https://github.com/a");
    is(&got, "", 1);
    assert!(got.stderr.contains("scalekit-auth connect github"), "{got:?}");
    assert_eq!(got.stderr.lines().count(), 1, "{got:?}");
}
