//! docker's helper protocol byte by byte: every action, every spelling of a registry, and what is never answered.

use std::process::Stdio;

use crate::common::docker::{HELPER, NOT_FOUND, TOKEN, answer, ask, get, is, is_not_found_because, is_silent, world};
use crate::common::{EXE, World, finish};
use scalekit_sandbox::Credential;
use serde_json::{Value, json};

const VERSION: &str = concat!("docker-credential-scalekit (scalekit-auth) v", env!("CARGO_PKG_VERSION"), "\n");
const USAGE: &str = "Usage: docker-credential-scalekit <get|store|erase|list|version>\n";

#[test]
fn every_action_answers_exactly_these_bytes_under_both_names() {
    let world = world();
    let found = answer("ghcr.io", "x-access-token", TOKEN);
    assert_eq!(
        found,
        format!("{{\"ServerURL\":\"ghcr.io\",\"Username\":\"x-access-token\",\"Secret\":\"{TOKEN}\"}}\n")
    );
    for (args, input, stdout, code) in [
        (&["get"][..], "ghcr.io", found.as_str(), 0),
        (&["get"], "", "no credentials server URL\n", 1),
        (&["get"], " \r\n", "no credentials server URL\n", 1),
        (&["get"], "docker.io", NOT_FOUND, 1),
        (&["erase"], "ghcr.io", "", 0),
        (&["erase"], "docker.io", "", 0),
        (&["erase"], "", "", 0),
        (&["list"], "unused", "{\"https://ghcr.io\":\"x-access-token\"}\n", 0),
        (&["version"], "", VERSION, 0),
        (&["--version"], "", VERSION, 0),
        (&["-v"], "", VERSION, 0),
        (&["store"], "{\"ServerURL\":\"\",\"Username\":\"a\",\"Secret\":\"b\"}", "no credentials server URL\n", 1),
        (&["store"], "{\"ServerURL\":\"a.b\",\"Username\":\"\",\"Secret\":\"b\"}", "no credentials username\n", 1),
        (&[], "ghcr.io", USAGE, 1),
        (&["fetch"], "ghcr.io", USAGE, 1),
        (&["GET"], "ghcr.io", USAGE, 1),
        (&[""], "ghcr.io", USAGE, 1),
        (&["--no-such-option"], "ghcr.io", USAGE, 1),
        (&["get", "get"], "ghcr.io", USAGE, 1),
        (&["get", "ghcr.io"], "ghcr.io", USAGE, 1),
    ] {
        is_silent(&ask(&world, args, input), stdout, code);
        is_silent(&finish(world.command(EXE).arg("docker-credential").args(args), input), stdout, code);
    }
    is_silent(&ask(&world, &["--help"], ""), USAGE, 0);
    assert!(world.ok(&["docker-credential", "--help"]).stdout.contains("Usage: scalekit-auth docker-credential"));
}

#[test]
fn every_spelling_that_clients_use_is_answered_with_the_key_as_it_was_asked() {
    let world = world();
    for key in [
        "ghcr.io",
        "https://ghcr.io",
        "ghcr.io:443",
        "https://ghcr.io:443",
        "ghcr.io/",
        "https://ghcr.io/",
        "GHCR.io",
        "HTTPS://ghcr.io",
        // crane asks with the repository first, others with the registry's API.
        "ghcr.io/acme/app",
        "https://ghcr.io/v2/",
        "https://ghcr.io:443/v2/acme/app",
    ] {
        is_silent(&get(&world, key), &answer(key, "x-access-token", TOKEN), 0);
        is_silent(&get(&world, &format!("{key}\r\n")), &answer(key, "x-access-token", TOKEN), 0);
    }
}

#[test]
fn foreign_and_hostile_keys_are_not_found_without_a_word_or_a_request() {
    let world = world();
    let long = format!("ghcr.io/{}", "x".repeat(70_000));
    for key in [
        "docker.io",
        "https://index.docker.io/v1/",
        "github.com",
        "https://api.github.com",
        "evilghcr.io",
        "ghcr.io.evil.net",
        "x.ghcr.io",
        "ghcr.io.",
        ".ghcr.io",
        "user@ghcr.io",
        "@ghcr.io",
        "https://@ghcr.io",
        "https://user:pass@ghcr.io",
        "ghcr.io@evil.net",
        "evil.net/ghcr.io",
        "evil.net/https://ghcr.io",
        "https://evil.net/https://ghcr.io",
        "evil.net#ghcr.io",
        "ghcr.io#@evil.net",
        "ghcr.io?@evil.net",
        "ghcr.io\\@evil.net",
        "ghcr.io\n.evil.net",
        "ghcr.io\r.evil.net",
        "evil.net\nghcr.io",
        "ghcr.io\0",
        "ghcr.io\0.evil.net",
        "\u{feff}ghcr.io",
        "ghcr\t.io",
        "gh cr.io",
        "ghcr%2eio",
        "ｇhcr.io",
        "ghcr。io",
        "ghсr.io",
        "ghcr.io:8443",
        "ghcr.io:",
        "ghcr.io:0443",
        "ghcr.io:443:443",
        "ghcr.io:443@evil.net",
        "http://ghcr.io",
        "http://ghcr.io:443",
        "ftp://ghcr.io",
        "//ghcr.io",
        "https:ghcr.io",
        "https:///ghcr.io",
        "https:\\\\ghcr.io",
        "unix:///ghcr.io",
        "oci://ghcr.io",
        "{}",
        "[::1]",
        "127.0.0.1:5000",
        &long,
    ] {
        is_silent(&get(&world, key), NOT_FOUND, 1);
    }
    let mut raw = world.command(HELPER);
    raw.arg("get").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut raw = raw.spawn().unwrap();
    std::io::Write::write_all(&mut raw.stdin.take().unwrap(), b"ghcr.io\xff").unwrap();
    is_silent(&raw.wait_with_output().unwrap().into(), NOT_FOUND, 1);
    assert_eq!(world.sandbox.counts().tcp_connections, 0);
}

#[test]
fn plain_http_is_for_loopback_hosts_that_the_user_listed() {
    let world = world();
    world.ok(&["config", "local", "github-x", "--identifier", "ada", "--host", "http://127.0.0.1:15000"]);
    let found = ["127.0.0.1:15000", "http://127.0.0.1:15000", "http://127.0.0.1:15000/v2/", "127.0.0.1:15000/a/b"];
    for key in found {
        is_silent(&get(&world, key), &answer(key, "x-access-token", TOKEN), 0);
    }
    for key in [
        "https://127.0.0.1:15000",
        "127.0.0.1:15001",
        "127.0.0.1",
        "127.1:15000",
        "0x7f.0.0.1:15000",
        "2130706433:15000",
        "localhost:15000",
        "127.0.0.1.evil.net:15000",
        "[::ffff:127.0.0.1]:15000",
    ] {
        is_silent(&get(&world, key), NOT_FOUND, 1);
    }
}

#[test]
fn the_repository_in_a_key_chooses_the_account_where_a_service_claims_a_path() {
    let world = world();
    world.seed("github-w", "GITHUB", "gho_work");
    world.ok(&["config", "work", "github-w", "--identifier", "ada", "--host", "ghcr.io/acme"]);
    for (key, token) in [
        ("ghcr.io/acme/app", "gho_work"),
        ("ghcr.io/acme", "gho_work"),
        ("ghcr.io/acmes/app", TOKEN),
        ("ghcr.io/other/../acme/app", TOKEN),
        ("ghcr.io", TOKEN),
    ] {
        is_silent(&get(&world, key), &answer(key, "x-access-token", token), 0);
    }
}

#[test]
fn every_kind_of_account_is_answered_with_the_user_name_that_its_registry_expects() {
    let world = World::new();
    let claim = |service: &str, provider: &str, host: &str| {
        let args = ["config", service, "conn", "--identifier", "ada", "--provider", provider, "--host", host];
        world.ok(&args);
    };
    world.seed("conn", "GITLAB", TOKEN);
    claim("one", "GITLAB", "registry.gitlab.com");
    claim("two", "GITHUB", "cr.acme.com");
    claim("three", "BITBUCKET", "cr.acme.dev:8443");
    claim("four", "GITEA", "*.acme.net");
    claim("five", "GITHUB", "github.com");
    for (key, username) in [
        ("registry.gitlab.com", "oauth2"),
        ("cr.acme.com", "x-access-token"),
        ("cr.acme.dev:8443", "x-token-auth"),
        ("git.acme.net", "oauth2"),
    ] {
        is_silent(&get(&world, key), &answer(key, username, TOKEN), 0);
    }
    // Known to be no registry, whoever claims it.
    is_silent(&get(&world, "github.com"), NOT_FOUND, 1);
    let details = |pairs: Value| Credential::StaticAuth { details: pairs.as_object().unwrap().clone() };
    for (credential, username, secret) in [
        (details(json!({"token": "pat\"1"})), "oauth2", "pat\"1"),
        (details(json!({"api_key": "key-1"})), "oauth2", "key-1"),
        (details(json!({"username": "bob b", "password": "p w \u{e4}"})), "bob b", "p w \u{e4}"),
    ] {
        world.seed_account("conn", credential, None);
        is_silent(&get(&world, "registry.gitlab.com"), &answer("registry.gitlab.com", username, secret), 0);
    }
    // As a user name it would make the client send the secret to a token server as a refresh token.
    world.seed_account("conn", details(json!({"username": "<token>", "password": "canary"})), None);
    is_not_found_because(&get(&world, "registry.gitlab.com"), &["the user name <token>", "connect one --renew"]);
}

#[test]
fn list_names_the_registries_alone_and_needs_neither_network_nor_keyring() {
    let mut world = World::new();
    world.credentials_in_variables = false;
    let list = |world: &World| ask(world, &["list"], "unused");
    is_silent(&list(&world), "{}\n", 0);
    for (service, hosts) in [
        ("github", &[][..]),
        ("gitlab", &[]),
        ("gmail", &[]),
        ("work", &["ghcr.io/acme", "cr.acme.com:8443", "github.com", "*.acme.dev", "http://127.0.0.1:15000"]),
    ] {
        let hosts: Vec<&str> = hosts.iter().flat_map(|host| ["--host", host]).collect();
        world.ok(&[&["config", service, &format!("{service}-x")], &hosts[..]].concat());
    }
    let names = json!({
        "https://ghcr.io": "x-access-token", "https://registry.gitlab.com": "oauth2",
        "https://cr.acme.com:8443": "oauth2", "http://127.0.0.1:15000": "oauth2",
    });
    is_silent(&list(&world), &format!("{names}\n"), 0);
    is_silent(
        &finish(world.command(HELPER).arg("list").env("SCALEKIT_ENV_URL", "https://x.example"), ""),
        &format!("{names}\n"),
        0,
    );
    // A failure would stop `docker build` altogether.
    world.write_connections("oops");
    let got = list(&world);
    is(&got, "{}\n", 0);
    assert_eq!(got.stderr.lines().count(), 1, "{got:?}");
    assert_eq!(world.sandbox.counts().tcp_connections, 0);
}

#[test]
fn docker_hub_is_one_registry_under_all_of_its_names() {
    const NAMES: [&str; 7] = [
        "docker.io",
        "index.docker.io",
        "registry-1.docker.io",
        "https://index.docker.io/v1/",
        "https://index.docker.io",
        "https://docker.io/",
        "index.docker.io/v1/",
    ];
    for host in ["docker.io", "index.docker.io", "registry-1.docker.io"] {
        let world = world();
        world.seed("hub-x", "DOCKERHUB", "hub-token");
        world.ok(&["config", "hub", "hub-x", "--identifier", "ada", "--host", host]);
        for name in NAMES {
            is_silent(&get(&world, name), &answer(name, "oauth2", "hub-token"), 0);
            is_silent(&ask(&world, &["store"], &answer(name, "oauth2", "hub-token")), "", 0);
        }
        for name in ["hub.docker.io", "docker.io.evil.net", "docker.io:5000", "evildocker.io", "auth.docker.io"] {
            is_silent(&get(&world, name), NOT_FOUND, 1);
        }
        let list = ask(&world, &["list"], "").ok().stdout;
        assert!(list.contains(r#""https://index.docker.io/v1/":"oauth2""#), "{list}");
        for name in &NAMES[..4] {
            world.ok(&["setup", "docker", name]);
            let text = std::fs::read_to_string(world.path(".docker/config.json")).unwrap();
            let entry = "\t\t\"https://index.docker.io/v1/\": \"scalekit\"\n";
            assert_eq!(text, format!("{{\n\t\"credHelpers\": {{\n{entry}\t}}\n}}\n"));
            let status = world.ok(&["status"]).stdout;
            assert!(status.contains("docker asks us for https://index.docker.io/v1/"), "{status}");
            world.ok(&["setup", "docker", "--undo"]);
            assert!(!world.path(".docker/config.json").exists());
        }
    }
}
