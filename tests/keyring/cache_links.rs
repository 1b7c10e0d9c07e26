//! Links where a person consents: a tool that asks again and again gets the same one while it is good.

use crate::common::user::{GITHUB, User};
use crate::common::{files_below, finish};
use scalekit_sandbox::Control;

const LINK: &str = "POST /api/v1/connected_accounts/magic_link";

fn set_status(user: &User, status: &str) {
    let (connection, identifier) = ("github-x".into(), "ada".into());
    user.world.control(Control::SetStatus { connection, identifier, status: status.into() });
}

/// A user whose account waits for a person.
fn expired() -> User {
    let user = User::of_github();
    set_status(&user, "EXPIRED");
    user
}

/// The link in a message.
fn link_in(text: &str) -> String {
    let start = text.find("https://").unwrap_or_else(|| panic!("no link in {text:?}"));
    text[start..].split([' ', '"', '\n']).next().unwrap().to_owned()
}

/// What git is told.
fn told(user: &User) -> String {
    link_in(&user.git("get", GITHUB).ok().stderr)
}

/// How many links the vault is asked for meanwhile.
fn asked<T>(user: &User, act: impl FnOnce() -> T) -> (T, u64) {
    let before = user.world.count(LINK);
    let done = act();
    (done, user.world.count(LINK) - before)
}

#[test]
fn every_tool_gets_the_same_link_while_it_is_good() {
    let user = expired();
    let (links, count) = asked(&user, || {
        let quits = finish(user.command("git-credential-scalekit").args(["--only-helper", "get"]), GITHUB).ok();
        assert_eq!(quits.stdout, "quit=1\n\n");
        [
            link_in(&quits.stderr),
            told(&user),
            link_in(&user.docker("get", "ghcr.io").stderr),
            link_in(&user.run(&["token", "github"]).exit(5).stderr),
            link_in(&user.run(&["token", "github", "ghcr.io", "--json"]).stdout),
        ]
    });
    assert!(links.iter().all(|link| *link == links[0] && link.contains("/magicLink/")), "{links:?}");
    assert_eq!(count, 1);
    let in_files = |path: &std::path::PathBuf| {
        std::fs::read(path).is_ok_and(|bytes| {
            let id = links[0].rsplit('/').next().unwrap().as_bytes();
            bytes.windows(id.len()).any(|part| part == id)
        })
    };
    assert_eq!(files_below(user.world.home.path()).into_iter().find(in_files), None, "it is in no file");
    assert!(user.left("github-x").is_none(), "a link is no token");
}

#[test]
fn what_makes_a_link_useless_makes_it_forgotten() {
    let user = expired();
    let old = told(&user);
    let is_new = |act: &dyn Fn()| {
        act();
        let (link, count) = asked(&user, || told(&user));
        assert_eq!(count, 1);
        assert_ne!(link, old);
        assert_eq!(asked(&user, || told(&user)), (link, 0));
    };
    is_new(&|| {
        set_status(&user, "ACTIVE");
        assert!(user.git("get", GITHUB).ok().stdout.contains("password=token-0"));
        user.ok(&["cache", "clear"]);
        set_status(&user, "EXPIRED");
    });
    // In another state the person may have been there already.
    is_new(&|| set_status(&user, "DISCONNECTED"));
    is_new(&|| drop(user.ok(&["connect", "github", "--no-wait"])));
    is_new(&|| drop(user.ok(&["connect", "github", "--renew", "--no-wait"])));
    is_new(&|| {
        assert!(user.ok(&["cache", "clear"]).stderr.contains("1 token forgotten"), "the client's");
    });
    is_new(&|| drop(user.ok(&["config", "github", "github-x", "--identifier", "ada"])));
}

#[test]
fn active_forgets_the_link_also_where_the_token_may_not_rest() {
    let user = expired();
    let old = told(&user);
    set_status(&user, "ACTIVE");
    // A token that lives for less than a minute is not kept.
    let (connection, identifier) = ("github-x".into(), "ada".into());
    user.world.control(Control::SetToken { connection, identifier, token: "short".into(), expires_in: Some(30) });
    assert!(user.git("get", GITHUB).ok().stdout.contains("password=short"));
    set_status(&user, "EXPIRED");
    assert_ne!(told(&user), old);
}

#[test]
fn a_link_that_is_good_for_moments_is_not_given_again() {
    let user = expired();
    user.world.control(Control::MagicLinkLifetime { seconds: 14 });
    let (links, count) = asked(&user, || [told(&user), told(&user)]);
    assert_eq!(count, 2);
    assert_ne!(links[0], links[1]);
}

#[test]
fn accounts_have_links_of_their_own() {
    let user = expired();
    user.ok(&["config", "github", "github-x", "--identifier", "ada", "--as", "home"]);
    user.ok(&["config", "github", "github-x", "--identifier", "bob", "--as", "work"]);
    let of = |name: &str| {
        let failed = user.run(&["token", "github", "--as", name]).exit(5);
        assert!(failed.stderr.contains(if name == "home" { "identifier ada" } else { "identifier bob" }), "{failed:?}");
        link_in(&failed.stderr)
    };
    let (links, count) = asked(&user, || [of("home"), of("work"), of("home"), of("work")]);
    assert_eq!(count, 2);
    assert!(links[0] == links[2] && links[1] == links[3] && links[0] != links[1], "{links:?}");
}

#[test]
fn without_the_cache_every_call_asks_for_a_link() {
    let user = expired();
    let (_, count) = asked(&user, || {
        for _ in 0..2 {
            let mut helper = user.command("git-credential-scalekit");
            link_in(&finish(helper.env("SCALEKIT_AUTH_CACHE", "off").arg("get"), GITHUB).ok().stderr);
        }
    });
    assert_eq!(count, 2);
    user.ok(&["cache", "limit", "--account", "0"]);
    assert_eq!(asked(&user, || [told(&user), told(&user)]).1, 2);
}
