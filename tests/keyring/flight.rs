//! Many that miss one token at the same time: the vault is asked once.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use crate::common::crowd::{CROWD, Way, ask, asked, assert_served, at_once, delay, queued, user};
use crate::common::finish;
use crate::common::user::{AUTH, TOKEN, User};
use serde_json::{Value, json};

/// All of them at once, in every way; tells how many of them stood in a queue.
fn crowd(user: &User, service: impl Fn(usize) -> String + Sync) -> usize {
    let (start, is_over, most) = (Instant::now(), AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                most.fetch_max(queued(user), Ordering::Relaxed);
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
        });
        let answers = at_once(CROWD, |index| ask(user, Way::of(index), &service(index)));
        is_over.store(true, Ordering::Relaxed);
        for (index, (answer, _)) in answers.into_iter().enumerate() {
            let answer = answer.ok();
            assert_eq!(Way::of(index).token(&answer), Some(format!("token-of-{}", service(index))), "{answer:?}");
            assert_eq!(answer.stderr, "");
        }
    });
    println!("{CROWD} at once: {:?}, {:?} requests, {most:?} in a queue", start.elapsed(), asked(user));
    most.into_inner()
}

#[test]
fn fifty_that_miss_one_account_cost_one_client_token_and_one_request() {
    let user = user(1);
    delay(&user, TOKEN, 1, 700);
    delay(&user, AUTH, 1, 700);
    let queued = crowd(&user, |_| "s0".into());
    assert_eq!(asked(&user), (1, 1));
    assert!(queued >= 10, "only {queued} came while the first was at work, so this shows little");
    crowd(&user, |_| "s0".into());
    assert_eq!(asked(&user), (1, 1), "all is from memory");
}

#[test]
fn with_the_client_token_at_hand_they_cost_one_request() {
    let user = user(2);
    assert_served(&user, Way::Git, "s1");
    delay(&user, AUTH, 1, 1000);
    let queued = crowd(&user, |_| "s0".into());
    assert_eq!(asked(&user), (1, 2));
    assert!(queued >= 10, "only {queued} came while the first was at work, so this shows little");
}

#[test]
fn fifty_accounts_at_once_cost_one_client_token() {
    let user = user(CROWD);
    delay(&user, TOKEN, 1, 1000);
    let queued = crowd(&user, |index| format!("s{index}"));
    assert_eq!(asked(&user), (1, CROWD as u64));
    assert!(queued >= 10, "only {queued} came while the first was at work, so this shows little");
}

/// The tokens of one `token … --json`.
fn batch(user: &User, services: &[&str]) -> Vec<Value> {
    let mut command = user.command("scalekit-auth");
    let got = finish(command.arg("token").args(services).arg("--json"), "").ok();
    let object: Value = serde_json::from_str(&got.stdout).unwrap();
    object["results"].as_array().unwrap().iter().map(|result| result["token"].clone()).collect()
}

#[test]
fn of_many_accounts_only_those_that_are_missing_are_asked_for() {
    let user = user(6);
    assert_served(&user, Way::Docker, "s1");
    assert_served(&user, Way::Token, "s4");
    let before = user.world.sandbox.requests().len();
    let all = ["s0", "s1", "s2", "s3", "s4", "s5"];
    assert_eq!(batch(&user, &all), all.map(|name| json!(format!("token-of-{name}"))));
    assert_eq!(asked(&user), (1, 6));
    let mut connections: Vec<String> = Vec::new();
    for request in &user.world.sandbox.requests()[before..] {
        connections
            .extend(request.query.iter().filter(|(name, _)| name == "connector").map(|(_, value)| value.clone()));
    }
    connections.sort();
    assert_eq!(connections, ["x0", "x2", "x3", "x5"]);
    user.is_from_memory(|| batch(&user, &all));
}

#[test]
fn one_account_twice_in_a_batch_is_asked_for_once_whatever_it_is_called() {
    let user = user(2);
    let own = |connection: &str| json!({"connection_name": connection, "identifier": "ada"});
    user.write_connections(&json!({"s0": own("x0"), "again": own("x0"), "s1": own("x1")}).to_string());
    delay(&user, AUTH, 3, 500);
    let one = json!("token-of-s0");
    assert_eq!(batch(&user, &["s0", "s1", "s0", "again"]), [one.clone(), json!("token-of-s1"), one.clone(), one]);
    assert_eq!(asked(&user), (1, 2));
}

#[test]
fn two_batches_in_opposite_order_share_what_they_get() {
    let user = user(12);
    delay(&user, TOKEN, 1, 400);
    delay(&user, AUTH, 12, 100);
    let names: Vec<String> = (0..12).map(|index| format!("s{index}")).collect();
    let forth: Vec<&str> = names.iter().map(String::as_str).collect();
    let back: Vec<&str> = forth.iter().rev().copied().collect();
    let answers = at_once(4, |index| batch(&user, if index % 2 == 0 { &forth } else { &back }));
    for (index, answer) in answers.into_iter().enumerate() {
        let expected = if index % 2 == 0 { &forth } else { &back };
        assert_eq!(answer, expected.iter().map(|name| json!(format!("token-of-{name}"))).collect::<Vec<_>>());
    }
    assert_eq!(asked(&user), (1, 12));
}
