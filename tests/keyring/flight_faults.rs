//! A flight that fails, fails once for all who wait for it; and where nobody can wait for another, all ask at once.

use std::collections::BTreeSet;
use std::io::Write;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::common::crowd::{CROWD, PROMISE, Way, ask, asked, assert_served, at_once, delay, end, held, queued, user};
use crate::common::keyring::{Killed, until};
use crate::common::user::{AUTH, TOKEN, User};
use crate::common::{Finished, finish};
use scalekit_sandbox::{Control, When};
use serde_json::Value;

/// Some for which the kernel has room, and their failures beside them.
const ACCOUNTS: usize = 10;

const LINK: &str = "POST /api/v1/connected_accounts/magic_link";

/// Fifty who all want something before the first of them, which asks `route`, gets its answer; the answer of that one
/// comes first.
fn crowd(user: &User, route: &str, ask: impl Fn(usize) -> (Command, String) + Sync) -> Vec<Finished> {
    let mut first = held(user, ask(0), route, 800);
    first.signal("STOP");
    let rest = std::thread::scope(|scope| {
        let rest = scope.spawn(|| {
            at_once(CROWD - 1, |index| {
                let (mut command, input) = ask(index + 1);
                let start = Instant::now();
                let answer = finish(&mut command, &input);
                assert!(start.elapsed() < PROMISE, "{:?}", start.elapsed());
                answer
            })
        });
        until("all the others wait", || queued(user) == CROWD - 1);
        first.signal("CONT");
        rest.join().unwrap()
    });
    [end(&mut first)].into_iter().chain(rest).collect()
}

/// All fail the same way at the cost of these requests. Who comes later tries again, and succeeds after `recover`.
#[track_caller]
fn fail_together(route: &str, orders: &[Control], exit: i32, text: &str, costs: (u64, u64), recover: &[Control]) {
    let user = user(1);
    orders.iter().for_each(|order| user.world.control(order.clone()));
    let start = Instant::now();
    let answers = crowd(&user, route, |index| Way::of(index).ask(&user, "s0"));
    println!("{text}: {:?}", start.elapsed());
    let failures: BTreeSet<String> =
        answers.iter().enumerate().map(|(index, answer)| Way::of(index).failure(answer, exit)).collect();
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert!(failures.iter().all(|failure| failure.contains(text)), "{failures:?}");
    assert_eq!(asked(&user), costs, "{text}");
    recover.iter().for_each(|order| user.world.control(order.clone()));
    assert_served(&user, Way::Git, "s0");
    let (tokens, accounts) = asked(&user);
    assert_eq!((tokens - costs.0, accounts - costs.1), (u64::from(route == TOKEN), 1), "{text}");
    user.is_from_memory(|| assert_served(&user, Way::Token, "s0"));
}

fn fail(route: &str, times: u32, status: u16, error_code: &str) -> Control {
    let (route, error_code) = (Some(route.to_owned()), Some(error_code.to_owned()));
    Control::FailNext { route, times, status, error_code, body: None, retry_after: None }
}

#[test]
fn what_the_vault_refuses_it_refuses_once_for_all() {
    for (status, code) in [(403, "FORBIDDEN"), (400, "INVALID_ARGUMENT"), (500, "INTERNAL")] {
        fail_together(AUTH, &[fail(AUTH, 1, status, code)], 6, code, (1, 1), &[]);
    }
    fail_together(TOKEN, &[fail(TOKEN, 1, 500, "server_error")], 6, "server_error", (1, 0), &[]);
}

#[test]
fn what_is_tried_again_is_tried_again_by_one() {
    let route = Some(AUTH.to_owned());
    fail_together(AUTH, &[fail(AUTH, 4, 503, "UNAVAILABLE")], 7, "503", (1, 4), &[]);
    let cut = Control::Drop { route: route.clone(), times: 4, when: When::BeforeReply };
    fail_together(AUTH, &[cut], 7, "broke", (1, 4), &[]);
    let limited = Control::RateLimit { route, times: 1, retry_after: Some("3600".into()) };
    fail_together(AUTH, &[limited], 6, "3600", (1, 1), &[]);
}

#[test]
fn refused_client_credentials_are_refused_once_for_all() {
    let rotate = |secret: &str| Control::RotateClientSecret { secret: secret.into() };
    let back = rotate("test_sandbox_client_secret_do_not_use");
    fail_together(TOKEN, &[rotate("another")], 6, "invalid_client", (1, 0), std::slice::from_ref(&back));

    let user = user(ACCOUNTS);
    user.world.control(rotate("another"));
    let service = |index: usize| format!("s{}", index % ACCOUNTS);
    let answers = crowd(&user, TOKEN, |index| Way::of(index).ask(&user, &service(index)));
    let failures: BTreeSet<String> =
        answers.iter().enumerate().map(|(index, answer)| Way::of(index).failure(answer, 6)).collect();
    assert_eq!((failures.len(), asked(&user)), (1, (1, 0)), "{failures:?}");
    user.world.control(back);
    at_once(CROWD, |index| assert_served(&user, Way::of(index), &service(index)));
    assert_eq!(asked(&user), (2, ACCOUNTS as u64));
}

#[test]
fn where_consent_is_needed_one_link_is_for_all_and_each_calls_the_service_by_its_own_name() {
    let user = user(1);
    let names: Vec<String> = (0..CROWD).map(|index| format!("name{index}")).collect();
    let own = r#"{"connection_name": "x0", "identifier": "ada"}"#;
    let services: Vec<String> = names.iter().map(|name| format!("\"{name}\": {own}")).collect();
    user.write_connections(&format!("{{{}}}", services.join(",")));
    let status =
        |word: &str| Control::SetStatus { connection: "x0".into(), identifier: "ada".into(), status: word.into() };
    user.world.control(status("PENDING_AUTH"));
    let answers = crowd(&user, AUTH, |index| Way::Token.ask(&user, &names[index]));
    let mut links = BTreeSet::new();
    for (name, answer) in names.iter().zip(answers) {
        let object: Value = serde_json::from_str(&answer.exit(5).stdout).unwrap();
        assert_eq!((&object["service"], &object["account_status"]), (&name.as_str().into(), &"PENDING_AUTH".into()));
        let link = object["link"].as_str().unwrap().to_owned();
        let message = object["message"].as_str().unwrap();
        assert!(message.contains(&format!("for {name} ")) && message.contains(&link), "{message}");
        links.insert(link);
    }
    assert_eq!((links.len(), user.world.count(LINK), asked(&user)), (1, 1, (1, 1)));
    user.world.control(status("ACTIVE"));
    assert_eq!(user.token("name7"), "token-of-s0");
    assert_eq!(asked(&user), (1, 2));
}

#[test]
fn a_vault_that_hangs_up_or_is_not_there_is_tried_by_one() {
    let user = user(1);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (calls, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
    let ask_at = |index: usize, url: &str| {
        let (mut command, input) = Way::of(index).ask(&user, "s0");
        command.env("SCALEKIT_ENV_URL", url);
        (command, input)
    };
    let answers = std::thread::scope(|scope| {
        scope.spawn(|| {
            for stream in listener.incoming() {
                if is_over.load(Ordering::SeqCst) {
                    return;
                }
                if calls.fetch_add(1, Ordering::SeqCst) == 0 {
                    until("all the others wait", || queued(&user) == CROWD - 1);
                }
                drop(stream);
            }
        });
        let answers = at_once(CROWD, |index| {
            let (mut command, input) = ask_at(index, &url);
            finish(&mut command, &input)
        });
        is_over.store(true, Ordering::SeqCst);
        drop(std::net::TcpStream::connect(listener.local_addr().unwrap()));
        answers
    });
    drop(listener);
    assert_eq!(calls.into_inner(), 4, "the attempts of one");
    let start = Instant::now();
    let refused = at_once(CROWD, |index| {
        let (mut command, input) = ask_at(index, &url);
        finish(&mut command, &input)
    });
    println!("{CROWD} refused connections: {:?}", start.elapsed());
    assert!(start.elapsed() < PROMISE, "{:?}", start.elapsed());
    for (answers, text) in [(answers, "broke"), (refused, "refused")] {
        for (index, answer) in answers.iter().enumerate() {
            let failure = Way::of(index).failure(answer, 7);
            assert!(failure.contains(text), "{failure}");
        }
    }
    assert_served(&user, Way::Git, "s0");
}

const ALONE: usize = 12;

/// All requests for the account are under way at the same time: the last one arrives before so many have their answer.
fn all_ask_at_once(user: &User, answered: usize, set: impl Fn(&mut Command)) {
    // Three of them, one after another, take less than the time for which others wait.
    delay(user, AUTH, ALONE as u32, 900);
    let start = |index: usize| {
        let (mut command, input) = Way::of(index).ask(user, "s0");
        set(&mut command);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = Killed(command.spawn().unwrap());
        child.0.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child
    };
    let began = Instant::now();
    let mut children: Vec<Killed> = (0..ALONE).map(start).collect();
    until("all have asked", || user.world.count(AUTH) == ALONE as u64);
    let is_over = |child: &mut Killed| Child::try_wait(&mut child.0).unwrap().is_some();
    let over = children.iter_mut().filter_map(|child| is_over(child).then_some(())).count();
    assert!(over <= answered, "{over} of {ALONE} had their answer before the last one asked");
    for (index, child) in children.iter_mut().enumerate() {
        let answer = end(child).ok();
        assert_eq!(Way::of(index).token(&answer).as_deref(), Some("token-of-s0"), "{answer:?}");
    }
    println!("{ALONE} alone: {:?}, {:?}", began.elapsed(), asked(user));
}

#[test]
fn without_a_runtime_directory_all_ask_at_once() {
    let user = user(1);
    all_ask_at_once(&user, 0, |command| _ = command.env("XDG_RUNTIME_DIR", "/nowhere"));
    user.is_from_memory(|| assert_served(&user, Way::Git, "s0"));
}

#[test]
fn with_a_runtime_directory_that_cannot_be_written_all_ask_at_once() {
    for made_before in [false, true] {
        let user = user(1);
        if made_before {
            std::fs::create_dir(user.world.path("run/scalekit-auth")).unwrap();
            user.own();
            read_only(&user, "run/scalekit-auth");
        }
        read_only(&user, "run");
        all_ask_at_once(&user, 0, |_| {});
        user.is_from_memory(|| assert_served(&user, Way::Git, "s0"));
    }
}

fn read_only(user: &User, below_home: &str) {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o500);
    std::fs::set_permissions(user.world.path(below_home), mode).unwrap();
}

#[test]
fn without_the_cache_all_ask_at_once() {
    let user = user(1);
    all_ask_at_once(&user, 0, |command| _ = command.env("SCALEKIT_AUTH_CACHE", "off"));
    assert_eq!((asked(&user), user.left("x0")), ((ALONE as u64, ALONE as u64), None));
}

#[test]
fn where_the_kernel_has_no_room_one_finds_out_and_all_others_ask_at_once() {
    let user = user(1);
    // Other programs of the user have filled what the kernel allows.
    for (index, size) in [8000, 4000, 2000, 1000, 500, 200, 100, 50, 20, 10, 1].into_iter().enumerate() {
        let filler = "x".repeat(size);
        let fits =
            |more: &usize| user.keyctl(&["add", "user", &format!("{index}{more}"), &filler, "@u"]).code == Some(0);
        assert!(size < 8000 || fits(&0));
        (1..4).take_while(fits).for_each(drop);
    }
    assert!(user.keyctl(&["add", "user", "ab", "x", "@u"]).stderr.contains("quota"));
    all_ask_at_once(&user, 2, |_| {});
    assert_eq!((asked(&user).1, user.left("x0")), (ALONE as u64, None));
    let (answer, took) = ask(&user, Way::Git, "s0");
    assert_eq!(Way::Git.token(&answer.ok()).as_deref(), Some("token-of-s0"));
    assert!(took < Duration::from_secs(2), "{took:?}");
}
