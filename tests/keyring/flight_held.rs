//! One that is frozen or killed while others wait for what it asked for.

use crate::common;
use std::time::{Duration, Instant};

use crate::common::crowd::{Way, ask, asked, assert_served, at_once, end, frozen, held, queued, user};
use common::keyring::{Killed, until};
use common::user::{AUTH, TOKEN, User};

/// The longest wait for others, less what a clock may be off.
const WAIT: Duration = Duration::from_millis(2900);
/// What is far more than a wait and a request, and less than two waits.
const ONE_WAIT: Duration = Duration::from_millis(5500);
const OTHERS: usize = 12;

fn holder(user: &User, route: &str) -> Killed {
    frozen(user, Way::Token.ask(user, "s0"), route)
}

fn assert_one_wait(took: Duration) {
    assert!(took > WAIT && took < ONE_WAIT, "{took:?}");
}

#[test]
fn a_frozen_one_costs_the_others_one_wait_whatever_it_was_asking_for() {
    for (route, of_its_own) in [(TOKEN, (1, 0)), (AUTH, (1, 1))] {
        let user = user(1);
        let mut holder = holder(&user, route);
        assert_eq!(asked(&user), of_its_own);
        let answers = at_once(OTHERS, |index| ask(&user, Way::of(index), "s0"));
        for (index, (answer, took)) in answers.into_iter().enumerate() {
            println!("{route}: {took:?}");
            assert_eq!(Way::of(index).token(&answer.ok()).as_deref(), Some("token-of-s0"));
            assert_one_wait(took);
        }
        user.is_from_memory(|| assert_served(&user, Way::Git, "s0"));
        holder.signal("CONT");
        assert_eq!(Way::Token.token(&end(&mut holder).ok()).as_deref(), Some("token-of-s0"));
        let (tokens, accounts) = asked(&user);
        assert!(tokens <= 1 + OTHERS as u64 && accounts <= 1 + OTHERS as u64);
    }
}

#[test]
fn a_batch_waits_for_all_frozen_ones_together() {
    let user = user(24);
    let holders: Vec<Killed> =
        (0..3).map(|index| frozen(&user, Way::Git.ask(&user, &format!("s{index}")), AUTH)).collect();
    let names: Vec<String> = (0..24).map(|index| format!("s{index}")).collect();
    let start = Instant::now();
    let mut command = user.command("scalekit-auth");
    let got = common::finish(command.arg("token").args(&names).arg("--json"), "").ok();
    assert_one_wait(start.elapsed());
    assert!(names.iter().all(|name| got.stdout.contains(&format!("\"token-of-{name}\""))), "{got:?}");
    drop(holders);
}

#[test]
fn who_has_waited_in_vain_keeps_nothing() {
    let user = user(1);
    let first = holder(&user, AUTH);
    // Its own answer takes a while, too.
    let mut second = held(&user, Way::Git.ask(&user, "s0"), AUTH, 60_000);
    assert_eq!(queued(&user), 1, "a thread is left behind in the queue");
    drop(first);
    until("it has left the queue", || queued(&user) == 0);
    let (answer, took) = ask(&user, Way::Docker, "s0");
    assert_eq!(Way::Docker.token(&answer.ok()).as_deref(), Some("token-of-s0"));
    assert!(took < Duration::from_millis(2500), "{took:?}");
    assert!(second.0.try_wait().unwrap().is_none(), "it is still at work");
}

/// Where a process is killed that others wait for: its request, whether the answer has come, and what all that costs.
const KILLS: [(&str, bool, (u64, u64)); 4] =
    [(TOKEN, false, (2, 1)), (TOKEN, true, (2, 1)), (AUTH, false, (1, 2)), (AUTH, true, (1, 2))];

#[test]
fn a_killed_one_blocks_nobody_and_the_rest_cost_one_flight() {
    for (route, has_answer, costs) in KILLS {
        let user = user(1);
        let holder =
            if has_answer { holder(&user, route) } else { held(&user, Way::Token.ask(&user, "s0"), route, 60_000) };
        let longest = std::thread::scope(|scope| {
            let others = scope.spawn(|| at_once(OTHERS, |index| ask(&user, Way::of(index), "s0")));
            until("all wait", || queued(&user) == OTHERS);
            drop(holder);
            let took = others.join().unwrap().into_iter().enumerate().map(|(index, (answer, took))| {
                assert_eq!(Way::of(index).token(&answer.ok()).as_deref(), Some("token-of-s0"));
                took
            });
            took.max().unwrap()
        });
        assert_eq!(asked(&user), costs, "{route} {has_answer}");
        println!("{route} {has_answer}: {longest:?}");
    }
}

#[test]
fn who_is_killed_after_its_flight_leaves_what_it_got() {
    let user = user(1);
    let mut command = user.command("scalekit-auth");
    command.args(["exec", "--with", "s0=TOKEN_OF_IT", "--", "sleep", "60"]);
    let child = held(&user, (command, String::new()), AUTH, 0);
    until("its token rests in memory", || user.left("x0").is_some());
    drop(child);
    at_once(OTHERS, |index| assert_served(&user, Way::of(index), "s0"));
    assert_eq!(asked(&user), (1, 1));
}
