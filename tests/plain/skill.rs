//! The agent skill: its own examples, its Python files with the old names, and how it is put in place.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::https::Https;
use crate::common::proxy::Proxy;
use crate::common::{EXE, Finished, World, finish};
use serde_json::json;

const SKILL: &str = include_str!("../../skills/scalekit-auth/SKILL.md");

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("skills/scalekit-auth")
}

fn blocks(language: &str) -> Vec<&'static str> {
    SKILL.split(&format!("```{language}\n")).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

fn world() -> World {
    let world = World::new();
    for (name, provider) in [("gmail", "GMAIL"), ("slack", "SLACK")] {
        world.seed(&format!("{name}-x"), provider, &format!("token-of-{name}"));
        world.ok(&["config", name, &format!("{name}-x"), "--identifier", "ada"]);
    }
    world
}

fn python(world: &World, code: &str) -> Finished {
    let mut command = world.command("python3");
    // -B: no copies of the files in the sources.
    finish(command.args(["-B", "-c", code]).env("PYTHONPATH", folder()), "")
}

#[test]
fn its_form_is_that_of_agent_skills() {
    let (head, _) = SKILL.strip_prefix("---\n").unwrap().split_once("\n---\n").unwrap();
    let keys: Vec<&str> = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(key, _)| key)
        .filter(|key| !key.starts_with(' '))
        .collect();
    assert_eq!(keys, ["name", "description", "metadata"]);
    assert!(head.contains("name: scalekit-auth") && head.len() < 1024 && SKILL.lines().count() < 200);
}

#[test]
fn its_examples_do_what_they_say() {
    let world = world();
    let server = Https::start(&world, &["gmail.googleapis.com", "slack.com"]);
    let proxy = Proxy::start(Some(server.port));
    let run = |program: &str, code: &str| {
        let mut command = world.command(program);
        command.args(if program == "bash" { ["-ec", code] } else { ["-c", code] });
        command.env("https_proxy", &proxy.url).env("no_proxy", "localhost,127.0.0.1");
        finish(command.env("CURL_CA_BUNDLE", &server.ca), "").ok()
    };
    let said: Vec<String> = blocks("sh").into_iter().map(|block| run("bash", block).stdout).collect();
    run("python3", blocks("python")[0]);
    let [gmail, slack] = server.seen().try_into().expect("two requests");
    assert_eq!(gmail.path(), "/gmail/v1/users/me/messages?q=is:unread&maxResults=5");
    assert_eq!(gmail.header("authorization"), Some("Bearer token-of-gmail"));
    assert_eq!((slack.path(), slack.header("authorization")), ("/api/chat.postMessage", Some("Bearer token-of-slack")));
    let posted: serde_json::Value = serde_json::from_str(&slack.body).unwrap();
    assert_eq!(posted, json!({"channel": "C0123456789", "text": "The build is done."}));
    assert!(said.iter().all(|said| !said.contains("token-of")), "an agent sees no token: {said:?}");
    assert!(said.last().unwrap().contains("\"status\":\"ok\""), "the two steps of consent: {said:?}");
}

#[test]
fn every_command_that_it_names_is_one() {
    for command in SKILL.split('`').filter(|part| part.starts_with("scalekit-auth ")) {
        let name = command.split(' ').nth(1).unwrap();
        let help = finish(Command::new(EXE).args([name, "--help"]), "").ok();
        for option in command.split(' ').take_while(|word| *word != "--").filter(|word| word.starts_with("--")) {
            assert!(help.stdout.contains(option), "{command}");
        }
    }
}

#[test]
fn what_imports_the_old_module_runs_unchanged() {
    let world = world();
    let import = "from scalekit_helper import get_token, ConfigurationError, AuthorizationError\n";
    let run = |code: &str| python(&world, &format!("{import}{code}"));
    assert_eq!(run("print(get_token('gmail'))").ok().stdout, "token-of-gmail\n");
    for name in ["nobody", "", "--help", "a b"] {
        let got = run(&format!("try:\n  get_token({name:?})\nexcept ConfigurationError as e:\n  print(e)")).ok();
        assert!(!got.stdout.is_empty(), "{name}: {got:?}");
    }
    let order = json!({"op": "set_status", "connection": "gmail-x", "identifier": "ada", "status": "PENDING_AUTH"});
    world.order(order);
    // As the old skill's wrapper for agents finds the link in the message.
    let code =
        "try:\n  get_token('gmail')\nexcept AuthorizationError as e:\n  print(str(e).split('```')[1].strip(), e.link)";
    let got = run(code).ok().stdout;
    let (found, link) = got.trim().split_once(' ').unwrap();
    assert!(found == link && link.contains("/magicLink/"), "{got}");
    let code = "from scalekit_helper import configure_connection\nconfigure_connection('mail', 'gmail-x')";
    assert!(run(code).ok().stdout.contains("mail"));
    assert!(world.ok(&["list"]).stdout.contains("mail"));
}

#[test]
fn a_program_that_is_missing_or_says_something_else_is_an_error_without_its_output() {
    let world = world();
    let strange = world.path("strange");
    std::fs::write(&strange, "#!/bin/sh\necho secret-of-somebody\necho reason >&2\nexit 9\n").unwrap();
    std::fs::set_permissions(&strange, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let code =
        "import scalekit_helper as s\ntry:\n  s.get_token('gmail')\nexcept s.ConfigurationError as e:\n  print(e)";
    for (variable, value, part) in [
        ("SCALEKIT_AUTH", strange.to_str().unwrap(), "exit status 9). reason"),
        ("SCALEKIT_AUTH", "/nowhere/scalekit-auth", "cannot be started"),
        ("PATH", "/nowhere", "not on PATH"),
    ] {
        let program = ["/usr/bin/python3", "/usr/local/bin/python3"].into_iter().find(|path| Path::new(path).exists());
        let mut command = world.command(program.expect("python3"));
        command.args(["-B", "-c", code]).env("PYTHONPATH", folder());
        let got = finish(command.env(variable, value), "").ok();
        assert!(got.stdout.contains(part) && !got.stdout.contains("secret-of"), "{got:?}");
    }
}

#[test]
fn the_command_line_prints_the_token_alone() {
    let world = world();
    let run = |args: &[&str]| {
        let mut command = world.command("python3");
        finish(command.arg("-B").arg(folder().join("get_token.py")).args(args), "")
    };
    assert_eq!(run(&["gmail"]).ok().stdout, "token-of-gmail\n");
    let got = run(&["nobody"]).exit(1);
    assert!(got.stdout.is_empty() && got.stderr.contains("is not configured") && !got.stderr.contains("Traceback"));
    assert!(run(&[]).exit(1).stderr.contains("Usage"));
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn set_up_puts_it_among_the_skills_and_undo_takes_it_out() {
    let world = World::new();
    let place = world.path(".claude/skills/scalekit-auth");
    let shown = world.ok(&["setup", "claude", "--skill", "--dry-run"]);
    assert!(shown.stdout.contains("SKILL.md") && !place.exists());
    for _ in 0..2 {
        world.ok(&["setup", "claude", "--skill"]);
        assert_eq!(files(&place), files(&folder()));
        std::fs::write(place.join("get_token.py"), "an older version").unwrap();
    }
    assert_eq!(std::fs::read_to_string(place.join("SKILL.md")).unwrap(), SKILL);
    std::fs::write(place.join("own.txt"), "mine").unwrap();
    world.ok(&["setup", "--undo"]);
    assert_eq!(files(&place), ["own.txt"]);
    std::fs::write(place.join("SKILL.md"), "---\nname: scalekit-auth\n---\n").unwrap();
    world.ok(&["setup", "--undo"]);
    let got = world.run(&["setup", "claude", "--skill"]).exit(2);
    assert!(got.stderr.contains("not this skill") && files(&place) == ["SKILL.md", "own.txt"]);
    world.run(&["setup", "codex", "--skill"]).exit(2);
}

#[test]
fn install_sh_puts_it_into_any_folder_and_builds_nothing() {
    let home = tempfile::tempdir().unwrap();
    let skills = home.path().join("some skills");
    let run = |args: &[&str]| {
        let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("install.sh"));
        finish(command.args(args).env("PATH", "/usr/bin:/bin").env("HOME", home.path()).current_dir(home.path()), "")
    };
    let place = skills.join("scalekit-auth");
    for _ in 0..2 {
        run(&["--skill", "some skills"]).ok();
        assert_eq!(files(&place), files(&folder()));
    }
    run(&["--skill", "some skills", "--uninstall"]).ok();
    assert!(!place.exists());
    std::fs::create_dir_all(&place).unwrap();
    // The Python skill had this name, too.
    std::fs::write(place.join("SKILL.md"), "---\nname: scalekit-auth\n---\n").unwrap();
    assert!(run(&["--skill", "some skills"]).exit(1).stderr.contains("not this skill"));
    assert!(run(&["--skill", "some skills", "--uninstall"]).exit(1).stderr.contains("not this skill"));
    run(&["--skill"]).exit(1);
}
