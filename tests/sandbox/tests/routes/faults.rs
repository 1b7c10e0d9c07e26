//! Each fault, seen by a client and, where bytes matter, on the bare socket.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::common::{AUTH, AUTH_PATH, Client, TOKEN};
use scalekit_sandbox::{Absent, Control, Sandbox};
use serde_json::{Value, json};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

fn seeded() -> (Client, String) {
    let client = Client::new();
    client.seed();
    let token = client.token();
    (client, token)
}

#[test]
fn an_ordered_error_has_the_form_of_the_api_in_both_ways_of_writing_nothing() {
    for absent in [Absent::Missing, Absent::Empty] {
        let client = Client::writing(absent);
        client.seed();
        let token = client.token();
        let codes =
            [(400, 3), (401, 16), (403, 7), (404, 5), (409, 6), (429, 8), (500, 13), (503, 14), (504, 4), (418, 2)];
        for (status, code) in codes {
            client.order_json(json!({"op": "fail_next", "route": AUTH, "status": status, "error_code": "TOOL_ERROR"}));
            let got = client.get(&token, AUTH_PATH);
            assert_eq!((got.status, &got.body["code"]), (status, &json!(code)));
            assert_eq!(got.body["details"][0]["error_code"], "TOOL_ERROR");
            assert_eq!(got.body["details"][0]["@type"], "type.googleapis.com/scalekit.v1.errdetails.ErrorInfo");
        }
        client.order_json(json!({"op": "fail_next", "status": 401}));
        let got = client.get(&token, AUTH_PATH);
        assert_eq!(got.body["details"].get(0), None);
        assert_eq!(got.body.get("details").is_some(), absent == Absent::Empty);
        client.assert_clean();
    }
}

#[test]
fn an_ordered_error_of_the_token_route_has_the_form_of_rfc_6749() {
    let client = Client::new();
    let form = [("grant_type", "client_credentials"), ("client_id", "skc_sandbox"), ("client_secret", "x")];
    for (status, word) in [
        (400, "invalid_request"),
        (401, "invalid_client"),
        (403, "unauthorized_client"),
        (429, "temporarily_unavailable"),
        (500, "server_error"),
        (503, "temporarily_unavailable"),
    ] {
        client.order_json(json!({"op": "fail_next", "route": TOKEN, "status": status}));
        let got = client.try_token(&form).unwrap();
        assert_eq!((got.status, &got.body["error"]), (status, &json!(word)));
    }
    client.order_json(json!({"op": "fail_next", "status": 400, "error_code": "invalid_scope"}));
    assert_eq!(client.try_token(&form).unwrap().body["error"], "invalid_scope");
    client.assert_clean();
}

#[test]
fn raw_bodies_garbage_and_redirects_come_as_ordered() {
    let (client, token) = seeded();
    client.order_json(json!({"op": "fail_next", "status": 502, "body": "<html>bad gateway", "retry_after": "7"}));
    let got = client.get(&token, AUTH_PATH);
    assert_eq!(
        (got.status, got.text.as_str(), &got.headers["retry-after"]),
        (502, "<html>bad gateway", &"7".parse().unwrap())
    );
    client.order_json(json!({"op": "garbage", "body": "{\"connected_account\":"}));
    let got = client.get(&token, AUTH_PATH);
    assert_eq!((got.status, got.text.as_str()), (200, "{\"connected_account\":"));
    client.order_json(json!({"op": "redirect", "location": "https://evil.example.com/"}));
    let got = client.get(&token, AUTH_PATH);
    assert_eq!((got.status, &got.headers["location"]), (302, &"https://evil.example.com/".parse().unwrap()));
    client.order_json(json!({"op": "rate_limit", "retry_after": "Wed, 21 Oct 2026 07:28:00 GMT"}));
    let got = client.get(&token, AUTH_PATH);
    assert_eq!((got.status, &got.body["details"][0]["error_code"]), (429, &json!("RATE_LIMITED")));
    assert_eq!(got.headers["retry-after"], "Wed, 21 Oct 2026 07:28:00 GMT");
    client.assert_clean();
}

#[test]
fn an_oversized_reply_is_still_json() {
    let (client, token) = seeded();
    client.order_json(json!({"op": "oversize", "route": AUTH, "bytes": 5_000_000}));
    let got = client.get(&token, AUTH_PATH);
    assert_eq!(got.text.len(), 5_000_000);
    assert_eq!(got.body["connected_account"]["status"], "ACTIVE");
    client.assert_clean();
}

#[test]
fn faults_are_spent_oldest_first_on_the_routes_they_are_for() {
    let (client, token) = seeded();
    client.order_json(json!({"op": "fail_next", "route": AUTH, "status": 503, "times": 2}));
    client.order_json(json!({"op": "fail_next", "status": 500}));
    client.order_json(json!({"op": "fail_next", "route": AUTH, "status": 504}));
    let details = AUTH_PATH.replace("/auth", "/details");
    let statuses =
        [AUTH_PATH, &details, &details, AUTH_PATH, AUTH_PATH, AUTH_PATH].map(|path| client.get(&token, path).status);
    assert_eq!(statuses, [503, 500, 200, 503, 504, 200]);
    client.assert_clean();
}

#[test]
fn a_delay_adds_to_whatever_comes() {
    let (client, token) = seeded();
    client.order(Control::Delay { route: Some(AUTH.to_owned()), times: 2, millis: 150 });
    client.order_json(json!({"op": "fail_next", "status": 503}));
    for (status, slow) in [(503, true), (200, true), (200, false)] {
        let begun = Instant::now();
        assert_eq!(client.get(&token, AUTH_PATH).status, status);
        assert_eq!(begun.elapsed() >= Duration::from_millis(150), slow);
    }
}

#[test]
fn a_cut_reply_is_an_error_for_the_client_and_the_next_request_is_served() {
    let (client, token) = seeded();
    for order in [
        json!({"op": "drop", "route": AUTH}),
        json!({"op": "drop", "route": AUTH, "when": "mid_headers"}),
        json!({"op": "drop", "route": AUTH, "when": "mid_body"}),
        json!({"op": "truncate", "route": AUTH}),
    ] {
        client.order_json(order.clone());
        assert!(client.try_get(&token, AUTH_PATH).is_err(), "{order}");
        assert_eq!(client.get(&token, AUTH_PATH).status, 200, "{order}");
    }
    client.assert_clean();
}

#[test]
fn a_cut_request_has_taken_effect() {
    let (client, token) = seeded();
    client.order_json(json!({"op": "drop", "route": TOKEN}));
    let secret = client.sandbox.client_secret();
    let form = [("grant_type", "client_credentials"), ("client_id", "skc_sandbox"), ("client_secret", secret)];
    assert!(client.try_token(&form).is_err());
    assert_eq!(client.sandbox.client_tokens().len(), 2);
    assert_eq!(client.sandbox.client_tokens()[0], token);
}

/// Everything that comes back for one request, and how it ended.
fn exchange(mut stream: impl Read + Write, token: &str) -> (String, Option<ErrorKind>) {
    write!(stream, "GET {AUTH_PATH} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\r\n").unwrap();
    stream.flush().unwrap();
    let mut reply = Vec::new();
    let end = stream.read_to_end(&mut reply).err().map(|error| error.kind());
    (String::from_utf8(reply).unwrap(), end)
}

fn tls(client: &Client) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(client.sandbox.ca_pem()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config =
        config.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let socket = TcpStream::connect(client.sandbox.url().strip_prefix("https://").unwrap()).unwrap();
    StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), socket)
}

fn promised(reply: &str) -> (usize, &str) {
    let (headers, body) = reply.split_once("\r\n\r\n").unwrap();
    let length = headers.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    (length.parse().unwrap(), body)
}

#[test]
fn on_the_wire_a_drop_ends_without_close_notify_and_a_truncation_with_it() {
    let (client, token) = seeded();
    let orders: [(Value, Option<ErrorKind>); 4] = [
        (json!({"op": "drop"}), Some(ErrorKind::UnexpectedEof)),
        (json!({"op": "drop", "when": "mid_headers"}), Some(ErrorKind::UnexpectedEof)),
        (json!({"op": "drop", "when": "mid_body"}), Some(ErrorKind::UnexpectedEof)),
        (json!({"op": "truncate"}), None),
    ];
    let replies = orders.map(|(order, end)| {
        client.order_json(order.clone());
        let (reply, ended) = exchange(tls(&client), &token);
        assert_eq!(ended, end, "{order}: {reply}");
        reply
    });
    assert_eq!(replies[0], "");
    assert!(replies[1].starts_with("HTTP/1.1 200 OK\r\n") && !replies[1].contains("\r\n\r\n"), "{}", replies[1]);
    for reply in &replies[2..] {
        let (length, body) = promised(reply);
        assert_eq!(body.len(), length / 2, "{reply}");
    }
}

#[test]
fn without_tls_the_same_bytes_come() {
    let client = Client::of(Sandbox::start_http());
    client.seed();
    let token = client.token();
    let socket = || TcpStream::connect(client.sandbox.url().strip_prefix("http://").unwrap()).unwrap();
    client.order_json(json!({"op": "drop", "times": 1}));
    assert_eq!(exchange(socket(), &token).0, "");
    client.order_json(json!({"op": "truncate"}));
    let (reply, end) = exchange(socket(), &token);
    let (length, body) = promised(&reply);
    assert_eq!((body.len(), end), (length / 2, None));
}

#[test]
fn a_stopped_sandbox_refuses_connections() {
    let client = Client::new();
    let address = client.sandbox.url().strip_prefix("https://").unwrap().replace("localhost", "127.0.0.1");
    let pem = client.sandbox.ca_pem().to_owned();
    assert!(TcpStream::connect(&address).is_ok() && pem.exists());
    drop(client);
    assert_eq!(TcpStream::connect(&address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    assert!(!pem.exists());
}

#[test]
fn an_order_that_could_not_be_carried_out_is_refused() {
    let client = Client::new();
    for order in [
        json!({"op": "drop", "route": "GET /nowhere"}),
        json!({"op": "fail_next", "status": 99}),
        json!({"op": "redirect", "location": "a\nb"}),
        json!({"op": "seed_account", "connection": "nothing", "identifier": "ann"}),
        json!({"op": "set_status", "connection": "nothing", "identifier": "ann", "status": "ACTIVE"}),
        json!({"op": "create_race", "connection": "nothing", "identifier": "ann", "as_status": 500}),
    ] {
        let control: Control = serde_json::from_value(order.clone()).unwrap();
        assert!(client.sandbox.control(control).is_err(), "{order}");
    }
}
