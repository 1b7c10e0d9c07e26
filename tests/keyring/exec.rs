//! `exec`: the command runs as it would without us, with the named variables more and the client credentials less.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use crate::common::keyring::{Desk, Killed, until};
use crate::common::{EXE, Finished, World, finish};
use scalekit_sandbox::{Control, Credential, Options, Sandbox};
use serde_json::json;

const SECRET: &str = "canary-client-secret-Kq3vX9wTz7LbN2";
const TOKEN: &str = "canary-account-token-Rf8sYp4HdJ6mC1";
const WORK: &str = "canary-second-token-Vb2nMx7QzL5tD9";

/// The service `github` with its usual account and `work`, and `gitlab`, which waits for consent.
fn world() -> World {
    let options = Options { client_secret: SECRET.into(), ..Options::default() };
    let world = World::with(Sandbox::with(options).unwrap());
    world.seed("github-x", "GITHUB", TOKEN);
    world.seed_as("work@acme.com", "github-x", "GITHUB", WORK);
    world.control(Control::connection("gitlab-x", "GITLAB"));
    world.ok(&["config", "github", "github-x", "--identifier", "ada"]);
    world.ok(&["config", "github", "github-x", "--identifier", "work@acme.com", "--as", "work"]);
    world.ok(&["config", "gitlab", "gitlab-x", "--identifier", "ada"]);
    world
}

fn exec(world: &World, with: &[&str], command: &[&str]) -> Command {
    let mut exec = world.command(EXE);
    exec.arg("exec").args(with.iter().flat_map(|text| ["--with", text])).arg("--").args(command);
    exec
}

fn run(world: &World, with: &[&str], command: &[&str]) -> Finished {
    finish(&mut exec(world, with, command), "")
}

/// The environment that a command runs in, as the kernel has it.
fn environment(mut command: Command) -> BTreeMap<String, String> {
    let got = finish(&mut command, "").ok();
    assert_eq!(got.stderr, "");
    let pairs = got.stdout.split('\0').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

const SHOW_ENVIRONMENT: &[&str] = &["cat", "/proc/self/environ"];

#[test]
fn the_command_has_the_named_variable_more_and_the_client_credentials_less() {
    let world = world();
    let mut command = exec(&world, &["github"], SHOW_ENVIRONMENT);
    let url = world.sandbox.url().to_owned();
    command.env("TOOL_ENV_URL", &url).env("TOOL_CLIENT_ID", "skc_x").env("TOOL_CLIENT_SECRET", SECRET);
    command.env("SCALEKIT_ENVIRONMENT_URL", &url).env("SCALEKIT_ACCESS_TOKEN", "canary").env("GH_TOKEN", "stale");
    command.env("SCALEKIT_IDENTIFIER", "ada").env("ODD", "a=b\nc");
    let mut expected: BTreeMap<String, String> =
        world.variables().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    for name in ["SCALEKIT_ENV_URL", "SCALEKIT_CLIENT_ID", "SCALEKIT_CLIENT_SECRET"] {
        expected.remove(name).unwrap();
    }
    for (name, value) in [("GH_TOKEN", TOKEN), ("SCALEKIT_IDENTIFIER", "ada"), ("ODD", "a=b\nc")] {
        expected.insert(name.into(), value.into());
    }
    let found = environment(command);
    assert_eq!(found, expected);
    assert!(!format!("{found:?}").contains(SECRET));
    let arguments = run(&world, &["github"], &["cat", "/proc/self/cmdline"]).ok();
    assert_eq!(arguments.stdout, "cat\0/proc/self/cmdline\0");
}

#[test]
fn several_tokens_come_with_one_client_token() {
    let world = world();
    let before = world.count("POST /oauth/token");
    let with = ["github", "https://work@github.com=SECOND_TOKEN", "api.github.com=third_token"];
    let found = environment(exec(&world, &with, SHOW_ENVIRONMENT));
    assert_eq!((&*found["GH_TOKEN"], &*found["SECOND_TOKEN"], &*found["third_token"]), (TOKEN, WORK, TOKEN));
    assert_eq!(world.count("POST /oauth/token") - before, 1);
}

#[test]
fn the_variable_is_the_one_of_the_catalogue_or_has_to_be_named() {
    let world = world();
    for (connection, provider) in [("githubpat-x", "GITHUBPAT"), ("notion-x", "NOTION"), ("linear-x", "LINEAR")] {
        world.seed(connection, provider, connection);
        world.ok(&["config", connection.trim_end_matches("-x"), connection, "--identifier", "ada"]);
    }
    let key = json!({"api_key": "brave-key"}).as_object().unwrap().clone();
    world.control(Control::connection("brave-x", "BRAVE"));
    world.seed_account("brave-x", Credential::StaticAuth { details: key }, None);
    world.ok(&["config", "brave", "brave-x", "--identifier", "ada"]);
    for (with, name, token) in [
        ("githubpat", "GH_TOKEN", "githubpat-x"),
        ("notion", "NOTION_TOKEN", "notion-x"),
        ("brave", "BRAVE_API_KEY", "brave-key"),
        ("linear=LINEAR_TOKEN", "LINEAR_TOKEN", "linear-x"),
    ] {
        assert_eq!(environment(exec(&world, &[with], SHOW_ENVIRONMENT))[name], token);
    }
    let refused = run(&world, &["linear"], &["true"]).exit(2);
    assert!(refused.stderr.contains("`--with linear=NAME`"), "{refused:?}");
}

#[test]
fn a_command_without_the_dashes_before_it_is_told_where_they_belong() {
    let world = world();
    let got = world.run(&["exec", "--with", "github", "sh", "-c", "echo \"$GH_TOKEN\""]).exit(2);
    let line = got.stderr.lines().find_map(|line| line.trim().strip_prefix("tip: put -- before the command: "));
    assert_eq!(finish(world.command("sh").args(["-c", line.unwrap()]), "").ok().stdout, format!("{TOKEN}\n"));
    let got = world.run(&["exec", "--with", "github", "--verbose", "true"]).exit(2);
    assert!(got.stderr.contains("--verbose") && !got.stderr.contains("before the command"), "{got:?}");
}

#[test]
fn the_readmes_command_prints_the_token() {
    let world = world();
    world.seed("gmail-x", "GMAIL", "gmail-token");
    world.ok(&["config", "gmail", "gmail-x", "--identifier", "ada"]);
    assert_eq!(run(&world, &["gmail=GMAIL_TOKEN"], &["printenv", "GMAIL_TOKEN"]).ok().stdout, "gmail-token\n");
}

#[test]
fn gh_gets_another_variable_and_the_host_for_an_enterprise_server() {
    let world = world();
    world.seed("corp-x", "GITHUB", "corp-token");
    world.ok(&["config", "corp", "corp-x", "--provider", "github", "--identifier", "ada", "--host", "git.acme.test"]);
    for place in ["corp", "https://git.acme.test/api/v3"] {
        let found = environment(exec(&world, &[place], SHOW_ENVIRONMENT));
        assert_eq!((&*found["GH_ENTERPRISE_TOKEN"], &*found["GH_HOST"]), ("corp-token", "git.acme.test"));
        assert!(!found.contains_key("GH_TOKEN"));
    }
    let both = environment(exec(&world, &["corp", "github"], SHOW_ENVIRONMENT));
    assert_eq!((&*both["GH_ENTERPRISE_TOKEN"], &*both["GH_TOKEN"]), ("corp-token", TOKEN));
    assert!(!both.contains_key("GH_HOST"), "github.com stays the usual host");
}

#[test]
fn exit_status_signals_and_input_are_the_commands_own() {
    let world = world();
    assert_eq!(run(&world, &["github"], &["sh", "-c", "exit 42"]).code, Some(42));
    let status = exec(&world, &["github"], &["sh", "-c", "kill -TERM $$"]).status().unwrap();
    assert_eq!(status.signal(), Some(15));
    assert_eq!(finish(&mut exec(&world, &["github"], &["cat"]), "hello\n").ok().stdout, "hello\n");

    let mut child = Killed(exec(&world, &["github"], &["sleep", "60"]).spawn().unwrap());
    let comm = format!("/proc/{}/comm", child.0.id());
    until("this very process is the command", || fs::read_to_string(&comm).is_ok_and(|name| name == "sleep\n"));
    // Not INT, which is ignored where the tests are started in the background of a script.
    child.signal("USR1");
    assert_eq!(child.0.wait().unwrap().signal(), Some(10));
}

#[test]
fn nothing_of_us_is_left_in_the_command() {
    let world = world();
    let same = |command: &[&str], keep: &dyn Fn(&str) -> bool| {
        let lines = |got: Finished| got.ok().stdout.lines().filter(|line| keep(line)).collect::<Vec<_>>().join("\n");
        let plain = lines(finish(world.command(command[0]).args(&command[1..]), ""));
        assert!(!plain.is_empty());
        assert_eq!(lines(run(&world, &["github"], command)), plain, "{command:?}");
    };
    same(&["ls", "/proc/self/fd"], &|_| true);
    let kept = ["SigBlk", "SigIgn", "SigCgt", "NoNewPrivs", "Seccomp", "Threads", "CapEff", "Umask"];
    same(&["cat", "/proc/self/status"], &|line| kept.iter().any(|key| line.starts_with(key)));
    same(&["cat", "/proc/self/limits"], &|_| true);
    same(&["pwd"], &|_| true);
}

#[test]
fn nothing_of_the_keyring_is_left_either() {
    let desk = Desk::with(world());
    desk.login(&[], SECRET).ok();
    let command = ["sh", "-c", "ls /proc/self/fd; grep Sig /proc/self/status"];
    let plain = finish(desk.command(command[0]).args(&command[1..]), "").ok().stdout;
    let mut exec = desk.command(EXE);
    exec.args(["exec", "--with", "github", "--"]).args(command);
    let ours = finish(&mut exec, "").ok().stdout;
    let without_queue = |text: &str| text.lines().filter(|line| !line.starts_with("SigQ")).collect::<String>();
    assert_eq!(without_queue(&ours), without_queue(&plain));
}

#[test]
fn the_command_can_be_looked_into_as_any_other() {
    let world = world();
    let open = world.copy_for_everybody();
    // Whatever root runs belongs to root, looked into or not, so that the user has to be another one.
    let own = fs::metadata("/proc/self").unwrap().uid();
    let user = if own == 0 { 65534 } else { own };
    let mut command = world.command_as_another(open.path(), open.path().join("exe"));
    command.args(["exec", "--with", "github", "--", "sleep", "60"]).stdout(Stdio::null());
    let child = Killed(command.spawn().unwrap());
    let of_child = |name: &str| format!("/proc/{}/{name}", child.0.id());
    until("the command runs", || fs::read_to_string(of_child("comm")).is_ok_and(|name| name == "sleep\n"));
    // The kernel gives the files of a process that nobody may look into to root (proc(5)).
    assert_eq!(fs::metadata(of_child("environ")).unwrap().uid(), user);
    assert_eq!(fs::metadata(of_child("mem")).unwrap().uid(), user);
}

#[test]
fn a_command_that_cannot_be_run_is_told_as_env_does() {
    let world = world();
    let missing = run(&world, &["github"], &["no-such-command", "x"]).exit(127);
    assert!(missing.stderr.contains("no-such-command cannot be run"), "{missing:?}");
    fs::write(world.path("plain"), "#!/bin/sh\n").unwrap();
    for command in ["./plain", "/"] {
        let refused = run(&world, &["github"], &[command]).exit(126);
        assert!(refused.stdout.is_empty() && refused.stderr.contains("Permission denied"), "{refused:?}");
        assert!(!refused.stderr.contains(TOKEN));
    }
}

#[test]
fn one_failure_means_that_the_command_does_not_run() {
    let world = world();
    let mark = |with: &[&str], code: i32| {
        let got = run(&world, with, &["touch", "ran"]).exit(code);
        assert!(got.stdout.is_empty() && !world.path("ran").exists(), "{got:?}");
        assert!(!got.stderr.contains(TOKEN) && !got.stderr.contains(SECRET), "{got:?}");
        got.stderr
    };
    assert!(mark(&["github", "gitlab"], 5).contains("/magicLink/"));
    assert!(mark(&["github", "nobody"], 3).contains("the service nobody is not configured"));
    assert!(mark(&["github", "https://api.evil.net=X"], 3).contains("no configured service answers"));
    let pair = json!({"username": "ada", "password": "pw"}).as_object().unwrap().clone();
    world.control(Control::connection("basic-x", "FRESHDESK"));
    world.seed_account("basic-x", Credential::StaticAuth { details: pair }, None);
    world.ok(&["config", "basic", "basic-x", "--identifier", "ada"]);
    assert!(mark(&["basic=BASIC_TOKEN"], 2).contains("a user name and a password, not a token"));
    world.control(Control::RotateClientSecret { secret: "another".into() });
    mark(&["github"], 6);
}

#[test]
fn what_is_wrong_with_the_command_line_is_told_before_anybody_is_asked() {
    let world = world();
    let before = world.sandbox.counts().tcp_connections;
    for with in [
        "github=PATH",
        "github=LD_PRELOAD",
        "github=https_proxy",
        "github=GIT_SSH_COMMAND",
        "github=PYTHONPATH",
        "github=SCALEKIT_CLIENT_SECRET",
        "github=TOOL_ENV_URL",
        "github=GH_HOST",
        "github=A-B",
        "github=1A",
        "github=",
        "=GH_TOKEN",
        "https://github.com/?access_token=x",
        "NOT A SERVICE",
    ] {
        let got = run(&world, &[with], &["touch", "ran"]).exit(2);
        assert!(got.stderr.starts_with("scalekit-auth: "), "{with}: {got:?}");
    }
    let twice = run(&world, &["github", "https://work@github.com"], &["touch", "ran"]).exit(2);
    assert!(twice.stderr.contains("GH_TOKEN cannot hold two values"), "{twice:?}");
    for args in
        [&["exec", "--", "true"][..], &["exec", "--with", "github"], &["exec", "--with", "github", "touch", "ran"]]
    {
        assert!(world.run(args).exit(2).stderr.contains("Usage: scalekit-auth exec"));
    }
    assert!(!world.path("ran").exists());
    assert_eq!(world.sandbox.counts().tcp_connections, before);
    let other = world.run(&["exec", "--environment", "dev", "--with", "github", "--", "true"]).exit(3);
    assert!(other.stderr.contains("login --environment dev"), "{other:?}");
}

#[test]
fn a_call_within_the_command_has_no_variables_and_says_so_or_has_a_home_of_its_own() {
    let mut world = world();
    let nested = ["scalekit-auth", "token", "github"];
    let got = run(&world, &["github"], &nested).exit(3);
    assert!(got.stderr.contains("client credentials of the environment default are missing"), "{got:?}");
    assert!(got.stderr.contains("`scalekit-auth login`") && !got.stderr.contains("incomplete"), "{got:?}");
    let git = run(
        &world,
        &["github"],
        &["sh", "-c", "printf 'protocol=https\\nhost=github.com\\n\\n' | git-credential-scalekit get"],
    );
    assert_eq!((git.stdout.as_str(), git.stderr.lines().count()), ("", 1), "{git:?}");

    world.credentials_in_variables = false;
    let home = format!("file:{}", world.path("secret").display());
    let sandbox = &world.sandbox;
    let login = ["login", "--home", &home, "--env-url", sandbox.url(), "--client-id", sandbox.client_id()];
    finish(world.command(EXE).args(login).arg("--client-secret-stdin"), SECRET).ok();
    assert_eq!(run(&world, &["github"], &nested).ok().stdout, format!("{TOKEN}\n"));
}
