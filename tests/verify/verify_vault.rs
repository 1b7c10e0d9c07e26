//! Tokens that the stand-in vault issues and signs, checked by the command that its environment is configured for.

use crate::common;
use common::{Finished, World, finish};
use scalekit_sandbox::Control;
use serde_json::{Value, json};

fn verify(world: &World, args: &[&str], token: &str) -> Finished {
    finish(world.command(common::EXE).arg("verify").args(args), token)
}

/// A token of the vault with these claims beside the usual ones.
fn sign(world: &World, more: &[(&str, Value)]) -> String {
    let now = jiff::Timestamp::now().as_second();
    let mut claims = json!({"iss": world.sandbox.url(), "sub": "m2morg_1", "iat": now, "nbf": now, "exp": now + 600});
    for (name, value) in more {
        claims[*name] = value.clone();
    }
    world.sandbox.sign(claims, Value::Null)
}

#[test]
fn what_the_vault_signs_is_valid_until_it_changes_its_key() {
    let world = World::new();
    let (audience, scopes) = (json!(["api.example.com"]), json!(["deploy:apps"]));
    let more = [("aud", audience), ("scopes", scopes), ("oid", json!("org_1"))];
    let args = ["--audience", "api.example.com", "--scope", "deploy:apps", "--org", "org_1"];
    let old = sign(&world, &more);
    for _ in 0..3 {
        verify(&world, &args, &old).ok();
    }
    verify(&world, &["--scope", "admin"], &old).exit(43);
    verify(&world, &["--audience", "other"], &old).exit(41);
    assert_eq!(world.count("GET /keys"), 1);

    world.control(Control::RotateSigningKey { keep_old: true });
    let new = sign(&world, &more);
    verify(&world, &args, &new).ok();
    verify(&world, &args, &old).ok();
    assert_eq!(world.count("GET /keys"), 2);
}

#[test]
fn a_key_that_the_vault_withdrew_is_good_for_its_lifetime_only() {
    let world = World::new();
    let old = sign(&world, &[]);
    verify(&world, &[], &old).ok();
    world.control(Control::RotateSigningKey { keep_old: false });
    verify(&world, &[], &old).ok();
    verify(&world, &[], &sign(&world, &[])).ok();
    assert!(verify(&world, &[], &old).exit(41).stderr.contains("the environment has no key"));
}

#[test]
fn keys_are_found_without_discovery_and_refused_from_elsewhere() {
    let world = World::new();
    world.control(Control::SetDiscovery { jwks_uri: None, missing: true });
    verify(&world, &[], &sign(&world, &[])).ok();
    let world = World::new();
    world.control(Control::SetDiscovery { jwks_uri: Some("https://evil.example/keys".into()), missing: false });
    let got = verify(&world, &[], &sign(&world, &[])).exit(6);
    assert!(got.stderr.contains("keys at another origin (https://evil.example/keys)"), "{got:?}");
}

#[test]
fn faults_of_the_vault_are_no_verdict() {
    let world = World::new();
    let token = sign(&world, &[]);
    world.control(Control::FailNext {
        route: Some("GET /keys".into()),
        status: 503,
        error_code: None,
        body: None,
        retry_after: None,
        times: 9,
    });
    verify(&world, &[], &token).exit(7);
    let world = World::new();
    let token = sign(&world, &[]);
    world.control(Control::Garbage { route: Some("GET /keys".into()), body: "<html>".into(), times: 1 });
    verify(&world, &[], &token).exit(6);
    verify(&world, &[], &token).ok();
}
