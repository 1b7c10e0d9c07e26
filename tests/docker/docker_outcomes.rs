//! What docker's helper says when there is no token, when a token is refused or brought back, and when nobody listens.

use crate::common;
use std::fs;
use std::net::TcpListener;
use std::process::Stdio;

use common::docker::{HELPER, NOT_FOUND, TOKEN, answer, ask, get, is, is_not_found_because, is_silent, world};
use common::user::AUTH;
use common::{World, files_below, finish};
use scalekit_sandbox::{Control, Credential};

#[test]
fn every_failure_on_a_registry_of_ours_is_not_found_and_one_line_with_the_next_command() {
    let mut world = world();
    let set_status = |world: &World, status: &str| {
        let (connection, identifier) = ("github-x".into(), "ada".into());
        world.control(Control::SetStatus { connection, identifier, status: status.into() });
    };
    for status in ["EXPIRED", "PENDING_AUTH", "PENDING_VERIFICATION", "DISCONNECTED", "NEW"] {
        set_status(&world, status);
        let words = ["authorization needed for github (identifier ada)", "/magicLink/", "connect github"];
        is_not_found_because(&get(&world, "ghcr.io"), &words);
    }
    set_status(&world, "ACTIVE");
    for credential in [Credential::Withheld, Credential::TrustedIdp { db_user: "ada".into() }, Credential::NoAuth] {
        world.seed_account("github-x", credential, None);
        is_not_found_because(&get(&world, "ghcr.io"), &["the vault has no token for github"]);
    }
    world.seed("github-x", "GITHUB", TOKEN);
    let fail = |status, body: Option<&str>| Control::FailNext {
        route: None,
        times: 100,
        status,
        error_code: None,
        body: body.map(str::to_owned),
        retry_after: None,
    };
    for (control, word) in [
        (fail(503, None), "status --check"),
        (fail(500, Some("canary")), "vault"),
        (fail(403, Some("{\"message\":\"no\"}")), "403"),
        (Control::Garbage { route: None, times: 100, body: "{\"canary\":1}".into() }, "vault"),
        (Control::Truncate { route: None, times: 100 }, "vault"),
        (Control::RateLimit { route: None, times: 100, retry_after: Some("3600".into()) }, "vault"),
    ] {
        world.control(Control::Reset);
        world.seed("github-x", "GITHUB", TOKEN);
        world.control(control);
        is_not_found_because(&get(&world, "ghcr.io"), &[word]);
    }
    world.control(Control::Reset);
    world.seed("github-x", "GITHUB", TOKEN);
    let partial = finish(world.command(HELPER).arg("get").env_remove("SCALEKIT_CLIENT_SECRET"), "ghcr.io");
    is_not_found_because(&partial, &["incomplete", "SCALEKIT_CLIENT_SECRET is not"]);
    world.ok(&["config", "github-two", "github_y"]);
    is_not_found_because(&get(&world, "ghcr.io"), &["github, github-two"]);
    world.ok(&["remove", "github-two"]);
    world.credentials_in_variables = false;
    is_not_found_because(&get(&world, "ghcr.io"), &["client credentials", "scalekit-auth login"]);
    world.write_connections("{\"github\": oops");
    is_not_found_because(&get(&world, "ghcr.io"), &["connections.json", "line 1"]);
}

#[test]
fn an_unreachable_or_silent_vault_ends_in_not_found_within_the_time_of_a_call() {
    let world = world();
    let dead = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut helper = world.command(HELPER);
    helper.arg("get").env("SCALEKIT_ENV_URL", format!("https://{dead}"));
    is_not_found_because(&finish(&mut helper, "ghcr.io"), &["vault"]);
    world.control(Control::Delay { route: None, times: 1, millis: 60_000 });
    is_not_found_because(&get(&world, "ghcr.io"), &["vault"]);
}

#[test]
fn a_token_past_its_expiry_is_answered_with_a_warning() {
    let world = world();
    world.seed_account("github-x", common::oauth(TOKEN), Some(-100));
    let got = get(&world, "ghcr.io");
    is(&got, &answer("ghcr.io", "x-access-token", TOKEN), 0);
    assert_eq!(got.stderr, "scalekit-auth: the token of github is past its expiry, though its account is ACTIVE\n");
}

#[test]
fn a_token_that_git_saw_refused_is_not_answered_at_that_host() {
    let world = world();
    world.ok(&["config", "forge", "github-x", "--identifier", "ada", "--host", "git.acme.com"]);
    let request = "protocol=https\nhost=git.acme.com\n";
    assert!(world.helper("get", &format!("{request}\n")).ok().stdout.contains(TOKEN));
    world.helper("erase", &format!("{request}password={TOKEN}\n\n")).ok();
    is_not_found_because(
        &get(&world, "git.acme.com"),
        &["git.acme.com refused the token of forge", "connect forge --renew"],
    );
    is_silent(&get(&world, "ghcr.io"), &answer("ghcr.io", "x-access-token", TOKEN), 0);
    let (connection, identifier) = ("github-x".into(), "ada".into());
    world.control(Control::SetToken { connection, identifier, token: "gho_new".into(), expires_in: None });
    is_silent(&get(&world, "git.acme.com"), &answer("git.acme.com", "x-access-token", "gho_new"), 0);
}

#[test]
fn store_succeeds_only_with_the_token_of_that_registry() {
    let world = world();
    let store = |input: &str| ask(&world, &["store"], input);
    let ours = answer("ghcr.io", "x-access-token", TOKEN);
    is_silent(&store(&ours), "", 0);
    let (asked, _) = (world.count(AUTH), get(&world, "ghcr.io").ok());
    is_silent(&store(&ours), "", 0);
    assert_eq!(world.count(AUTH), asked + 1, "what was answered is known by its fingerprint");
    is_silent(&store(&answer("https://ghcr.io/v2/", "x-access-token", TOKEN)), "", 0);
    for (input, words) in [
        (
            answer("ghcr.io", "me", "canary-pw"),
            &["nothing was stored", "(service github)", "config github CONNECTION", "remove ghcr.io"][..],
        ),
        (answer("quay.io", "me", "canary-pw"), &["nothing was stored", "--host quay.io", "remove quay.io"]),
        (answer("quay.io", "x-access-token", TOKEN), &["nothing was stored", "--host quay.io"]),
        (answer("user:canary@ghcr.io", "me", "canary-pw"), &["nothing was stored", "not a plain registry host"]),
        ("canary".into(), &["nothing was stored", "JSON"]),
        (String::new(), &["nothing was stored", "JSON"]),
        ("{\"ServerURL\":\"ghcr.io\",\"Username\":\"me\"}".into(), &["nothing was stored", "JSON"]),
        ("{\"ServerURL\":\"ghcr.io\",\"Username\":\"me\",\"Secret\":{\"canary\":1}}".into(), &["JSON"]),
        (ours.replacen('{', "{\"ServerURL\":\"quay.io\",", 1), &["JSON"]),
        (ours.replacen('{', &format!("{{\"Secret\":\"{TOKEN}\","), 1), &["JSON"]),
        (answer("ghcr.io", "me", &"canary".repeat(20_000)), &["nothing was stored", "too long"]),
    ] {
        let got = store(&input);
        assert_eq!((got.code, got.stderr.as_str(), got.stdout.lines().count()), (Some(1), "", 1), "{got:?}");
        assert!(got.stdout.starts_with("scalekit-auth: ") && !got.stdout.contains("canary"), "{got:?}");
        for word in words {
            assert!(got.stdout.contains(word), "{word}: {got:?}");
        }
    }
    for file in files_below(world.home.path()) {
        let content = fs::read(&file).unwrap();
        assert!(!content.windows(6).any(|window| window == b"canary"), "{}", file.display());
    }
}

#[test]
fn without_a_place_to_remember_tokens_are_answered_and_acknowledged() {
    let world = world();
    let ours = answer("ghcr.io", "x-access-token", TOKEN);
    let ask = |action: &str, input: &str| {
        let mut helper = world.command(HELPER);
        // No directory that is ours alone.
        helper.arg(action).env("XDG_RUNTIME_DIR", "/proc");
        finish(&mut helper, input)
    };
    is_silent(&ask("get", "ghcr.io"), &answer("ghcr.io", "x-access-token", TOKEN), 0);
    is_silent(&ask("store", &ours), "", 0);
    assert_eq!(ask("store", &answer("ghcr.io", "x", "canary")).code, Some(1));
}

#[test]
fn a_store_that_stores_nothing_can_be_made_no_failure() {
    let world = world();
    let store = |value: &str, secret: &str| {
        let mut helper = world.command(HELPER);
        helper.arg("store").env("SCALEKIT_AUTH_IGNORE_STORE", value);
        finish(&mut helper, &answer("ghcr.io", "me", secret))
    };
    for value in ["1", "true", "yes"] {
        is_silent(&store(value, "canary-pw"), "", 0);
    }
    for value in ["", "0", "false"] {
        assert_eq!(store(value, "canary-pw").code, Some(1));
    }
    for file in files_below(world.home.path()) {
        let content = fs::read(&file).unwrap();
        assert!(!content.windows(6).any(|window| window == b"canary"), "{}", file.display());
    }
}

#[test]
fn a_client_that_does_not_listen_to_stderr_gets_its_answer_all_the_same() {
    let world = world();
    world.ok(&["config", "github-two", "github_y"]);
    let mut helper = world.command(HELPER);
    helper.arg("get").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut helper = helper.spawn().unwrap();
    drop(helper.stderr.take());
    std::io::Write::write_all(&mut helper.stdin.take().unwrap(), b"ghcr.io").unwrap();
    is(&helper.wait_with_output().unwrap().into(), NOT_FOUND, 1);
}
