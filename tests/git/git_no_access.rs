//! A server that refuses a token for one repository and takes it for another, as Azure DevOps does: the other repository must not
//! suffer for it.

use std::path::PathBuf;

use crate::common::gits::{Repository, all, modern, old};
use scalekit_sandbox::{GitServer, Offers};

/// A server with `app.git` and `closed.git`, which the account may not read.
fn repository(git: PathBuf, sends_path: bool) -> Repository {
    let repository = Repository::new(git, Offers::Basic);
    GitServer::create_repository(&repository.root, "closed.git", &[("README", b"secret\n")]).unwrap();
    repository.server.close("/closed.git");
    let key = format!("credential.{}.useHttpPath", repository.server.url());
    repository.git(&["config", "--global", &key, if sends_path { "true" } else { "false" }]).ok();
    repository
}

fn open(repository: &Repository) {
    repository.git(&["ls-remote", &repository.url("app.git")]).ok();
}

fn closed(repository: &Repository) -> String {
    repository.git(&["ls-remote", &repository.url("closed.git")]).exit(128).stderr
}

#[test]
fn a_token_that_was_taken_stays_good_for_the_other_repository() {
    for git in all() {
        for sends_path in [true, false] {
            let repository = repository(git.clone(), sends_path);
            for _ in 0..3 {
                open(&repository);
                closed(&repository);
            }
            open(&repository);
            let got = repository.world.ok(&["token", "github"]);
            assert_eq!(got.stdout, "token-1\n", "{git:?} {sends_path}");
        }
    }
}

#[test]
fn a_refusal_before_the_token_was_taken_anywhere_holds_for_its_path() {
    for git in all() {
        let repository = repository(git, true);
        closed(&repository);
        open(&repository);
        assert_eq!(repository.world.ok(&["token", "github"]).stdout, "token-1\n");
    }
}

#[test]
fn the_line_about_it_does_not_ask_for_a_consent_that_would_change_nothing() {
    let repository = repository(modern(), true);
    open(&repository);
    let told = closed(&repository);
    assert!(told.contains("this account may have no access here"), "{told}");
    assert!(told.contains("closed.git` shows why") && !told.contains("--renew"), "{told}");
}

#[test]
fn a_token_that_is_refused_again_and_again_is_no_good_after_all() {
    let repository = repository(old(), false);
    open(&repository);
    repository.server.accept(&[]);
    for _ in 0..3 {
        repository.git(&["ls-remote", &repository.url("app.git")]).exit(128);
    }
    let told = repository.git(&["ls-remote", &repository.url("app.git")]).exit(128).stderr;
    assert!(told.contains("--renew"), "{told}");
    repository.world.run(&["token", "github"]).exit(5);
}
