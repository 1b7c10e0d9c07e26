//! Tokens that are refused while others take them from the cache or put them there.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::common::crowd::{Way, end, frozen, user};
use crate::common::user::{AUTH, User};
use scalekit_sandbox::Control;
use serde_json::{Value, json};

const ROUNDS: usize = 24;

fn token(round: usize) -> String {
    format!("token-of-round-{round:03}-and-all-of-it-to-the-end")
}

/// A refused token at one place is asked for once more at another, and one place gives up after two; so each round has its
/// own.
fn host(round: usize) -> String {
    format!("h{round}.example.com")
}

fn set_token(user: &User, token: &str) {
    let (connection, identifier, token) = ("x0".into(), "ada".into(), token.to_owned());
    user.world.control(Control::SetToken { connection, identifier, token, expires_in: Some(3600) });
}

/// One service, which answers for the places of all rounds.
fn races() -> User {
    let user = user(1);
    let hosts: Vec<String> = (0..ROUNDS).map(host).collect();
    let document = json!({"s0": {"connection_name": "x0", "identifier": "ada", "hosts": hosts}});
    user.write_connections(&document.to_string());
    user
}

fn question(round: usize) -> String {
    format!("protocol=https\nhost={}\n\n", host(round))
}

fn erase(user: &User, round: usize, token: &str) {
    let input = format!("protocol=https\nhost={}\nusername=x-access-token\npassword={token}\n\n", host(round));
    user.git("erase", &input).ok();
}

/// What somebody got: when the question began, where, and the token.
struct Got {
    began: Instant,
    way: Way,
    round: usize,
    token: String,
}

/// Asks again and again until `is_over`, wherever the current round is.
fn ask_on(user: &User, way: Way, round: &AtomicUsize, is_over: &AtomicBool) -> Vec<Got> {
    let mut all = Vec::new();
    while !is_over.load(Ordering::SeqCst) {
        // In this order: what was refused by now was refused in this round, or before it.
        let began = Instant::now();
        let round = round.load(Ordering::SeqCst);
        let answer = match way {
            Way::Git => user.git("get", &question(round)).ok(),
            Way::Docker => user.docker("get", &host(round)),
            Way::Token => user.run(&["token", "s0", "--json"]),
        };
        match way.token(&answer) {
            Some(token) => all.push(Got { began, way, round, token }),
            // The vault may give what was just refused; then all of them say so, and nothing else.
            None => assert!(answer.stderr.contains("refused"), "{way:?}: {answer:?}"),
        }
    }
    all
}

#[test]
fn what_was_refused_is_not_served_again_however_many_ask() {
    let user = races();
    set_token(&user, &token(0));
    let (round, is_over) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let refused: Mutex<BTreeMap<String, Instant>> = Mutex::new(BTreeMap::new());
    let all: Vec<Got> = std::thread::scope(|scope| {
        let ways = [Way::Git, Way::Git, Way::Docker, Way::Token];
        let asking = ways.map(|way| {
            let (user, round, is_over) = (&user, Arc::clone(&round), Arc::clone(&is_over));
            scope.spawn(move || ask_on(user, way, &round, &is_over))
        });
        for number in 0..ROUNDS {
            round.store(number, Ordering::SeqCst);
            let answer = user.git("get", &question(number)).ok();
            assert_eq!(Way::Git.token(&answer), Some(token(number)), "{answer:?}");
            // Every other time the vault has no better one for a while.
            let is_late = number % 2 == 1;
            if !is_late {
                set_token(&user, &token(number + 1));
            }
            erase(&user, number, &token(number));
            refused.lock().unwrap().insert(token(number), Instant::now());
            if is_late {
                sleep(Duration::from_millis(60));
                set_token(&user, &token(number + 1));
            }
            sleep(Duration::from_millis(60));
        }
        is_over.store(true, Ordering::SeqCst);
        asking.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let refused = refused.into_inner().unwrap();
    let whole: Vec<String> = (0..=ROUNDS).map(token).collect();
    for Got { began, way, round, token } in &all {
        assert!(whole.contains(token), "{way:?} got a part: {token}");
        let late = refused.get(token).is_some_and(|at| began > at);
        assert!(!late, "{way:?} in round {round} got {token}, which was refused before it asked");
    }
    let of = |way: Way| all.iter().filter(|got| got.way == way).count();
    println!("{} by git, {} by docker, {} by token", of(Way::Git), of(Way::Docker), of(Way::Token));
    println!("the vault was asked {} times in {ROUNDS} rounds", user.world.count(AUTH));
    assert!(
        [Way::Git, Way::Docker, Way::Token].into_iter().all(|way| of(way) > ROUNDS / 2),
        "too few to show anything"
    );
}

/// The account's entries in the cache.
fn entries(user: &User) -> Vec<Value> {
    let status = user.status();
    let tokens = status["tokens"].as_array().unwrap();
    tokens.iter().filter(|token| token["connection"] == "x0").cloned().collect()
}

#[test]
fn a_token_that_is_refused_between_the_vaults_answer_and_the_cache_does_not_stay_there() {
    for way in [Way::Git, Way::Docker, Way::Token] {
        let user = races();
        set_token(&user, &token(0));
        let answer = user.git("get", &question(0)).ok();
        assert_eq!(Way::Git.token(&answer), Some(token(0)));
        user.ok(&["cache", "clear"]);
        let ask = match way {
            Way::Token => {
                let mut command = user.command("scalekit-auth");
                command.args(["token", "s0"]);
                (command, String::new())
            }
            Way::Docker => {
                let mut command = user.command("docker-credential-scalekit");
                command.arg("get");
                (command, host(0))
            }
            Way::Git => {
                let mut command = user.command("git-credential-scalekit");
                command.arg("get");
                (command, question(0))
            }
        };
        let mut late = frozen(&user, ask, AUTH);
        erase(&user, 0, &token(0));
        late.signal("CONT");
        let late = end(&mut late);
        assert!(!late.stdout.contains("token-of") && late.stderr.contains("refused"), "{way:?}: {late:?}");
        assert_eq!(entries(&user), Vec::<Value>::new(), "{way:?}");
        set_token(&user, &token(1));
        let answer = user.is_from_vault(|| user.git("get", &question(0)).ok());
        assert_eq!(Way::Git.token(&answer), Some(token(1)), "{way:?}: {answer:?}");
        assert_eq!(entries(&user).len(), 1);
        assert_eq!(user.is_from_memory(|| user.token("s0")), token(1));
    }
}

#[test]
fn a_new_token_is_not_thrown_out_for_the_old_ones_refusal() {
    let user = races();
    set_token(&user, &token(0));
    user.git("get", &question(0)).ok();
    user.ok(&["cache", "clear"]);
    set_token(&user, &token(1));
    assert_eq!(user.token("s0"), token(1));
    // Of the one before, which a slow clone brings back late.
    erase(&user, 0, &token(0));
    assert_eq!(user.is_from_memory(|| user.token("s0")), token(1));
}
