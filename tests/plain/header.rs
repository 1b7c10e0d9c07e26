//! `header`: one line that curl sends as it is, and the same as JSON.

use crate::common;
use common::api::Api;
use common::proxy::Proxy;
use common::{EXE, World, finish};
use scalekit_sandbox::{Control, Credential};
use serde_json::{Value, json};

fn world() -> World {
    let world = World::new();
    world.seed("github-x", "GITHUB", "gho_abc");
    world.ok(&["config", "github", "github-x", "--identifier", "ada"]);
    world
}

fn details(pairs: Value) -> Credential {
    Credential::StaticAuth { details: pairs.as_object().unwrap().clone() }
}

fn json_of(world: &World, place: &str, code: i32) -> Value {
    let got = world.run(&["header", place, "--json"]).exit(code);
    assert_eq!(got.stdout.matches('\n').count(), 1, "{got:?}");
    serde_json::from_str(&got.stdout).unwrap()
}

#[test]
fn it_is_one_line_for_a_service_a_host_and_a_url() {
    let world = world();
    for place in ["github", "api.github.com", "https://api.github.com/user"] {
        let got = world.ok(&["header", place]);
        assert_eq!((got.stdout.as_str(), got.stderr.as_str()), ("Authorization: Bearer gho_abc\n", ""), "{place}");
    }
}

#[test]
fn each_provider_gets_the_header_that_it_wants() {
    let world = world();
    for (service, credential, line) in [
        ("brave", details(json!({"api_key": "key"})), "X-Subscription-Token: key\n"),
        ("zohocrm", common::oauth("tok"), "Authorization: Zoho-oauthtoken tok\n"),
        ("freshdesk", details(json!({"username": "ada", "password": "pw"})), "Authorization: Basic YWRhOnB3\n"),
    ] {
        let connection = format!("{service}-x");
        world.control(Control::connection(&connection, service.to_uppercase()));
        world.seed_account(&connection, credential, None);
        world.ok(&["config", service, &connection, "--identifier", "ada"]);
        assert_eq!(world.ok(&["header", service]).stdout, line);
        let (name, value) = line.trim_end().split_once(": ").unwrap();
        let told = json_of(&world, service, 0);
        assert_eq!((&told["headers"], &told["expires_at"]), (&json!({name: value}), &Value::Null));
    }
}

#[test]
fn curl_sends_it_and_shows_it_to_nobody() {
    let world = world();
    let api = Api::start(&world, &["api.github.com"], "{}");
    let proxy = Proxy::start(Some(api.port));
    let mut shell = world.command("bash");
    shell.args(["-c", "scalekit-auth header github | curl -sS -H @- https://api.github.com/user"]);
    shell.env("https_proxy", &proxy.url).env("SSL_CERT_FILE", &api.roots).env("CURL_CA_BUNDLE", &api.roots);
    let got = finish(&mut shell, "").ok();
    assert_eq!((got.stdout.as_str(), got.stderr.as_str()), ("{}", ""));
    assert!(api.seen()[0].contains("\r\nAuthorization: Bearer gho_abc\r\n"), "{:?}", api.seen());
}

#[test]
fn the_account_and_the_environment_are_chosen_as_for_token() {
    let world = world();
    world.seed_as("alice@acme.com", "github-x", "GITHUB", "gho_work");
    world.ok(&["config", "github", "github-x", "--identifier", "alice@acme.com", "--as", "work"]);
    for args in [
        &["header", "github", "--as", "work"][..],
        &["header", "github", "--identifier", "alice@acme.com"],
        &["header", "https://work@github.com/acme"],
    ] {
        assert_eq!(world.ok(args).stdout, "Authorization: Bearer gho_work\n");
    }
    let got = world.run(&["header", "github", "--environment", "dev"]).exit(3);
    assert!(got.stdout.is_empty() && got.stderr.contains("login --environment dev"), "{got:?}");
}

#[test]
fn a_failure_leaves_stdout_empty_and_has_the_exit_code_of_token() {
    let world = world();
    world.ok(&["config", "gitlab", "gitlab-x", "--identifier", "ada"]);
    world.control(Control::connection("gitlab-x", "GITLAB"));
    for (place, code, word) in [
        ("gitlab", 5, "needs_authorization"),
        ("nobody", 3, "not_configured"),
        ("https://api.evil.net", 3, "not_configured"),
        ("NOT A SERVICE", 2, "usage"),
    ] {
        let got = world.run(&["header", place]).exit(code);
        assert!(got.stdout.is_empty() && got.stderr.starts_with("scalekit-auth: "), "{got:?}");
        let told = json_of(&world, place, code);
        let told_word = if told["status"] == "error" { &told["code"] } else { &told["status"] };
        assert_eq!(told_word, word);
        let mut token = world.command(EXE);
        token.args(["token", place, "--json"]);
        let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        let same: Value = serde_json::from_str(&finish(&mut token, "").exit(code).stdout).unwrap();
        assert_eq!(keys(&told), keys(&same));
    }
}
