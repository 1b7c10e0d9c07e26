//! Who got which credential, as `audit` writes it down and shows it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::symlink;
use std::process::Stdio;

use crate::common::canary::{self, AUTH, REFRESH, SECRET, TOKEN, look, shown};
use crate::common::homes::{Machine, USER, at, is_root, mode, set_mode};
use crate::common::keyring::Killed;
use crate::common::{EXE, World, finish};
use scalekit_sandbox::{Control, Credential};
use serde_json::{Value, json};

const GITHUB: &str = "protocol=https\nhost=github.com\npath=acme/app.git\n\n";
const FILE: &str = ".local/state/scalekit-auth/audit.jsonl";

/// The service `github`, and the audit switched on.
fn world() -> World {
    let world = World::new();
    world.seed("github-x", "GITHUB", "gho_abc");
    world.ok(&["config", "github", "github-x", "--identifier", "ada"]);
    world.ok(&["audit", "on"]);
    world
}

fn text(world: &World) -> String {
    fs::read_to_string(world.path(FILE)).unwrap_or_default()
}

#[track_caller]
fn lines(world: &World) -> Vec<Value> {
    text(world).lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect()
}

/// The one line that `act` leaves, without the time and who asked.
#[track_caller]
fn line_of(world: &World, act: impl FnOnce()) -> Value {
    let before = lines(world).len();
    act();
    let mut new = lines(world).split_off(before);
    assert_eq!(new.len(), 1, "{new:?}");
    let mut line = new.remove(0);
    let time = line.as_object_mut().unwrap().shift_remove("time").unwrap();
    assert_eq!((time.as_str().unwrap().len(), time.as_str().unwrap().ends_with('Z')), (24, true), "{time}");
    let asker = line.as_object_mut().unwrap().shift_remove("asked_by").unwrap();
    assert_eq!(asker["pid"], json!(std::process::id()), "{asker}");
    assert_eq!(asker["executable"].as_str(), std::env::current_exe().unwrap().to_str(), "{asker}");
    assert!(!asker["parents"].as_array().unwrap().is_empty(), "{asker}");
    line
}

fn github(command: &str, target: Option<&str>, result: &str) -> Value {
    let mut line = json!({"command": command});
    if let Some(target) = target {
        line["target"] = target.into();
    }
    for (key, value) in
        [("service", "github"), ("connection", "github-x"), ("identifier", "ada"), ("environment", "default")]
    {
        line[key] = value.into();
    }
    if result == "given" {
        line["from"] = "vault".into();
    }
    line["result"] = result.into();
    line
}

/// A program, its words, its input, and what the record says of it: the command, and the target.
type Way<'a> = (&'a str, &'a [&'a str], &'a str, &'a str, Option<&'a str>);

#[test]
fn every_way_to_a_credential_leaves_a_line() {
    let world = world();
    let run = |program: &str, args: &[&str], input: &str| _ = finish(world.command(program).args(args), input);
    let user = "https://api.github.com/user";
    let repository = Some("https://github.com/acme/app.git");
    let ways: [Way<'_>; 11] = [
        ("git-credential-scalekit", &["get"], GITHUB, "git-credential", repository),
        ("docker-credential-scalekit", &["get"], "ghcr.io", "docker-credential", Some("https://ghcr.io")),
        ("bazel-scalekit", &["get"], "{\"uri\":\"https://github.com/a?b=c\"}", "bazel", Some("https://github.com/a")),
        (EXE, &["pnpm", "npm.pkg.github.com"], "", "pnpm", Some("https://npm.pkg.github.com")),
        (EXE, &["goauth", "https://github.com/acme"], "", "goauth", Some("https://github.com/acme")),
        (EXE, &["token", "github"], "", "token", None),
        (EXE, &["token", "https://ada@api.github.com/user?a=b"], "", "token", Some(user)),
        (EXE, &["header", user], "", "header", Some(user)),
        (EXE, &["mcp-headers", user], "", "mcp-headers", Some(user)),
        (EXE, &["exec", "--with", "github", "--", "true"], "", "exec", None),
        (EXE, &["curl", user, "--max-time", "0.1"], "", "curl", Some(user)),
    ];
    for (program, args, input, command, target) in ways {
        let line = line_of(&world, || run(program, args, input));
        assert_eq!(line, github(command, target, "given"), "{args:?}");
    }
    // A batch leaves a line for each.
    world.ok(&["token", "github", "github.com", "--json"]);
    assert_eq!(lines(&world).len(), ways.len() + 2);
    assert_eq!(mode(&world.path(FILE)), 0o600);
    assert_eq!(mode(&world.path(".local/state/scalekit-auth")), 0o700);
}

#[test]
fn a_message_to_an_mcp_server_leaves_a_line() {
    let world = world();
    world.ok(&["config", "github", "github-x", "--host", "http://127.0.0.1:9"]);
    let message = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\"}\n";
    let line = line_of(&world, || _ = finish(world.command(EXE).args(["mcp", "http://127.0.0.1:9/mcp"]), message));
    assert_eq!(line, github("mcp", Some("http://127.0.0.1:9/mcp"), "given"));
}

#[test]
fn what_is_refused_is_written_with_its_code_and_what_is_not_ours_is_not() {
    let world = world();
    let git = || _ = world.helper("get", GITHUB).ok();
    world.fail_next(AUTH, 1, 403, Some("PERMISSION_DENIED"));
    let repository = Some("https://github.com/acme/app.git");
    assert_eq!(line_of(&world, git), github("git-credential", repository, "vault_refused"));
    canary::set_status(&world, "github-x", "PENDING_AUTH");
    assert_eq!(line_of(&world, git), github("git-credential", repository, "needs_authorization"));
    for (command, args) in [
        ("token", &["token", "github"][..]),
        ("exec", &["exec", "--with", "github", "--", "true"]),
        ("header", &["header", "github"]),
    ] {
        let line = line_of(&world, || _ = world.run(args).exit(5));
        assert_eq!(line, github(command, None, "needs_authorization"), "{args:?}");
    }
    let before = text(&world);
    world.helper("get", "protocol=https\nhost=example.com\n\n").ok();
    finish(world.command("docker-credential-scalekit").arg("get"), "example.com").exit(1);
    world.run(&["token", "example.com"]).exit(3);
    world.run(&["token", "nobody"]).exit(3);
    for action in ["store", "erase"] {
        world.helper(action, &format!("protocol=https\nhost=github.com\nusername=x\npassword={TOKEN}\n\n"));
    }
    assert_eq!(text(&world), before);
}

#[test]
fn an_account_that_makes_no_password_is_declined_and_a_part_of_a_command_is_not_handed_out() {
    let world = world();
    world.seed("gitlab-x", "GITLAB", "glpat");
    world.ok(&["config", "gitlab", "gitlab-x", "--identifier", "ada"]);
    canary::set_status(&world, "gitlab-x", "PENDING_AUTH");
    world.run(&["exec", "--with", "github", "--with", "gitlab", "--", "true"]).exit(5);
    let found = lines(&world);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((&found[0]["service"], &found[0]["result"]), (&json!("gitlab"), &json!("needs_authorization")));
    world.seed_account("github-x", Credential::Withheld, None);
    let line = line_of(&world, || _ = world.run(&["token", "github"]).exit(6));
    assert_eq!(line, github("token", None, "vault_refused"));
}

#[test]
fn what_a_service_is_not_for_is_written_in_the_same_word_by_all() {
    let world = world();
    world.ok(&["config", "github", "--only", "docker"]);
    let user = "https://api.github.com/user";
    let repository = Some("https://github.com/acme/app.git");
    let line = line_of(&world, || _ = world.helper("get", GITHUB).ok());
    assert_eq!(line, github("git-credential", repository, "not_for_it"));
    for (command, args, target) in [
        ("token", &["token", "github"][..], None),
        ("token", &["token", "github", "nobody", "--json"], None),
        ("header", &["header", user], Some(user)),
        ("mcp-headers", &["mcp-headers", user], Some(user)),
        ("exec", &["exec", "--with", "github", "--", "true"], None),
        ("curl", &["curl", user], Some(user)),
    ] {
        let line = line_of(&world, || _ = world.run(args).exit(3));
        assert_eq!(line, github(command, target, "not_for_it"), "{args:?}");
    }
}

#[test]
fn a_call_that_the_vault_makes_is_called_so() {
    let world = World::new();
    world.order(json!({"op": "seed_provider", "identifier": "SLACK", "proxy_url": "https://slack.com/api"}));
    world.control(Control::connection("slack-x", "SLACK"));
    world.seed_account("slack-x", Credential::Withheld, None);
    world.ok(&["config", "slack", "slack-x", "--identifier", "ada"]);
    world.ok(&["audit", "on"]);
    let call = |url: &str| _ = world.run(&["curl", "--via-vault", url, "-sS"]);
    let line = line_of(&world, || call("https://slack.com/api/auth.test"));
    assert_eq!((&line["command"], &line["result"], line.get("from")), (&json!("curl"), &json!("by_vault"), None));
    canary::set_status(&world, "slack-x", "PENDING_AUTH");
    let line = line_of(&world, || call("https://slack.com/api/auth.test"));
    assert_eq!(line["result"], "needs_authorization");
}

#[test]
fn it_is_off_until_it_is_switched_on_and_again_afterwards() {
    let world = World::new();
    world.seed("github-x", "GITHUB", "gho_abc");
    world.ok(&["config", "github", "github-x", "--identifier", "ada"]);
    world.helper("get", GITHUB).ok();
    assert!(!world.path(".local").exists());
    let got = world.ok(&["audit", "off"]);
    assert!(!got.stderr.contains("stays"), "there is no file: {got:?}");
    let got = world.ok(&["audit"]);
    assert!(got.stdout.is_empty() && got.stderr.contains("`scalekit-auth audit on`"), "{got:?}");
    assert!(world.ok(&["audit", "on"]).stderr.contains(FILE));
    world.helper("get", GITHUB).ok();
    world.ok(&["audit", "off"]);
    world.helper("get", GITHUB).ok();
    assert_eq!(lines(&world).len(), 1);
    world.ok(&["audit", "on"]);
    let moved = world.path("state");
    finish(world.command(EXE).env("XDG_STATE_HOME", &moved).args(["token", "github"]), "").ok();
    assert!(moved.join("scalekit-auth/audit.jsonl").exists());
}

#[test]
fn no_line_holds_a_secret() {
    let world = canary::world();
    world.ok(&["audit", "on"]);
    for (service, host) in [("github", "github.com"), ("gitlab", "gitlab.com")] {
        look(&world, "audit", service, host);
    }
    finish(world.command(EXE).args(["token", &format!("https://{TOKEN}@github.com/?token={TOKEN}")]), "");
    let issued = world.sandbox.client_tokens();
    let secrets: Vec<&str> = [SECRET, TOKEN, REFRESH].into_iter().chain(issued.iter().map(String::as_str)).collect();
    let shown_by = [text(&world), world.ok(&["audit"]).stdout, world.ok(&["audit", "--json"]).stdout];
    assert!(lines(&world).len() >= 14);
    for text in shown_by {
        assert_eq!(shown(text.as_bytes(), &secrets), None, "{text}");
        assert!(!text.contains("http://") && !text.contains("localhost"), "no link for consent: {text}");
    }
}

#[test]
fn processes_at_the_same_time_write_whole_lines() {
    let world = world();
    std::thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| world.helper("get", GITHUB).ok());
        }
    });
    let found = lines(&world);
    assert_eq!(found.len(), 20);
    assert!(found.iter().all(|line| line["result"] == "given"), "{found:?}");
}

#[test]
fn a_large_file_steps_aside_and_five_are_kept() {
    let world = world();
    world.ok(&["token", "github"]);
    let line = text(&world);
    let full = line.repeat(1_000_000 / line.len());
    for _ in 0..7 {
        fs::write(world.path(FILE), &full).unwrap();
        world.ok(&["token", "github"]);
        assert_eq!(lines(&world).len(), 1);
    }
    let names = fs::read_dir(world.path(".local/state/scalekit-auth")).unwrap();
    let mut names: Vec<String> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let kept = ["audit.jsonl", "audit.jsonl.1", "audit.jsonl.2", "audit.jsonl.3", "audit.jsonl.4", "audit.jsonl.5"];
    assert_eq!(names, [&kept[..], &["audit.lock"]].concat());
    assert_eq!(fs::read_to_string(world.path(&format!("{FILE}.5"))).unwrap(), full);
    let shown = world.ok(&["audit", "--json"]).stdout;
    assert_eq!(shown.lines().count(), 5 * full.lines().count() + 1);
}

#[test]
fn an_answer_waits_for_no_place_to_write() {
    let world = world();
    world.ok(&["token", "github"]);
    let before = text(&world);
    // A file that may not grow, as on a full disk; the kernel would send a signal besides.
    let script = "trap '' XFSZ; ulimit -f 0; exec git-credential-scalekit get";
    let got = finish(world.command("/bin/sh").args(["-c", script]), GITHUB).ok();
    assert!(got.stdout.contains("password=gho_abc\n"), "{got:?}");
    assert!(got.stderr.starts_with("scalekit-auth: this answer is missing in the audit: "), "{got:?}");
    assert_eq!((text(&world), got.stderr.lines().count()), (before, 1));
    for target in ["/dev/full", "/dev/null", "nowhere"] {
        fs::remove_file(world.path(FILE)).unwrap();
        symlink(target, world.path(FILE)).unwrap();
        let got = world.helper("get", GITHUB).ok();
        assert!(got.stdout.contains("password=gho_abc\n") && got.stderr.contains("missing in the audit"), "{got:?}");
        assert_eq!(world.ok(&["token", "github"]).stdout, "gho_abc\n");
    }
    fs::remove_dir_all(world.path(".local")).unwrap();
    fs::write(world.path(".local"), "no directory").unwrap();
    assert!(world.helper("get", GITHUB).ok().stdout.contains("password=gho_abc\n"));
}

#[test]
fn a_directory_that_may_not_be_written_stops_no_answer() {
    let machine = Machine::unprivileged();
    machine
        .login_with_secret(&["--home", &at(&machine.world.path(".config/scalekit-auth/secret"))], SECRET_OF_HOMES)
        .ok();
    machine.run(&["audit", "on"]).ok();
    let closed = machine.world.path("closed");
    fs::create_dir_all(closed.join("scalekit-auth")).unwrap();
    if is_root() {
        std::os::unix::fs::chown(closed.join("scalekit-auth"), Some(USER), Some(USER)).unwrap();
    }
    set_mode(&closed.join("scalekit-auth"), 0o500);
    let ask = || {
        let mut command = machine.command("git-credential-scalekit");
        finish(command.env("XDG_STATE_HOME", &closed).arg("get"), GITHUB).ok()
    };
    let got = ask();
    assert!(got.stdout.contains("password=token-1\n") && got.stderr.contains("missing in the audit"), "{got:?}");
    assert_eq!(fs::read_dir(closed.join("scalekit-auth")).unwrap().count(), 0);
    set_mode(&closed.join("scalekit-auth"), 0o700);
    assert_eq!(ask().stderr, "");
}

const SECRET_OF_HOMES: &str = crate::common::homes::SECRET;

#[test]
fn lines_are_shown_by_time_and_service() {
    let world = world();
    world.seed("gitlab-x", "GITLAB", "glpat");
    world.ok(&["config", "gitlab", "gitlab-x", "--identifier", "ada"]);
    world.ok(&["token", "github"]);
    world.ok(&["token", "gitlab"]);
    let new = text(&world);
    let old = json!({"time": "2026-01-02T03:04:05Z", "command": "git-credential", "service": "git\u{1b}[31mhub", "connection": "c",
        "identifier": "ada", "environment": "default", "result": "declined", "later": true});
    fs::write(world.path(FILE), format!("{old}\nno line of ours\n{{\"time\":1}}\n{new}")).unwrap();
    let shown = |args: &[&str]| world.ok(&[&["audit"], args].concat());
    let all = shown(&[]);
    assert!(all.stderr.contains("2 lines of the audit cannot be read"), "{all:?}");
    let rows: Vec<&str> = all.stdout.lines().collect();
    assert!(rows.len() == 4 && rows[0].starts_with("TIME ") && rows[0].ends_with("ASKED BY"), "{all:?}");
    assert!(rows[1].contains("declined") && rows[1].contains("git?[31mhub") && rows[1].ends_with(" -"), "{all:?}");
    assert!(rows[2].contains("given") && rows[2].contains(&format!("[{}] < ", std::process::id())), "{all:?}");
    assert_eq!(shown(&["--since", "1h", "--json"]).stdout, new);
    assert_eq!(shown(&["--since", "2026-01-02T03:04:05Z", "--json"]).stdout.lines().count(), 3);
    assert_eq!(shown(&["--since", "2026-01-02T03:04:06Z", "--json"]).stdout, new);
    assert_eq!(shown(&["--service", "gitlab", "--json"]).stdout, new.lines().nth(1).unwrap().to_owned() + "\n");
    let nobody = shown(&["--service", "nobody"]);
    assert!(nobody.stdout.is_empty() && nobody.stderr.contains("none of the 3 lines"), "{nobody:?}");
    assert_eq!(shown(&["--since", "2026-01-01", "--json"]).stdout.lines().count(), 3);
    world.run(&["audit", "--since", "yesterday"]).exit(2);
    world.run(&["audit", "on", "--json"]).exit(2);
}

/// A follower, which ends with the value, and the lines that it shows.
fn follow(world: &World, args: &[&str]) -> (Killed, impl Iterator<Item = String> + use<>) {
    let mut command = world.command(EXE);
    command.args(["audit", "--follow", "--json"]).args(args).stdout(Stdio::piped());
    let mut child = Killed(command.spawn().unwrap());
    let lines = BufReader::new(child.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    (child, lines)
}

#[test]
fn following_goes_on_with_what_comes_also_when_the_file_steps_aside() {
    let world = world();
    world.ok(&["token", "github"]);
    let line = text(&world);
    let (_follower, mut shown) = follow(&world, &["--service", "github"]);
    assert_eq!(shown.next().unwrap() + "\n", line);
    world.helper("get", GITHUB).ok();
    assert!(shown.next().unwrap().contains("git-credential"));
    let others = line.replace("\"github\"", "\"gitlab\"").repeat(1_000_000 / line.len());
    fs::OpenOptions::new()
        .append(true)
        .open(world.path(FILE))
        .and_then(|mut file| std::io::Write::write_all(&mut file, others.as_bytes()))
        .unwrap();
    finish(world.command("docker-credential-scalekit").arg("get"), "ghcr.io").ok();
    assert!(world.path(&format!("{FILE}.1")).exists());
    assert!(shown.next().unwrap().contains("docker-credential"));
}

#[test]
fn what_is_no_file_or_a_link_is_not_read_and_keeps_no_answer_waiting() {
    let world = world();
    world.ok(&["token", "github"]);
    for (name, target) in
        [("audit.jsonl.3", None), ("audit.jsonl.2", Some("/dev/zero")), ("audit.jsonl", Some("audit.lock"))]
    {
        let path = world.path(FILE).with_file_name(name);
        let _ = fs::remove_file(&path);
        match target {
            Some(target) => symlink(target, &path).unwrap(),
            None => assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success()),
        }
        let got = world.run(&["audit"]).exit(1);
        assert!(got.stderr.contains(&format!("{}: it is not a file of your own", path.display())), "{got:?}");
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_torn_line_spoils_neither_the_next_one_nor_the_next_file() {
    let world = world();
    world.ok(&["token", "github"]);
    let line = text(&world);
    let torn = line[..20].to_owned();
    fs::write(world.path(&format!("{FILE}.1")), line.clone() + &torn).unwrap();
    fs::write(world.path(FILE), line.clone() + &torn).unwrap();
    world.ok(&["token", "github"]);
    let shown = world.ok(&["audit", "--json"]);
    assert_eq!(shown.stdout.lines().count(), 3, "{shown:?}");
    assert!(shown.stderr.contains("2 lines of the audit cannot be read"), "{shown:?}");
}

#[test]
fn a_line_is_written_without_the_lock_and_the_lock_is_named() {
    let world = world();
    world.ok(&["token", "github"]);
    let lock = world.path(FILE).with_file_name("audit.lock");
    fs::remove_file(&lock).unwrap();
    fs::create_dir(&lock).unwrap();
    let got = world.ok(&["token", "github"]);
    assert!(got.stderr.contains(&format!("is in the audit, but {} cannot be opened", lock.display())), "{got:?}");
    assert_eq!(lines(&world).len(), 2);
}

#[test]
fn following_goes_on_with_a_longer_file_in_the_place_of_one_that_was_moved() {
    let world = world();
    world.ok(&["token", "github"]);
    let line = text(&world);
    let (_follower, mut shown) = follow(&world, &[]);
    assert_eq!(shown.next().unwrap() + "\n", line);
    let new = world.path("new");
    fs::write(&new, line.replace("\"github\"", "\"gitlab\"").repeat(3)).unwrap();
    // At once, so that no look finds the place empty.
    fs::rename(new, world.path(FILE)).unwrap();
    for _ in 0..3 {
        assert!(shown.next().unwrap().contains("gitlab"));
    }
}
