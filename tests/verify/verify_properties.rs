//! What holds for every token: any change is refused, times count to the second, and no text is too much.

use crate::common;
use crate::common::issuer;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use common::{EXE, World, finish};
use issuer::{Issuer, OTHER, OURS, base64url, claims, generate, jwks, now, with};
use proptest::prelude::*;
use ring::signature::RsaKeyPair;
use scalekit_auth::verify::{Error, LONGEST_TOKEN, Verifier};
use serde_json::{Value, json};

const ISSUER: &str = "https://acme.scalekit.com";

static VERIFIER: LazyLock<Verifier> =
    LazyLock::new(|| Verifier::offline(ISSUER, jwks(&[&OURS, &OTHER]).as_bytes()).unwrap());
static GOOD: LazyLock<String> = LazyLock::new(|| OURS.sign(&claims(ISSUER)));

fn leeway(seconds: u64) -> Verifier {
    Verifier::offline(ISSUER, jwks(&[&OURS]).as_bytes()).unwrap().leeway(Duration::from_secs(seconds))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn no_letter_of_a_token_can_be_another_one(at in any::<prop::sample::Index>(), letter in "[A-Za-z0-9_.=+/ -]") {
        let at = at.index(GOOD.len());
        let changed = format!("{}{letter}{}", &GOOD[..at], &GOOD[at + 1..]);
        prop_assert_eq!(VERIFIER.verify(&changed).is_ok(), changed == *GOOD);
    }

    #[test]
    fn no_letter_can_be_left_out_or_added(at in any::<prop::sample::Index>(), letter in "[A-Za-z0-9_.=\n-]") {
        let at = at.index(GOOD.len());
        let shorter = format!("{}{}", &GOOD[..at], &GOOD[at + 1..]);
        let longer = format!("{}{letter}{}", &GOOD[..at], &GOOD[at..]);
        prop_assert!(VERIFIER.verify(&shorter).is_err() && VERIFIER.verify(&longer).is_err());
    }

    #[test]
    fn no_text_is_too_much(text in ".{0,60}", dotted in "[A-Za-z0-9_-]{0,40}(\\.[A-Za-z0-9_-]{0,40}){0,4}") {
        for token in [text, dotted] {
            let error = VERIFIER.verify(&token).unwrap_err();
            prop_assert_eq!(error.status(), 401);
            let header = error.www_authenticate().unwrap();
            prop_assert!(header.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
        }
    }

    #[test]
    fn times_are_good_within_the_leeway_and_not_beyond(seconds in 0u64..=300, ago in -600i64..600) {
        let edge = seconds.cast_signed();
        // Around the edge the second may change while the test looks.
        prop_assume!((ago - edge).abs() > 3);
        let verdict = |name: &str, at: i64| {
            leeway(seconds).verify(&OURS.sign(&with(claims(ISSUER), name, at.into()))).map(drop)
        };
        prop_assert_eq!(verdict("exp", now() - ago), if ago < edge { Ok(()) } else { Err(Error::Expired) });
        prop_assert_eq!(verdict("nbf", now() + ago), if ago < edge { Ok(()) } else { Err(Error::NotYetValid) });
    }

    #[test]
    fn every_scope_of_a_token_and_no_other_is_granted(
        granted in prop::collection::vec("[a-z]{1,5}:[a-z]{1,5}", 0..5), wanted in "[a-z]{1,5}:[a-z]{1,5}", as_list: bool,
    ) {
        let (name, value) = match as_list {
            true => ("scopes", json!(granted)),
            false => ("scope", granted.join(" ").into()),
        };
        let mut body = issuer::without(claims(ISSUER), "scopes");
        body[name] = value;
        let claims = VERIFIER.verify(&OURS.sign(&body)).unwrap();
        for scope in &granted {
            prop_assert_eq!(claims.require(scope), Ok(()));
        }
        prop_assert_eq!(claims.require(&wanted).is_ok(), granted.contains(&wanted));
    }
}

#[test]
fn a_leeway_is_never_more_than_five_minutes() {
    let token = OURS.sign(&with(claims(ISSUER), "exp", (now() - 310).into()));
    assert_eq!(leeway(u64::MAX).verify(&token), Err(Error::Expired));
}

#[test]
fn rsa_below_2048_bits_is_refused_though_the_signature_holds() {
    for (bits, verdict) in [(1024, Err(Error::Key)), (2040, Err(Error::Key)), (3072, Ok(()))] {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("key");
        std::fs::write(&file, generate(bits)).unwrap();
        let openssl = |args: &[&str], input: &str| {
            let mut command = Command::new("openssl");
            command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
            let mut child = command.spawn().unwrap();
            child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
            let done = child.wait_with_output().unwrap();
            assert!(done.status.success(), "{args:?}");
            done.stdout
        };
        let file = file.to_str().unwrap();
        let text = openssl(&["rsa", "-inform", "DER", "-in", file, "-noout", "-modulus"], "");
        let text = String::from_utf8(text).unwrap();
        let digits = text.trim().strip_prefix("Modulus=").unwrap();
        let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
        let modulus: Vec<u8> = (0..digits.len()).step_by(2).map(byte).collect();
        let set = json!({"keys": [{"kty": "RSA", "kid": "k", "n": base64url(modulus), "e": "AQAB"}]});
        let message =
            format!("{}.{}", base64url(r#"{"alg":"RS256","kid":"k"}"#), base64url(claims(ISSUER).to_string()));
        let signature = openssl(&["dgst", "-sha256", "-keyform", "DER", "-sign", file], &message);
        let verifier = Verifier::offline(ISSUER, set.to_string().as_bytes()).unwrap();
        let got = verifier.verify(&format!("{message}.{}", base64url(signature))).map(drop);
        assert_eq!(got, verdict, "{bits}");
        // The library that signs in the other tests has the same opinion.
        assert_eq!(RsaKeyPair::from_pkcs8(&std::fs::read(file).unwrap()).is_ok(), got.is_ok());
    }
}

#[test]
fn a_megabyte_is_refused_at_once_and_nobody_is_asked() {
    let mut world = World::new();
    world.credentials_in_variables = false;
    let issuer = Issuer::start(&[&OURS]);
    let run = |input: &[u8]| {
        let mut command = world.command(EXE);
        command.args(["verify", "--issuer", &issuer.url]).env("SSL_CERT_FILE", &issuer.ca);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // The program stops reading before the end.
        let _ = child.stdin.take().unwrap().write_all(input);
        common::Finished::from(child.wait_with_output().unwrap()).exit(41)
    };
    let start = Instant::now();
    let claims = with(issuer.claims(), "x", "a".repeat(1_000_000).into());
    for input in [OURS.sign(&claims).as_bytes(), &[b'.'; 1_000_000], &vec![b'a'; LONGEST_TOKEN + 1], &[0xff; 100]] {
        let got = run(input);
        assert!(got.stderr.len() < 300, "{got:?}");
    }
    assert!(start.elapsed() < Duration::from_secs(3));
    assert!(issuer.seen().is_empty());
    let mut command = world.command(EXE);
    command.args(["verify", "--json", "--issuer", &issuer.url]);
    let told: Value = serde_json::from_str(&finish(&mut command, "\x1b]0;x\x07").exit(41).stdout).unwrap();
    assert_eq!(told["code"], "invalid_token");
}
