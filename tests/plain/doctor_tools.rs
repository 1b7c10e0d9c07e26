//! `doctor`, and what else tells of it: whether tools ask the program, and whether they get an answer.

use serde_json::{Value, json};

use super::doctor::{REPOSITORY, doctor, fake, follow, world};
use crate::common::World;

/// `github` for these commands and helper protocols alone.
fn limited(only: &str) -> World {
    let world = world();
    fake(&world, "docker", "Docker version 28.2.2, build x");
    world.ok(&["config", "github", "github-x", "--identifier", "ada", "--only", only]);
    world
}

#[test]
fn a_tool_that_asks_and_is_declined_is_found_and_the_step_mends_it() {
    let world = limited("docker,token");
    let told = doctor(&world, &[REPOSITORY]);
    told.is_broken_at(
        "git",
        3,
        "github is not for git, it was configured for docker,token alone",
        "--only docker,token,git",
    );
    assert_eq!(told.state("service"), "note");
    let status = world.ok(&["status"]).stdout;
    assert!(status.contains("git is declined for https://github.com: github is not for git"), "{status}");
    assert!(status.contains("docker asks us for ghcr.io\n"), "{status}");
    let table = world.ok(&["setup"]).stdout;
    assert!(table.lines().any(|line| line.starts_with("git ") && line.ends_with(" no")), "{table}");
    follow(&world, &told, "git");
    assert_eq!(doctor(&world, &[REPOSITORY]).broken(), [""; 0]);

    let world = limited("exec");
    doctor(&world, &["ghcr.io"]).is_broken_at("docker", 3, "github is not for docker", "--only exec,docker");
    // What does not ask, and is not meant to, is no fault.
    world.ok(&["setup", "git", "--undo"]);
    assert_eq!(doctor(&world, &["github"]).state("git"), "skipped");
}

#[test]
fn a_place_where_none_of_those_asks_is_found() {
    let world = limited("git,docker");
    let told = doctor(&world, &["https://api.github.com/user"]);
    told.is_broken_at("service", 3, "none of that asks for https://api.github.com/user", "--only all");
    follow(&world, &told, "service");
    assert_eq!(doctor(&world, &["https://api.github.com/user"]).broken(), [""; 0]);
}

#[test]
fn the_list_tells_for_whom_a_service_is() {
    let world = limited("git,docker");
    let text = world.ok(&["list"]).stdout;
    assert!(text.lines().next().unwrap().contains("ONLY FOR") && text.contains("  git,docker  "), "{text}");
    let list: Value = serde_json::from_str(&world.ok(&["list", "--json"]).stdout).unwrap();
    assert_eq!(list["services"][0]["only"], json!(["git", "docker"]));
    world.ok(&["config", "github", "github-x", "--only", "all"]);
    let list = world.ok(&["list", "--json"]).stdout + &world.ok(&["list"]).stdout;
    assert!(!list.to_lowercase().contains("only"), "{list}");
}

#[test]
fn a_configuration_of_dockers_that_cannot_be_read_is_found_as_such() {
    let world = world();
    fake(&world, "docker", "Docker version 28.2.2, build x");
    let file = world.path(".docker/config.json");
    std::fs::write(&file, "{\"credHelpers\": {").unwrap();
    let correct = format!("correct {}", file.display());
    doctor(&world, &["ghcr.io"]).is_broken_at("docker", 3, "EOF while parsing", &correct);
    let setup = world.run(&["setup", "docker", "ghcr.io"]).exit(3);
    assert!(setup.stderr.contains(&format!("next: {correct}")), "{setup:?}");
}

#[test]
fn what_mends_several_hosts_is_one_command() {
    let world = world();
    std::fs::remove_file(world.path(".gitconfig")).unwrap();
    let told = doctor(&world, &[]);
    assert_eq!(told.link("git")["next"], "scalekit-auth setup git github.com gist.github.com");
    follow(&world, &told, "git");
    assert_eq!(doctor(&world, &[]).state("git"), "ok");
}

#[test]
fn a_helper_that_is_a_shell_command_is_never_told_in_full() {
    let world = world();
    let own = std::fs::read_to_string(world.path(".gitconfig")).unwrap();
    let inline = "[credential \"https://github.com\"]\n\thelper = \"!f() { echo password=hunter2; }; f\"\n";
    let with_argument = "\thelper = store --file=hunter2\n";
    std::fs::write(world.path(".gitconfig"), own + inline + with_argument).unwrap();
    let told = [world.run(&["status"]), world.run(&["setup", "git"])];
    for got in told {
        let text = got.stdout + &got.stderr;
        assert!(text.contains("a shell command (") && !text.contains("hunter2"), "{text}");
    }
}

#[test]
fn a_url_that_git_rewrites_is_noted() {
    let world = world();
    let own = std::fs::read_to_string(world.path(".gitconfig")).unwrap();
    let rewrite = |to: &str| {
        let text = format!("{own}[url \"{to}\"]\n\tinsteadOf = https://github.com/\n");
        std::fs::write(world.path(".gitconfig"), text).unwrap();
        doctor(&world, &[REPOSITORY])
    };
    rewrite("git@github.com:").is_noted_at("git", "insteadOf", "git config --show-origin");
    let elsewhere = rewrite("https://ada:hunter2@mirror.test/");
    elsewhere.is_noted_at("git", "insteadOf", "git config --show-origin");
    assert!(!elsewhere.got.stdout.contains("hunter2"), "{:?}", elsewhere.got);
    assert_eq!(rewrite("https://github.com/mirror/").state("git"), "ok");
}
