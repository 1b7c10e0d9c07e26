//! A token that a server refused is not served again for a minute, neither from memory nor from the vault.

use crate::common::finish;
use crate::common::keyring::needed;
use crate::common::user::User;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

/// git's question about a host that is a registry, too.
const PLACE: &str = "protocol=https\nhost=git.example.com\n";

/// A user whose services `gitea`, at a host for git and docker, and `gmail` have a token that rests.
fn user() -> User {
    let user = User::new();
    user.world.seed("github-x", "GITHUB", "token-0");
    user.world.seed("gmail-x", "GMAIL", "token-of-gmail");
    user.write_connections(
        r#"{"gitea": {"connection_name": "github-x", "identifier": "ada", "hosts": ["git.example.com", "cr.example.com"]},
            "gmail": {"connection_name": "gmail-x", "identifier": "ada"}}"#,
    );
    assert_eq!((user.token("gitea"), user.token("gmail")), ("token-0".into(), "token-of-gmail".into()));
    user
}

/// The server's refusal, as git tells it.
fn refuse(user: &User) {
    let answer = user.git("get", &format!("{PLACE}\n")).ok();
    assert!(answer.stdout.contains("password=token-0\n"), "{answer:?}");
    user.git("erase", &format!("{PLACE}username=x-access-token\npassword=token-0\n\n")).ok();
}

/// Every way to the refused token at its place asks the vault, gets it again, and hands it to nobody.
#[track_caller]
fn is_served_nowhere(user: &User) {
    for _ in 0..2 {
        let git = user.is_from_vault(|| user.git("get", &format!("{PLACE}\n")).ok());
        let docker = user.is_from_vault(|| user.docker("get", "git.example.com").exit(1));
        assert_eq!(docker.stdout, "credentials not found in native keychain\n");
        let token = user.is_from_vault(|| user.run(&["token", "gitea"]).exit(5));
        let header = user.is_from_vault(|| user.run(&["header", "gitea"]).exit(5));
        let exec = ["exec", "--with", "gitea=T", "--", "sh", "-c", "echo served"];
        let exec = user.is_from_vault(|| user.run(&exec).exit(5));
        assert_eq!([&git, &token, &header, &exec].map(|got| got.stdout.as_str()), [""; 4]);
        let batch = user.is_from_vault(|| user.run(&["token", "gitea", "gmail", "--json"]).exit(10));
        let object: Value = serde_json::from_str(&batch.stdout).unwrap();
        assert_eq!((&object["results"][0]["status"], &object["status"]), (&json!("error"), &json!("partial")));
        assert_eq!(object["results"][1]["token"], "token-of-gmail");
        for got in [&git, &docker, &token, &header, &exec, &batch] {
            assert!(got.stderr.contains("refused") && got.stderr.contains("connect gitea --renew"), "{got:?}");
            assert!(!got.stdout.contains("token-0") && !got.stderr.contains("token-0"), "{got:?}");
        }
        assert!(user.left("github-x").is_none() && !user.kernel_memory().contains("token-0"));
    }
}

#[test]
fn a_token_that_was_refused_in_the_ephemeral_form_is_known_as_well() {
    let user = user();
    let git = |action: &str, input: &str| {
        finish(user.command("git-credential-scalekit").args(["--ephemeral", action]), input).ok()
    };
    let credential = BASE64_STANDARD.encode("x-access-token:token-0");
    let answer = git("get", &format!("capability[]=authtype\n{PLACE}\n"));
    assert!(answer.stdout.contains(&format!("authtype=Basic\ncredential={credential}\n")), "{answer:?}");
    git("erase", &format!("authtype=Basic\ncredential={credential}\n{PLACE}\n"));
    assert!(user.left("github-x").is_none());
    is_served_nowhere(&user);
}

#[test]
fn a_refused_token_is_served_by_no_command_although_the_vault_gives_it_again() {
    let user = user();
    refuse(&user);
    is_served_nowhere(&user);
}

#[test]
fn it_is_the_same_where_git_asks_again_and_tells_which_answer_it_was() {
    let user = user();
    let asks = |more: &str| user.git("get", &format!("{PLACE}capability[]=state\n{more}\n")).ok();
    let answer = user.is_from_memory(|| asks(""));
    let state = answer.stdout.lines().find(|line| line.starts_with("state[]=")).unwrap();
    let refused = user.is_from_vault(|| asks(&format!("{state}\n")));
    assert!(refused.stdout.is_empty() && refused.stderr.contains("the same token again"), "{refused:?}");
    is_served_nowhere(&user);
}

#[test]
fn another_place_gets_it_from_the_vault_but_never_from_memory() {
    let user = user();
    refuse(&user);
    for _ in 0..2 {
        let got = user.is_from_vault(|| user.docker("get", "cr.example.com").ok());
        assert!(got.stdout.contains("token-0"), "{got:?}");
        assert!(!user.kernel_memory().contains("token-0"));
    }
}

#[test]
fn another_token_is_served_at_once_and_rests() {
    let user = user();
    refuse(&user);
    user.run(&["token", "gitea"]).exit(5);
    user.set_token("token-1");
    let got = user.is_from_vault(|| user.git("get", &format!("{PLACE}\n")).ok());
    assert!(got.stdout.contains("password=token-1\n"), "{got:?}");
    user.is_from_memory(|| {
        assert_eq!(user.token("gitea"), "token-1");
        assert!(user.docker("get", "git.example.com").ok().stdout.contains("token-1"));
        assert!(user.git("get", &format!("{PLACE}\n")).ok().stdout.contains("password=token-1\n"));
        user.ok(&["token", "gitea", "gmail", "--json"]);
    });
}

#[test]
fn after_a_minute_it_is_a_token_like_others() {
    let user = user();
    refuse(&user);
    let later = |seconds: u32| {
        let mut command = user.command(needed("faketime", "faketime"));
        command.args(["--exclude-monotonic", "-f", &format!("+{seconds}s"), "scalekit-auth", "token", "gitea"]);
        finish(&mut command, "")
    };
    user.is_from_vault(|| later(45).exit(5));
    assert_eq!(user.is_from_vault(|| later(70).ok()).stdout, "token-0\n");
    user.is_from_memory(|| later(70).ok());
}

#[test]
fn another_helpers_password_is_no_refusal_of_ours() {
    let user = user();
    let got = user.git("get", &format!("{PLACE}\n")).ok();
    assert!(got.stdout.contains("password=token-0\n"), "{got:?}");
    user.git("erase", &format!("{PLACE}username=ada\npassword=of-another-helper\n\n")).ok();
    user.is_from_memory(|| {
        assert_eq!(user.token("gitea"), "token-0");
        assert!(user.git("get", &format!("{PLACE}\n")).ok().stdout.contains("password=token-0\n"));
    });
}
