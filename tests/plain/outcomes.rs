//! What a place or a service comes to: who answers, what is said if nobody does, and the exit codes.

use std::net::TcpListener;

use crate::common::{EXE, Finished, World, finish};
use scalekit_sandbox::Control;
use serde_json::{Value, json};

fn with(document: Value) -> World {
    let world = World::new();
    world.write_connections(&document.to_string());
    world
}

/// The services `github` and `gmail`, both with a token.
fn two_services() -> World {
    let world = with(json!({
        "github": {"connection_name": "github_x", "identifier": "ada"},
        "gmail": {"connection_name": "gmail_x", "identifier": "ada"},
    }));
    world.seed("github_x", "GITHUB", "gho_one");
    world.seed("gmail_x", "GMAIL", "ya29.one");
    world
}

#[track_caller]
fn says(got: &Finished, words: &[&str]) {
    for word in words {
        assert!(got.stderr.contains(word), "{word}: {got:?}");
    }
}

#[test]
fn urls_and_hosts_find_their_service_by_themselves() {
    let world = two_services();
    for (place, token) in [
        ("https://gmail.googleapis.com/gmail/v1/users/me/messages", "ya29.one\n"),
        ("https://www.googleapis.com/gmail/v1/users/me?alt=json#x", "ya29.one\n"),
        ("gmail.googleapis.com", "ya29.one\n"),
        ("HTTPS://API.GitHub.com:443/user", "gho_one\n"),
        ("https://ada@github.com/a/b.git", "gho_one\n"),
        ("raw.githubusercontent.com", "gho_one\n"),
        ("ghcr.io:443", "gho_one\n"),
    ] {
        assert_eq!(world.ok(&["token", place]).stdout, token, "{place}");
    }
}

#[test]
fn which_needs_neither_network_nor_keyring() {
    let mut world = two_services();
    let dead = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = world.command(EXE);
    command.args(["which", "https://github.com/a/b.git"]).env("SCALEKIT_ENV_URL", format!("https://{dead}"));
    assert_eq!(
        finish(&mut command, "").ok().stdout,
        "target       https://github.com/a/b.git\n\
         considered   github.com of github (built-in): answers\n\
         rule         github.com (built-in)\n\
         service      github\n\
         connection   github_x\n\
         identifier   ada (from the service)\n\
         environment  default\n\
         credentials  the environment variables\n\
         sent as      Authorization: Bearer TOKEN\n\
         git          answered with the user name x-access-token\n\
         docker       not answered here\n"
    );
    world.credentials_in_variables = false;
    let stored = json!({"version": 1, "environments": {"default": {"url": "https://acme.scalekit.com", "client_id": "skc_1", "home": "keyring"}}});
    std::fs::write(world.config_file("config.json"), stored.to_string()).unwrap();
    let got = world.ok(&["which", "gmail.googleapis.com"]);
    assert!(got.stdout.contains("keyring (environment default, https://acme.scalekit.com)"), "{got:?}");
    assert!(got.stdout.contains("git          not answered here"), "{got:?}");
    assert!(world.ok(&["which", "gmail"]).stdout.starts_with("service      gmail\n"));
    assert_eq!(world.sandbox.counts().tcp_connections, 0);
}

#[test]
fn which_says_why_nobody_answers() {
    let world = two_services();
    says(&world.run(&["which", "https://example.com/"]).exit(3), &["no configured service answers", "config"]);
    says(&world.run(&["which", "api.notion.com"]).exit(3), &["NOTION", "config notion CONNECTION"]);
    says(&world.run(&["which", "https://acme.zendesk.com"]).exit(3), &["ZENDESK", "--host acme.zendesk.com"]);
    says(
        &world.run(&["which", "https://www.googleapis.com/drive/v3"]).exit(3),
        &["gmail claims only www.googleapis.com/gmail"],
    );
    says(&world.run(&["which", world.sandbox.url()]).exit(3), &["the environment's own host"]);
    says(&world.run(&["which", "nobody"]).exit(3), &["the service nobody is not configured"]);
    says(&world.run(&["which", "No Body"]).exit(2), &["neither a service, a host nor a URL"]);
}

#[test]
fn two_that_are_equally_good_are_an_error_that_names_both() {
    let world = with(json!({
        "home": {"connection_name": "github_h", "identifier": "ada"},
        "work": {"connection_name": "github_w", "identifier": "bob"},
    }));
    world.seed("github_h", "GITHUB", "gho_home");
    for command in ["token", "which", "connect"] {
        says(&world.run(&[command, "https://github.com/a/b"]).exit(8), &["home, work"]);
    }
    let declined = world.helper("get", "protocol=https\nhost=github.com\n\n").ok();
    assert_eq!((declined.stdout.as_str(), declined.stderr.lines().count()), ("", 1));
    says(&declined, &["home, work"]);
    assert_eq!(world.ok(&["token", "https://ada@github.com/a/b"]).stdout, "gho_home\n");
    assert_eq!(world.ok(&["token", "home"]).stdout, "gho_home\n");
    says(
        &world.run(&["token", "https://eve@github.com/"]).exit(8),
        &["eve", "home, work", "--identifier IDENTIFIER --as eve"],
    );
    world.ok(&["config", "work", "github_w", "--host", "github.com/acme"]);
    assert!(world.ok(&["which", "https://github.com/acme/x"]).stdout.contains("service      work"));
    assert!(world.ok(&["which", "https://github.com/other"]).stdout.contains("service      home"));
}

#[test]
fn hostile_places_never_get_a_token() {
    let world = two_services();
    world.ok(&["config", "local", "github_x", "--host", "http://127.0.0.1:8080", "--host", "github.com/acme"]);
    for place in [
        "evilgithub.com",
        "https://github.com.evil.net/",
        "https://api.github.com@evil.net/",
        "https://api.github.com%40evil.net/",
        "https://evil.net/https://api.github.com/",
        "https://evil.net#@api.github.com/",
        "https://evil.net?@api.github.com/",
        "https://GITHUB%2ecom/",
        "https://github%00.com/",
        "https://git\thub.com/",
        "https://github.com\n.evil.net/",
        " https://github.com/",
        "https:\\\\github.com/",
        "https://evil.net\\@github.com/",
        "https:///github.com/",
        "https:github.com",
        "https://ｇithub.com/",
        "https://github。com/",
        "https://gıthub.com/",
        "https://github.com./",
        "github.com.",
        ".github.com",
        "https://user:pass@api.github.com/",
        "https://:pass@api.github.com/",
        "https://api.github.com:8443/",
        "https://api.github.com:/",
        "https://api.github.com:0443/",
        "https://api.github.com:+443/",
        "http://api.github.com/",
        "ftp://api.github.com/",
        "//api.github.com/",
        "http://2130706433:8080/",
        "http://0x7f.0.0.1:8080/",
        "http://127.1:8080/",
        "http://127.0.0.1:8081/",
        "https://127.0.0.1:8080/",
        "http://[::ffff:127.0.0.1]:8080/",
        "https://www.googleapis.com/gmail/../drive/v3",
        "https://www.googleapis.com/gmail%2f..%2fdrive",
        "https://www.googleapis.com//gmail",
        "https://www.googleapis.com/gmailx",
        "https://www.googleapis.com/Gmail",
    ] {
        let got = world.run(&["token", place]);
        assert!(matches!(got.code, Some(2 | 3)) && got.stdout.is_empty(), "{place}: {got:?}");
        assert!(!got.stderr.contains(":pass"), "a password in a URL is not shown: {got:?}");
    }
    for request in [
        "protocol=http\nhost=github.com",
        "protocol=https\nhost=github.com.",
        "protocol=https\nhost=evilgithub.com",
        "protocol=https\nhost=github.com.evil.net",
        "protocol=https\nhost=github.com@evil.net",
        "protocol=https\nhost=github.com:8443",
        "protocol=https\nhost=GITHUB%2ecom",
        "protocol=https\nhost=github.com\\evil.net",
        "protocol=https\nhost=git\thub.com",
        "protocol=https\nhost=github.com/evil",
        "protocol=https\nhost=ｇithub.com",
        "protocol=https\nhost=api.github.com",
        "protocol=cert\nhost=github.com",
    ] {
        let got = world.helper("get", &format!("{request}\n\n")).ok();
        assert_eq!(got.stdout, "", "{request}");
    }
    assert_eq!(world.sandbox.counts().tcp_connections, 0);
}

#[test]
fn the_environments_own_host_is_nobodys() {
    let world = World::new();
    let own = world.sandbox.url().strip_prefix("https://").unwrap();
    says(&world.run(&["config", "x", "conn", "--host", own]).exit(2), &["environment's own host"]);
    assert!(!world.config_file("connections.json").exists());
    world.write_connections(&json!({"x": {"connection_name": "conn", "hosts": [own]}}).to_string());
    says(&world.run(&["token", world.sandbox.url()]).exit(3), &["environment's own host"]);
    let asks = |host: &str| world.helper("get", &format!("protocol=https\nhost={host}\n\n")).ok().stdout;
    assert_eq!(asks(own), "");
    // Stored environments count too, also under a pattern and on another port.
    let stored = json!({"version": 1, "environments": {"prod": {"url": "https://auth.acme.com", "client_id": "skc_1", "home": "keyring"}}});
    std::fs::write(world.config_file("config.json"), stored.to_string()).unwrap();
    world.write_connections(
        &json!({"x": {"connection_name": "c", "hosts": ["*.acme.com", "auth.acme.com:444"]}}).to_string(),
    );
    for place in ["https://auth.acme.com/", "https://AUTH.acme.com:444/"] {
        says(&world.run(&["token", place]).exit(3), &["environment's own host"]);
    }
    assert_eq!((asks("auth.acme.com"), asks("auth.acme.com:444")), (String::new(), String::new()));
    assert!(world.ok(&["which", "https://git.acme.com/"]).stdout.contains("service      x"));
    assert_eq!(world.sandbox.counts().tcp_connections, 0);
}

/// Runs `token` with and without `--json` and holds both to the documented form of failures.
fn fails(world: &World, place: &str, exit: i32, code: &str, words: &[&str]) {
    let got = world.run(&["token", place]).exit(exit);
    assert_eq!(got.stdout, "", "{got:?}");
    says(&got, words);
    let got = world.run(&["token", place, "--json"]).exit(exit);
    let object: Value = serde_json::from_str(&got.stdout).unwrap_or_else(|error| panic!("{error}: {got:?}"));
    let message = object["message"].as_str().unwrap();
    assert!(words.iter().all(|word| message.contains(word)), "{words:?}: {object}");
    assert_eq!(object, json!({"version": 1, "status": "error", "code": code, "message": message}));
    assert_eq!((got.stdout.lines().count(), got.stdout.ends_with('\n')), (1, true));
}

#[test]
fn every_failure_has_its_exit_code_and_its_json() {
    let mut world = two_services();
    fails(&world, "Not A Service", 2, "usage", &["neither a service, a host nor a URL"]);
    // The first of the skill's three errors.
    fails(&world, "slack", 3, "not_configured", &["the service slack is not configured", "scalekit-auth config slack"]);
    fails(&world, "https://example.com/", 3, "not_configured", &["https://example.com", "scalekit-auth config"]);
    world.control(Control::RotateClientSecret { secret: "another".into() });
    fails(&world, "github", 6, "vault_refused", &["client credentials were refused", "scalekit-auth login"]);
    world.ok(&["config", "github-two", "github_y"]);
    fails(&world, "github.com", 8, "ambiguous", &["github, github-two"]);
    let url = world.sandbox.url().to_owned();
    world.credentials_in_variables = false;
    // The second: it names the three values and where to find them.
    let three = ["environment URL, client id and client secret", "Settings > API credentials", "scalekit-auth login"];
    fails(&world, "github", 3, "not_configured", &three);
    let stored =
        json!({"version": 1, "environments": {"default": {"url": url, "client_id": "skc_1", "home": "keyring"}}});
    std::fs::write(world.config_file("config.json"), stored.to_string()).unwrap();
    fails(&world, "github", 4, "no_keyring", &["keyring", "SCALEKIT_CLIENT_SECRET"]);
}

#[test]
fn an_unreachable_vault_is_7() {
    let world = two_services();
    world.control(Control::FailNext {
        route: None,
        times: 100,
        status: 503,
        error_code: None,
        body: None,
        retry_after: None,
    });
    fails(&world, "github", 7, "vault_unreachable", &["unavailable (status 503)", "status --check"]);
}

#[test]
fn authorization_needed_is_5_with_the_link_its_expiry_and_the_next_command() {
    // The third of the skill's three errors.
    let world = two_services();
    let (connection, identifier) = ("gmail_x".into(), "ada".into());
    world.control(Control::SetStatus { connection, identifier, status: "EXPIRED".into() });
    let got = world.run(&["token", "gmail"]).exit(5);
    assert_eq!(got.stdout, "");
    says(&got, &["authorization needed for gmail (identifier ada)", "/magicLink/", "(valid until 2", "connect gmail"]);
    let connect = world.ok(&["connect", "gmail", "--no-wait"]);
    assert!(connect.stdout.contains("/magicLink/") && connect.stderr.is_empty(), "{connect:?}");
}

#[test]
fn user_name_and_password_are_no_token_and_name_what_can_use_them() {
    let world = two_services();
    let details = json!({"username": "ada", "password": "marked"});
    let credential = scalekit_sandbox::Credential::StaticAuth { details: details.as_object().unwrap().clone() };
    world.seed_account("github_x", credential, None);
    fails(&world, "github", 2, "usage", &["a user name and a password, not a token", "credential.helper scalekit"]);
    assert!(!world.run(&["token", "github", "--json"]).stdout.contains("marked"));
}

#[test]
fn a_part_of_the_variables_is_an_error_before_any_request() {
    let world = two_services();
    for name in ["SCALEKIT_ENV_URL", "SCALEKIT_CLIENT_ID", "SCALEKIT_CLIENT_SECRET"] {
        let got = finish(world.command(EXE).args(["token", "github"]).env_remove(name), "").exit(3);
        says(&got, &["incomplete", &format!("{name} is not")]);
    }
    assert_eq!(world.sandbox.counts().tcp_connections, 0);
}

#[test]
fn help_is_there_for_every_command_and_wrong_usage_is_2() {
    let world = World::new();
    for command in [
        "login",
        "logout",
        "status",
        "config",
        "list",
        "remove",
        "token",
        "connect",
        "which",
        "git-credential",
        "sync",
        "use",
        "header",
        "exec",
        "curl",
        "disconnect",
    ] {
        for args in [&[command, "--help"][..], &["help", command], &[command, "-h"]] {
            let got = world.ok(args);
            assert!(got.stdout.contains("Usage: ") && got.stderr.is_empty(), "{args:?}: {got:?}");
        }
        let got = world.run(&[command, "--no-such-option"]).exit(2);
        assert!(got.stdout.is_empty() && got.stderr.contains("--no-such-option"), "{got:?}");
    }
    let help = world.ok(&["--help"]);
    assert!(help.stdout.contains("Exit codes: 0 done") && help.stderr.is_empty(), "{help:?}");
    assert!(world.ok(&["--version"]).stdout.starts_with("scalekit-auth "));
    for args in [&[][..], &["nonsense"], &["token"], &["which"], &["remove"], &["connect"], &["token", "a", "b"]] {
        let got = world.run(args).exit(2);
        assert!(got.stdout.is_empty() && (args.len() == 3 || got.stderr.contains("Usage: ")), "{args:?}: {got:?}");
    }
    assert_eq!(world.sandbox.counts().tcp_connections, 0);
}

#[test]
fn an_answer_that_cannot_be_written_has_the_exit_status_of_its_protocol() {
    let world = two_services();
    for (helper, input, code) in [
        ("git-credential-scalekit", "protocol=https\nhost=github.com\n\n", 0),
        ("docker-credential-scalekit", "ghcr.io", 1),
        ("bazel-scalekit", r#"{"uri":"https://github.com/a"}"#, 1),
    ] {
        let mut shell = world.command("sh");
        let got = finish(shell.args(["-c", &format!("exec {helper} get >/dev/full")]), input).exit(code);
        assert!(got.stderr.contains("the output cannot be written"), "{helper}: {got:?}");
    }
}
