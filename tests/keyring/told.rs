//! What the trace and the audit tell of a token that rests in the kernel's memory.

use std::fs;

use crate::common::finish;
use crate::common::user::{GITHUB, User};
use serde_json::Value;

/// The words of the trace about the cache.
fn cache_steps(user: &User, args: &[&str]) -> Vec<String> {
    let got = finish(user.command("scalekit-auth").env("SCALEKIT_AUTH_TRACE", "1").args(args), "").ok();
    let words = got.stderr.lines().filter_map(|line| line.split_once(" ms cache: ")).map(|(_, words)| words.to_owned());
    words.collect()
}

#[test]
fn a_miss_and_a_hit_are_told() {
    let user = User::of_github();
    let miss = ["miss for github-x of ada", "miss for the client token"];
    assert_eq!(cache_steps(&user, &["token", "github"]), miss);
    assert_eq!(cache_steps(&user, &["token", "github"]), ["hit for github-x of ada"]);
    user.ok(&["cache", "clear"]);
    user.set_token("token-1");
    assert_eq!(cache_steps(&user, &["token", "github", "--json"])[0], "miss for github-x of ada");
}

#[test]
fn what_a_refusal_drops_is_told() {
    let user = User::of_github();
    let token = user.token("github");
    user.git("get", GITHUB).ok();
    let refused = format!(
        "{}username=x-access-token\npassword={}\n\n",
        GITHUB.trim_end_matches('\n').to_owned() + "\n",
        token.trim()
    );
    let mut command = user.command("git-credential-scalekit");
    let got = finish(command.env("SCALEKIT_AUTH_TRACE", "1").arg("erase"), &refused).ok();
    for words in [
        "call: git-credential erase",
        "reported: github.com refused a credential, which is one of ours and is noted",
        "cache: dropped what was there for github-x of ada",
    ] {
        assert!(got.stderr.contains(words), "{words}: {got:?}");
    }
    assert!(!got.stderr.contains(token.trim()), "{got:?}");
}

#[test]
fn the_audit_says_what_came_from_memory() {
    let user = User::of_github();
    user.ok(&["audit", "on"]);
    user.git("get", GITHUB).ok();
    user.git("get", GITHUB).ok();
    user.docker("get", "ghcr.io").ok();
    user.token("github");
    user.ok(&["exec", "--with", "github", "--", "true"]);
    user.ok(&["cache", "clear"]);
    user.ok(&["exec", "--with", "github", "--", "true"]);
    let text = fs::read_to_string(user.world.path(".local/state/scalekit-auth/audit.jsonl")).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let told: Vec<String> =
        lines.map(|line| format!("{} {}", line["command"].as_str().unwrap(), line["from"].as_str().unwrap())).collect();
    assert_eq!(
        told,
        [
            "git-credential vault",
            "git-credential cache",
            "docker-credential cache",
            "token cache",
            "exec cache",
            "exec vault"
        ]
    );
}
