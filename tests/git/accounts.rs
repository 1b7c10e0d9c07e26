//! Several accounts of one service, and several environments: how they are named, and which one is taken.

use crate::common;
use std::fs;

use common::gits::{Repository, modern};
use common::homes::Machine;
use common::{World, finish};
use scalekit_sandbox::{Offers, Sandbox};
use serde_json::{Value, json};

const AUTH: &str = "GET /api/v1/connected_accounts/auth";

/// The service `github` with the accounts `home` (the usual one) and `work`, which also has the path github.com/acme.
fn world() -> World {
    let world = World::new();
    for (identifier, token) in [("alice", "token-home"), ("alice@acme.com", "token-work")] {
        world.seed_as(identifier, "github-x", "GITHUB", token);
    }
    world.ok(&["config", "github", "github-x", "--identifier", "alice", "--as", "home"]);
    world.ok(&["config", "github", "github-x", "--identifier", "alice@acme.com", "--as", "work"]);
    world.ok(&["config", "github", "github-x", "--as", "work", "--host", "github.com/acme"]);
    world
}

fn token(world: &World, args: &[&str]) -> String {
    world.ok(&[&["token"], args].concat()).stdout.trim_end().to_owned()
}

/// The password in git's answer for `path`, or nothing.
fn get(world: &World, attributes: &str) -> (String, String) {
    let got = world.helper("get", &format!("protocol=https\nhost=github.com\n{attributes}\n")).ok();
    let password = got.stdout.lines().find_map(|line| line.strip_prefix("password="));
    (password.unwrap_or_default().to_owned(), got.stderr)
}

#[test]
fn accounts_stand_in_the_skills_file_beside_the_usual_one() {
    let world = world();
    let document: Value = serde_json::from_slice(&fs::read(world.config_file("connections.json")).unwrap()).unwrap();
    let accounts = json!({"home": "alice", "work": {"identifier": "alice@acme.com", "hosts": ["github.com/acme"]}});
    assert_eq!(
        document,
        json!({"github": {"connection_name": "github-x", "identifier": "alice", "accounts": accounts}})
    );
    let listed = world.ok(&["list"]).stdout;
    assert!(listed.contains("alice (as home)") && listed.contains("alice@acme.com (as work)"), "{listed}");
}

#[test]
fn the_account_comes_from_the_option_the_user_name_the_path_and_the_service_in_this_order() {
    let world = world();
    assert_eq!(token(&world, &["github"]), "token-home");
    assert_eq!(token(&world, &["github", "--as", "work"]), "token-work");
    assert_eq!(token(&world, &["github", "--identifier", "alice@acme.com"]), "token-work");
    assert_eq!(token(&world, &["https://github.com/linux"]), "token-home");
    assert_eq!(token(&world, &["https://github.com/acme/app"]), "token-work");
    assert_eq!(token(&world, &["https://home@github.com/acme/app"]), "token-home");
    assert_eq!(token(&world, &["https://work@github.com/linux"]), "token-work");
    assert_eq!(token(&world, &["https://work@github.com/linux", "--as", "home"]), "token-home");
}

#[test]
fn git_names_the_account_by_user_name_or_path_and_our_own_user_name_names_none() {
    let world = world();
    assert_eq!(get(&world, "").0, "token-home");
    assert_eq!(get(&world, "username=work\n").0, "token-work");
    assert_eq!(get(&world, "username=alice@acme.com\n").0, "token-work");
    assert_eq!(get(&world, "path=acme/app.git\n").0, "token-work");
    assert_eq!(get(&world, "path=acme-labs/app.git\n").0, "token-home");
    assert_eq!(get(&world, "username=x-access-token\n").0, "token-home");
    let (password, stderr) = get(&world, "username=eve\n");
    assert_eq!(password, "");
    assert!(stderr.contains("config github github-x --identifier IDENTIFIER --as eve"), "{stderr}");
}

#[test]
fn real_git_clones_with_the_account_in_the_url() {
    let repository = Repository::new(modern(), Offers::Basic);
    let world = &repository.world;
    world.seed_as("bob", "github-x", "GITHUB", "token-of-bob");
    world.ok(&["config", "github", "github-x", "--identifier", "bob", "--as", "work"]);
    let url = repository.url("app.git").replace("https://", "https://work@");
    repository.git(&["clone", &url, "refused"]).exit(128);
    assert!(repository.server.seen().iter().any(|seen| seen.token.as_deref() == Some("token-of-bob")));
    repository.clone_into("copy").ok();
    let stranger = repository.url("app.git").replace("https://", "https://eve@");
    let got = repository.git(&["clone", &stranger, "declined"]).exit(128);
    assert!(got.stderr.contains("--as eve"), "{got:?}");
}

#[test]
fn setup_lets_git_send_the_path_where_an_account_has_one() {
    let world = world();
    world.ok(&["setup", "git"]);
    let config = fs::read_to_string(world.path(".gitconfig")).unwrap();
    let block = config.split("[credential \"https://github.com\"]").nth(1).unwrap().split('[').next().unwrap();
    assert!(block.contains("useHttpPath = true"), "{config}");
}

#[test]
fn use_changes_the_usual_account() {
    let world = world();
    world.ok(&["use", "github", "work"]);
    assert_eq!(token(&world, &["github"]), "token-work");
    world.ok(&["use", "github", "alice"]);
    assert_eq!(token(&world, &["github"]), "token-home");
    let got = world.run(&["use", "github", "club"]).exit(2);
    assert!(got.stderr.contains("home, work") && got.stderr.contains("--as club"), "{got:?}");
    world.run(&["use", "gmail", "work"]).exit(3);
    assert_eq!(token(&world, &["github"]), "token-home");
}

#[test]
fn what_names_no_account_is_an_error_with_the_command_that_adds_it() {
    let world = world();
    for args in [&["token", "github", "--as", "club"][..], &["token", "https://github.com/x", "--as", "club"]] {
        let got = world.run(args);
        assert!([Some(2), Some(8)].contains(&got.code) && got.stdout.is_empty(), "{got:?}");
        assert!(got.stderr.contains("--identifier IDENTIFIER --as club"), "{got:?}");
    }
    let got = world.run(&["config", "github", "github-x", "--as", "club"]).exit(2);
    assert!(got.stderr.contains("--identifier"), "{got:?}");
    world.run(&["config", "github", "github-x", "--as", "No Name", "--identifier", "x"]).exit(2);
    world.run(&["token", "github", "--as", "home", "--identifier", "alice"]).exit(2);
    assert_eq!(world.count(AUTH), 0);
}

#[test]
fn mail_is_answered_with_the_mailbox_as_user_name() {
    let world = World::new();
    world.seed_as("me@gmail.com", "gmail-x", "GMAIL", "ya29.tok");
    world.ok(&["config", "gmail", "gmail-x", "--identifier", "me@gmail.com"]);
    let get = |request: &str| world.helper("get", &format!("{request}\n")).ok().stdout;
    for request in [
        "protocol=smtp\nhost=smtp.gmail.com:587\nusername=me@gmail.com\n",
        "protocol=smtp\nhost=smtp.gmail.com:587\n",
        "protocol=imaps\nhost=imap.gmail.com:993\n",
        "protocol=smtps\nhost=smtp.gmail.com\n",
    ] {
        assert!(get(request).starts_with("username=me@gmail.com\npassword=ya29.tok\n"), "{request}");
    }
    assert_eq!(get("protocol=smtp\nhost=smtp.gmail.com:25\n"), "");
    assert_eq!(get("protocol=https\nhost=smtp.gmail.com\n"), "");
    assert_eq!(token(&world, &["smtp.gmail.com"]), "ya29.tok");
    assert!(!world.run(&["setup", "git", "--dry-run"]).stdout.contains("smtp"));
    world.ok(&["setup", "git", "smtp://smtp.gmail.com:587"]);
    let mut git = world.command(modern());
    git.args(["credential", "fill"]).env("GIT_CONFIG_GLOBAL", world.path(".gitconfig"));
    let filled = finish(&mut git, "protocol=smtp\nhost=smtp.gmail.com:587\nusername=me@gmail.com\n\n").ok().stdout;
    assert!(filled.contains("password=ya29.tok\n"), "{filled}");
}

#[test]
fn an_environment_that_is_asked_for_comes_before_the_services_own() {
    let mut machine = Machine::new();
    machine.world.credentials_in_variables = false;
    let prod = Sandbox::start();
    let world = &machine.world;
    world.seed("github-x", "GITHUB", "token-of-default");
    for (name, sandbox) in [("default", &world.sandbox), ("prod", &prod)] {
        let file = world.path(&format!("{name}.secret"));
        let home = format!("file:{}", file.display());
        let args = ["login", "--environment", name, "--env-url", sandbox.url(), "--client-id", sandbox.client_id()];
        let mut command = world.command(common::EXE);
        command.args(args).args(["--client-secret-stdin", "--home", &home]).env("SSL_CERT_FILE", sandbox.ca_pem());
        finish(&mut command, sandbox.client_secret()).ok();
    }
    world.ok(&["config", "github", "github-x", "--identifier", "ada"]);
    assert_eq!(token(world, &["github"]), "token-of-default");
    let seed = |control| prod.control(control).unwrap();
    seed(scalekit_sandbox::Control::connection("github-x", "GITHUB"));
    let asked = |args: &[&str], variable: Option<&str>| {
        let mut command = world.command(common::EXE);
        command.args(args).env("SSL_CERT_FILE", prod.ca_pem());
        finish(command.envs(variable.map(|name| ("SCALEKIT_AUTH_ENVIRONMENT", name))), "")
    };
    asked(&["token", "github", "--environment", "prod"], None).exit(5);
    asked(&["token", "github"], Some("prod")).exit(5);
    assert!(prod.counts().routes.contains_key(AUTH));
    let shown = asked(&["which", "https://github.com/x"], Some("prod")).ok().stdout;
    assert!(shown.contains("environment  prod") && shown.contains(prod.url()), "{shown}");
    let got = asked(&["token", "github", "--environment", "nowhere"], Some("prod")).exit(3);
    assert!(got.stderr.contains("nowhere"), "{got:?}");
}
