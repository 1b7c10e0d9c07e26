//! Creating and linking accounts, in both ways of writing nothing.

use crate::common::{AUTH_PATH, BOTH, Client, error_code};
use scalekit_sandbox::Control;
use serde_json::{Value, json};

#[test]
fn create_makes_a_pending_account_once() {
    for absent in BOTH {
        let client = Client::writing(absent);
        client.seed();
        client.order(Control::disabled_connection("off", "GITHUB"));
        let token = client.token();
        let create = |connector: &str, identifier: &str, account: Value| {
            let body = json!({"connector": connector, "identifier": identifier, "connected_account": account});
            client.post(&token, "/api/v1/connected_accounts", body)
        };
        let got = create("gmail_a", "new", json!({"authorization_details": {"oauth_token": {}}}));
        assert_eq!((got.status, &got.body["connected_account"]["status"]), (201, &json!("PENDING_AUTH")));
        let got = create("gmail_a", "new", json!({}));
        assert_eq!((got.status, error_code(&got.body)), (409, "RESOURCE_ALREADY_EXISTS"));
        let got = create("nothing", "new", json!({}));
        assert_eq!((got.status, error_code(&got.body)), (404, "RESOURCE_NOT_FOUND"));
        let got = create("off", "new", json!({}));
        assert_eq!((got.status, error_code(&got.body)), (403, "CONNECTION_NOT_ENABLED"));
        let got =
            create("gmail_a", "typed", json!({"authorization_details": {"static_auth": {"details": {"token": "t"}}}}));
        assert_eq!((got.status, &got.body["connected_account"]["status"]), (201, &json!("ACTIVE")));
        client.assert_clean();
    }
}

#[test]
fn a_lost_race_answers_already_exists_and_the_account_is_there() {
    for as_status in [400, 409] {
        let client = Client::new();
        client.seed();
        let token = client.token();
        let (connection, identifier) = ("gmail_a".to_owned(), "race".to_owned());
        client.order(Control::CreateRace { connection, identifier, as_status });
        let path = AUTH_PATH.replace("ann", "race");
        assert_eq!(client.get(&token, &path).status, 404);
        let body = json!({"connector": "gmail_a", "identifier": "race", "connected_account": {}});
        let got = client.post(&token, "/api/v1/connected_accounts", body);
        assert_eq!((got.status, error_code(&got.body)), (as_status, "RESOURCE_ALREADY_EXISTS"));
        assert_eq!(client.get(&token, &path).body["connected_account"]["status"], "PENDING_AUTH");
        client.assert_clean();
    }
}

#[test]
fn a_magic_link_creates_the_account_and_a_visit_activates_it() {
    for absent in BOTH {
        let client = Client::writing(absent);
        client.seed();
        let token = client.token();
        let path = "/api/v1/connected_accounts/magic_link";
        let body = json!({"connector": "gmail_a", "identifier": "new", "state": "s"});
        let got = client.post(&token, path, body);
        assert_eq!(got.status, 200, "{}", got.text);
        let link = got.body["link"].as_str().unwrap().strip_prefix(client.sandbox.url()).unwrap().to_owned();
        assert!(link.starts_with("/magicLink/") && link.ends_with("_o"), "{link}");
        let read = || client.get(&token, &AUTH_PATH.replace("ann", "new")).body["connected_account"].clone();
        assert_eq!(read()["status"], "PENDING_AUTH");
        let page = client.get("", &link);
        assert_eq!(page.status, 200);
        assert!(page.text.contains("Done"), "{}", page.text);
        let account = read();
        assert_eq!(account["status"], "ACTIVE");
        assert_eq!(account["authorization_details"]["oauth_token"]["access_token"], "sandbox-token-1");
        assert!(client.sandbox.requests().iter().all(|logged| !logged.path.contains("_o")));

        client.order(Control::MagicLinkLifetime { seconds: 0 });
        let got = client.post(&token, path, json!({"connector": "gmail_a", "identifier": "ann"}));
        let link = got.body["link"].as_str().unwrap().strip_prefix(client.sandbox.url()).unwrap().to_owned();
        assert_eq!(client.get("", &link).status, 404);

        let got = client.post(&token, path, json!({"connector": "nothing", "identifier": "ann"}));
        assert_eq!((got.status, error_code(&got.body)), (404, "RESOURCE_NOT_FOUND"));
        client.order(Control::RequireVerifyUrl { required: true });
        let got = client.post(&token, path, json!({"connector": "gmail_a", "identifier": "ann"}));
        assert_eq!((got.status, error_code(&got.body)), (400, "INVALID_ARGUMENT"));
        let url = "http://127.0.0.1:1/cb";
        let got =
            client.post(&token, path, json!({"connector": "gmail_a", "identifier": "ann", "user_verify_url": url}));
        assert_eq!(got.status, 200);
        client.assert_clean();
    }
}
