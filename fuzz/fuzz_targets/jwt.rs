//! Tokens, their parts, and key sets from anywhere: no panic, nothing passes that the key did not sign, and what passes is
//! in time and from the issuer.
#![no_main]

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use libfuzzer_sys::fuzz_target;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use scalekit_auth::verify::Verifier;

const ISSUER: &str = "https://acme.scalekit.com";
const HEADER: &[u8] = br#"{"alg":"RS256","kid":"k"}"#;
const CLAIMS: &[u8] = br#"{"iss":"https://acme.scalekit.com","exp":99999999999}"#;

/// A key for this target alone; nobody trusts it.
static KEY: LazyLock<RsaKeyPair> =
    LazyLock::new(|| RsaKeyPair::from_pkcs8(include_bytes!("../fuzz-only-key-trusted-by-nobody.pk8")).unwrap());
static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
    let public = PublicKeyComponents::<Vec<u8>>::from(KEY.public());
    let (n, e) = (URL_SAFE_NO_PAD.encode(&public.n), URL_SAFE_NO_PAD.encode(&public.e));
    let set = format!(r#"{{"keys":[{{"kty":"RSA","kid":"k","n":"{n}","e":"{e}"}}]}}"#);
    Verifier::offline(ISSUER, set.as_bytes()).unwrap()
});
static GOOD: LazyLock<String> = LazyLock::new(|| sign(HEADER, CLAIMS));

fn sign(header: &[u8], claims: &[u8]) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let mut signature = vec![0; KEY.public().modulus_len()];
    KEY.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn check(token: &str) {
    match VERIFIER.verify(token) {
        Ok(claims) => {
            assert_eq!(claims.get("iss").and_then(|iss| iss.as_str()), Some(ISSUER));
            assert!(claims.expires_at() > 1_700_000_000);
            for scope in claims.scopes() {
                assert_eq!(claims.require(scope), Ok(()));
            }
        }
        Err(error) => {
            assert_eq!(error.status(), 401);
            let header = error.www_authenticate().unwrap();
            assert!(header.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
        }
    }
}

fuzz_target!(|input: &[u8]| {
    assert!(VERIFIER.verify(&GOOD).is_ok());
    if let Ok(text) = std::str::from_utf8(input) {
        assert!(text == *GOOD || VERIFIER.verify(text).is_err());
    }
    let (header, rest) = GOOD.split_once('.').unwrap();
    let (claims, signature) = rest.split_once('.').unwrap();
    let encoded = URL_SAFE_NO_PAD.encode(input);
    // Under a signature of something else, nothing passes.
    assert!(encoded == header || VERIFIER.verify(&format!("{encoded}.{claims}.{signature}")).is_err());
    assert!(encoded == claims || VERIFIER.verify(&format!("{header}.{encoded}.{signature}")).is_err());
    assert!(encoded == signature || VERIFIER.verify(&format!("{header}.{claims}.{encoded}")).is_err());
    // Signing takes a millisecond; short inputs are odd enough.
    if input.len() < 400 {
        check(&sign(HEADER, input));
        check(&sign(input, CLAIMS));
        check(&sign(HEADER, &[&CLAIMS[..CLAIMS.len() - 1], b",", input, b"}"].concat()));
    }
    if let Ok(other) = Verifier::offline(ISSUER, input) {
        assert!(other.verify(&GOOD).is_err());
    }
});
