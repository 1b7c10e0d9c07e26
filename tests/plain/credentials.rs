//! Whatever an account holds becomes the headers that its provider wants.

use std::path::Path;

use crate::common;
use common::World;
use scalekit_sandbox::{Control, Credential};
use serde_json::{Value, json};

/// What an account holds, as the vault returns it, and the lines that come of it.
const ACCOUNTS: &[(&str, &str, &str)] = &[
    ("datadog", r#"{"api_key":"K","app_key":"A"}"#, "DD-API-KEY: K\nDD-APPLICATION-KEY: A\n"),
    ("clari_copilot", r#"{"api_password":"P","api_key":"K"}"#, "X-Api-Key: K\nX-Api-Password: P\n"),
    ("freshdesk", r#"{"domain":"acme.freshdesk.com","username":"K"}"#, "Authorization: Basic SzpY\n"),
    ("freshdesk", r#"{"domain":"acme.freshdesk.com","api_key":"K"}"#, "Authorization: Basic SzpY\n"),
    ("zendesk", r#"{"username":"me","password":"K"}"#, "Authorization: Basic bWUvdG9rZW46Sw==\n"),
    ("zendesk", r#"{"username":"me","api_key":"K"}"#, "Authorization: Basic bWUvdG9rZW46Sw==\n"),
    ("devinmcp", r#"{"username":"K"}"#, "Authorization: Bearer K\n"),
    ("chilipipermcp", r#"{"username":"K"}"#, "Authorization: Bearer K\n"),
    ("lushamcp", r#"{"username":"K"}"#, "x-api-key: K\n"),
    ("leadiq", r#"{"username":"K"}"#, "Authorization: Basic Szo=\n"),
    ("brave", r#"{"api_key":"K","version":"v1","domain":""}"#, "X-Subscription-Token: K\n"),
    ("notion", r#"{"integration_secret":"K"}"#, "Authorization: Bearer K\n"),
];

/// A provider that somebody added to the environment: its pattern, the type of its connection, what the account holds, the line.
const PATTERNS: &[(&str, &str, &str, &str)] = &[
    (
        r#"{"type":"BASIC","auth_field_mutations":{"password":{"default":"X"}}}"#,
        "BASIC",
        r#"{"username":"K"}"#,
        "Authorization: Basic SzpY",
    ),
    (
        r#"{"type":"BASIC","auth_field_mutations":{"username":{"suffix":"/token"}}}"#,
        "BASIC",
        r#"{"username":"me","password":"X"}"#,
        "Authorization: Basic bWUvdG9rZW46WA==",
    ),
    (
        r#"{"type":"BASIC","auth_field_mutations":{"password":{"default":"D","prefix":"p","suffix":"s"}}}"#,
        "BASIC",
        r#"{"username":"u"}"#,
        "Authorization: Basic dTpwRHM=",
    ),
    (r#"{"type":"BEARER","auth_header_key_override":"x-token"}"#, "BEARER", r#"{"token":"T"}"#, "x-token: Bearer T"),
    (
        r#"{"type":"BEARER","auth_field_mutations":{"token":{"prefix":"tok_"}}}"#,
        "BEARER",
        r#"{"token":"T"}"#,
        "Authorization: Bearer tok_T",
    ),
    (
        r#"{"type":"API_KEY","auth_field_mutations":{"api_key":{"suffix":":x"}}}"#,
        "API_KEY",
        r#"{"api_key":"K"}"#,
        "Authorization: K:x",
    ),
    (
        r#"{"type":"API_KEY","auth_header_key_override":"x-api-key","auth_field_mutations":{"api_key":{"prefix":"Key "}}}"#,
        "API_KEY",
        r#"{"api_key":"K"}"#,
        "x-api-key: Key K",
    ),
    (
        r#"{"type":"API_KEY","auth_field_mutations":{"api_key":{"prefix":"Basic "}}}"#,
        "API_KEY",
        r#"{"api_key":"SzpY"}"#,
        "Authorization: Basic SzpY",
    ),
];

fn stored(fields: &str) -> Credential {
    let fields: Value = serde_json::from_str(fields).unwrap();
    Credential::StaticAuth { details: fields.as_object().unwrap().clone() }
}

/// A service of this name whose account holds `credential`.
fn service(world: &World, name: &str, credential: Credential) {
    let connection = format!("{name}-x");
    world.control(Control::connection(&connection, name.to_uppercase()));
    world.seed_account(&connection, credential, None);
    world.ok(&["config", name, &connection, "--identifier", "ada"]);
}

#[test]
fn the_fields_become_the_headers_of_the_provider() {
    for (name, fields, lines) in ACCOUNTS {
        let world = World::new();
        service(&world, name, stored(fields));
        assert_eq!(world.ok(&["header", name]).stdout, *lines, "{name} {fields}");
        let told: Value = serde_json::from_str(&world.ok(&["header", name, "--json"]).stdout).unwrap();
        let wanted = lines.lines().map(|line| line.split_once(": ").unwrap());
        let wanted: Value = wanted.map(|(name, value)| (name.to_owned(), json!(value))).collect();
        assert_eq!(told["headers"], wanted, "{name}");
    }
}

#[test]
fn a_custom_providers_rules_are_applied_in_their_order() {
    for (pattern, kind, fields, line) in PATTERNS {
        let world = World::new();
        let pattern: Value = serde_json::from_str(pattern).unwrap();
        custom(&world, &pattern, kind, fields);
        assert_eq!(world.ok(&["header", "acme"]).stdout, format!("{line}\n"), "{pattern}");
    }
}

/// The service `acme` of a provider of the environment's own, found by `sync`, whose host the account names.
fn custom(world: &World, pattern: &Value, kind: &str, fields: &str) {
    let provider = json!({"op": "seed_provider", "identifier": "ACME", "is_custom": true,
        "proxy_url": "https://{{domain}}/api", "auth_patterns": [pattern]});
    let connection = json!({"op": "seed_connection", "name": "acme", "provider": "ACME", "kind": kind, "enabled": true,
        "status": "COMPLETED"});
    for control in [provider, connection] {
        world.order(control);
    }
    let mut fields: Value = serde_json::from_str(fields).unwrap();
    fields["domain"] = "api.acme.example.com".into();
    world.control(
        serde_json::from_value(json!({"op": "seed_account", "connection": "acme", "identifier": "agent",
        "credential": {"kind": "static_auth", "details": fields}}))
        .unwrap(),
    );
    world.ok(&["sync"]);
}

#[test]
fn the_host_that_such_an_account_names_is_learned_with_its_token() {
    let (pattern, kind, fields, line) = PATTERNS[0];
    let world = World::new();
    custom(&world, &serde_json::from_str(pattern).unwrap(), kind, fields);
    world.ok(&["header", "acme"]);
    assert_eq!(world.ok(&["header", "https://api.acme.example.com/api/x"]).stdout, format!("{line}\n"));
}

#[test]
fn what_the_account_lacks_is_named() {
    let world = World::new();
    service(&world, "datadog", stored(r#"{"api_key":"K","dd_site":"datadoghq.eu"}"#));
    let got = world.run(&["header", "datadog"]).exit(6);
    assert_eq!(got.stdout, "");
    assert!(got.stderr.contains("app_key") && got.stderr.contains("connect datadog"), "{got:?}");
}

#[test]
fn what_cannot_be_sent_is_no_reason_to_send_something_else() {
    for (fields, kind) in [
        (r#"{"client_email":"x@y","private_key":"-----\nSECRET\n---"}"#, "API_KEY"),
        (r#"{"username":"u","private_key":"-----\nSECRET\n---"}"#, "API_KEY"),
        (r#"{"login":"me","secret":"S\nT"}"#, "API_KEY"),
        (r#"{"username":"","password":"p"}"#, "BASIC"),
        (r#"{"username":12345,"password":"p"}"#, "BASIC"),
        (r#"{"username":"a:b","password":"c"}"#, "BASIC"),
    ] {
        let world = World::new();
        custom(&world, &json!({"type": "OAUTH"}), kind, fields);
        let got = world.run(&["header", "acme"]);
        assert!(got.code == Some(6) && got.stdout.is_empty(), "{fields}: {got:?}");
    }
}

#[test]
fn a_pattern_that_cannot_be_read_is_told_and_stops_nothing() {
    for patterns in [
        json!([null]),
        json!([7]),
        json!([{"type": "API_KEY", "fields": {"a": 1}}]),
        json!([{"type": "API_KEY", "auth_header_key_override": "Host"}]),
    ] {
        let world = World::new();
        world.order(json!({"op": "seed_provider", "identifier": "EVIL", "is_custom": true, "auth_patterns": patterns,
            "proxy_url": "https://api.evil.example.com"}));
        world.order(json!({"op": "seed_connection", "name": "evil-x", "provider": "EVIL", "kind": "API_KEY"}));
        world.connection("github-x", "GITHUB");
        let got = world.ok(&["sync"]);
        assert!(got.stderr.contains("auth_patterns"), "{patterns}: {got:?}");
        assert!(world.ok(&["list"]).stdout.contains("github"));
    }
}

#[test]
fn a_call_that_comes_first_and_signed_requests_are_said_to_be_that() {
    let world = World::new();
    service(&world, "tableau", stored(r#"{"pat_name":"n","pat_secret":"s","site_content_url":"x"}"#));
    let got = world.run(&["header", "tableau"]).exit(6);
    assert!(got.stderr.contains("sign-in"), "{got:?}");
    world.control(
        serde_json::from_value(json!({"op": "seed_account", "connection": "tableau-x", "identifier": "ada",
        "authorization_type": "TRELLO_OAUTH1", "credential": {"kind": "oauth_token", "access_token": "T"}}))
        .unwrap(),
    );
    let got = world.run(&["header", "tableau"]).exit(6);
    assert!(got.stderr.contains("OAuth 1.0a"), "{got:?}");
}

#[test]
fn protocols_with_room_for_one_value_say_which_headers_there_are() {
    let world = World::new();
    service(&world, "datadog", stored(r#"{"api_key":"K","app_key":"A"}"#));
    world.ok(&["config", "datadog", "datadog-x", "--identifier", "ada", "--host", "git.acme.com"]);
    let both = |text: &str| text.contains("DD-API-KEY") && text.contains("DD-APPLICATION-KEY");
    let got = world.run(&["token", "datadog"]).exit(6);
    assert!(got.stdout.is_empty() && both(&got.stderr), "{got:?}");
    let got = world.helper("get", "protocol=https\nhost=git.acme.com\n\n");
    assert!(!got.stdout.contains('K') && both(&got.stderr), "{got:?}");
}

/// The lines of a case file that stands beside the checkout, where there is one.
fn cases(name: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/cases").join(name);
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
}

#[test]
fn every_case_of_an_account_gives_the_wanted_headers() {
    let mut wrong = Vec::new();
    for case in cases("headers.tsv") {
        let columns: Vec<&str> = case.split('\t').collect();
        let [name, fields, _, wanted, state, ..] = columns[..] else { panic!("{case}") };
        let world = World::new();
        service(&world, name, if fields == "null" { common::oauth("T") } else { stored(fields) });
        let got = world.run(&["header", name]);
        let lines: Vec<&str> = got.stdout.lines().collect();
        let wanted: Vec<&str> = wanted.split(" | ").collect();
        // Where one form came out before, the others are as good; else all are lines of one request.
        let is_right = match wanted[..] {
            [one] if one.contains('<') => got.stderr.contains("sign-in"),
            _ if state == "ok" => lines.len() == 1 && wanted.contains(&lines[0]),
            _ => lines == wanted,
        };
        if !is_right {
            wrong.push(format!("{name} {fields}: {lines:?} instead of {wanted:?}, {}", got.stderr));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
