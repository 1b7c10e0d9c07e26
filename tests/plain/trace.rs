//! What `SCALEKIT_AUTH_TRACE` tells of a run, where it goes, and what it never tells.

use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::path::Path;

use crate::common::canary::{self, REFRESH, SECRET, TOKEN, look_as, shown};
use crate::common::homes::{USER, is_root, mode, set_mode};
use crate::common::{EXE, Finished, World, finish};
use serde_json::json;

const GITHUB: &str = "protocol=https\nhost=github.com\npath=acme/app.git\n\n";

fn world() -> World {
    let world = World::new();
    world.seed("github-x", "GITHUB", "gho_abc");
    world.ok(&["config", "github", "github-x", "--identifier", "ada"]);
    world
}

fn traced(world: &World, trace: &str, program: &str, args: &[&str], input: &str) -> Finished {
    finish(world.command(program).env("SCALEKIT_AUTH_TRACE", trace).args(args), input)
}

fn git(world: &World, trace: &str, input: &str) -> Finished {
    traced(world, trace, "git-credential-scalekit", &["get"], input)
}

/// The words of the steps, each after the process and the time; what else stands on stderr is left out.
#[track_caller]
fn steps(text: &str) -> Vec<&str> {
    text.lines()
        .filter(|line| !line.starts_with("scalekit-auth: "))
        .map(|line| {
            let (head, words) = line.split_once(" ms ").unwrap_or_else(|| panic!("{line}"));
            let (process, time) = head.split_once(' ').unwrap();
            assert!(process.starts_with("scalekit-auth[") && process.ends_with(']'), "{line}");
            assert!(time.parse::<f64>().is_ok(), "{line}");
            words
        })
        .collect()
}

#[track_caller]
fn tells(finished: &Finished, expected: &[&str]) {
    let steps = steps(&finished.stderr);
    let mut rest = steps.iter();
    for words in expected {
        assert!(rest.any(|step| step.starts_with(words)), "{words} in its order: {steps:#?}");
    }
}

#[test]
fn each_step_of_a_helper_is_a_line() {
    let world = world();
    let got = git(&world, "1", GITHUB).ok();
    let answer = format!("answer: {} bytes", got.stdout.len());
    tells(
        &got,
        &[
            "start: scalekit-auth ",
            "call: git-credential get",
            "asked: git-credential for https://github.com/acme/app.git",
            "found: https://github.com/acme/app.git by the rule github.com (built-in) is of github, connection github-x, account ada (from the service)",
            "cache: off for github-x of ada",
            "request: POST /oauth/token at localhost",
            "request: GET /api/v1/connected_accounts/auth at localhost",
            &answer,
            "exit: status 0",
        ],
    );
    assert!(got.stderr.contains("attempt 1: status 200 after "), "{got:?}");
    assert!(got.stderr.contains(", request id none"), "{got:?}");
}

#[test]
fn a_command_and_a_home_are_told_as_well() {
    let mut world = world();
    let secret = world.path("secret");
    fs::write(&secret, world.sandbox.client_secret()).unwrap();
    set_mode(&secret, 0o600);
    let home = format!("file:{}", secret.display());
    let (url, id) = (world.sandbox.url().to_owned(), world.sandbox.client_id().to_owned());
    world.ok(&["login", "--env-url", &url, "--client-id", &id, "--home", &home]);
    world.credentials_in_variables = false;
    let got = traced(&world, "1", EXE, &["token", "https://api.github.com/user?code=hidden#x"], "").ok();
    let read = format!("home: client credentials of default in the file {}: read", secret.display());
    tells(
        &got,
        &["call: token", "found: https://api.github.com/user by", "cache: off", &read, "answer: 8 bytes", "exit"],
    );
    assert!(!got.stderr.contains("hidden"), "{got:?}");
    let exec = traced(&world, "1", EXE, &["exec", "--with", "github", "--", "true"], "").ok();
    tells(&exec, &["call: exec", "found: github, connection github-x, account ada", "run: becomes true"]);
}

#[test]
fn a_host_of_others_and_failures_are_told() {
    let world = world();
    let got = git(&world, "1", "protocol=https\nhost=example.com\n\n").ok();
    tells(
        &got,
        &[
            "asked: git-credential for https://example.com",
            "found: no",
            "declined: nobody answers git-credential there",
            "answer: 0 bytes",
            "exit: status 0",
        ],
    );
    world.ok(&["config", "github", "--only", "docker"]);
    let declined = "declined: github is not for git: it was configured for docker alone";
    tells(&git(&world, "1", GITHUB).ok(), &["found: https://github.com/acme/app.git", declined]);
    world.ok(&["config", "github", "--only", "all"]);
    let stored = "protocol=https\nhost=github.com\nusername=x\npassword=of-others\n\n";
    let got = traced(&world, "1", "git-credential-scalekit", &["store"], stored).ok();
    tells(&got, &["call: git-credential store", "answer: 0 bytes"]);
    tells(&git(&world, "1", "nonsense\n\n").ok(), &["asked: git-credential for what is no request", "exit: status 0"]);
    world.fail_next(canary::AUTH, 1, 403, Some("PERMISSION_DENIED"));
    let got = traced(&world, "1", EXE, &["token", "github"], "").exit(6);
    let lines: Vec<&str> = got.stderr.lines().filter(|line| line.starts_with("scalekit-auth[")).collect();
    let is_told = |words: &str| lines.iter().any(|line| line.contains(words));
    assert!(is_told("connected_accounts/auth") && is_told("status 403") && is_told("failed: vault_refused"), "{got:?}");
    assert!(is_told("exit: status 6"), "{got:?}");
}

#[test]
fn the_servers_own_id_of_a_request_is_told_unless_it_repeats_what_it_was_sent() {
    let world = world();
    let listener = tiny_http::Server::http("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.server_addr());
    std::thread::spawn(move || {
        for (number, request) in listener.incoming_requests().enumerate() {
            let sent = request.headers().iter().find(|header| header.field.equiv("authorization"));
            let token = sent.map(|header| header.value.as_str().trim_start_matches("Bearer ").to_owned());
            let id = token.unwrap_or_else(|| format!("req_{number}"));
            let body = json!({"access_token": "canary-client-token-Vb6Nq1Zs8K", "code": 5}).to_string();
            let answer = tiny_http::Response::from_string(body);
            let _ = request.respond(answer.with_header(tiny_http::Header::from_bytes("X-Request-Id", id).unwrap()));
        }
    });
    let mut command = world.command(EXE);
    command.env("SCALEKIT_ENV_URL", &url).env("SCALEKIT_AUTH_TRACE", "1").args(["token", "github"]);
    let got = finish(&mut command, "");
    assert!(got.stderr.contains("request id req_0\n"), "{got:?}");
    assert!(got.stderr.contains("connected_accounts/auth") && got.stderr.contains("request id none\n"), "{got:?}");
    assert!(!got.stderr.contains("canary-client-token"), "{got:?}");
}

#[test]
fn stdout_is_the_same_byte_for_byte() {
    let world = world();
    let file = world.path("trace");
    for (program, args, input) in [
        ("git-credential-scalekit", &["get"][..], GITHUB),
        ("git-credential-scalekit", &["get"], "protocol=https\nhost=example.com\n\n"),
        ("git-credential-scalekit", &["capability"], ""),
        ("docker-credential-scalekit", &["get"], "ghcr.io"),
        ("docker-credential-scalekit", &["get"], "example.com"),
        ("bazel-scalekit", &["get"], "{\"uri\":\"https://github.com/a\"}"),
        ("scalekit-auth", &["token", "github", "--json"], ""),
        ("scalekit-auth", &["header", "github"], ""),
        ("scalekit-auth", &["which", "github.com"], ""),
        ("scalekit-auth", &["exec", "--with", "github", "--", "printenv", "GH_TOKEN"], ""),
        ("scalekit-auth", &["token", "nobody", "--json"], ""),
    ] {
        let off = finish(world.command(program).args(args), input);
        for trace in ["", "0", "off"] {
            let same = traced(&world, trace, program, args, input);
            assert_eq!(
                (&same.stdout, &same.stderr, same.code),
                (&off.stdout, &off.stderr, off.code),
                "{trace} {args:?}"
            );
        }
        let told = traced(&world, "1", program, args, input);
        assert_eq!((&told.stdout, told.code), (&off.stdout, off.code), "{args:?}");
        assert!(told.stderr.lines().count() > off.stderr.lines().count(), "{args:?}");
        let filed = traced(&world, file.to_str().unwrap(), program, args, input);
        assert_eq!((&filed.stdout, &filed.stderr, filed.code), (&off.stdout, &off.stderr, off.code), "{args:?}");
    }
    assert_eq!(mode(&file), 0o600);
    assert_eq!(fs::read_to_string(&file).unwrap().matches(" start: ").count(), 11, "each run is put to its end");
}

#[test]
fn what_is_no_file_of_ones_own_or_not_understood_is_said_once_and_stops_nothing() {
    let world = world();
    let (link, target) = (world.path("link"), world.path("target"));
    symlink(&target, &link).unwrap();
    let foreign = world.path("foreign");
    fs::write(&foreign, "").unwrap();
    let mut wrong = vec!["2", "true", "trace.log", link.to_str().unwrap(), "/", "/dev/full", "/not/there/trace"];
    if is_root() {
        chown(&foreign, Some(USER), Some(USER)).unwrap();
        wrong.push(foreign.to_str().unwrap());
    }
    for value in wrong {
        let got = git(&world, value, GITHUB).ok();
        assert!(got.stdout.contains("password=gho_abc\n"), "{value}: {got:?}");
        assert!(
            got.stderr.starts_with(&format!("scalekit-auth: nothing is traced: SCALEKIT_AUTH_TRACE={value}: ")),
            "{got:?}"
        );
        assert_eq!(got.stderr.lines().count(), 1, "{got:?}");
    }
    assert!(!target.exists() && fs::read(&foreign).unwrap().is_empty());
}

#[test]
fn no_line_holds_a_secret() {
    let world = canary::world();
    let file = world.path("trace.log");
    let command = |program: &str| {
        let mut command = world.command(program);
        command.env("SCALEKIT_AUTH_TRACE", &file);
        command
    };
    let on_stderr = |program: &str| {
        let mut command = world.command(program);
        command.env("SCALEKIT_AUTH_TRACE", "1");
        command
    };
    for (service, host) in [("github", "github.com"), ("gitlab", "gitlab.com"), ("bitbucket", "bitbucket.org")] {
        look_as(&world, &command, "a file", service, host);
        look_as(&world, &on_stderr, "stderr", service, host);
    }
    let with_token = format!("protocol=https\nhost=github.com\nusername={TOKEN}\npath=a?token={TOKEN}\n\n");
    finish(command("git-credential-scalekit").arg("get"), &with_token);
    finish(command("scalekit-auth").args(["token", &format!("https://{TOKEN}@github.com/?token={TOKEN}")]), "");
    world.fail_next(canary::AUTH, 1, 403, Some(SECRET));
    finish(command("scalekit-auth").args(["token", "github"]), "");
    has_no_secret(&world, &file);
}

fn has_no_secret(world: &World, file: &Path) {
    let text = fs::read_to_string(file).unwrap();
    assert!(steps(&text).len() > 200, "{text}");
    let issued = world.sandbox.client_tokens();
    let secrets: Vec<&str> = [SECRET, TOKEN, REFRESH].into_iter().chain(issued.iter().map(String::as_str)).collect();
    assert_eq!(shown(text.as_bytes(), &secrets), None, "{text}");
    assert!(!text.contains("/magicLink/") && !text.contains("open http"), "no link for consent: {text}");
}
