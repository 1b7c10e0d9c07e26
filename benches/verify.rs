//! How many tokens a second one thread verifies with a key it knows, beside PyJWT (cryptography, OpenSSL) in the same run:
//! `cargo bench --bench verify`, after `tests/run` has installed PyJWT.

#[path = "../tests/common/issuer.rs"]
mod issuer;

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use issuer::{AUDIENCE, OURS, PYTHON, claims, jwks};
use scalekit_auth::verify::Verifier;
use serde_json::{Value, json};

const ISSUER: &str = "https://acme.scalekit.com";
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(1);

fn main() {
    let tokens: Vec<String> = (0..20).map(|_| OURS.sign(&claims(ISSUER))).collect();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(library(&tokens));
        theirs.push(pyjwt(&tokens));
    }
    let (ours, theirs) = (median(ours), median(theirs));
    println!("scalekit-auth {ours:>9.0} tokens/s");
    println!("PyJWT         {theirs:>9.0} tokens/s");
    println!("ratio         {:>9.2}", ours / theirs);
}

fn library(tokens: &[String]) -> f64 {
    let verifier = Verifier::offline(ISSUER, jwks(&[&OURS]).as_bytes()).unwrap().audience(AUDIENCE);
    let (mut count, start) = (0, Instant::now());
    while start.elapsed() < ROUND {
        for token in tokens {
            verifier.verify(token).unwrap();
        }
        count += tokens.len();
    }
    count as f64 / start.elapsed().as_secs_f64()
}

fn pyjwt(tokens: &[String]) -> f64 {
    let cases: Vec<_> = tokens.iter().map(|token| json!(["", token])).collect();
    let jwks: Value = serde_json::from_str(&jwks(&[&OURS])).unwrap();
    let given = json!({"jwks": jwks, "issuer": ISSUER, "audience": AUDIENCE, "leeway": 30, "cases": cases});
    let mut child = Command::new(PYTHON)
        .args([concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/pyjwt_verdicts.py"), "--bench"])
        .arg(ROUND.as_secs_f64().to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("tests/run has installed PyJWT");
    child.stdin.take().unwrap().write_all(given.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}
