//! What an account says of itself before and after its user is done, by the kind of its connection.

use crate::common::{AUTH_PATH, BOTH, Client};
use scalekit_sandbox::{Absent, Control};
use serde_json::{Value, json};

#[test]
fn an_account_says_the_kind_of_its_connection_before_and_after_consent() {
    for absent in BOTH {
        let client = Client::writing(absent);
        let oauth = "/oauth_token/access_token";
        for (kind, said, secret) in [
            ("OAUTH", "OAUTH", oauth),
            ("API_KEY", "API_KEY", "/static_auth/details/api_key"),
            ("BASIC", "BASIC", "/static_auth/details/password"),
            ("BEARER", "BEARER_TOKEN", "/static_auth/details/token"),
            ("NO_AUTH", "NO_AUTH", ""),
            ("OAUTH_M2M", "OAUTH_M2M", oauth),
            ("GOOGLE_DWD", "GOOGLE_DWD", "/google_dwd/access_token"),
            ("TRUSTED_IDP", "TRUSTED_IDP", ""),
            ("SMART_FHIR", "SMART_FHIR", oauth),
            ("TRELLO_OAUTH1", "TRELLO_OAUTH1", oauth),
        ] {
            client.order(Control::Reset);
            client.order_json(json!({"op": "seed_connection", "name": "gmail_a", "provider": "X", "kind": kind}));
            let token = client.token();
            let link = client.link(&token, "ann", json!({}));
            let account = client.details(&token, "ann");
            assert_eq!((&account["status"], &account["authorization_type"]), (&json!("PENDING_AUTH"), &json!(said)));
            let listed = client.get(&token, "/api/v1/connected_accounts").body["connected_accounts"][0].clone();
            assert_eq!(listed["authorization_type"], said);
            assert_eq!(client.get("", &link).status, 200);
            let account = client.get(&token, AUTH_PATH).body["connected_account"].clone();
            assert_eq!(account["status"], "ACTIVE");
            assert_eq!(account["authorization_type"], said);
            let details = &account["authorization_details"];
            let given = details.pointer(secret).filter(|_| !secret.is_empty());
            let token = (!secret.is_empty()).then(|| json!("sandbox-token-1"));
            assert_eq!(given, token.as_ref(), "{account}");
            let expires = account["token_expires_at"].as_str().is_some_and(|time| time.len() > 20);
            assert_eq!(expires, !details["static_auth"].is_object() && said != "NO_AUTH", "{account}");
            client.assert_clean();
        }
    }
}

#[test]
fn a_connection_for_signing_in_says_no_kind_and_an_ordered_type_wins() {
    let client = Client::new();
    client.order_json(json!({"op": "seed_connection", "name": "gmail_a", "provider": "X", "kind": "SAML"}));
    let token = client.token();
    client.link(&token, "ann", json!({}));
    assert_eq!(client.details(&token, "ann").get("authorization_type"), None);
    client.order(Control::SetAbsent { mode: Absent::Empty });
    assert_eq!(client.details(&token, "ann")["authorization_type"], "CONNECTION_TYPE_UNSPECIFIED");
    client.order_json(json!({
        "op": "seed_account", "connection": "gmail_a", "identifier": "ann", "status": "PENDING_AUTH",
        "authorization_type": "BASIC_AUTH",
    }));
    assert_eq!(client.details(&token, "ann")["authorization_type"], "BASIC_AUTH");
    client.assert_clean();
}

#[test]
fn details_say_status_expiry_and_the_last_reading_of_the_credential() {
    for absent in BOTH {
        let client = Client::writing(absent);
        client.seed();
        let token = client.token();
        let is_time = |value: &Value| value.as_str().is_some_and(|time| time.len() > "1970-01-01T00:00:00Z".len());
        let before = client.details(&token, "ann");
        assert_eq!(before["status"], "ACTIVE");
        assert!(is_time(&before["token_expires_at"]) && !is_time(&before["last_used_at"]), "{before}");
        let read = client.get(&token, AUTH_PATH).body["connected_account"].clone();
        let after = client.details(&token, "ann");
        assert!(is_time(&after["last_used_at"]), "{after}");
        assert_eq!((&after["token_expires_at"], &after["status"]), (&read["token_expires_at"], &read["status"]));
        client.assert_clean();
    }
}
