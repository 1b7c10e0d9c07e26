//! The key set, the discovery document, and tokens signed to order.

use crate::common;

use common::{Client, jwt, verifies};
use scalekit_sandbox::Control;
use serde_json::{Value, json};

const DISCOVERY: &str = "/.well-known/openid-configuration";

#[test]
fn the_discovery_document_leads_to_the_keys() {
    let client = Client::new();
    let got = client.get("", DISCOVERY);
    let url = client.sandbox.url();
    assert_eq!((got.status, &got.body["issuer"]), (200, &json!(url)));
    let keys = got.body["jwks_uri"].as_str().unwrap().strip_prefix(url).unwrap();
    let got = client.get("", keys);
    assert_eq!(got.body, client.sandbox.jwks());
    assert!(got.headers.get("cache-control").is_none());
    client.order(Control::KeysMaxAge { seconds: 300 });
    assert_eq!(client.get("", keys).headers["cache-control"], "max-age=300");

    client.order(Control::SetDiscovery { jwks_uri: Some("https://evil.test/keys".to_owned()), missing: false });
    assert_eq!(client.get("", DISCOVERY).body["jwks_uri"], "https://evil.test/keys");
    client.order(Control::SetDiscovery { jwks_uri: None, missing: true });
    assert_eq!(client.get("", DISCOVERY).status, 404);
    client.order_json(json!({"op": "fail_next", "route": "GET /keys", "status": 503}));
    assert_eq!((client.get("", keys).status, client.get("", keys).status), (503, 200));
    assert_eq!(client.sandbox.counts().routes["GET /keys"], 4);
    client.assert_clean();
    assert_eq!(client.get("", "/.well-known/jwks.json").status, 404, "only third parties know of it");
}

#[test]
fn a_rotation_signs_with_another_key_and_keeps_the_old_one_on_demand() {
    let client = Client::new();
    let kid = |client: &Client| client.sandbox.signing_key_id();
    let (first, first_kid, first_pem) = (client.token(), kid(&client), client.sandbox.signing_key_pem());
    let told = client.order(Control::RotateSigningKey { keep_old: true });
    let (second, second_kid) = (client.token(), kid(&client));
    assert_eq!((&told["kid"], first_kid == second_kid), (&json!(second_kid), false));
    assert!(client.sandbox.signing_key_pem() != first_pem);
    let keys = client.get("", "/keys").body;
    assert_eq!(keys["keys"].as_array().map(Vec::len), Some(2));
    assert!(verifies(&keys, &first) && verifies(&keys, &second));
    client.order(Control::RotateSigningKey { keep_old: false });
    let keys = client.get("", "/keys").body;
    assert_eq!(keys["keys"].as_array().map(Vec::len), Some(1));
    assert!(!verifies(&keys, &first) && !verifies(&keys, &second) && verifies(&keys, &client.token()));
    client.seed();
    assert_eq!(client.get(&first, common::AUTH_PATH).status, 200, "the vault knows its own tokens");
    client.assert_clean();
    client.order(Control::Reset);
    assert_eq!(kid(&client), first_kid);
}

#[test]
fn anything_is_signed_to_order() {
    let client = Client::new();
    let sandbox = &client.sandbox;
    let claims = json!({"iss": sandbox.url(), "exp": "never"});
    let token = sandbox.sign(claims.clone(), Value::Null);
    assert_eq!(jwt(&token).1, claims);
    assert!(verifies(&sandbox.jwks(), &token));
    let header = json!({"alg": "none", "kid": sandbox.signing_key_id(), "crit": ["x"]});
    let token = sandbox.sign(json!("no object"), header.clone());
    assert_eq!(jwt(&token), (header, json!("no object")));
    assert!(verifies(&sandbox.jwks(), &token), "RS256 where the header names nothing better");
    let header = |algorithm: &str| json!({"alg": algorithm, "kid": sandbox.signing_key_id()});
    for algorithm in ["RS384", "RS512", "PS256", "PS384", "PS512"] {
        assert!(!verifies(&sandbox.jwks(), &sandbox.sign(json!({}), header(algorithm))), "not RS256: {algorithm}");
    }
    assert_eq!(client.get(&token, common::AUTH_PATH).status, 401, "signed, but not issued");
}

#[test]
fn the_pem_files_belong_together() {
    let client = Client::new();
    for _ in 0..2 {
        let (private, public) = (client.sandbox.signing_key_pem(), client.sandbox.public_key_pem());
        assert!(private.starts_with("-----BEGIN PRIVATE KEY-----") && public.starts_with("-----BEGIN PUBLIC KEY-----"));
        let bytes = |pem: &str| {
            let lines = pem.lines().filter(|line| !line.starts_with("-----"));
            base64::Engine::decode(&base64::prelude::BASE64_STANDARD, lines.collect::<String>()).unwrap()
        };
        let modulus = client.sandbox.jwks()["keys"][0]["n"].as_str().unwrap().to_owned();
        let modulus = base64::Engine::decode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, modulus).unwrap();
        for der in [bytes(private), bytes(public)] {
            assert!(der.windows(modulus.len()).any(|window| window == modulus));
        }
        client.order(Control::RotateSigningKey { keep_old: false });
    }
}
