//! Reading and listing accounts, in both ways of writing nothing.

use crate::common;

use common::{AUTH_PATH, BOTH, Client, error_code, oauth};
use scalekit_sandbox::{Absent, Control, Credential};
use serde_json::json;

#[test]
fn auth_shows_the_credential_and_details_does_not() {
    for absent in BOTH {
        let client = Client::writing(absent);
        client.seed();
        let token = client.token();
        let auth = client.get(&token, AUTH_PATH).body["connected_account"].clone();
        assert_eq!(auth["authorization_details"]["oauth_token"]["access_token"], "ya29.one");
        let refresh = auth["authorization_details"]["oauth_token"]["refresh_token"].as_str().unwrap();
        assert!(refresh.starts_with("1//sandbox-refresh-ca_"), "{refresh}");
        assert_eq!((&auth["status"], &auth["provider"]), (&json!("ACTIVE"), &json!("GMAIL")));
        assert_eq!((&auth["connector"], &auth["authorization_type"]), (&json!("gmail_a"), &json!("OAUTH")));
        assert!(auth["token_expires_at"].as_str().unwrap().len() == "2024-12-31T23:59:59.000000000Z".len());
        let by_id = format!("/api/v1/connected_accounts/details?id={}", auth["id"].as_str().unwrap());
        let details = client.get(&token, &by_id);
        assert_eq!(details.status, 200);
        assert!(!details.text.contains("ya29.one") && !details.text.contains("refresh"), "{}", details.text);
        client.assert_clean();
    }
}

#[test]
fn absent_fields_are_missing_or_take_each_spelling_of_zero() {
    let client = Client::writing(Absent::Missing);
    client.seed();
    client.seed_account("bob", Credential::Withheld, None);
    let token = client.token();
    let path = AUTH_PATH.replace("ann", "bob");
    let account = client.get(&token, &path).body["connected_account"].clone();
    for field in ["token_expires_at", "last_used_at", "authorization_details", "api_config", "is_org_wide_credential"] {
        assert_eq!(account.get(field), None, "{field}");
    }
    client.order(Control::SetAbsent { mode: Absent::Empty });
    let mut expiries = Vec::new();
    let mut details = Vec::new();
    for _ in 0..6 {
        let account = client.get(&token, &path).body["connected_account"].clone();
        expiries.push(account["token_expires_at"].clone());
        details.push(account["authorization_details"].clone());
        assert_eq!(account["is_org_wide_credential"], false);
    }
    for zero in [json!(null), json!(""), json!("1970-01-01T00:00:00Z")] {
        assert!(expiries.contains(&zero), "{zero} is not in {expiries:?}");
    }
    assert!(details.contains(&json!(null)) && details.contains(&json!({})), "{details:?}");
    client.assert_clean();
}

#[test]
fn every_kind_of_credential_is_written_as_the_schemas_have_it() {
    for absent in BOTH {
        let client = Client::writing(absent);
        client.seed();
        let bearer = client.token();
        let kinds = json!([
            [{"kind": "oauth_token", "access_token": "t", "scopes": ["a"], "domain": "acme.example.com"}, "OAUTH"],
            [{"kind": "static_auth", "details": {"api_key": "k"}}, "API_KEY"],
            [{"kind": "static_auth", "details": {"username": "u", "password": "p"}}, "BASIC"],
            [{"kind": "static_auth", "details": {"token": "t"}}, "BEARER_TOKEN"],
            [{"kind": "static_auth", "details": {"other": "t"}}, "CUSTOM"],
            [{"kind": "google_dwd", "subject": "s@example.com", "access_token": "t", "expires_in": 60}, "GOOGLE_DWD"],
            [{"kind": "google_dwd", "subject": "s@example.com", "access_token": "t"}, "GOOGLE_DWD"],
            [{"kind": "trusted_idp", "db_user": "reader"}, "TRUSTED_IDP"],
            [{"kind": "withheld"}, "OAUTH"],
            [{"kind": "no_auth"}, "NO_AUTH"],
        ]);
        for kind in kinds.as_array().unwrap() {
            let credential = serde_json::from_value(kind[0].clone()).unwrap();
            client.seed_account("kind", credential, None);
            for _ in 0..3 {
                let got = client.get(&bearer, &AUTH_PATH.replace("ann", "kind"));
                let account = &got.body["connected_account"];
                assert_eq!(account["authorization_type"], kind[1], "{}", got.text);
            }
        }
        client.assert_clean();
    }
}

#[test]
fn an_account_says_its_expiry_status_and_configuration_as_seeded() {
    let client = Client::new();
    client.seed();
    let token = client.token();
    client.order_json(json!({
        "op": "seed_account", "connection": "gmail_a", "identifier": "ann", "status": "EXPIRED",
        "expires_at": "2024-12-31T23:59:59Z", "api_config": {"domain": "acme"}, "authorization_type": "OAUTH_M2M",
    }));
    let account = client.get(&token, AUTH_PATH).body["connected_account"].clone();
    assert_eq!((&account["status"], &account["token_expires_at"]), (&json!("EXPIRED"), &json!("2024-12-31T23:59:59Z")));
    assert_eq!(account["api_config"], json!({"domain": "acme"}));
    assert_eq!(account["authorization_type"], "OAUTH_M2M");
    let details = client.get(&token, &AUTH_PATH.replace("/auth", "/details")).body["connected_account"].clone();
    assert_eq!((&details["api_config"], details.get("authorization_details")), (&json!({"domain": "acme"}), None));
    client.seed_account("ann", oauth("old"), Some(-60));
    let account = client.get(&token, AUTH_PATH).body["connected_account"].clone();
    assert!(account["token_expires_at"].as_str() < account["updated_at"].as_str(), "{account}");
    client.assert_clean();
}

#[test]
fn queued_tokens_come_one_per_read_of_auth_and_the_last_one_stays() {
    let client = Client::new();
    client.seed();
    let bearer = client.token();
    let of = |got: common::Got| {
        got.body["connected_account"]["authorization_details"]["oauth_token"]["access_token"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let (connection, identifier) = ("gmail_a".to_owned(), "ann".to_owned());
    let tokens = vec!["two".to_owned(), "three".to_owned()];
    client.order(Control::QueueTokens { connection: connection.clone(), identifier: identifier.clone(), tokens });
    client.get(&bearer, &AUTH_PATH.replace("/auth", "/details"));
    let read: Vec<String> = (0..3).map(|_| of(client.get(&bearer, AUTH_PATH))).collect();
    assert_eq!(read, ["two", "three", "three"]);
    let token = "four".to_owned();
    client.order(Control::SetToken {
        connection: connection.clone(),
        identifier: identifier.clone(),
        token,
        expires_in: None,
    });
    assert_eq!(of(client.get(&bearer, AUTH_PATH)), "four");
    client.order(Control::SetStatus { connection, identifier, status: "DISCONNECTED".to_owned() });
    assert_eq!(client.get(&bearer, AUTH_PATH).body["connected_account"]["status"], "DISCONNECTED");
    client.assert_clean();
}

#[test]
fn what_is_not_there_is_said_as_the_reference_has_it() {
    for absent in BOTH {
        let client = Client::writing(absent);
        client.seed();
        let token = client.token();
        for (path, status, code) in [
            ("/api/v1/connected_accounts/auth?connector=gmail_a&identifier=nobody", 404, "RESOURCE_NOT_FOUND"),
            ("/api/v1/connected_accounts/auth?connector=nothing&identifier=ann", 404, "RESOURCE_NOT_FOUND"),
            ("/api/v1/connected_accounts/details?id=ca_1", 500, "INTERNAL_ERROR"),
            ("/api/v1/connected_accounts?connection_names=nothing", 404, "RESOURCE_NOT_FOUND"),
        ] {
            let got = client.get(&token, path);
            assert_eq!((got.status, error_code(&got.body)), (status, code), "{path}");
        }
        client.assert_clean();
        let got = client.get(&token, "/api/v1/nothing");
        assert_eq!((got.status, &got.body["code"]), (404, &json!(5)));
        assert_eq!(client.sandbox.violations().len(), 1);
    }
}

#[test]
fn selectors_are_held_to_the_descriptors() {
    let client = Client::new();
    client.seed();
    let token = client.token();
    let long = "x".repeat(101);
    for query in [
        String::new(),
        "connector=gmail_a".to_owned(),
        "identifier=ann".to_owned(),
        "connector=gmail/a&identifier=ann".to_owned(),
        format!("connector=gmail_a&identifier={long}"),
        "id=".to_owned(),
        "id=ac_1".to_owned(),
        "connector=gmail_a&identifier=ann&identifier=bob".to_owned(),
    ] {
        let before = client.sandbox.violations().len();
        let got = client.get(&token, &format!("/api/v1/connected_accounts/auth?{query}"));
        assert_eq!((got.status, error_code(&got.body)), (400, "INVALID_ARGUMENT"), "{query}");
        assert_eq!(got.body["code"], 3);
        assert!(client.sandbox.violations().len() > before, "{query}");
    }
}

#[test]
fn list_filters_and_turns_pages() {
    for absent in BOTH {
        let client = Client::writing(absent);
        client.seed();
        client.order(Control::connection("github b", "GITHUB"));
        for number in 0..24 {
            client.seed_account(&format!("user{number:02}"), oauth("t"), None);
        }
        client.order_json(json!({"op": "seed_account", "connection": "github b", "identifier": "Ann"}));
        let token = client.token();
        let list = |query: &str| client.get(&token, &format!("/api/v1/connected_accounts?{query}"));
        let count = |query: &str| list(query).body["connected_accounts"].as_array().map_or(0, Vec::len);
        assert_eq!(count(""), 10);
        assert_eq!(count("page_size=99"), 26);
        assert_eq!(count("page_size=99&query=ANN"), 2);
        assert_eq!(count("identifier=ann"), 1);
        assert_eq!(count("provider=GITHUB"), 1);
        assert_eq!(count("page_size=50&connector=gmail_a"), 25);
        assert_eq!(count("page_size=50&connection_names=gmail_a&connection_names=github+b"), 26);
        assert_eq!(count("identifier=nobody"), 0);
        let (mut query, mut seen, mut pages) = ("page_size=9".to_owned(), 0, 0);
        loop {
            let got = list(&query);
            assert_eq!(got.body["total_size"], 26);
            assert!(!got.text.contains("authorization_details") && !got.text.contains("api_config"));
            (seen, pages) = (seen + got.body["connected_accounts"].as_array().unwrap().len(), pages + 1);
            match got.body["next_page_token"].as_str().unwrap_or_default() {
                "" => break,
                next => query = format!("page_size=9&page_token={}", next.replace('=', "%3D")),
            }
        }
        assert_eq!((seen, pages), (26, 3));
        client.assert_clean();
        for wrong in ["page_size=100", "page_size=x", "connector=a&connection_names=b"] {
            assert_eq!(list(wrong).status, 400, "{wrong}");
        }
    }
}
