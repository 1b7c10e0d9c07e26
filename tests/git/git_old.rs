//! Real git from before 2.46, such as Debian 12's 2.39: Basic works; what it cannot do ends in a message.

use crate::common::gits::{Repository, old};
use scalekit_sandbox::{Control, Offers};

#[test]
fn clones_by_basic_over_https_and_http() {
    for (offers, tls) in [(Offers::Basic, true), (Offers::Both, true), (Offers::Basic, false)] {
        let repository = Repository::with(old(), offers, tls);
        repository.clone_into("copy").ok();
        assert_eq!(std::fs::read_to_string(repository.world.path("copy/README")).unwrap(), "hello\n");
    }
}

#[test]
fn a_realm_and_a_path_that_are_not_utf_8_are_no_hindrance() {
    let repository = Repository::new(old(), Offers::Both);
    repository.server.name_realm(b"f\xfcr");
    repository.clone_into("copy").ok();
    // The path is decoded by git and reaches the helper as it is; there is no such repository.
    let url = repository.url("f%fcr.git");
    repository.git(&["-c", "credential.useHttpPath=true", "ls-remote", &url]).exit(128);
    let last = repository.server.seen().pop().unwrap();
    assert_eq!((last.token.as_deref(), last.status), (Some("token-1"), 404));
}

#[test]
fn pushes_over_a_mebibyte() {
    let repository = Repository::new(old(), Offers::Basic);
    let directory = repository.clone_with_large_commit();
    repository.git_in(&directory, &["push"]).ok();
}

#[test]
fn the_ephemeral_form_is_for_gits_that_know_it() {
    let repository = Repository::new(old(), Offers::Basic);
    repository.set_helpers(&["scalekit --ephemeral", "store"]);
    let directory = repository.clone_with_large_commit();
    repository.git_in(&directory, &["push"]).ok();
    let stored = std::fs::read_to_string(repository.world.path(".git-credentials")).unwrap();
    assert!(stored.contains("token-1"), "this git hands it on");
}

#[test]
fn submodules_are_fetched_in_parallel() {
    let repository = Repository::new(old(), Offers::Basic);
    repository.add_submodules(9);
    repository.git(&["clone", "--recurse-submodules", "--jobs", "8", &repository.url("super.git"), "copy"]).ok();
    assert_eq!(std::fs::read_to_string(repository.world.path("copy/module-8/README")).unwrap(), "module\n");
}

#[test]
fn a_stale_token_fails_once_and_the_next_command_works() {
    let repository = Repository::new(old(), Offers::Basic);
    repository.world.control(Control::QueueTokens {
        connection: "github-x".into(),
        identifier: "ada".into(),
        tokens: vec!["stale".into(), "token-1".into()],
    });
    repository.clone_into("copy").exit(128);
    repository.clone_into("copy").ok();
}

#[test]
fn a_server_that_takes_bearer_only_fails_with_the_reason_and_the_good_token_stays() {
    let repository = Repository::new(old(), Offers::Bearer);
    repository.clone_into("copy").exit(128);
    let finished = repository.clone_into("copy").exit(128);
    assert!(finished.stderr.contains("if the server takes Bearer only, use git 2.46 or later"), "{finished:?}");
    // The token itself is as good as before: a git that can send Bearer gets it at once.
    let host = repository.server.url().strip_prefix("https://").unwrap().to_owned();
    let request = format!("capability[]=authtype\nprotocol=https\nhost={host}\nwwwauth[]=Bearer realm=\"sandbox\"\n");
    let answer = repository.world.helper("get", &request).ok();
    assert!(answer.stdout.contains("credential=token-1\n"), "{answer:?}");
}
