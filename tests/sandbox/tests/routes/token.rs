//! The token route, and what its tokens open.

use crate::common::{AUTH_PATH, Client, error_code};
use scalekit_sandbox::Control;
use serde_json::json;

#[test]
fn client_credentials_give_a_token_that_opens_the_api() {
    let client = Client::new();
    client.seed();
    let (first, second) = (client.token(), client.token());
    assert_ne!(first, second);
    assert_eq!(first.split('.').count(), 3);
    assert_eq!(client.get(&first, AUTH_PATH).status, 200);
    assert_eq!(client.sandbox.client_tokens(), [first, second]);
    client.assert_clean();
}

#[test]
fn wrong_client_credentials_are_refused_as_rfc_6749_has_it() {
    let client = Client::new();
    let form = [("grant_type", "client_credentials"), ("client_id", "skc_sandbox"), ("client_secret", "wrong")];
    let got = client.try_token(&form).unwrap();
    assert_eq!((got.status, &got.body["error"]), (401, &json!("invalid_client")));
    assert_eq!(client.sandbox.client_tokens(), Vec::<String>::new());
    client.assert_clean();
    let got = client.try_token(&[("grant_type", "password")]).unwrap();
    assert_eq!((got.status, &got.body["error"]), (400, &json!("unsupported_grant_type")));
}

#[test]
fn without_a_good_client_token_every_route_says_401() {
    let client = Client::new();
    client.seed();
    let token = client.token();
    client.order(Control::ExpireClientTokens);
    for (bearer, message) in [("", "Token empty"), ("nonsense", "Token invalid"), (&*token, "Token expired")] {
        let got = client.get(bearer, AUTH_PATH);
        assert_eq!((got.status, &got.body["code"], &got.body["message"]), (401, &json!(16), &json!(message)));
        assert_eq!(error_code(&got.body), "UNAUTHENTICATED");
    }
    client.assert_clean();
}

#[test]
fn a_client_token_ends_with_its_announced_lifetime() {
    let client = Client::new();
    client.seed();
    client.order(Control::TokenLifetime { seconds: 0 });
    assert_eq!(client.get(&client.token(), AUTH_PATH).status, 401);
}

#[test]
fn a_rotated_secret_closes_the_token_route_and_spares_issued_tokens() {
    let client = Client::new();
    client.seed();
    let token = client.token();
    client.order(Control::RotateClientSecret { secret: "another".to_owned() });
    let form = |secret| [("grant_type", "client_credentials"), ("client_id", "skc_sandbox"), ("client_secret", secret)];
    assert_eq!(client.try_token(&form(client.sandbox.client_secret())).unwrap().status, 401);
    assert_eq!(client.try_token(&form("another")).unwrap().status, 200);
    assert_eq!(client.get(&token, AUTH_PATH).status, 200);
}
