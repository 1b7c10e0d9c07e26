//! Tokens that try to get by, and some that are merely odd, each with the verdict that it must have.

use ring::rand::SystemRandom;
use ring::signature::{self, EcdsaKeyPair, RsaEncoding};
use ring::{hmac, signature::KeyPair};
use serde_json::{Value, json};

use crate::common::issuer::{AUDIENCE, Key, OTHER, OURS, base64url, claims, now, with, without};

pub const ISSUER: &str = "https://acme.scalekit.com";

/// What becomes of a token.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum We {
    Accept,
    /// With a reason that holds these words.
    Refuse(&'static str),
}
use We::{Accept, Refuse};

/// Name, token and verdict of each.
pub struct Corpus(pub Vec<(String, String, We)>);

impl Corpus {
    /// All of them.
    pub fn new() -> Self {
        let mut corpus = Self(Vec::new());
        for add in [algorithms, headers, times, names, forms] {
            add(&mut corpus);
        }
        corpus
    }

    fn add(&mut self, name: impl Into<String>, we: We, token: impl Into<String>) {
        self.0.push((name.into(), token.into(), we));
    }

    /// The usual claims under this header, signed by the environment's key.
    fn header(&mut self, name: &str, we: We, header: &str) {
        self.add(name, we, OURS.sign_text(header, &claims(ISSUER).to_string()));
    }

    /// The usual header with a member more.
    fn header_with(&mut self, name: &str, we: We, member: &str, value: &Value) {
        self.header(name, we, &with(OURS.header(), member, value.clone()).to_string());
    }

    /// The usual claims with one of them replaced.
    fn claim(&mut self, we: We, name: &str, value: &Value) {
        let shown: String = value.to_string().chars().take(60).collect();
        self.claim_as(&format!("{name} {shown}"), we, name, value);
    }

    fn claim_as(&mut self, title: &str, we: We, name: &str, value: &Value) {
        self.add(title, we, OURS.sign(&with(claims(ISSUER), name, value.clone())));
    }

    /// The usual claims with `text` before them.
    fn claims_text(&mut self, name: &str, we: We, text: &str) {
        let rest = claims(ISSUER).to_string();
        self.add(name, we, OURS.sign_text(&OURS.header().to_string(), &rest.replacen('{', text, 1)));
    }
}

fn signed(header: &Value, sign: impl Fn(&str) -> Vec<u8>) -> String {
    let message = format!("{}.{}", base64url(header.to_string()), base64url(claims(ISSUER).to_string()));
    let signature = base64url(sign(&message));
    format!("{message}.{signature}")
}

fn algorithms(corpus: &mut Corpus) {
    let head = |alg: &str| with(OURS.header(), "alg", alg.into());
    let not_rs256 = Refuse("not signed with RS256");
    for alg in ["none", "None", "NONE", "nOnE", ""] {
        corpus.add(format!("alg {alg:?} unsigned"), not_rs256, signed(&head(alg), |_| vec![]));
        let by_us = signed(&head(alg), |message| OURS.signature(&signature::RSA_PKCS1_SHA256, message));
        corpus.add(format!("alg {alg:?} signed"), not_rs256, by_us);
    }
    let (der, pem) = (OURS.public_der(), OURS.public_pem());
    for (name, secret) in
        [("der", &der[..]), ("pem", pem.as_bytes()), ("trimmed pem", pem.trim().as_bytes()), ("empty", &[])]
    {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let by_hmac = |message: &str| hmac::sign(&key, message.as_bytes()).as_ref().to_vec();
        corpus.add(format!("HS256 with the public key as {name}"), not_rs256, signed(&head("HS256"), by_hmac));
        corpus.add(format!("HS256 called RS256 as {name}"), Refuse("signature"), signed(&head("RS256"), by_hmac));
    }
    let others: [(&str, &'static dyn RsaEncoding); 3] = [
        ("RS384", &signature::RSA_PKCS1_SHA384),
        ("RS512", &signature::RSA_PKCS1_SHA512),
        ("PS256", &signature::RSA_PSS_SHA256),
    ];
    for (alg, encoding) in others {
        corpus.add(alg, not_rs256, signed(&head(alg), |message| OURS.signature(encoding, message)));
        let renamed = signed(&head("RS256"), |message| OURS.signature(encoding, message));
        corpus.add(format!("{alg} called RS256"), Refuse("signature"), renamed);
    }
    let random = SystemRandom::new();
    let encoding = &signature::ECDSA_P256_SHA256_FIXED_SIGNING;
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(encoding, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(encoding, pkcs8.as_ref(), &random).unwrap();
    let by_curve = |message: &str| pair.sign(&random, message.as_bytes()).unwrap().as_ref().to_vec();
    corpus.add("ES256", not_rs256, signed(&head("ES256"), by_curve));
    let point = pair.public_key().as_ref();
    let jwk = json!({"kty": "EC", "crv": "P-256", "x": base64url(&point[1..33]), "y": base64url(&point[33..])});
    corpus.add("ES256 with its key", not_rs256, signed(&with(head("ES256"), "jwk", jwk), by_curve));
    corpus.header("no alg", not_rs256, &without(OURS.header(), "alg").to_string());
    for alg in [json!("rs256"), json!("RS256 "), json!(["RS256"]), json!(256), json!(null)] {
        corpus.header_with(&format!("alg {alg}"), not_rs256, "alg", &alg);
    }
}

fn headers(corpus: &mut Corpus) {
    let no_kid = Refuse("no usable key id");
    corpus.header("no kid", no_kid, &without(OURS.header(), "kid").to_string());
    for kid in [json!(""), json!(1), json!(null), json!(["snk_1"]), json!("k".repeat(257))] {
        corpus.header_with(&format!("kid {:.20}", kid.to_string()), no_kid, "kid", &kid);
    }
    for kid in ["snk_2", "SNK_1", "snk_1 ", "snk_1\u{0}", "../../dev/null", "https://evil.example/keys", "' or 1=1 --"]
    {
        corpus.header_with(&format!("kid {kid:?}"), Refuse("has no key"), "kid", &kid.into());
    }
    let no_json = Refuse("its header is not base64url of a JSON object");
    corpus.header("two kids", no_json, r#"{"alg":"RS256","kid":"snk_2","kid":"snk_1"}"#);
    corpus.header("two algs", no_json, r#"{"alg":"none","alg":"RS256","kid":"snk_1"}"#);
    for (name, text) in [("empty", ""), ("a list", "[]"), ("cut", r#"{"alg":"RS256","kid":"snk_1""#)] {
        corpus.header(&format!("header {name}"), no_json, text);
    }
    let by_other = |header: &Value| OTHER.sign_text(&header.to_string(), &claims(ISSUER).to_string());
    for (member, value) in [
        ("jku", json!("https://evil.example/keys")),
        ("x5u", json!("https://evil.example/x")),
        ("jwk", OTHER.jwk()),
        ("x5c", json!(["MIIB"])),
        ("x5t", json!("abc")),
        ("cty", json!("JWT")),
    ] {
        let header = with(OURS.header(), member, value);
        corpus.add(format!("{member} of another signer"), Refuse("signature"), by_other(&header));
        corpus.header(&format!("{member} that nobody reads"), Accept, &header.to_string());
    }
    for (member, value) in
        [("crit", json!(["exp"])), ("crit", json!([])), ("crit", json!(["b64"])), ("b64", json!(false))]
    {
        corpus.header_with(&format!("{member} {value}"), Refuse("extension"), member, &value);
    }
    for (member, value) in
        [("typ", json!("at+jwt")), ("zip", json!("DEF")), ("nonce", json!("n")), ("x", json!({"a": [1]}))]
    {
        corpus.header_with(&format!("{member} {value}"), Accept, member, &value);
    }
    corpus.header_with("typ 7", Refuse("not a signed token"), "typ", &json!(7));
}

fn times(corpus: &mut Corpus) {
    let at = |seconds: i64| json!(now() + seconds);
    for (we, exp) in [
        (Refuse("expired"), at(-31)),
        (Refuse("expired"), json!(0)),
        (Accept, at(-20)),
        (Accept, json!(now() as f64 + 60.5)),
        (Refuse("expired"), json!(now() as f64 - 60.5)),
        (Accept, json!(u64::MAX)),
        (Accept, json!(4e18)),
        (Refuse("exp"), json!(-1)),
        (Refuse("exp"), json!("tomorrow")),
        (Refuse("exp"), json!(null)),
        (Refuse("exp"), json!(true)),
        (Refuse("not a signed token"), json!([now() + 60])),
        (Refuse("not a signed token"), json!({"a": 1})),
    ] {
        corpus.claim(we, "exp", &exp);
    }
    for (name, exp) in [("huge", "99999999999999999999999"), ("float", "1e30"), ("infinite", "1e400"), ("NaN", "NaN")] {
        let text = without(claims(ISSUER), "exp").to_string().replacen('{', &format!("{{\"exp\":{exp},"), 1);
        let we = if name == "NaN" { Refuse("it is not a signed token") } else { Refuse("exp") };
        corpus.add(format!("exp {name}"), we, OURS.sign_text(&OURS.header().to_string(), &text));
    }
    for (we, nbf) in [
        (Refuse("not valid yet"), at(40)),
        (Refuse("not valid yet"), json!(u64::MAX)),
        (Accept, at(20)),
        (Accept, json!(0)),
        (Refuse("nbf"), json!(-1)),
        (Refuse("nbf"), json!("0")),
        (Refuse("nbf"), json!([])),
    ] {
        corpus.claim(we, "nbf", &nbf);
    }
    corpus.claim_as("exp text of digits", Refuse("exp"), "exp", &json!((now() + 60).to_string()));
    corpus.claim_as("iat future", Accept, "iat", &at(3600));
    corpus.claim(Accept, "iat", &json!("yesterday"));
    for name in ["exp", "iss", "aud"] {
        corpus.add(format!("no {name}"), Refuse(name), OURS.sign(&without(claims(ISSUER), name)));
    }
    corpus.add("no nbf, no iat", Accept, OURS.sign(&without(without(claims(ISSUER), "nbf"), "iat")));
}

fn names(corpus: &mut Corpus) {
    for issuer in [
        json!("https://acme.scalekit.com/"),
        json!("https://ACME.scalekit.com"),
        json!("http://acme.scalekit.com"),
        json!("https://acme.scalekit.com.evil.example"),
        json!("https://acme.scalekit.com\u{0}"),
        json!([ISSUER]),
        json!([ISSUER, "https://evil.example"]),
    ] {
        corpus.claim(Refuse("its issuer is not https://acme.scalekit.com"), "iss", &issuer);
    }
    for issuer in [json!(1), json!(null), json!({"a": ISSUER})] {
        corpus.claim(Refuse("iss"), "iss", &issuer);
    }
    for (we, audience) in [
        (Accept, json!(AUDIENCE)),
        (Accept, json!([AUDIENCE])),
        (Accept, json!(["a", AUDIENCE])),
        (Refuse("another audience"), json!("a")),
        (Refuse("another audience"), json!([])),
        (Refuse("another audience"), json!(["a", "b"])),
        (Refuse("another audience"), json!(format!("{AUDIENCE}/"))),
        (Refuse("another audience"), json!(format!("{AUDIENCE} a"))),
        (Refuse("another audience"), json!(AUDIENCE.to_uppercase())),
        (Refuse("aud"), json!([AUDIENCE, 1])),
        (Refuse("aud"), json!([[AUDIENCE]])),
        (Refuse("aud"), json!({AUDIENCE: true})),
        (Refuse("aud"), json!(null)),
    ] {
        corpus.claim(we, "aud", &audience);
    }
    corpus.claim(Accept, "sub", &json!(7));
    corpus.claim(Accept, "scope", &json!("deploy:apps other"));
    let impostor = Key::new("snk_1");
    corpus.add("another environment's key under our id", Refuse("signature"), impostor.sign(&claims(ISSUER)));
    corpus.add("another environment's key", Refuse("has no key"), OTHER.sign(&claims(ISSUER)));
    let twice = Refuse("not plain JSON");
    corpus.claims_text("two scopes", twice, r#"{"scopes":["admin"],"#);
    corpus.claims_text("two issuers", Refuse("it is not a signed token"), r#"{"iss":"https://evil.example","#);
    corpus.claims_text("two within a claim", twice, r#"{"x":{"a":1,"a":2},"#);
    corpus.claims_text("two by another spelling", twice, r#"{"\u006fid":"org_1","#);
}

fn forms(corpus: &mut Corpus) {
    let good = OURS.sign(&claims(ISSUER));
    let parts: Vec<&str> = good.split('.').collect();
    let [header, payload, signature] = parts[..] else { unreachable!() };
    let three = Refuse("three parts");
    corpus.add("valid", Accept, &good);
    for (name, token) in [
        ("nothing but dots", "..".to_owned()),
        ("four parts", format!("{good}.")),
        ("five parts", format!("{good}.{signature}.{signature}")),
        ("a dot before", format!(".{good}")),
        ("two parts", format!("{header}.{payload}")),
        ("JSON", json!({"protected": header, "payload": payload, "signature": signature}).to_string()),
    ] {
        corpus.add(name, if name == "nothing but dots" { Refuse("its header") } else { three }, token);
    }
    let no_token = Refuse("it is not a signed token");
    let broken = Refuse("signature does not hold");
    corpus.add("no signature", broken, format!("{header}.{payload}."));
    corpus.add("no claims", broken, format!("{header}..{signature}"));
    corpus.add("cut by two", broken, &good[..good.len() - 2]);
    corpus.add("cut by one", no_token, &good[..good.len() - 1]);
    corpus.add("a longer signature", broken, format!("{header}.{payload}.AAAA{signature}"));
    corpus.add("a signature twice", broken, format!("{good}{signature}"));
    corpus.add("padded", no_token, format!("{good}=="));
    corpus.add("padded too much", no_token, format!("{good}===="));
    corpus.add("a newline", no_token, format!("{good}\n"));
    corpus.add("a blank within", no_token, format!("{header}.{payload}.{} {}", &signature[..9], &signature[9..]));
    corpus.add("a blank before", Refuse("its header"), format!(" {good}"));
    corpus.add("stars within", no_token, format!("{header}.{payload}.*{signature}*"));
    corpus.add(
        "another alphabet",
        no_token,
        format!("{header}.{payload}.{}", signature.replace(['-', '_'], "+") + "+/=="),
    );
    corpus.add("letters of another script", no_token, format!("{good}é"));
    // The last letter holds two bits of the signature and four that mean nothing.
    let last = signature.chars().last().unwrap();
    let alike = letter_beside(last);
    corpus.add("bits that mean nothing", no_token, format!("{}{alike}", &good[..good.len() - 1]));
    let text = claims(ISSUER).to_string();
    corpus.add("padded claims", no_token, OURS.sign_encoded(header, &(base64url(format!("{text} ")) + "==")));
    corpus.add("padded header", Refuse("its header"), OURS.sign_encoded(&(header.to_owned() + "="), payload));
    for (name, bytes) in [
        ("invalid UTF-8", [&text.as_bytes()[..text.len() - 1], b",\"x\":\"\xff\xfe\"}"].concat()),
        ("UTF-16", text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("a byte order mark", [b"\xef\xbb\xbf", text.as_bytes()].concat()),
    ] {
        let we = if name == "invalid UTF-8" { Refuse("not plain JSON") } else { no_token };
        corpus.add(name, we, OURS.sign_encoded(header, &base64url(bytes)));
    }
    for (name, text) in
        [("empty claims", ""), ("a list", "[]"), ("a text", "\"a\""), ("null", "null"), ("two", "{} {}")]
    {
        corpus.add(name, no_token, OURS.sign_text(&OURS.header().to_string(), text));
    }
    corpus.add("no claim", Refuse("is missing"), OURS.sign_text(&OURS.header().to_string(), "{}"));
    let deep = |depth: usize| format!("{{\"x\":{}{},", "[".repeat(depth), "]".repeat(depth));
    corpus.claims_text("deep", Accept, &deep(100));
    corpus.claims_text("deeper", Refuse("not plain JSON"), &deep(200));
    corpus.claims_text("deepest", Refuse("not plain JSON"), &deep(20_000));
    corpus.header("a deep header", Refuse("its header"), &deep(200).replace(',', r#","alg":"RS256","kid":"snk_1"}"#));
    corpus.claims_text("large", Accept, &format!("{{\"x\":\"{}\",", "a".repeat(40_000)));
    corpus.claims_text("a megabyte", Refuse("64 KiB"), &format!("{{\"x\":\"{}\",", "a".repeat(1_000_000)));
    corpus.add("a megabyte of dots", Refuse("64 KiB"), ".".repeat(1_000_000));
}

/// Another letter of base64url that differs in the last four bits only.
fn letter_beside(letter: char) -> char {
    const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    LETTERS.chars().nth(LETTERS.find(letter).unwrap() + 1).unwrap()
}
