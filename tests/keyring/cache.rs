//! Tokens that rest in the kernel's memory: what is answered from there, under which key, and what is shown of it.

use std::fs;

use crate::common::https::Https;
use crate::common::proxy::Proxy;
use crate::common::user::{AUTH, GITHUB, TOKEN, User};
use crate::common::{World, finish, homes, organization};
use scalekit_sandbox::{Control, Options, Sandbox};
use serde_json::{Value, json};

const SECRET: &str = "canary-client-secret-Jq8Rt3Wx";

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// A user whose client secret comes from a program that leaves a line in the file `runs` and works until it is told not to.
fn with_command() -> User {
    let mut user = User::of_github();
    user.world.credentials_in_variables = false;
    let (program, runs, broken) = (user.world.path("manager"), user.world.path("runs"), user.world.path("broken"));
    let secret = user.world.sandbox.client_secret();
    let body = format!("echo run >>{}\n[ -e {} ] || echo {secret}\n", runs.display(), broken.display());
    fs::write(&program, format!("#!/bin/sh\n{body}")).unwrap();
    homes::set_mode(&program, 0o755);
    user.own();
    let sandbox = &user.world.sandbox;
    let login = ["login", "--env-url", sandbox.url(), "--client-id", sandbox.client_id(), "--home", "command", "--"];
    user.ok(&[&login[..], &[program.to_str().unwrap()]].concat());
    user
}

#[test]
fn every_tool_is_answered_from_memory_without_a_request_or_a_look_at_the_client_credentials() {
    let user = with_command();
    let runs = || fs::read_to_string(user.world.path("runs")).unwrap().lines().count();
    let server = Https::start(&user.world, &["api.github.com"]);
    let proxy = Proxy::start(Some(server.port));
    assert_eq!((user.token("github"), user.world.count(AUTH), user.world.count(TOKEN)), ("token-0".into(), 1, 2));
    let before = runs();
    fs::write(user.world.path("broken"), "").unwrap();
    user.is_from_memory(|| {
        for place in ["github", "api.github.com", "https://github.com/a/b.git", "ghcr.io", "gist.github.com"] {
            assert_eq!(user.token(place), "token-0");
        }
        assert_eq!(json(&user.ok(&["token", "github", "--json"]).stdout)["token"], "token-0");
        let batch = json(&user.ok(&["token", "github", "ghcr.io", "--json"]).stdout);
        assert_eq!(
            (&batch["results"][0]["token"], &batch["results"][1]["token"]),
            (&json!("token-0"), &json!("token-0"))
        );
        assert_eq!(user.ok(&["header", "github"]).stdout, "Authorization: Bearer token-0\n");
        let exec = ["exec", "--with", "github", "--", "sh", "-c", "echo $GH_TOKEN"];
        assert_eq!(user.ok(&exec).stdout, "token-0\n");
        let mut curl = user.command("scalekit-auth");
        curl.env("HTTPS_PROXY", &proxy.url).env("NO_PROXY", "localhost,127.0.0.1").env("CURL_CA_BUNDLE", &server.ca);
        finish(curl.args(["curl", "https://api.github.com/user", "-sS"]), "").ok();
        assert_eq!(server.seen()[0].header("Authorization"), Some("Bearer token-0"));
        for host in ["github.com", "gist.github.com"] {
            let got = user.git("get", &format!("protocol=https\nhost={host}\n\n"));
            assert!(got.stdout.contains("password=token-0\n") && got.stderr.is_empty(), "{got:?}");
        }
        let got = user.docker("get", "ghcr.io").ok();
        assert_eq!(json(&got.stdout)["Secret"], "token-0");
    });
    assert_eq!(runs(), before, "the client credentials are not read");
    // What is not there needs them.
    user.ok(&["cache", "clear"]);
    user.run(&["token", "github"]).exit(4);
    assert_eq!(runs(), before + 1);
}

#[test]
fn a_keyring_that_is_not_there_is_not_missed() {
    let mut user = User::of_github();
    user.token("github");
    user.world.credentials_in_variables = false;
    let sandbox = &user.world.sandbox;
    let environment = json!({"url": sandbox.url(), "client_id": sandbox.client_id(), "home": "keyring"});
    let config = json!({"version": 1, "environments": {"default": environment}});
    fs::write(user.world.config_file("config.json"), config.to_string()).unwrap();
    user.is_from_memory(|| assert_eq!(user.token("github"), "token-0"));
    user.ok(&["cache", "clear"]);
    user.run(&["token", "github"]).exit(4);
}

#[test]
fn two_accounts_of_a_connection_have_a_token_each_and_the_client_token_serves_both() {
    let user = User::of_github();
    user.world.seed_as("bob; \"B\" \\ \u{e4}", "github-x", "GITHUB", "token-of-bob");
    user.world.seed("github-y", "GITHUB", "token-of-y");
    user.write_connections(
        r#"{"ada": {"connection_name": "github-x", "identifier": "ada"},
            "bob": {"connection_name": "github-x", "identifier": "bob; \"B\" \\ ä"},
            "other": {"connection_name": "github-y", "identifier": "ada"}}"#,
    );
    let all = [("ada", "token-0"), ("bob", "token-of-bob"), ("other", "token-of-y")];
    user.is_from_vault(|| user.token("ada"));
    for (service, token) in &all[1..] {
        let (requests, connections) = user.asked();
        assert_eq!(user.token(service), *token);
        assert_eq!(user.asked(), (requests + 1, connections + 1), "one request on one connection");
    }
    user.is_from_memory(|| all.iter().for_each(|(service, token)| assert_eq!(user.token(service), *token)));
    assert_eq!(user.world.count(TOKEN), 1);
    assert_eq!(user.status()["tokens"].as_array().unwrap().len(), 4);
}

#[test]
fn the_environment_is_a_part_of_the_key() {
    let (mut user, other) = (User::of_github(), World::new());
    other.seed("github-x", "GITHUB", "token-of-the-other");
    let roots = [user.world.sandbox.ca_pem(), other.sandbox.ca_pem()].map(|path| fs::read_to_string(path).unwrap());
    fs::write(user.world.path("ca.pem"), roots.concat()).unwrap();
    user.login_with_file();
    let home = format!("file:{}", user.world.path("other").display());
    let args = ["login", "--environment", "other", "--client-secret-stdin", "--home", &home];
    let place = ["--env-url", other.sandbox.url(), "--client-id", other.sandbox.client_id()];
    finish(user.command("scalekit-auth").args(args).args(place), other.sandbox.client_secret()).ok();
    let there = ["token", "github", "--environment", "other"];
    let both = || {
        assert_eq!(user.token("github"), "token-0");
        assert_eq!(user.ok(&there).stdout, "token-of-the-other\n");
    };
    both();
    let before = other.sandbox.counts();
    user.is_from_memory(both);
    assert_eq!((before.tcp_connections, other.count(AUTH)), (other.sandbox.counts().tcp_connections, 1));
}

#[test]
fn the_scopes_of_an_api_client_are_a_part_of_the_key() {
    let user = User::new();
    user.world.control(Control::SeedOrganization { id: organization::ORG.into() });
    let home = format!("file:{}", user.world.path("api.json").display());
    let create = ["client", "create", "--org", organization::ORG, "--name", "CI", "--service", "api", "--home", &home];
    let scopes = ["--scope", "read:logs", "--scope", "deploy:apps", "--json"];
    let created = json(&user.ok(&[&create[..], &scopes].concat()).stdout);
    let client = created["client_id"].as_str().unwrap();
    user.ok(&["config", "reader", "--client-id", client, "--scope", "read:logs", "--home", &home]);
    user.ok(&["config", "writer", "--client-id", client, "--scope", "deploy:apps", "--home", &home]);
    user.ok(&["cache", "clear"]);
    let before = user.world.count(TOKEN);
    let (reader, writer) = (user.token("reader"), user.token("writer"));
    assert_eq!(user.world.count(TOKEN), before + 2);
    assert_ne!(reader, writer);
    user.is_from_memory(|| assert_eq!((user.token("reader"), user.token("writer")), (reader, writer)));
}

#[test]
fn neither_client_secrets_nor_refresh_tokens_are_in_the_kernels_memory() {
    let options = Options { client_secret: SECRET.into(), ..Options::default() };
    let mut user = User::with(World::with(Sandbox::with(options).unwrap()));
    user.world.seed("github-x", "GITHUB", "token-0");
    user.write_connections(r#"{"github": {"connection_name": "github-x", "identifier": "ada"}}"#);
    user.login_with_file();
    user.token("github");
    user.git("get", GITHUB).ok();
    user.docker("get", "ghcr.io").ok();
    // A failure is left there for those who wait.
    user.world.control(Control::RotateClientSecret { secret: "another".into() });
    user.world.control(Control::ExpireClientTokens);
    user.ok(&["config", "missing", "github-y", "--identifier", "ada"]);
    user.run(&["token", "missing"]).exit(6);
    let memory = user.kernel_memory();
    assert!(memory.contains("token-0") && memory.contains("refused"), "this is how it would be found: {memory}");
    for secret in [SECRET, "sandbox-refresh"] {
        assert!(!memory.contains(secret), "{secret}: {memory}");
    }
    assert_eq!(user.keys().len(), 3, "account, client and failure: {memory}");
}

#[test]
fn status_shows_whose_tokens_rest_for_how_long_and_never_the_tokens() {
    let user = User::of_github();
    let empty = user.ok(&["cache", "status"]);
    assert!(empty.stdout.is_empty() && empty.stderr.contains("no token rests in memory"), "{empty:?}");
    user.token("github");
    let memory = user.kernel_memory();
    let jwt = memory.split_whitespace().find(|word| word.matches('.').count() == 2 && word.starts_with("ey")).unwrap();
    let (text, object) = (user.ok(&["cache", "status"]), user.ok(&["cache", "status", "--json"]));
    for shown in [&text.stdout, &text.stderr, &object.stdout, &object.stderr] {
        assert!(!shown.contains("token-0") && !shown.contains(jwt), "{shown}");
    }
    let head: Vec<&str> = text.stdout.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(head, ["FOR", "IDENTIFIER", "ENVIRONMENT", "AGE", "LEFT", "BYTES"]);
    let row = |of: &str| text.stdout.lines().find(|line| line.starts_with(of)).unwrap().to_owned();
    assert!(row("github-x").contains(" ada ") && row("github-x").contains(user.world.sandbox.url()), "{text:?}");
    assert!(row(user.world.sandbox.client_id()).contains(" - "), "{text:?}");
    assert!(text.stderr.contains("at most 900 s, clients for 3600 s, and none in the last 300 s"), "{text:?}");

    let mut object = json(&object.stdout);
    assert_eq!(object["available"], true);
    for token in object["tokens"].as_array_mut().unwrap() {
        let whole = token.as_object_mut().unwrap();
        let age = whole.remove("age_seconds").unwrap().as_i64().unwrap();
        let left = whole.remove("left_seconds").unwrap().as_i64().unwrap();
        assert!((0..60).contains(&age) && (840..=3600).contains(&left), "{age} {left}");
        assert!(whole.remove("bytes").unwrap().as_u64().unwrap() > 30);
    }
    let place = json!({"environment_url": user.world.sandbox.url(), "client_id": user.world.sandbox.client_id()});
    let with = |more: Value| {
        let mut whole = place.clone();
        whole.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        whole
    };
    let expected = [with(json!({"connection": "github-x", "identifier": "ada"})), with(json!({"scopes": []}))];
    assert!(expected.iter().all(|one| object["tokens"].as_array().unwrap().contains(one)), "{object}");
    assert_eq!(object["tokens"].as_array().unwrap().len(), 2);
    let rest = [&object["version"], &object["account_seconds"], &object["client_seconds"], &object["margin_seconds"]];
    assert_eq!(rest, [&json!(1), &json!(900), &json!(3600), &json!(300)]);
}

#[test]
fn clear_forgets_everything_says_how_much_and_leaves_other_programs_keys_alone() {
    let user = User::of_github();
    user.keyctl(&["add", "user", "mine", "value", "@u"]).ok();
    let clear = || user.ok(&["cache", "clear"]).stderr;
    assert!(clear().contains("0 tokens forgotten"));
    user.token("github");
    assert!(clear().contains("2 tokens forgotten"));
    assert_eq!(user.status()["tokens"], json!([]));
    assert!(user.keys().len() == 1 && user.keys()[0].line.contains("mine: 5"), "{:?}", user.keys());
    user.is_from_vault(|| user.token("github"));
    assert!(user.ok(&["cache", "limit", "--margin", "10"]).stderr.contains("written; 2 tokens forgotten"));
}

#[test]
fn names_of_other_programs_keys_are_no_hindrance_however_long() {
    let user = User::of_github();
    for name in ["x".repeat(490), "x".repeat(600), "x".repeat(4000), "a;b\nc".into()] {
        user.keyctl(&["add", "user", &name, "value", "@u"]).ok();
    }
    user.keyctl(&["newring", "a ring", "@u"]).ok();
    assert_eq!(user.token("github"), "token-0");
    user.is_from_memory(|| user.token("github"));
    assert_eq!(user.status()["tokens"].as_array().unwrap().len(), 2);
    assert!(user.ok(&["cache", "clear"]).stderr.contains("2 tokens forgotten"));
}

#[test]
fn whose_token_it_is_may_take_as_many_characters_as_it_likes() {
    let user = User::new();
    let identifier = "\u{10348}".repeat(100);
    user.world.seed_as(&identifier, "github-x", "GITHUB", "token-0");
    user.write_connections(&json!({"github": {"connection_name": "github-x", "identifier": identifier}}).to_string());
    user.token("github");
    user.is_from_memory(|| user.token("github"));
    assert!(user.left("github-x").is_some());
    user.git("get", GITHUB).ok();
    user.git("erase", &format!("{}password=token-0\n\n", &GITHUB[..GITHUB.len() - 1])).ok();
    assert_eq!(user.left("github-x"), None);
}
