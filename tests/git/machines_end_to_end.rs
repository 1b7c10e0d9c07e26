//! An API client's whole life with real tools: made, used by git and curl against servers that check its tokens, rotated
//! while it works, and deleted.

use crate::common;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use common::gits::modern;
use common::{EXE, World, finish};
use scalekit_sandbox::{Control, GitOptions, GitServer, Offers};
use serde_json::Value;

/// A git server that takes Bearer alone, and of it what `scalekit-auth verify` calls good for cloning.
fn protected_server(world: &World) -> GitServer {
    let root = world.path("repositories");
    std::fs::create_dir(&root).unwrap();
    GitServer::create_repository(&root, "app.git", &[("README", b"hello\n")]).unwrap();
    let tls = Some(world.sandbox.ca());
    let server =
        GitServer::start(GitOptions { root, tls, offers: Offers::Bearer, git: modern(), ..GitOptions::default() })
            .unwrap();
    let variables = world.variables();
    server.accept_if(move |token| {
        let mut command = std::process::Command::new(EXE);
        command.env_clear().envs(variables.iter().map(|(name, value)| (name, value)));
        let args = ["verify", "--audience", "git.acme.com", "--scope", "repo:read", "--org", "org_1"];
        finish(command.args(args), token).code == Some(0)
    });
    server
}

/// The service `deploy`, an API client that was just made, with its secret in a file.
fn create(world: &World, host: &str) -> String {
    world.control(Control::SeedOrganization { id: "org_1".into() });
    let home = format!("file:{}", world.path("deploy.secret").display());
    let got = world.ok(&[
        "client",
        "create",
        "--org",
        "org_1",
        "--name",
        "CI",
        "--scope",
        "repo:read",
        "--audience",
        "git.acme.com",
        "--service",
        "deploy",
        "--host",
        host,
        "--home",
        &home,
        "--json",
    ]);
    let object: Value = serde_json::from_str(&got.stdout).unwrap();
    assert!(world.sandbox.plain_secrets().iter().all(|secret| !got.stdout.contains(secret)), "{got:?}");
    object["client_id"].as_str().unwrap_or_else(|| panic!("{object}")).to_owned()
}

fn clone(world: &World, server: &GitServer, directory: &str) -> common::Finished {
    let mut git = world.command(modern());
    git.args(["-c", "credential.helper=", "-c", "credential.helper=scalekit", "clone", "--quiet"]);
    git.arg(format!("{}/app.git", server.url())).arg(directory).env("GIT_SSL_CAINFO", world.sandbox.ca_pem());
    finish(&mut git, "")
}

#[test]
fn git_and_curl_reach_what_is_protected_until_the_client_is_deleted() {
    let world = World::new();
    let server = protected_server(&world);
    let client_id = create(&world, server.url());
    clone(&world, &server, "copy").ok();
    assert_eq!(std::fs::read_to_string(world.path("copy/README")).unwrap(), "hello\n");
    assert!(server.seen().iter().any(|seen| seen.scheme.as_deref() == Some("Bearer") && seen.status == 200));
    let refs = format!("{}/app.git/info/refs?service=git-upload-pack", server.url());
    let curl = || {
        let mut command = world.command(EXE);
        command.args(["curl", &refs, "-sS", "-f", "-o", "/dev/null"]).env("CURL_CA_BUNDLE", world.sandbox.ca_pem());
        finish(&mut command, "")
    };
    curl().ok();
    world.ok(&["client", "delete", "deploy", "--yes"]);
    assert!(!world.path("deploy.secret").exists(), "the secret of {client_id} is gone with it");
    assert_ne!(curl().code, Some(0));
    assert_ne!(clone(&world, &server, "late").code, Some(0));
}

#[test]
fn a_rotation_under_load_fails_no_call() {
    let world = World::new();
    create(&world, "api.acme.com");
    let first = std::fs::read_to_string(world.path("deploy.secret")).unwrap();
    let (is_over, calls) = (AtomicBool::new(false), AtomicUsize::new(0));
    let world = Arc::new(world);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    world.ok(&["token", "https://api.acme.com/v1"]);
                    calls.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for _ in 0..3 {
            let rotated = world.run(&["client", "rotate", "deploy"]);
            if rotated.code != Some(0) {
                is_over.store(true, Ordering::Relaxed);
                panic!("{rotated:?}");
            }
        }
        is_over.store(true, Ordering::Relaxed);
    });
    assert!(calls.load(Ordering::Relaxed) > 0);
    assert_ne!(std::fs::read_to_string(world.path("deploy.secret")).unwrap(), first);
    let secrets: Value = serde_json::from_str(&world.ok(&["client", "secrets", "deploy", "--json"]).stdout).unwrap();
    assert_eq!(secrets["secrets"].as_array().map(Vec::len), Some(1), "{secrets}");
}
