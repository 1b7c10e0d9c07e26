//! Counts, the log and the sandbox's own routes.

use crate::common;

use common::{AUTH, AUTH_PATH, Client};
use scalekit_sandbox::{Control, Sandbox};
use serde_json::json;

#[test]
fn connections_and_requests_are_counted_and_logged_without_secrets() {
    let client = Client::new();
    client.seed();
    let token = client.token();
    client.get(&token, AUTH_PATH);
    client.get("nonsense", &format!("{AUTH_PATH}&access_token={token}"));
    let counts = client.sandbox.counts();
    assert_eq!((counts.tcp_connections, counts.tls_connections), (1, 1));
    assert_eq!((counts.routes[AUTH], counts.routes[common::TOKEN]), (2, 1));
    let log = client.sandbox.requests();
    assert_eq!(log.iter().map(|logged| logged.authorization_ok).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!(log[1].query, [("connector", "gmail_a"), ("identifier", "ann")].map(|(n, v)| (n.into(), v.into())));
    assert_eq!(log[1].user_agent.as_deref(), Some("sandbox-test/1"));
    let everything = format!("{log:?} {:?}", client.sandbox.violations());
    assert!(!everything.contains(&token) && !everything.contains(client.sandbox.client_secret()));
    client.order(Control::Reset);
    assert_eq!(client.sandbox.counts(), scalekit_sandbox::Counts::default());
    assert_eq!(client.get(&token, AUTH_PATH).status, 401);
}

#[test]
fn controls_and_counts_are_there_over_http() {
    let client = Client::of(Sandbox::start_http());
    assert!(client.sandbox.url().starts_with("http://127.0.0.1:"));
    let body = json!({"op": "seed_connection", "name": "gmail_a", "provider": "GMAIL"});
    let got = client.post("", "/_sandbox/control", body);
    assert!(got.status == 200 && got.body["id"].as_str().unwrap().starts_with("conn_"), "{}", got.text);
    assert_eq!(client.post("", "/_sandbox/control", json!({"op": "no_such"})).status, 400);
    let misspelt = json!({"op": "rate_limit", "route": "GET /no"});
    assert_eq!(client.post("", "/_sandbox/control", misspelt).status, 400);
    client.get("", AUTH_PATH);
    assert_eq!(client.get("", "/_sandbox/counts").body["routes"], json!({AUTH: 1}));
    assert_eq!(client.get("", "/_sandbox/requests").body[0]["authorization_ok"], false);
    assert_eq!(client.get("", "/_sandbox/violations").body, json!([]));
    assert_eq!(client.sandbox.counts().tls_connections, 0);
}
