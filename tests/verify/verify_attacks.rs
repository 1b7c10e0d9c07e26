//! Tokens that try to get by, and some that are merely odd: our verdict on each, beside PyJWT's.

use crate::common::issuer;
use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use crate::common::attacks::We::{Accept, Refuse};
use crate::common::attacks::{Corpus, ISSUER};
use crate::common::finish;
use issuer::{AUDIENCE, OURS, jwks};
use scalekit_auth::verify::Verifier;
use serde_json::{Value, json};

/// Where PyJWT accepts what we refuse, or the other way about, and why.
const DIFFERENCES: [(&[&str], &str); 7] = [
    (
        &["two kids", "two algs", "two scopes", "two issuers", "two within a claim", "two by another spelling"],
        "Python's json takes the last of two; whoever reads the first one has another token before him (RFC 7519, 4)",
    ),
    (&["padded", "padded header"], "RFC 7515 has no padding; PyJWT takes as much as belongs there"),
    (&["UTF-16", "a byte order mark"], "Python's json guesses the encoding; RFC 7519 has UTF-8 without a mark"),
    (&["deeper", "a deep header"], "serde_json nests 128 times at most; no token does"),
    (&["a megabyte"], "64 KiB is our limit"),
    (
        &["exp huge", "exp float", "exp text of digits", "nbf -1", "nbf \"0\""],
        "PyJWT calls int(), which reads texts and has no end; a NumericDate is a number, and one of this world",
    ),
    (
        &["iat future", "iat \"yesterday\"", "sub 7", "typ 7"],
        "RFC 7519 gives `iat` no say in whether a token is valid; a `sub` that is no text is no subject (`None`); a `typ` \
         that is no text is no header",
    ),
];

#[test]
fn no_forged_or_odd_token_gets_by_and_pyjwt_agrees_where_it_should() {
    let corpus = Corpus::new();
    let verifier = Verifier::offline(ISSUER, jwks(&[&OURS]).as_bytes()).unwrap().audience(AUDIENCE);
    let mut wrong = Vec::new();
    for (name, token, we) in &corpus.0 {
        let got = verifier.verify(token).map(drop);
        let is_right = match (&got, we) {
            (Ok(()), Accept) => true,
            (Err(error), Refuse(words)) => error.to_string().contains(words) && error.status() == 401,
            _ => false,
        };
        if !is_right {
            wrong.push((name, we, got));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let pyjwt = pyjwt(&corpus);
    let mut different = Vec::new();
    for (name, _, we) in &corpus.0 {
        let theirs = pyjwt[name].as_str();
        if (theirs == "valid") != (*we == Accept) {
            different.push((name.as_str(), theirs));
        }
    }
    let explained: Vec<&str> = DIFFERENCES.iter().flat_map(|(names, _)| names.iter().copied()).collect();
    let surprises: Vec<_> = different.iter().filter(|(name, _)| !explained.contains(name)).collect();
    let agreed: Vec<_> = explained.iter().filter(|name| !different.iter().any(|(known, _)| known == *name)).collect();
    assert!(surprises.is_empty() && agreed.is_empty(), "different: {surprises:?}; no longer different: {agreed:?}");
}

fn pyjwt(corpus: &Corpus) -> BTreeMap<String, String> {
    let cases: Vec<_> = corpus.0.iter().map(|(name, token, _)| json!([name, token])).collect();
    let jwks: Value = serde_json::from_str(&jwks(&[&OURS])).unwrap();
    let given = json!({"jwks": jwks, "issuer": ISSUER, "audience": AUDIENCE, "leeway": 30, "cases": cases});
    let mut command = Command::new(issuer::PYTHON);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/pyjwt_verdicts.py")).stderr(Stdio::inherit());
    serde_json::from_str(&finish(&mut command, &given.to_string()).ok().stdout).unwrap()
}
