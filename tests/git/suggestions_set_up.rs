//! What `status` and the errors of set-up suggest, run as it stands.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::common::{EXE, Finished, World, finish};

fn world() -> World {
    let world = World::new();
    world.seed("github-x", "GITHUB", "token-1");
    world.ok(&["config", "github", "github-x", "--identifier", "ada"]);
    world
}

fn shell(world: &World, line: &str) -> Finished {
    finish(world.command("sh").args(["-c", line]), "")
}

/// The command behind `fix:` in the line of `status` that begins with `start`.
fn fix(world: &World, start: &str) -> String {
    let status = world.ok(&["status"]).stdout;
    let line = status.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{start}: {status}"));
    line.split("fix: ").nth(1).unwrap_or_else(|| panic!("{line}")).to_owned()
}

fn suggested(got: &Finished) -> Vec<String> {
    let parts = got.stderr.split('`').skip(1).step_by(2);
    parts.filter(|part| part.starts_with("scalekit-auth ")).map(str::to_owned).collect()
}

#[test]
fn what_status_suggests_for_git_and_docker_sets_them_up() {
    let world = world();
    for (missing, done) in [
        ("git does not ask us for https://github.com;", "git asks us for https://github.com\n"),
        ("git does not ask us for https://gist.github.com;", "git asks us for https://gist.github.com\n"),
        ("docker does not ask us for ghcr.io;", "docker asks us for ghcr.io\n"),
    ] {
        shell(&world, &fix(&world, missing)).ok();
        let status = world.ok(&["status"]).stdout;
        assert!(status.contains(done), "{done}: {status}");
    }
}

#[test]
fn where_another_helper_stands_the_suggestion_replaces_it() {
    let world = world();
    fs::write(
        world.path(".gitconfig"),
        "[credential \"https://github.com\"]\n\thelper =\n\thelper = !/usr/bin/gh auth git-credential\n",
    )
    .unwrap();
    fs::create_dir(world.path(".docker")).unwrap();
    fs::write(world.path(".docker/config.json"), r#"{"credHelpers": {"ghcr.io": "gcloud"}}"#).unwrap();
    let line = fix(&world, "git does not ask us for https://github.com;");
    assert_eq!(line, "scalekit-auth setup git github.com --replace");
    shell(&world, &line).ok();
    let line = fix(&world, "docker asks gcloud for ghcr.io;");
    shell(&world, &line).ok();
    let status = world.ok(&["status"]).stdout;
    assert!(status.contains("git asks us for https://github.com\n") && status.contains("docker asks us for ghcr.io\n"));
}

#[test]
fn a_name_that_is_taken_is_free_after_the_suggested_removal() {
    let world = world();
    let config = ["config", "github", "--client-id", "m2morg_1"];
    let got = world.run(&config).exit(2);
    let [remove] = &suggested(&got)[..] else { panic!("{got:?}") };
    shell(&world, remove).ok();
    assert!(!world.run(&config).stderr.contains("is a connection already"));
}

#[test]
fn a_secret_file_is_used_by_the_suggested_login() {
    let mut world = world();
    let (url, id) = (world.sandbox.url().to_owned(), world.sandbox.client_id().to_owned());
    let secret = world.sandbox.client_secret().to_owned();
    let file = world.path("a secret.json");
    let object = serde_json::json!({"environment_url": url, "client_id": id, "client_secret": secret});
    fs::write(&file, object.to_string()).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o400)).unwrap();
    world.credentials_in_variables = false;
    let home = format!("file:{}", file.display());
    let login = |more: &[&str]| {
        let args = [&["login", "--environment", "dev", "--home", &home, "--env-url", &url, "--client-id", &id], more];
        finish(world.command(EXE).args(args.concat()), &format!("{secret}\n"))
    };
    let got = login(&["--client-secret-stdin"]).exit(2);
    let lines = suggested(&got);
    let again = lines.last().unwrap();
    shell(&world, again).ok();
    assert_eq!(world.ok(&["token", "github", "--environment", "dev"]).stdout, "token-1\n");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).unwrap();
    let got = world.run(&["token", "github", "--environment", "dev"]).exit(4);
    let lines = suggested(&got);
    let allowing = lines.iter().find(|line| line.ends_with("--allow-world-readable")).unwrap();
    shell(&world, allowing).ok();
    assert_eq!(world.ok(&["token", "github", "--environment", "dev"]).stdout, "token-1\n");
}
