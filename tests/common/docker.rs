//! docker's helper, asked as a client asks it.

use serde_json::json;

use super::{Finished, World, finish};

pub const HELPER: &str = "docker-credential-scalekit";
pub const NOT_FOUND: &str = "credentials not found in native keychain\n";
pub const TOKEN: &str = "gho_canary-Vb7Rk2Qx";

/// The service `github`, with a token.
pub fn world() -> World {
    let world = World::new();
    world.seed("github-x", "GITHUB", TOKEN);
    world.ok(&["config", "github", "github-x", "--identifier", "ada"]);
    world
}

pub fn ask(world: &World, args: &[&str], input: &str) -> Finished {
    finish(world.command(HELPER).args(args), input)
}

pub fn get(world: &World, key: &str) -> Finished {
    ask(world, &["get"], key)
}

pub fn answer(key: &str, username: &str, secret: &str) -> String {
    format!("{}\n", json!({"ServerURL": key, "Username": username, "Secret": secret}))
}

#[track_caller]
pub fn is(got: &Finished, stdout: &str, code: i32) {
    assert_eq!((got.stdout.as_str(), got.code), (stdout, Some(code)), "{got:?}");
}

#[track_caller]
pub fn is_silent(got: &Finished, stdout: &str, code: i32) {
    is(got, stdout, code);
    assert_eq!(got.stderr, "", "{got:?}");
}

/// Not found, and one line for the person, which holds `words` and no secret.
#[track_caller]
pub fn is_not_found_because(got: &Finished, words: &[&str]) {
    is(got, NOT_FOUND, 1);
    assert_eq!((got.stderr.lines().count(), got.stderr.ends_with('\n')), (1, true), "{got:?}");
    assert!(got.stderr.starts_with("scalekit-auth: ") && !got.stderr.contains("canary"), "{got:?}");
    for word in words {
        assert!(got.stderr.contains(word), "{word}: {got:?}");
    }
}
