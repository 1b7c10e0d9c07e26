//! The keys that client access tokens are signed with: two test keys that are checked in, since ring makes no RSA keys
//! and others take seconds for it in a debug build. They protect nothing.

use std::sync::LazyLock;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{self, RsaEncoding, RsaKeyPair};
use serde_json::{Value, json};

const FIRST_KID: &str = "snk_24834495392000000";

struct TestKey {
    pair: RsaKeyPair,
    private_pem: &'static str,
    public_pem: &'static str,
}

static TEST_KEYS: LazyLock<[TestKey; 2]> = LazyLock::new(|| {
    [
        TestKey::read(include_str!("keys/test-only-rsa-1.pem"), include_str!("keys/test-only-rsa-1.pub.pem")),
        TestKey::read(include_str!("keys/test-only-rsa-2.pem"), include_str!("keys/test-only-rsa-2.pub.pem")),
    ]
});

impl TestKey {
    fn read(private_pem: &'static str, public_pem: &'static str) -> TestKey {
        let lines = private_pem.lines().filter(|line| !line.starts_with("-----"));
        let der = BASE64_STANDARD.decode(lines.collect::<String>()).expect("an embedded key is base64");
        let pair = RsaKeyPair::from_pkcs8(&der).expect("an embedded key is an RSA key in PKCS #8");
        TestKey { pair, private_pem, public_pem }
    }
}

/// A test key under the name it has in the key set.
#[derive(Debug, Clone)]
struct Named {
    kid: String,
    /// Its place in `TEST_KEYS`.
    key: usize,
}

impl Named {
    fn key(&self) -> &'static TestKey {
        &TEST_KEYS[self.key]
    }

    fn jwk(&self) -> Value {
        let public = PublicKeyComponents::<Vec<u8>>::from(self.key().pair.public());
        let [n, e] = [public.n, public.e].map(|number| BASE64_URL_SAFE_NO_PAD.encode(number));
        json!({"use": "sig", "kty": "RSA", "kid": self.kid, "alg": "RS256", "n": n, "e": e})
    }
}

/// The key that signs, and the one before it as long as tokens signed by that are to be taken.
#[derive(Debug)]
pub(crate) struct Keys {
    current: Named,
    old: Option<Named>,
}

impl Default for Keys {
    fn default() -> Keys {
        Keys { current: Named { kid: FIRST_KID.to_owned(), key: 0 }, old: None }
    }
}

impl Keys {
    /// Signs with the other test key from now on.
    pub(crate) fn rotate(&mut self, kid: String, keep_old: bool) {
        let next = Named { kid, key: (self.current.key + 1) % TEST_KEYS.len() };
        let old = std::mem::replace(&mut self.current, next);
        self.old = keep_old.then_some(old);
    }

    pub(crate) fn kid(&self) -> &str {
        &self.current.kid
    }

    pub(crate) fn private_pem(&self) -> &'static str {
        self.current.key().private_pem
    }

    pub(crate) fn public_pem(&self) -> &'static str {
        self.current.key().public_pem
    }

    /// The key set, the newest key first.
    pub(crate) fn jwks(&self) -> Value {
        let shown = std::iter::once(&self.current).chain(&self.old).map(Named::jwk);
        json!({"keys": shown.collect::<Vec<_>>()})
    }

    /// The header of the tokens that the vault issues.
    pub(crate) fn header(&self) -> Value {
        json!({"alg": "RS256", "kid": self.current.kid, "typ": "JWT"})
    }

    /// A JWT with this header and these claims, whatever they are.
    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        let parts = [header, claims].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part.to_string()));
        let message = parts.join(".");
        let pair = &self.current.key().pair;
        let mut signature = vec![0; pair.public().modulus_len()];
        pair.sign(padding(header), &SystemRandom::new(), message.as_bytes(), &mut signature)
            .expect("a buffer of the modulus's length holds a signature");
        format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }
}

/// The algorithm that a header names, so that a token in an algorithm nobody asked for is otherwise beyond reproach.
fn padding(header: &Value) -> &'static dyn RsaEncoding {
    match header["alg"].as_str() {
        Some("RS384") => &signature::RSA_PKCS1_SHA384,
        Some("RS512") => &signature::RSA_PKCS1_SHA512,
        Some("PS256") => &signature::RSA_PSS_SHA256,
        Some("PS384") => &signature::RSA_PSS_SHA384,
        Some("PS512") => &signature::RSA_PSS_SHA512,
        _ => &signature::RSA_PKCS1_SHA256,
    }
}
