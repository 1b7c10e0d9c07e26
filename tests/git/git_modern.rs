//! Real git of 2.46 or later: Bearer, and refused tokens that are recovered within one command.

use crate::common;
use std::time::Duration;

use common::gits::{Repository, modern, version};
use common::{World, finish};
use scalekit_sandbox::{Control, Offers};

const AUTH: &str = "GET /api/v1/connected_accounts/auth";

fn repository(offers: Offers) -> Repository {
    Repository::new(modern(), offers)
}

fn queue(world: &World, tokens: &[&str]) {
    world.control(Control::QueueTokens {
        connection: "github-x".into(),
        identifier: "ada".into(),
        tokens: tokens.iter().map(ToString::to_string).collect(),
    });
}

/// The schemes and tokens of the requests that carried any.
fn sent(repository: &Repository) -> Vec<(String, String, u16)> {
    repository.server.seen().into_iter().filter_map(|seen| Some((seen.scheme?, seen.token?, seen.status))).collect()
}

#[test]
fn clones_by_basic_where_basic_is_offered_and_by_bearer_where_nothing_else_is() {
    for (offers, scheme) in [(Offers::Basic, "Basic"), (Offers::Bearer, "Bearer"), (Offers::Both, "Basic")] {
        let repository = repository(offers);
        repository.clone_into("copy").ok();
        assert_eq!(std::fs::read_to_string(repository.world.path("copy/README")).unwrap(), "hello\n");
        assert!(sent(&repository).iter().all(|(used, _, status)| used == scheme && *status == 200), "{offers:?}");
        assert_eq!(repository.world.count(AUTH), 1);
    }
}

#[test]
fn plain_http_works_on_a_listed_loopback_host() {
    let repository = Repository::with(modern(), Offers::Basic, false);
    assert!(repository.server.url().starts_with("http://127.0.0.1:"));
    repository.clone_into("copy").ok();
}

#[test]
fn a_server_that_insists_on_its_user_name_is_satisfied() {
    let repository = repository(Offers::Basic);
    repository.server.require_username(Some("x-access-token".into()));
    repository.clone_into("copy").ok();
}

#[test]
fn a_realm_and_a_path_that_are_not_utf_8_are_no_hindrance() {
    let repository = repository(Offers::Both);
    repository.server.name_realm(b"f\xfcr");
    repository.clone_into("copy").ok();
    // The path is decoded by git and reaches the helper as it is; there is no such repository.
    let url = repository.url("f%fcr.git");
    repository.git(&["-c", "credential.useHttpPath=true", "ls-remote", &url]).exit(128);
    let last = repository.server.seen().pop().unwrap();
    assert_eq!((last.token.as_deref(), last.status), (Some("token-1"), 404));
}

#[test]
fn a_user_name_in_the_url_is_no_hindrance() {
    let repository = repository(Offers::Basic);
    let url = repository.url("app.git").replace("https://", "https://ada@");
    repository.git(&["clone", &url, "copy"]).ok();
}

#[test]
fn credentials_can_be_sent_with_the_first_request() {
    let repository = repository(Offers::Basic);
    repository.git(&["-c", "http.proactiveAuth=auto", "clone", &repository.url("app.git"), "copy"]).ok();
    assert!(repository.server.seen().iter().all(|seen| seen.status == 200));
}

#[test]
fn the_sub_command_serves_git_as_well_as_the_link() {
    let repository = repository(Offers::Basic);
    let helper = format!("{} git-credential", common::EXE);
    repository.git(&["config", "--global", "credential.helper", &helper]).ok();
    repository.clone_into("copy").ok();
}

#[test]
fn a_stale_token_is_replaced_within_the_same_command() {
    for offers in [Offers::Basic, Offers::Bearer] {
        let repository = repository(offers);
        queue(&repository.world, &["stale", "token-1"]);
        repository.clone_into("copy").ok();
        assert_eq!(repository.world.count(AUTH), 2);
        assert_eq!(sent(&repository)[..2].iter().map(|s| s.1.as_str()).collect::<Vec<_>>(), ["stale", "token-1"]);
    }
}

#[test]
fn a_token_that_dies_in_the_middle_of_a_clone_is_replaced() {
    for offers in [Offers::Basic, Offers::Bearer] {
        let repository = repository(offers);
        repository.server.accept(&["token-2"]);
        repository.server.accept_for("token-1", 1);
        queue(&repository.world, &["token-1", "token-2"]);
        repository.clone_into("copy").ok();
        let tokens: Vec<_> = sent(&repository).into_iter().map(|(_, token, status)| (token, status)).collect();
        assert!(tokens.contains(&("token-1".into(), 401)) && tokens.contains(&("token-2".into(), 200)), "{tokens:?}");
    }
}

#[test]
fn the_same_dead_token_is_not_served_twice_and_the_way_out_is_named() {
    let repository = repository(Offers::Basic);
    repository.server.accept(&[]);
    for _ in 0..2 {
        let finished = repository.clone_into("copy").exit(128);
        assert!(finished.stderr.contains("scalekit-auth connect github --renew"), "{finished:?}");
    }
    let refused = sent(&repository).iter().filter(|(_, _, status)| *status == 401).count();
    assert_eq!(refused, 1, "the dead token went out once in two commands");
}

#[test]
fn a_second_dead_token_ends_the_asking() {
    let repository = repository(Offers::Basic);
    repository.server.accept(&[]);
    queue(&repository.world, &["dead-1", "dead-2", "dead-3"]);
    repository.clone_into("copy").exit(128);
    let asked = repository.world.count(AUTH);
    let finished = repository.clone_into("copy").exit(128);
    assert!(finished.stderr.contains("told us to quit"), "{finished:?}");
    assert_eq!(repository.world.count(AUTH), asked, "the vault is not asked again");
}

#[test]
fn pushes_over_a_mebibyte_go_by_basic() {
    let repository = repository(Offers::Basic);
    let directory = repository.clone_with_large_commit();
    repository.git_in(&directory, &["push"]).ok();
}

#[test]
fn bearer_pushes_over_a_mebibyte_fail_with_the_reason_and_the_good_token_stays() {
    let repository = repository(Offers::Bearer);
    let directory = repository.clone_with_large_commit();
    let finished = repository.git_in(&directory, &["push"]);
    // git 2.54 and later send the token with the large push, too.
    if finished.code != Some(0) {
        assert!(finished.stderr.contains("http.postBuffer"), "{finished:?}");
        repository.git_in(&directory, &["fetch"]).ok();
        repository.git_in(&directory, &["-c", "http.postBuffer=16m", "push"]).ok();
    }
}

#[test]
fn what_is_ephemeral_is_stored_by_nobody() {
    let repository = repository(Offers::Basic);
    repository.set_helpers(&["scalekit --ephemeral", "store"]);
    let file = repository.world.path(".git-credentials");
    repository.clone_into("copy").ok();
    repository.push_a_line("copy").ok();
    assert!(sent(&repository).iter().all(|(used, token, _)| used == "Basic" && token == "token-1"));
    assert!(!file.exists());
    repository.set_helpers(&["scalekit", "store"]);
    repository.git_in("copy", &["fetch"]).ok();
    assert!(std::fs::read_to_string(&file).unwrap().contains("token-1"), "the usual form is");
}

#[test]
fn what_is_ephemeral_is_replaced_when_it_is_stale_and_goes_out_once_when_it_is_dead() {
    let live = repository(Offers::Basic);
    live.set_helpers(&["scalekit --ephemeral"]);
    queue(&live.world, &["stale", "token-1"]);
    live.clone_into("copy").ok();
    assert_eq!(live.world.count(AUTH), 2);

    let dead = repository(Offers::Basic);
    dead.set_helpers(&["scalekit --ephemeral"]);
    dead.server.accept(&[]);
    for _ in 0..2 {
        let failed = dead.clone_into("copy").exit(128);
        assert!(failed.stderr.contains("connect github --renew"), "{failed:?}");
    }
    assert_eq!(sent(&dead).len(), 1);
}

#[test]
fn what_is_ephemeral_is_lost_on_a_push_over_a_mebibyte_before_git_2_54_and_the_good_token_stays() {
    let repository = repository(Offers::Basic);
    let directory = repository.clone_with_large_commit();
    repository.set_helpers(&["scalekit --ephemeral"]);
    let finished = repository.git_in(&directory, &["push"]);
    assert_eq!(finished.code == Some(0), version(&modern()) >= Some((2, 54)), "{finished:?}");
    if finished.code != Some(0) {
        assert!(finished.stderr.contains("http.postBuffer"), "{finished:?}");
        repository.git_in(&directory, &["fetch"]).ok();
        repository.git_in(&directory, &["-c", "http.postBuffer=16m", "push"]).ok();
    }
}

#[test]
fn submodules_are_fetched_in_parallel_also_with_a_stale_token() {
    let repository = repository(Offers::Basic);
    repository.add_submodules(9);
    repository.git(&["clone", &repository.url("super.git"), "fresh"]).ok();
    let jobs = ["submodule", "update", "--init", "--jobs", "8"];
    repository.git_in("fresh", &jobs).ok();

    repository.git(&["clone", &repository.url("super.git"), "stale"]).ok();
    let set = |token: &str| {
        repository.world.control(Control::SetToken {
            connection: "github-x".into(),
            identifier: "ada".into(),
            token: token.into(),
            expires_in: None,
        });
    };
    set("stale");
    // A real vault refreshes on its own clock; here, once the server has refused the stale token. The delay keeps every
    // second question behind that moment.
    repository.world.control(Control::Delay { route: Some(AUTH.into()), times: 100, millis: 300 });
    let finished = std::thread::scope(|scope| {
        let update = scope.spawn(|| repository.git_in("stale", &jobs));
        while !update.is_finished() && !sent(&repository).iter().any(|(_, token, _)| token == "stale") {
            std::thread::sleep(Duration::from_millis(2));
        }
        set("token-1");
        update.join().unwrap()
    });
    finished.ok();
    assert!(sent(&repository).contains(&("Basic".into(), "stale".into(), 401)));
    assert_eq!(std::fs::read_to_string(repository.world.path("stale/module-8/README")).unwrap(), "module\n");
}

#[test]
fn a_second_helper_stores_our_token_unless_an_empty_one_stands_before_ours() {
    let repository = repository(Offers::Basic);
    let set = |key: &str, values: &[&str]| {
        for value in values {
            repository.git(&["config", "--global", "--add", key, value]).ok();
        }
    };
    repository.set_helpers(&["store", "scalekit"]);
    repository.clone_into("one").ok();
    let file = repository.world.path(".git-credentials");
    assert!(std::fs::read_to_string(&file).unwrap().contains("token-1"), "this is the danger");
    let gitconfig = repository.world.path(".gitconfig");
    let status = repository.world.run(&["status"]);
    let told = format!("hands our token to: store ({}, line 2); fix: scalekit-auth setup git", gitconfig.display());
    assert!(status.stdout.contains(&told), "{status:?}");

    std::fs::remove_file(&file).unwrap();
    let key = format!("credential.{}.helper", repository.server.url());
    set(&key, &["", "scalekit"]);
    repository.clone_into("two").ok();
    assert!(!file.exists());
    let status = repository.world.run(&["status"]);
    assert!(status.stdout.contains("git asks us for") && !status.stdout.contains("also hands"), "{status:?}");
}

#[test]
fn hosts_of_others_are_declined_without_a_word() {
    let repository = repository(Offers::Basic);
    let mut command = repository.git_command();
    let finished = finish(command.args(["credential", "fill"]), "protocol=https\nhost=other.example\n\n");
    assert!(finished.stderr.lines().all(|line| line.starts_with("fatal: could not read Username")), "{finished:?}");
    assert_eq!(repository.world.count(AUTH), 0);
}
