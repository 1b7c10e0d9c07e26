//! Tokens of organizations' clients.

use crate::common::{CLIENTS, Client, jwt, verifies};
use scalekit_sandbox::Control;
use serde_json::{Value, json};

struct Made {
    id: String,
    secret_id: String,
    plain: String,
}

fn made(client: &Client, body: Value) -> Made {
    let made = client.organization_client(&client.token(), body);
    let of = |pointer: &str| made.pointer(pointer).and_then(Value::as_str).unwrap().to_owned();
    Made { id: of("/client/client_id"), secret_id: of("/client/secrets/0/id"), plain: of("/plain_secret") }
}

#[test]
fn a_token_says_what_the_client_was_given() {
    let client = Client::new();
    let claims = json!([{"key": "team", "value": "ops"}]);
    let of = made(
        &client,
        json!({"name": "CI", "scopes": ["a", "b"], "audience": ["x", "y"], "custom_claims": claims, "expiry": 600}),
    );
    let got = client.token_of(&of.id, &of.plain, "").body;
    assert_eq!((&got["expires_in"], &got["scope"]), (&json!(600), &json!("a b")));
    let token = got["access_token"].as_str().unwrap();
    let (header, claims) = jwt(token);
    assert_eq!(header, json!({"alg": "RS256", "kid": client.sandbox.signing_key_id(), "typ": "JWT"}));
    let seconds = |name: &str| claims[name].as_u64().unwrap();
    assert_eq!((seconds("exp") - seconds("iat"), seconds("nbf")), (600, seconds("iat")));
    assert!(claims["jti"].as_str().unwrap().starts_with("tkn_"));
    assert_eq!((&claims["iss"], &claims["sub"]), (&json!(client.sandbox.url()), &json!(of.id)));
    assert_eq!((&claims["client_id"], &claims["oid"]), (&json!(of.id), &json!("org_1")));
    assert_eq!((&claims["aud"], &claims["scopes"]), (&json!(["x", "y"]), &json!(["a", "b"])));
    assert_eq!(claims["custom_claims"], json!({"team": "ops"}));
    assert!(verifies(&client.get("", "/keys").body, token));
    assert!(client.sandbox.client_tokens().iter().any(|issued| issued == token));
    client.assert_clean();
}

#[test]
fn the_environments_token_is_signed_too_and_names_no_organization() {
    let client = Client::new();
    let token = client.token();
    let (_, claims) = jwt(&token);
    assert_eq!((&claims["sub"], &claims["client_id"]), (&json!("skc_sandbox"), &json!("skc_sandbox")));
    for absent in ["oid", "aud", "scopes", "custom_claims"] {
        assert!(claims.get(absent).is_none(), "{claims}");
    }
    assert!(verifies(&client.sandbox.jwks(), &token));
}

#[test]
fn requested_scopes_are_granted_as_far_as_the_client_has_them() {
    let client = Client::new();
    let of = made(&client, json!({"name": "CI", "scopes": ["a", "b", "c"]}));
    for (asked, granted) in [("c a", "a c"), ("b", "b"), ("b z", "b"), ("z", "")] {
        let got = client.token_of(&of.id, &of.plain, asked).body;
        assert_eq!(got["scope"], granted, "{asked}");
        let (_, claims) = jwt(got["access_token"].as_str().unwrap());
        let scopes = claims["scopes"].as_array().into_iter().flatten().filter_map(Value::as_str);
        assert_eq!(scopes.collect::<Vec<_>>().join(" "), granted);
    }
    client.order(Control::TokenLifetime { seconds: 5 });
    assert_eq!(client.token_of(&of.id, &of.plain, "").body["expires_in"], 5, "without an expiry, the environment's");
    client.assert_clean();
}

#[test]
fn every_good_secret_opens_the_token_route_and_no_other() {
    let client = Client::new();
    let of = made(&client, json!({"name": "CI"}));
    let bearer = client.token();
    let added = client.post_empty(&bearer, &format!("{CLIENTS}/{}/secrets", of.id)).body;
    let second = added["plain_secret"].as_str().unwrap();
    let status = |plain: &str| client.token_of(&of.id, plain, "").status;
    assert_eq!((status(&of.plain), status(second), status("wrong"), status(client.sandbox.client_secret())), {
        (200, 200, 401, 401)
    });
    let shown = client.get(&bearer, &format!("{CLIENTS}/{}", of.id)).body;
    assert!(shown.pointer("/client/secrets/1/last_used_time").is_some(), "{shown}");

    let set = |status: Option<&str>, expires_in: Option<i64>| {
        let status = status.map(str::to_owned);
        client.order(Control::SetSecret { id: of.secret_id.clone(), status, expires_in });
    };
    set(Some("INACTIVE"), None);
    assert_eq!((status(&of.plain), status(second)), (401, 200));
    let shown = client.get(&bearer, &format!("{CLIENTS}/{}", of.id)).body;
    assert_eq!(shown.pointer("/client/secrets/0/status"), Some(&json!("INACTIVE")));
    set(Some("ACTIVE"), Some(-1));
    assert_eq!(status(&of.plain), 401);
    set(None, Some(60));
    assert_eq!(status(&of.plain), 200);
    client.delete(&bearer, &format!("{CLIENTS}/{}/secrets/{}", of.id, of.secret_id));
    assert_eq!((status(&of.plain), status(second)), (401, 200));
    client.delete(&bearer, &format!("{CLIENTS}/{}", of.id));
    assert_eq!(status(second), 401);
    assert!(client.sandbox.control(Control::SetSecret { id: of.secret_id, status: None, expires_in: None }).is_err());
    client.assert_clean();
}
