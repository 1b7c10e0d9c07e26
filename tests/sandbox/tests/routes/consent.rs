//! What a browser meets behind a magic link.

use crate::common::{AUTH_PATH, BOTH, Client, location};
use scalekit_sandbox::{Absent, Control, Sandbox, VerifyMode};
use serde_json::json;

const URL: &str = "http://127.0.0.1:8765/cb";

#[test]
fn without_a_page_a_link_can_be_followed_again_and_again() {
    let client = Client::new();
    client.seed();
    let token = client.token();
    let link = client.link(&token, "new", json!({"user_verify_url": URL, "state": "s"}));
    for turn in 1..=3 {
        let page = client.get("", &link);
        assert_eq!((page.status, page.headers.get("location")), (200, None), "{}", page.text);
        let account = client.get(&token, &AUTH_PATH.replace("ann", "new")).body["connected_account"].clone();
        assert_eq!(account["status"], "ACTIVE");
        let given = &account["authorization_details"]["oauth_token"]["access_token"];
        assert_eq!(given, &json!(format!("sandbox-token-{turn}")));
    }
    client.assert_clean();
}

#[test]
fn with_a_page_nothing_happens_until_somebody_allows_it_and_then_the_link_is_used_up() {
    let client = Client::new();
    client.seed();
    client.order_json(json!({"op": "consent_page", "shown": true}));
    let token = client.token();
    let link = client.link(&token, "new", json!({"user_verify_url": URL}));
    for _ in 0..2 {
        let page = client.get("", &link);
        assert_eq!(page.status, 200);
        assert!(page.headers["content-type"].to_str().unwrap().starts_with("text/html"));
        for part in ["<form method=post>", "<button id=\"allow\"", "<button id=\"deny\""] {
            assert!(page.text.contains(part), "{}", page.text);
        }
        let denied = client.post_form(&link, &[("decision", "deny")]);
        assert!(denied.status == 200 && denied.text.contains("denied"), "{}", denied.text);
        assert_eq!(client.details(&token, "new")["status"], "PENDING_AUTH");
    }
    let page = client.post_form(&link, &[("decision", "allow")]);
    assert!(page.status == 200 && page.text.contains("Done"), "{}", page.text);
    assert_eq!(client.details(&token, "new")["status"], "ACTIVE");
    assert_eq!(client.get("", &link).status, 404);
    assert_eq!(client.post_form(&link, &[("decision", "allow")]).status, 404);
    let routes = client.sandbox.counts().routes;
    assert_eq!((routes["GET /magicLink/{id}"], routes["POST /magicLink/{id}"]), (3, 4));
    assert!(client.sandbox.requests().iter().all(|logged| !logged.path.contains("_o")));
    client.assert_clean();

    let link = client.link(&token, "new", json!({}));
    assert_eq!(client.post_form(&link, &[("decision", "perhaps")]).status, 400);
    assert_eq!(client.sandbox.violations().len(), 1, "{:?}", client.sandbox.violations());
    assert_eq!(client.get("", &link).status, 200);
    client.order(Control::Reset);
    client.seed();
    let link = client.link(&client.token(), "ann", json!({}));
    assert!(client.get("", &link).text.contains("Done"));
}

#[test]
fn a_page_that_was_open_for_too_long_gives_no_consent() {
    let client = Client::new();
    client.seed();
    client.order(Control::ConsentPage { shown: true });
    client.order(Control::MagicLinkLifetime { seconds: 0 });
    let token = client.token();
    let link = client.link(&token, "new", json!({}));
    assert_eq!(client.post_form(&link, &[("decision", "allow")]).status, 404);
    assert_eq!(client.details(&token, "new")["status"], "PENDING_AUTH");
    client.assert_clean();
}

#[test]
fn where_users_are_verified_the_browser_is_sent_back_and_the_account_waits() {
    for absent in BOTH {
        let client = Client::writing(absent);
        client.seed();
        client.order_json(json!({"op": "verify_mode", "mode": "b2b"}));
        let token = client.token();
        let link = client.link(&token, "new", json!({"user_verify_url": URL, "state": "a b&c=d/é+"}));
        let (url, query, fragment) = location(&client.get("", &link));
        assert_eq!((url.as_str(), fragment.as_str()), (URL, ""));
        assert_eq!(query.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["auth_request_id", "state"]);
        assert_eq!(query[1].1, "a b&c=d/é+");
        let account = client.details(&token, "new");
        assert_eq!(account["status"], "PENDING_VERIFICATION");
        assert_eq!(client.get("", &link).status, 302);

        let link = client.link(&token, "new", json!({"user_verify_url": URL}));
        let (_, query, _) = location(&client.get("", &link));
        let state: &[&str] = if absent == Absent::Empty { &[""] } else { &[] };
        assert_eq!(query[1..].iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>(), state);
        client.assert_clean();
    }
}

#[test]
fn the_way_back_keeps_what_the_client_has_put_there() {
    let client = Client::new();
    client.seed();
    client.order(Control::VerifyMode { mode: VerifyMode::B2b });
    let token = client.token();
    for (given, url, first, fragment) in [
        ("https://a.example/cb?x=1&y=%20", "https://a.example/cb", Some(("x", "1")), ""),
        ("https://a.example/cb?x=1&", "https://a.example/cb", Some(("x", "1")), ""),
        ("https://a.example/cb?", "https://a.example/cb", None, ""),
        ("https://a.example?x=1#top?", "https://a.example", Some(("x", "1")), "top?"),
        ("https://a.example/é\r\nx: y", "https://a.example/%C3%A9%0D%0Ax:%20y", None, ""),
    ] {
        let link = client.link(&token, "new", json!({"user_verify_url": given, "state": "s"}));
        let got = location(&client.get("", &link));
        assert_eq!((got.0.as_str(), got.2.as_str()), (url, fragment), "{given}");
        let pairs: Vec<(&str, &str)> = got.1.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let own = pairs.len() - 2;
        assert_eq!((pairs[own].0, pairs[own + 1]), ("auth_request_id", ("state", "s")), "{given}");
        assert_eq!((pairs[..own].first().copied(), own > 0), (first, first.is_some()), "{given}");
        assert!(pairs.iter().all(|(name, _)| !name.is_empty()), "{given}");
    }
    client.assert_clean();
}

#[test]
fn where_users_are_verified_a_link_that_leads_nowhere_fails_in_the_browser() {
    let client = Client::new();
    client.seed();
    client.order(Control::VerifyMode { mode: VerifyMode::B2b });
    let token = client.token();
    let link = client.link(&token, "new", json!({}));
    for shown in [false, true, true] {
        client.order(Control::ConsentPage { shown });
        let got = if shown { client.post_form(&link, &[("decision", "allow")]) } else { client.get("", &link) };
        assert_eq!((got.status, got.headers.get("location")), (400, None));
        assert!(got.text.contains("failed_to_exchange"), "{}", got.text);
        assert_eq!(client.details(&token, "new")["status"], "PENDING_AUTH");
    }
    client.assert_clean();
}

#[test]
fn pages_take_faults_and_delays_as_every_route_does() {
    let client = Client::of(Sandbox::start_http());
    client.seed();
    client.order(Control::ConsentPage { shown: true });
    let token = client.token();
    let link = client.link(&token, "new", json!({}));
    client.order_json(json!({"op": "fail_next", "route": "POST /magicLink/{id}", "status": 503}));
    client.order_json(json!({"op": "delay", "route": "POST /magicLink/{id}", "millis": 150}));
    let begun = std::time::Instant::now();
    assert_eq!(client.post_form(&link, &[("decision", "allow")]).status, 503);
    assert!(begun.elapsed() >= std::time::Duration::from_millis(150));
    assert_eq!(client.details(&token, "new")["status"], "PENDING_AUTH");
    assert_eq!(client.post_form(&link, &[("decision", "allow")]).status, 200);
    client.assert_clean();
}
