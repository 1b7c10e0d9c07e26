//! A vault that just failed to be reached is not tried again at once: many questions of one tool fail as fast as one.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::common::docker::{HELPER, TOKEN, answer, get, is_not_found_because, is_silent, world};
use crate::common::{EXE, finish};
use scalekit_sandbox::Control;

#[test]
fn a_vault_that_does_not_answer_is_asked_once_for_many_registries() {
    let world = world();
    let (connections, dead) = silent();
    let url = format!("https://{dead}");
    let ask = |program: &str, args: &[&str], input: &str| {
        let mut command = world.command(program);
        finish(command.args(args).env("SCALEKIT_ENV_URL", &url), input)
    };
    is_not_found_because(&ask(HELPER, &["get"], "ghcr.io"), &["did not answer in time"]);
    let tried = connections.load(Ordering::Relaxed);
    assert!(tried > 0);
    for _ in 0..5 {
        is_not_found_because(&ask(HELPER, &["get"], "ghcr.io"), &["did not answer in time"]);
    }
    let git = ask("git-credential-scalekit", &["get"], "protocol=https\nhost=github.com\n\n").ok();
    assert!(git.stdout.is_empty() && git.stderr.contains("did not answer in time"), "{git:?}");
    for args in [&["token", "github"][..], &["header", "github"], &["exec", "--with", "github", "--", "true"]] {
        assert!(ask(EXE, args, "").exit(7).stderr.contains("did not answer in time"));
    }
    assert_eq!(connections.load(Ordering::Relaxed), tried);
    // What a person types to find out about it always tries.
    ask(EXE, &["status", "--check"], "").exit(7);
    assert!(connections.load(Ordering::Relaxed) > tried);
    // Another environment is another matter.
    is_silent(&get(&world, "ghcr.io"), &answer("ghcr.io", "x-access-token", TOKEN), 0);
}

/// A host that takes connections and never says a word; and how many it took.
fn silent() -> (Arc<AtomicUsize>, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (connections, address) = (Arc::new(AtomicUsize::new(0)), listener.local_addr().unwrap());
    let count = connections.clone();
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for stream in listener.incoming() {
            count.fetch_add(1, Ordering::Relaxed);
            open.push(stream);
        }
    });
    (connections, address)
}

#[test]
fn what_answers_with_a_failure_is_asked_again_and_so_is_one_that_is_reached_by_another_way() {
    let world = world();
    let dead = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ask = |variables: &[(&str, &str)]| {
        let mut command = world.command(EXE);
        finish(command.args(["token", "github"]).envs(variables.iter().copied()), "")
    };
    let proxy = format!("http://{dead}");
    let elsewhere = [("SCALEKIT_ENV_URL", "https://vault.example.test"), ("HTTPS_PROXY", &proxy)];
    ask(&elsewhere).exit(7);
    assert!(ask(&elsewhere[..1]).exit(7).stderr != ask(&elsewhere).exit(7).stderr, "another way, another failure");
    for _ in 0..2 {
        let error_code = Some("INTERNAL".into());
        world.control(Control::FailNext {
            route: None,
            times: 1,
            status: 500,
            error_code,
            body: None,
            retry_after: None,
        });
        ask(&[]).exit(6);
        assert_eq!(ask(&[]).ok().stdout, format!("{TOKEN}\n"));
    }
}
