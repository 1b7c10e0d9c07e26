//! What the vault says about a connected account, and what becomes of it: tokens, expiry, consent.

use crate::common::{Finished, World, oauth};
use scalekit_sandbox::{Absent, Control, Credential};
use serde_json::{Value, json};

const TOKEN: &str = "POST /oauth/token";
const AUTH: &str = "GET /api/v1/connected_accounts/auth";
const CREATE: &str = "POST /api/v1/connected_accounts";
const LINK: &str = "POST /api/v1/connected_accounts/magic_link";
const ASK_GITHUB: &str = "protocol=https\nhost=github.com\n\n";

/// A world with the service `github`, whose account `ada` is ACTIVE.
fn github() -> World {
    let world = World::new();
    world.seed("github_x", "GITHUB", "gho_one");
    world.write_connections(r#"{"github": {"connection_name": "github_x", "identifier": "ada"}}"#);
    world
}

/// Replaces the account's credential.
fn seed(world: &World, status: &str, credential: Credential, expires_at: Option<&str>) {
    world.control(Control::SeedAccount {
        connection: "github_x".into(),
        identifier: "ada".into(),
        status: status.into(),
        credential,
        expires_in: None,
        expires_at: expires_at.map(str::to_owned),
        authorization_type: None,
        api_config: None,
    });
}

fn stored(details: Value) -> Credential {
    Credential::StaticAuth { details: details.as_object().unwrap().clone() }
}

/// Runs `check` for every way in which the vault writes absent fields: left out, and six replies that go through the
/// spellings of zero.
fn in_every_spelling(world: &World, check: impl Fn()) {
    check();
    world.control(Control::SetAbsent { mode: Absent::Empty });
    for round in 0..6 {
        if round == 3 {
            // An odd number of replies, so that fields with two spellings get their turn too.
            world.run(&["token", "github", "--identifier", "nobody"]).exit(5);
        }
        check();
    }
    world.control(Control::SetAbsent { mode: Absent::Missing });
}

fn json_of(finished: &Finished) -> Value {
    serde_json::from_str(&finished.stdout).unwrap_or_else(|error| panic!("{error}: {finished:?}"))
}

#[test]
fn a_cold_token_costs_one_tls_connection_and_two_requests() {
    for mode in [Absent::Missing, Absent::Empty] {
        let world = github();
        world.control(Control::SetAbsent { mode });
        let got = world.ok(&["token", "github"]);
        assert_eq!((got.stdout.as_str(), got.stderr.as_str()), ("gho_one\n", ""));
        let counts = world.sandbox.counts();
        assert_eq!((counts.tcp_connections, counts.tls_connections), (1, 1));
        assert_eq!(counts.routes, [(TOKEN.to_owned(), 1), (AUTH.to_owned(), 1)].into());
        for request in world.sandbox.requests() {
            assert!(request.authorization_ok, "{request:?}");
            assert!(request.user_agent.as_deref().is_some_and(|name| name.starts_with("scalekit-auth/")));
        }
    }
}

#[test]
fn the_json_object_has_the_documented_form_and_a_margin_before_the_expiry() {
    let world = github();
    seed(&world, "ACTIVE", oauth("gho_one"), Some("2099-01-01T00:00:30.987654321Z"));
    in_every_spelling(&world, || {
        let expected = r#"{"version":1,"status":"ok","service":"github","connection":"github_x","identifier":"ada","token":"gho_one","token_type":"Bearer","expires_at":"2098-12-31T23:59:30Z"}"#;
        assert_eq!(world.ok(&["token", "github", "--json"]).stdout, format!("{expected}\n"));
    });
}

#[test]
fn an_expiry_that_is_absent_or_within_the_margin_is_null() {
    let world = github();
    for expires_in in [None, Some(30)] {
        world.seed_account("github_x", oauth("gho_one"), expires_in);
        in_every_spelling(&world, || {
            let got = world.ok(&["token", "github", "--json"]);
            assert_eq!((json_of(&got)["expires_at"].clone(), got.stderr.as_str()), (Value::Null, ""));
            let answer = world.helper("get", ASK_GITHUB).ok();
            assert!(answer.stdout.contains("password=gho_one\n"), "{answer:?}");
            assert!(!answer.stdout.contains("password_expiry_utc"), "{answer:?}");
        });
    }
}

#[test]
fn an_active_account_past_its_expiry_is_handed_out_with_a_warning_and_without_expiry() {
    let world = github();
    world.seed_account("github_x", oauth("gho_old"), Some(-5));
    let got = world.ok(&["token", "github"]);
    assert_eq!(got.stdout, "gho_old\n");
    assert!(got.stderr.contains("past its expiry") && got.stderr.lines().count() == 1, "{got:?}");
    assert_eq!(json_of(&world.ok(&["token", "github", "--json"]))["expires_at"], Value::Null);
    let answer = world.helper("get", ASK_GITHUB).ok();
    assert!(answer.stdout.contains("password=gho_old\n") && !answer.stdout.contains("expiry"), "{answer:?}");
    assert!(answer.stderr.contains("past its expiry"), "{answer:?}");
    assert_eq!(world.count(LINK), 0);
}

#[test]
fn every_kind_of_credential_that_holds_a_token_gives_it() {
    let world = github();
    let dwd = |expires_in| Credential::GoogleDwd {
        subject: "ada@example.com".into(),
        access_token: "ya29.dwd".into(),
        scopes: vec![],
        expires_in,
    };
    for (credential, token, token_type) in [
        (oauth("gho_two"), "gho_two", "Bearer"),
        (dwd(None), "ya29.dwd", "Bearer"),
        (dwd(Some(7200)), "ya29.dwd", "Bearer"),
        (stored(json!({"token": "pat_1"})), "pat_1", "Bearer"),
        (stored(json!({"bearer_token": "pat_2", "domain": "acme"})), "pat_2", "Bearer"),
        (stored(json!({"api_key": "key_3"})), "key_3", "ApiKey"),
    ] {
        world.seed_account("github_x", credential, None);
        in_every_spelling(&world, || {
            assert_eq!(world.ok(&["token", "github"]).stdout, format!("{token}\n"));
        });
        let got = json_of(&world.ok(&["token", "github", "--json"]));
        assert_eq!((&got["token"], &got["token_type"]), (&token.into(), &token_type.into()));
    }
}

#[test]
fn an_expiry_inside_of_google_dwd_counts() {
    let world = github();
    let credential = Credential::GoogleDwd {
        subject: "ada@example.com".into(),
        access_token: "ya29.dwd".into(),
        scopes: vec![],
        expires_in: Some(-5),
    };
    world.seed_account("github_x", credential, Some(3600));
    let got = world.ok(&["token", "github", "--json"]);
    assert_eq!(json_of(&got)["expires_at"], Value::Null);
    assert!(got.stderr.contains("past its expiry"), "{got:?}");
}

#[test]
fn every_account_without_a_token_says_why_in_words_of_its_own() {
    let world = github();
    for (credential, reason) in [
        (Credential::TrustedIdp { db_user: "app".into() }, "trusted identity provider"),
        (Credential::NoAuth, "needs no authentication"),
        (Credential::Withheld, "does not return this account's credentials"),
        (stored(json!({"domain": "acme"})), "does not return this account's credentials"),
    ] {
        world.seed_account("github_x", credential, None);
        in_every_spelling(&world, || {
            let got = world.run(&["token", "github", "--json"]).exit(6);
            let object = json_of(&got);
            assert_eq!((&object["status"], &object["code"]), (&"error".into(), &"vault_refused".into()));
            assert!(got.stderr.contains(reason), "{reason}: {got:?}");
            assert!(object["message"].as_str().unwrap().contains(reason), "{object}");
        });
    }
    assert_eq!(world.run(&["token", "github"]).exit(6).stdout, "");
}

#[test]
fn user_name_and_password_go_to_git_as_they_are() {
    let world = github();
    let password = "p w\t=ä\u{1f511}";
    world.seed_account("github_x", stored(json!({"username": "ada@example.com", "password": password})), None);
    let answer = world.helper("get", ASK_GITHUB).ok();
    assert!(answer.stdout.contains(&format!("username=ada@example.com\npassword={password}\n")), "{answer:?}");
}

#[test]
fn what_could_split_a_line_or_a_header_is_refused_and_never_shown() {
    let world = github();
    for token in ["marked b", "marked\tb", "marked\nhost=evil.net", "marked\r", "markedä", "marked\u{7f}", "marked\0"]
    {
        for credential in [oauth(token), stored(json!({"token": token})), stored(json!({"api_key": token}))] {
            world.seed_account("github_x", credential, None);
            let got = world.run(&["token", "github"]).exit(6);
            assert_eq!(got.stdout, "");
            assert!(got.stderr.contains("cannot be sent") && !got.stderr.contains("marked"), "{got:?}");
        }
    }
    for password in ["marked\nhost=evil.net", "marked\r", "marked\0"] {
        for details in
            [json!({"username": "ada", "password": password}), json!({"username": password, "password": "p"})]
        {
            world.seed_account("github_x", stored(details), None);
            let got = world.helper("get", ASK_GITHUB).ok();
            assert_eq!((got.stdout.as_str(), got.stderr.lines().count()), ("", 1), "{got:?}");
            assert!(got.stderr.contains("cannot be sent") && !got.stderr.contains("marked"), "{got:?}");
        }
    }
}

#[test]
fn every_other_status_needs_authorization_and_gives_the_link() {
    let world = github();
    for status in ["PENDING_AUTH", "EXPIRED", "PENDING_VERIFICATION", "DISCONNECTED", "CONNECTION_STATUS_UNSPECIFIED"] {
        // A token that is still there must not be handed out.
        seed(&world, status, oauth("gho_dead"), Some("2099-01-01T00:00:00Z"));
        let got = world.run(&["token", "github"]).exit(5);
        let link = format!("{}/magicLink/", world.sandbox.url());
        assert_eq!(got.stdout, "");
        assert!(got.stderr.contains(&link) && got.stderr.contains("valid until 2"), "{status}: {got:?}");
        let object = json_of(&world.run(&["token", "github", "--json"]).exit(5));
        let keys: Vec<_> = object.as_object().unwrap().keys().map(String::as_str).collect();
        let fixed = ["version", "status", "service", "connection", "identifier"];
        assert_eq!(keys, [&fixed[..], &["account_status", "link", "expires_at", "message"]].concat());
        for (key, value) in [
            ("version", 1.into()),
            ("status", "needs_authorization".into()),
            ("service", "github".into()),
            ("connection", "github_x".into()),
            ("identifier", "ada".into()),
            ("account_status", Value::from(status)),
        ] {
            assert_eq!(object[key], value, "{key}");
        }
        assert!(object["link"].as_str().unwrap().starts_with(&link), "{object}");
        assert!(object["expires_at"].as_str().unwrap().ends_with('Z'), "{object}");
        assert!(object["message"].as_str().unwrap().contains(object["link"].as_str().unwrap()), "{object}");
        let declined = world.helper("get", ASK_GITHUB).ok();
        assert_eq!((declined.stdout.as_str(), declined.stderr.lines().count()), ("", 1), "{declined:?}");
        assert!(declined.stderr.contains(&link) && !declined.stderr.contains("gho_dead"), "{declined:?}");
    }
}

#[test]
fn a_status_nobody_knows_yields_no_token() {
    let world = github();
    let details = r#""authorization_details":{"oauth_token":{"access_token":"gho_dead"}}"#;
    for status in [r#""status":"FROZEN","#, r#""status":"active","#, r#""status":7,"#, r#""status":null,"#, ""] {
        let body = format!(r#"{{"connected_account":{{{status}{details}}}}}"#);
        world.control(Control::Garbage { route: Some(AUTH.into()), times: 1, body });
        assert_eq!(world.run(&["token", "github"]).exit(5).stdout, "", "{status}");
    }
}

#[test]
fn an_active_account_is_never_asked_for_a_link() {
    let world = github();
    world.ok(&["token", "github"]);
    world.ok(&["token", "github", "--json"]);
    world.helper("get", ASK_GITHUB).ok();
    assert!(world.ok(&["connect", "github"]).stdout.contains("nothing to do"));
    assert_eq!(world.count(LINK), 0);
    assert!(world.ok(&["connect", "github", "--renew", "--no-wait"]).stdout.contains("/magicLink/"));
    assert_eq!(world.count(LINK), 1);
}

#[test]
fn a_missing_account_is_created_once_and_then_needs_authorization() {
    let world = github();
    let got = world.run(&["token", "github", "--identifier", "new"]).exit(5);
    assert!(got.stderr.contains("nobody has granted access yet"), "{got:?}");
    assert_eq!((world.count(CREATE), world.count(LINK), world.count(AUTH)), (1, 1, 1));
    world.run(&["token", "github", "--identifier", "new"]).exit(5);
    assert_eq!(world.count(CREATE), 1);
}

#[test]
fn an_account_that_another_created_in_the_meantime_is_read_again() {
    for as_status in [400, 409] {
        let world = github();
        let (connection, identifier) = ("github_x".into(), "new".into());
        world.control(Control::CreateRace { connection, identifier, as_status });
        let got = world.run(&["token", "github", "--identifier", "new"]).exit(5);
        assert!(got.stderr.contains("/magicLink/"), "{got:?}");
        assert_eq!((world.count(CREATE), world.count(AUTH)), (1, 2));
    }
}

#[test]
fn an_unknown_connection_names_the_dashboard() {
    let world = github();
    world.write_connections(r#"{"github": {"connection_name": "github_typo", "identifier": "ada"}}"#);
    let got = world.run(&["token", "github"]).exit(6);
    assert!(got.stderr.contains("Scalekit dashboard, AgentKit > Connections"), "{got:?}");
    assert_eq!((world.count(AUTH), world.count(CREATE), world.count(LINK)), (1, 1, 0));
}

#[test]
fn a_disabled_connection_is_told_as_such() {
    let world = github();
    world.control(Control::disabled_connection("github_x", "GITHUB"));
    let got = world.run(&["token", "github", "--identifier", "new"]).exit(6);
    assert!(got.stderr.contains("not enabled") && got.stderr.contains("dashboard"), "{got:?}");
    seed(&world, "EXPIRED", oauth("gho_dead"), None);
    let got = world.run(&["token", "github"]).exit(5);
    assert!(got.stderr.contains("not enabled"), "{got:?}");
}

#[test]
fn where_the_vault_gives_no_link_the_reason_is_told() {
    let world = github();
    seed(&world, "EXPIRED", oauth("gho_dead"), None);
    world.control(Control::RequireVerifyUrl { required: true });
    let got = world.run(&["token", "github", "--json"]).exit(5);
    let object = json_of(&got);
    assert_eq!((&object["status"], &object["link"]), (&"needs_authorization".into(), &Value::Null));
    assert_eq!(object["expires_at"], Value::Null);
    for text in [object["message"].as_str().unwrap(), &got.stderr] {
        assert!(text.contains("user_verify_url"), "{text}");
    }
    assert!(got.stderr.contains("scalekit-auth connect github"), "{got:?}");
    assert!(world.run(&["connect", "github", "--no-wait"]).exit(6).stderr.contains("user_verify_url"));
}
