//! Verifying the user, and deleting the account, in both ways of writing nothing.

use crate::common;

use std::time::{Duration, Instant};

use common::{AUTH_PATH, BOTH, Client, error_code, location};
use scalekit_sandbox::{Control, Sandbox, VerifyMode};
use serde_json::{Value, json};

const VERIFY: &str = "/api/v1/connected_accounts/user/verify";
const DELETE: &str = "/api/v1/connected_accounts:delete";
const URL: &str = "http://127.0.0.1:8765/cb";

/// Follows a new link for `identifier` and gives the id that came back.
fn consent(client: &Client, token: &str, identifier: &str) -> (String, String) {
    let link = client.link(token, identifier, json!({"user_verify_url": URL, "state": "s"}));
    let (_, query, _) = location(&client.get("", &link));
    (link, query[0].1.clone())
}

fn verify(client: &Client, token: &str, id: &str, identifier: &str) -> common::Got {
    client.post(token, VERIFY, json!({"auth_request_id": id, "identifier": identifier}))
}

#[test]
fn a_verified_account_is_active_and_the_request_is_good_once() {
    for absent in BOTH {
        let client = Client::writing(absent);
        client.seed();
        client.order(Control::VerifyMode { mode: VerifyMode::B2b });
        let token = client.token();
        let (link, id) = consent(&client, &token, "new");
        let (_, second) = consent(&client, &token, "new");
        assert_ne!(id, second);

        let got = verify(&client, &token, &id, "ann");
        assert_eq!((got.status, &got.body["code"]), (403, &json!(7)), "{}", got.text);
        assert_eq!(client.details(&token, "new")["status"], "PENDING_VERIFICATION");

        let got = verify(&client, &token, &id, "new");
        assert_eq!(got.status, 200, "{}", got.text);
        let next = got.body["post_user_verify_redirect_url"].as_str().unwrap();
        let next = next.strip_prefix(client.sandbox.url()).unwrap();
        assert_eq!(client.get("", next).status, 200);
        let account = client.get(&token, &AUTH_PATH.replace("ann", "new")).body["connected_account"].clone();
        assert_eq!(account["status"], "ACTIVE");
        assert_eq!(account["authorization_details"]["oauth_token"]["access_token"], "sandbox-token-1");
        assert!(account["token_expires_at"].as_str() > account["updated_at"].as_str(), "{account}");

        assert_eq!(client.get("", &link).status, 404);
        for (id, identifier) in [(id.as_str(), "new"), (id.as_str(), "ann"), ("QVND", "new")] {
            let got = verify(&client, &token, id, identifier);
            assert_eq!((got.status, error_code(&got.body)), (404, "RESOURCE_NOT_FOUND"), "{id}");
        }
        let got = verify(&client, &token, &second, "new");
        assert_eq!((got.status, error_code(&got.body)), (400, "INVALID_ARGUMENT"));
        client.assert_clean();
    }
}

#[test]
fn an_account_of_before_keeps_its_token_until_it_is_verified() {
    let client = Client::new();
    client.seed();
    client.order(Control::VerifyMode { mode: VerifyMode::B2b });
    client.order(Control::ConsentPage { shown: true });
    let token = client.token();
    let link = client.link(&token, "ann", json!({"user_verify_url": URL}));
    let (_, query, _) = location(&client.post_form(&link, &[("decision", "allow")]));
    assert_eq!(client.get("", &link).status, 404);
    let read = || client.get(&token, AUTH_PATH).body["connected_account"].clone();
    let account = read();
    assert_eq!(account["status"], "PENDING_VERIFICATION");
    assert_eq!(account["authorization_details"]["oauth_token"]["access_token"], "ya29.one");
    assert_eq!(verify(&client, &token, &query[0].1, "ann").status, 200);
    assert_eq!(read()["authorization_details"]["oauth_token"]["access_token"], "sandbox-token-1");
    client.assert_clean();
}

#[test]
fn only_oauth_accounts_are_verified() {
    let client = Client::new();
    client.order_json(json!({"op": "seed_connection", "name": "gmail_a", "provider": "X", "kind": "API_KEY"}));
    client.order(Control::VerifyMode { mode: VerifyMode::B2b });
    let token = client.token();
    let link = client.link(&token, "new", json!({"user_verify_url": URL}));
    assert_eq!(client.get("", &link).status, 200);
    assert_eq!(client.details(&token, "new")["status"], "ACTIVE");
    client.assert_clean();
}

#[test]
fn requests_that_say_too_little_or_too_much_are_refused_and_noted() {
    let client = Client::new();
    client.seed();
    let token = client.token();
    for (path, body) in [
        (VERIFY, json!({"auth_request_id": "", "identifier": "ann"})),
        (VERIFY, json!({"auth_request_id": "x"})),
        (VERIFY, json!({"auth_request_id": "x".repeat(1001), "identifier": "ann"})),
        (VERIFY, json!({"auth_request_id": "x", "identifier": "x".repeat(201)})),
        (DELETE, json!({"connector": "gmail_a"})),
        (DELETE, json!({"id": ""})),
        (DELETE, json!({"connector": 1, "identifier": "ann"})),
    ] {
        let before = client.sandbox.violations().len();
        let got = client.post(&token, path, body.clone());
        assert_eq!((got.status, error_code(&got.body)), (400, "INVALID_ARGUMENT"), "{body}");
        assert!(client.sandbox.violations().len() > before, "{body}");
    }
    let violations = client.sandbox.violations();
    // The description says what must be there and of which type, and no more.
    let official = violations.iter().filter(|violation| violation.contains("OpenAPI")).count();
    assert_eq!(official, if Sandbox::official_schema_found() { 2 } else { 0 }, "{violations:?}");
}

#[test]
fn a_deleted_account_is_gone_with_its_links_and_requests() {
    for absent in BOTH {
        let client = Client::writing(absent);
        client.seed();
        client.order(Control::VerifyMode { mode: VerifyMode::B2b });
        let token = client.token();
        let by_id = client.details(&token, "ann")["id"].clone();
        let other = client.link(&token, "bob", json!({"user_verify_url": URL}));
        for body in [json!({"connector": "gmail_a", "identifier": "new"}), json!({"id": by_id})] {
            let (link, id) = consent(&client, &token, "new");
            let got = client.post(&token, DELETE, body);
            assert_eq!((got.status, got.body), (200, json!({})));
            let left = client.details(&token, "new");
            assert_eq!(client.get("", &link).status, if left.is_null() { 404 } else { 302 });
            assert_eq!(verify(&client, &token, &id, "new").status, if left.is_null() { 404 } else { 200 });
        }
        assert!(client.details(&token, "ann").is_null());
        assert_eq!(client.get("", &other).status, 302);
        let refused = |body: Value| {
            let got = client.post(&token, DELETE, body);
            (got.status, error_code(&got.body).to_owned())
        };
        let unknown = (404, "RESOURCE_NOT_FOUND".to_owned());
        assert_eq!(refused(json!({"connector": "gmail_a", "identifier": "ann"})), unknown);
        assert_eq!(refused(json!({"connector": "nothing", "identifier": "ann"})), unknown);
        assert_eq!(refused(json!({"id": by_id})), (500, "INTERNAL_ERROR".to_owned()));
        let listed = client.get(&token, "/api/v1/connected_accounts?connector=gmail_a");
        assert_eq!(listed.body["total_size"], 2, "{}", listed.text);
        client.assert_clean();
    }
}

#[test]
fn both_need_a_client_token_and_take_faults_and_delays() {
    for absent in BOTH {
        let client = Client::writing(absent);
        client.seed();
        client.order(Control::VerifyMode { mode: VerifyMode::B2b });
        let token = client.token();
        let (_, id) = consent(&client, &token, "new");
        for (path, body) in [
            (VERIFY, json!({"auth_request_id": id, "identifier": "new"})),
            (DELETE, json!({"connector": "gmail_a", "identifier": "new"})),
        ] {
            let route = format!("POST {path}");
            let got = client.post("nonsense", path, body.clone());
            assert_eq!((got.status, error_code(&got.body)), (401, "UNAUTHENTICATED"), "{route}");
            client.order_json(json!({"op": "fail_next", "route": route, "status": 403, "error_code": "FORBIDDEN"}));
            client.order_json(json!({"op": "delay", "route": route, "millis": 150}));
            let begun = Instant::now();
            let got = client.post(&token, path, body.clone());
            assert_eq!((got.status, error_code(&got.body)), (403, "FORBIDDEN"), "{route}");
            assert!(begun.elapsed() >= Duration::from_millis(150));
            assert_eq!(client.post(&token, path, body.clone()).status, 200, "{route}");
            assert_eq!(client.post(&token, path, body).status, 404, "{route}");
            assert_eq!(client.sandbox.counts().routes[&route], 4);
        }
        client.assert_clean();
    }
}
