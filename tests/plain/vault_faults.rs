//! What happens when the vault misbehaves: which requests are repeated, which never, and what is said in the end.

use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use crate::common::{Finished, World, finish};
use scalekit_sandbox::{Control, Sandbox, When};

const TOKEN: &str = "POST /oauth/token";
const AUTH: &str = "GET /api/v1/connected_accounts/auth";
const CREATE: &str = "POST /api/v1/connected_accounts";
const LINK: &str = "POST /api/v1/connected_accounts/magic_link";
const ASK_GITHUB: &str = "protocol=https\nhost=github.com\n\n";
/// What every call that a tool waits for keeps to.
const PROMISE: Duration = Duration::from_secs(8);

fn github() -> World {
    let world = World::new();
    world.seed("github_x", "GITHUB", "gho_one");
    world.write_connections(r#"{"github": {"connection_name": "github_x", "identifier": "ada"}}"#);
    world
}

/// Asks for the account `ada`, who is ACTIVE.
fn token(world: &World) -> Finished {
    world.run(&["token", "github"])
}

/// Asks for an account that is not there yet, which takes all four routes.
fn new_account(world: &World) -> Finished {
    world.run(&["token", "github", "--identifier", "new"])
}

fn fail(world: &World, route: &str, times: u32, status: u16, error_code: Option<&str>) {
    world.fail_next(route, times, status, error_code);
}

fn limit(world: &World, route: &str, retry_after: Option<&str>) {
    let retry_after = retry_after.map(str::to_owned);
    world.control(Control::RateLimit { route: Some(route.into()), times: 1, retry_after });
}

fn garbage(world: &World, route: &str, body: &str) {
    world.control(Control::Garbage { route: Some(route.into()), times: 1, body: body.into() });
}

/// Every fault after which a request may be sent again.
fn passing_faults(route: &str, times: u32) -> Vec<Control> {
    let route = Some(route.to_owned());
    let mut faults = vec![Control::Truncate { route: route.clone(), times }];
    for when in [When::BeforeReply, When::MidHeaders, When::MidBody] {
        faults.push(Control::Drop { route: route.clone(), times, when });
    }
    for status in [502, 503, 504] {
        let (error_code, body, retry_after) = (None, None, None);
        faults.push(Control::FailNext { route: route.clone(), times, status, error_code, body, retry_after });
    }
    faults
}

/// A decline: exit status 0, nothing on stdout, one line on stderr, in time.
#[track_caller]
fn declines(command: &mut Command, text: &str) {
    let start = Instant::now();
    let got = finish(command, ASK_GITHUB).ok();
    assert!(start.elapsed() < PROMISE, "{:?}", start.elapsed());
    assert_eq!((got.stdout.as_str(), got.stderr.lines().count()), ("", 1), "{got:?}");
    assert!(got.stderr.contains(text), "{got:?}");
}

#[test]
fn a_401_about_the_client_token_gets_one_new_token_and_one_repeat() {
    for error_code in [None, Some("UNAUTHENTICATED")] {
        let world = github();
        fail(&world, AUTH, 1, 401, error_code);
        assert_eq!(token(&world).ok().stdout, "gho_one\n");
        assert_eq!((world.count(TOKEN), world.count(AUTH)), (2, 2));
        assert_eq!(world.sandbox.client_tokens().len(), 2);

        fail(&world, AUTH, 2, 401, error_code);
        token(&world).exit(6);
        assert_eq!((world.count(TOKEN), world.count(AUTH)), (4, 4));

        fail(&world, LINK, 1, 401, error_code);
        assert!(new_account(&world).exit(5).stderr.contains("/magicLink/"));
        assert_eq!(world.count(LINK), 2);

        fail(&world, CREATE, 1, 401, error_code);
        world.run(&["token", "github", "--identifier", "newer"]).exit(6);
        assert_eq!(world.count(CREATE), 2, "what creates something is never repeated");
    }
}

#[test]
fn any_other_refusal_is_final_and_quoted() {
    for (status, code) in [(401, "ACCOUNT_REVOKED"), (403, "FORBIDDEN"), (400, "INVALID_ARGUMENT"), (500, "INTERNAL")] {
        let world = github();
        fail(&world, AUTH, 1, status, Some(code));
        let got = token(&world).exit(6);
        assert!(got.stderr.contains(code) && got.stderr.contains(&status.to_string()), "{got:?}");
        assert_eq!((world.count(TOKEN), world.count(AUTH)), (1, 1));
    }
}

#[test]
fn refused_client_credentials_are_final_and_name_login() {
    let world = github();
    world.control(Control::RotateClientSecret { secret: "another".into() });
    let got = token(&world).exit(6);
    assert!(got.stderr.contains("invalid_client") && got.stderr.contains("scalekit-auth login"), "{got:?}");
    assert_eq!((world.count(TOKEN), world.count(AUTH)), (1, 0));
    for status in [400, 401, 403] {
        let world = github();
        fail(&world, TOKEN, 1, status, None);
        assert!(token(&world).exit(6).stderr.contains("scalekit-auth login"));
        assert_eq!(world.count(TOKEN), 1);
    }
}

#[test]
fn faults_that_pass_are_outlived_where_a_repeat_does_no_harm() {
    let world = github();
    for route in [TOKEN, AUTH] {
        for fault in passing_faults(route, 1) {
            let before = world.count(route);
            world.control(fault.clone());
            assert_eq!(token(&world).ok().stdout, "gho_one\n", "{fault:?}");
            assert_eq!(world.count(route), before + 2, "{fault:?}");
        }
    }
    for fault in passing_faults(LINK, 1) {
        let before = world.count(LINK);
        world.control(fault.clone());
        assert!(new_account(&world).exit(5).stderr.contains("/magicLink/"), "{fault:?}");
        assert_eq!(world.count(LINK), before + 2, "{fault:?}");
    }
}

#[test]
fn what_creates_an_account_is_sent_once_whatever_happens() {
    for fault in passing_faults(CREATE, 100) {
        let world = github();
        world.control(fault.clone());
        new_account(&world).exit(7);
        assert_eq!(world.count(CREATE), 1, "{fault:?}");
    }
    let world = github();
    limit(&world, CREATE, Some("1"));
    new_account(&world).exit(6);
    assert_eq!(world.count(CREATE), 1);
}

#[test]
fn an_account_created_without_our_knowing_is_found_the_next_time() {
    let world = github();
    world.control(Control::Drop { route: Some(CREATE.into()), times: 1, when: When::BeforeReply });
    new_account(&world).exit(7);
    new_account(&world).exit(5);
    assert_eq!(world.count(CREATE), 1);
}

#[test]
fn retries_come_to_an_end() {
    let end = |route: &str, fault: Control| {
        let world = github();
        world.control(fault.clone());
        let start = Instant::now();
        let got = token(&world).exit(7);
        assert!(start.elapsed() < PROMISE, "{fault:?}");
        assert!(got.stderr.contains("cannot be reached"), "{got:?}");
        assert!((2..=4).contains(&world.count(route)), "{fault:?}: {}", world.count(route));
        declines(world.command("git-credential-scalekit").arg("get"), "cannot be reached");
    };
    // Side by side, for they spend their time in pauses.
    std::thread::scope(|scope| {
        for route in [TOKEN, AUTH] {
            for fault in passing_faults(route, 100) {
                scope.spawn(move || end(route, fault));
            }
        }
    });
}

#[test]
fn a_rate_limit_is_waited_for_if_that_fits_in_the_time() {
    let http_date = |seconds| {
        let at = SystemTime::now() + Duration::from_secs(seconds);
        jiff::Timestamp::try_from(at).unwrap().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
    };
    let world = github();
    let mut expected = 0;
    for wait in ["1", "0", "Sun, 06 Nov 1994 08:49:37 GMT", &http_date(2)] {
        for route in [TOKEN, AUTH] {
            limit(&world, route, Some(wait));
            assert_eq!(token(&world).ok().stdout, "gho_one\n", "{wait}");
        }
        expected += 3;
        assert_eq!((world.count(TOKEN), world.count(AUTH)), (expected, expected), "{wait}");
    }
    limit(&world, AUTH, Some("60"));
    let got = token(&world).exit(6);
    assert!(got.stderr.contains("asks to wait 60 s") && got.stderr.contains("try again"), "{got:?}");
    // The largest number of seconds there is, and words that are none.
    for wait in [Some("18446744073709551615"), Some(&*http_date(3600)), Some("soon"), Some("-1"), None] {
        limit(&world, AUTH, wait);
        let got = token(&world).exit(6);
        assert!(got.stderr.contains("limits the rate"), "{got:?}");
    }
    assert_eq!(world.count(AUTH), expected + 6, "none of them was repeated");
}

#[test]
fn a_slow_vault_holds_nobody_up() {
    for route in [TOKEN, AUTH] {
        let world = github();
        world.control(Control::Delay { route: Some(route.into()), times: 2, millis: 20_000 });
        let mut helper = world.command("git-credential-scalekit");
        std::thread::scope(|scope| {
            scope.spawn(|| declines(helper.arg("get"), "did not answer in time"));
            let start = Instant::now();
            assert!(token(&world).exit(7).stderr.contains("did not answer in time"));
            assert!(start.elapsed() < PROMISE);
        });
    }
}

#[test]
fn a_reply_beyond_all_measure_is_refused() {
    for route in [TOKEN, AUTH] {
        let world = github();
        world.control(Control::Oversize { route: Some(route.into()), times: 1, bytes: 8 << 20 });
        let got = token(&world).exit(6);
        assert!(got.stderr.contains("larger than"), "{got:?}");
        assert_eq!(world.count(route), 1);
    }
}

#[test]
fn a_reply_that_is_not_what_was_asked_for_is_refused() {
    let world = github();
    let deep = "[".repeat(100_000);
    let common = ["", "null", "[]", "{}", "7", "<html>busy</html>", "{\"a\":", "\u{feff}{}", &deep];
    let tokens = [
        r#"{"access_token":5}"#,
        r#"{"access_token":""}"#,
        r#"{"access_token":"a\r\nX-Evil: 1"}"#,
        r#"{"access_token":"a","access_token":"b"}"#,
    ];
    let accounts = [
        r#"{"connected_account":null}"#,
        r#"{"connected_account":"ACTIVE"}"#,
        r#"{"connected_account":{"authorization_details":"gho_x"}}"#,
        r#"{"connected_account":{"status":"ACTIVE","authorization_details":{"oauth_token":"gho_x"}}}"#,
        r#"{"connected_account":{"status":"DISCONNECTED","status":"ACTIVE"}}"#,
        r#"{"connected_account":{"status":"ACTIVE"},"connectedAccount":{"status":"ACTIVE"}}"#,
        r#"{"connected_account":{"status":"ACTIVE","authorization_details":{"oauth_token":{"access_token":"a","accessToken":"b"}}}}"#,
    ];
    for (route, bodies) in [(TOKEN, &tokens[..]), (AUTH, &accounts[..])] {
        for body in common.iter().chain(bodies) {
            garbage(&world, route, body);
            let got = token(&world).exit(6);
            assert_eq!(got.stdout, "", "{body:.99}");
            assert!(got.stderr.contains(&format!("the reply to {route} cannot be read")), "{body:.99}: {got:?}");
        }
    }
    garbage(
        &world,
        AUTH,
        r#"{"connected_account":{"status":"ACTIVE","authorization_details":{"oauth_token":{"access_token":5}}}}"#,
    );
    token(&world).exit(6);
}

#[test]
fn a_created_account_that_cannot_be_read_is_not_created_again() {
    let world = github();
    garbage(&world, CREATE, "{}");
    let got = new_account(&world).exit(6);
    assert!(got.stderr.contains(&format!("the reply to {CREATE} cannot be read")), "{got:?}");
    assert_eq!(world.count(CREATE), 1);
}

#[test]
fn a_link_that_cannot_be_read_is_not_shown() {
    let world = github();
    for body in ["{}", r#"{"link":"https://x/\u001b[2J"}"#, r#"{"link":7}"#, "<html>"] {
        garbage(&world, LINK, body);
        let got = new_account(&world).exit(5);
        assert!(got.stderr.contains("gave no link") && !got.stderr.contains('\u{1b}'), "{body}: {got:?}");
    }
}

#[test]
fn redirects_are_not_followed() {
    let (world, elsewhere) = (github(), Sandbox::start());
    let to = [world.sandbox.url(), elsewhere.url()].map(|origin| format!("{origin}/api/v1/connected_accounts/details"));
    for location in to.into_iter().chain(["/oauth/token".into()]) {
        for route in [TOKEN, AUTH] {
            let before = world.count(route);
            world.control(Control::Redirect { route: Some(route.into()), times: 1, location: location.clone() });
            let got = token(&world).exit(6);
            assert!(got.stderr.contains("redirect"), "{got:?}");
            assert_eq!(world.count(route), before + 1);
        }
    }
    assert_eq!(world.count("GET /api/v1/connected_accounts/details"), 0);
    assert_eq!(elsewhere.counts().tcp_connections, 0);
}

#[test]
fn text_of_the_vaults_reaches_no_terminal_as_it_is() {
    let world = github();
    let secret = world.sandbox.client_secret();
    let message = format!(r"\u001b]0;owned\u0007\nscalekit-auth: all is well\r\u202e\u009b31m {secret}");
    let body = format!(r#"{{"code":3,"message":"{message}","details":[{{"error_code":"BAD\nCODE"}}]}}"#);
    let fault = |status| Control::FailNext {
        route: Some(AUTH.into()),
        times: 1,
        status,
        error_code: None,
        body: Some(body.clone()),
        retry_after: None,
    };
    for status in [400, 401] {
        world.control(fault(status));
        let got = world.run(&["token", "github", "--json"]).exit(6);
        for text in [&got.stdout, &got.stderr] {
            assert!(text.contains("all is well") && text.contains("[secret]") && !text.contains(secret), "{got:?}");
            assert!(text.chars().all(|c| c == '\n' || !c.is_control() && c != '\u{202e}'), "{got:?}");
        }
        assert_eq!(got.stderr.lines().count(), 2, "{got:?}");
    }
    world.control(fault(400));
    declines(world.command("git-credential-scalekit").arg("get"), "all is well");
    garbage(&world, AUTH, r#"{"connected_account":{"status":"\u001b[2J"}}"#);
    assert!(!token(&world).exit(5).stderr.contains('\u{1b}'));
}
