//! For how long tokens rest: limits and margins, the clock on the wall, and the kernel's own clock.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use crate::common::keyring::{needed, until};
use crate::common::user::{AUTH, GITHUB, TOKEN, User};
use crate::common::{Finished, finish, oauth};
use scalekit_sandbox::Control;
use serde_json::{Value, json};

/// The program, whose clock stands still at this many seconds after 2040 began.
fn at(user: &User, second: i64, program: &str, args: &[&str], input: &str) -> Finished {
    let (minutes, seconds) = (second.div_euclid(60), second.rem_euclid(60));
    let day = if minutes < 0 { "2039-12-31" } else { "2040-01-01" };
    let minutes = minutes.rem_euclid(24 * 60);
    let time = format!("{day} {:02}:{:02}:{seconds:02}", minutes / 60, minutes % 60);
    let mut command = user.command(needed("faketime", "faketime"));
    command.env("TZ", "UTC").args(["--exclude-monotonic", "-f", &time, program]).args(args);
    finish(&mut command, input)
}

#[track_caller]
fn token_at(user: &User, second: i64) -> String {
    at(user, second, "scalekit-auth", &["token", "github"], "").ok().stdout.trim_end().to_owned()
}

/// An account of `github-x` whose token expires so many seconds after 2040 began.
fn expiring_at(user: &User, token: &str, second: Option<i64>) {
    user.world.control(Control::SeedAccount {
        connection: "github-x".into(),
        identifier: "ada".into(),
        status: "ACTIVE".into(),
        credential: oauth(token),
        expires_in: None,
        expires_at: second
            .map(|second| format!("2040-01-01T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)),
        authorization_type: None,
        api_config: None,
    });
}

/// For how long a token rests that lives for `life` more.
#[track_caller]
fn rest(user: &User, life: Option<i64>) -> Option<i64> {
    user.ok(&["cache", "clear"]);
    expiring_at(user, "token-0", life);
    assert_eq!(token_at(user, 0), "token-0");
    let shown = at(user, 0, "scalekit-auth", &["cache", "status", "--json"], "").ok().stdout;
    let status: Value = serde_json::from_str(&shown).unwrap();
    let found = status["tokens"].as_array().unwrap().iter().find(|token| token["connection"] == "github-x")?;
    found["left_seconds"].as_i64()
}

/// Both clocks count, and the one since boot goes on.
#[track_caller]
fn rests(user: &User, life: Option<i64>, seconds: i64) {
    let left = rest(user, life).unwrap_or_default();
    assert!((seconds - 20..=seconds).contains(&left), "{life:?}: {left} is not {seconds}");
    // To the second: the last one is a hit, the next one is not. The real time that goes by is far less.
    let asked = user.world.count(AUTH);
    token_at(user, seconds - 1);
    assert_eq!(user.world.count(AUTH), asked, "{life:?} at {}", seconds - 1);
    token_at(user, seconds);
    assert_eq!(user.world.count(AUTH), asked + 1, "{life:?} at {seconds}");
}

#[test]
fn a_token_rests_for_a_quarter_of_an_hour_and_never_in_its_last_five_minutes_or_the_second_half_of_a_short_life() {
    let user = User::of_github();
    for (life, seconds) in [(None, 900), (Some(3600), 900), (Some(1200), 900), (Some(1199), 899), (Some(601), 301)] {
        rests(&user, life, seconds);
    }
    for (life, seconds) in [(Some(600), 300), (Some(599), 300), (Some(90), 45), (Some(61), 31), (Some(60), 30)] {
        rests(&user, life, seconds);
    }
    for life in [59, 30, 1] {
        assert_eq!(rest(&user, Some(life)), None, "{life}");
    }
}

#[test]
fn the_limits_of_the_configuration_are_kept() {
    let user = User::of_github();
    let write = |cache: Value| {
        fs::create_dir_all(user.world.path(".config/scalekit-auth")).unwrap();
        let config = json!({"version": 1, "cache": cache});
        fs::write(user.world.config_file("config.json"), config.to_string()).unwrap();
        user.own();
    };
    write(json!({"account_seconds": 100, "margin_seconds": 0}));
    rests(&user, None, 100);
    rests(&user, Some(3600), 100);
    rests(&user, Some(70), 70);
    write(json!({"account_seconds": 86400, "margin_seconds": 86400}));
    rests(&user, Some(3600), 1800);
    write(json!({"margin_seconds": 10}));
    rests(&user, Some(600), 590);
    let limits = user.status();
    assert_eq!((&limits["account_seconds"], &limits["margin_seconds"]), (&json!(900), &json!(10)));
    user.ok(&["cache", "limit", "--account", "200", "--client", "300"]);
    let written: Value = serde_json::from_slice(&fs::read(user.world.config_file("config.json")).unwrap()).unwrap();
    let expected = json!({"account_seconds": 200, "client_seconds": 300, "margin_seconds": 10});
    assert_eq!((&written["cache"], &written["version"]), (&expected, &json!(1)));
    rests(&user, None, 200);
    for args in [&["--account", "-1"][..], &["--account", "86401"], &["--client", "x"], &["--margin", "1.5"], &[]] {
        user.run(&[&["cache", "limit"], args].concat()).exit(2);
    }
}

#[test]
fn a_client_token_rests_until_five_minutes_before_its_end() {
    let user = User::of_github();
    for (life, least, most) in [(3600, 3280, 3300), (900, 580, 600), (7200, 3580, 3600)] {
        user.ok(&["cache", "clear"]);
        user.world.control(Control::TokenLifetime { seconds: life });
        user.token("github");
        let status = user.status();
        let client = status["tokens"].as_array().unwrap().iter().find(|token| token["scopes"].is_array()).unwrap();
        let left = client["left_seconds"].as_i64().unwrap();
        assert!((least..=most).contains(&left), "{life}: {left}");
    }
}

#[test]
fn zero_and_off_ask_the_vault_every_time() {
    let user = User::of_github();
    user.token("github");
    let off =
        || finish(user.command("scalekit-auth").args(["token", "github"]).env("SCALEKIT_AUTH_CACHE", "off"), "").ok();
    for _ in 0..2 {
        assert_eq!(user.is_from_vault(off).stdout, "token-0\n");
    }
    user.is_from_memory(|| user.token("github"));
    user.ok(&["cache", "limit", "--account", "0"]);
    let clients = user.world.count(TOKEN);
    for _ in 0..3 {
        user.is_from_vault(|| user.token("github"));
    }
    assert_eq!(user.world.count(TOKEN), clients + 1, "the client token still rests");
    user.ok(&["cache", "limit", "--client", "0"]);
    for _ in 0..3 {
        user.is_from_vault(|| user.git("get", GITHUB).ok());
    }
    assert_eq!(user.world.count(TOKEN), clients + 4);
    assert_eq!(user.status()["tokens"], json!([]));
}

#[test]
fn limits_that_make_no_sense_are_a_clear_error_and_the_file_stays_as_it_is() {
    let user = User::of_github();
    let file = user.world.config_file("config.json");
    for (cache, word) in [
        (json!({"account_seconds": -1}), "account_seconds"),
        (json!({"client_seconds": "60"}), "client_seconds"),
        (json!({"margin_seconds": 86401}), "margin_seconds"),
        (json!({"account_seconds": 1.5}), "account_seconds"),
        (json!(900), "cache is not an object"),
    ] {
        let text = json!({"version": 1, "cache": cache}).to_string();
        fs::write(&file, &text).unwrap();
        user.own();
        for args in [&["token", "github"][..], &["cache", "status"], &["cache", "limit", "--client", "60"]] {
            let got = user.run(args).exit(3);
            assert!(
                got.stdout.is_empty() && got.stderr.contains(word) && got.stderr.contains("config.json"),
                "{got:?}"
            );
        }
        let got = user.git("get", GITHUB).ok();
        assert!(got.stdout.is_empty() && got.stderr.contains(word) && got.stderr.lines().count() == 1, "{got:?}");
        assert_eq!(fs::read_to_string(&file).unwrap(), text);
    }
    assert_eq!(user.asked(), (0, 0));
}

#[test]
fn a_clock_that_is_set_back_behind_the_beginning_ends_the_rest() {
    let user = User::of_github();
    expiring_at(&user, "token-0", None);
    token_at(&user, 100);
    user.is_from_memory(|| token_at(&user, 100));
    user.is_from_vault(|| token_at(&user, 99));
    user.is_from_memory(|| token_at(&user, 99));
    user.is_from_vault(|| token_at(&user, -3600));
    // Years later, by a clock that was wrong before.
    user.is_from_vault(|| user.token("github"));
}

#[test]
fn the_expiry_that_tools_are_told_keeps_its_margin_on_a_hit() {
    let user = User::of_github();
    expiring_at(&user, "token-0", Some(3600));
    let told = |second| {
        let got = at(&user, second, "scalekit-auth", &["token", "github", "--json"], "").ok().stdout;
        serde_json::from_str::<Value>(&got).unwrap()["expires_at"].clone()
    };
    assert_eq!(told(0), "2040-01-01T00:59:00Z");
    user.is_from_memory(|| {
        assert_eq!(told(800), "2040-01-01T00:59:00Z");
        let got = at(&user, 800, "git-credential-scalekit", &["get"], GITHUB).ok().stdout;
        // 2040-01-01T00:59:00Z
        assert!(got.contains("password_expiry_utc=2208992340\n"), "{got}");
    });
    // It still rests when the margin has begun, and then there is no expiry to tell.
    assert_eq!(rest(&user, Some(90)), Some(45));
    user.is_from_memory(|| {
        assert_eq!(told(20), "2040-01-01T00:00:30Z");
        assert_eq!(told(40), Value::Null);
    });
}

#[test]
fn the_kernel_itself_ends_the_rest() {
    let user = User::of_github();
    user.ok(&["cache", "limit", "--account", "4", "--client", "4"]);
    user.token("github");
    user.is_from_memory(|| user.token("github"));
    let keys = user.keys();
    assert_eq!(keys.len(), 2);
    for key in &keys {
        user.keyctl(&["read", &key.id]).ok();
    }
    sleep(Duration::from_millis(4100));
    for key in &keys {
        let read = user.keyctl(&["read", &key.id]).exit(1);
        assert!(read.stderr.contains("expired") || read.stderr.contains("not available"), "{read:?}");
    }
    assert_eq!(user.status()["tokens"], json!([]));
    let before = user.world.count(TOKEN);
    user.is_from_vault(|| user.token("github"));
    assert_eq!(user.world.count(TOKEN), before + 1);
    until("the kernel has collected them", || {
        let left = user.keys();
        keys.iter().all(|key| left.iter().all(|other| other.id != key.id || other.line.contains("expd")))
    });
}
