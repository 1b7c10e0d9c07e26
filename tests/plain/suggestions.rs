//! A command that the program suggests is run as it stands, in the state in which it was suggested, and helps.

use crate::common;
use crate::common::sync::Two;
use common::{Finished, World, finish};
use scalekit_sandbox::Control;
use serde_json::Value;

/// The commands between backquotes in what was said.
fn suggested(got: &Finished) -> Vec<String> {
    let parts = got.stderr.split('`').skip(1).step_by(2);
    parts.filter(|part| part.starts_with("scalekit-auth ")).map(str::to_owned).collect()
}

fn shell(world: &World, line: &str) -> Finished {
    finish(world.command("sh").args(["-c", line]).env("SCALEKIT_AUTH_NO_BROWSER", "1"), "")
}

/// The service `github` with the accounts `work` (the usual one), `home` and one without a name.
fn world() -> World {
    let world = World::new();
    for identifier in ["work@acme.com", "home@acme.com", "bob's"] {
        world.seed_as(identifier, "github x", "GITHUB", &format!("token-of-{identifier}"));
    }
    for (identifier, name) in [("work@acme.com", "work"), ("home@acme.com", "home")] {
        world.ok(&["config", "github", "github x", "--identifier", identifier, "--as", name]);
    }
    world
}

fn set(world: &World, identifier: &str, status: &str) {
    let (connection, identifier) = ("github x".into(), identifier.into());
    world.control(Control::SetStatus { connection, identifier, status: status.into() });
}

#[test]
fn a_consent_that_ended_is_renewed_for_the_account_that_was_asked_for() {
    for (identifier, options) in [
        ("home@acme.com", &["--as", "home"][..]),
        ("home@acme.com", &["--identifier", "home@acme.com"]),
        ("bob's", &["--identifier", "bob's"]),
        ("work@acme.com", &[]),
    ] {
        let world = world();
        set(&world, identifier, "EXPIRED");
        for (command, place) in [("token", "github"), ("header", "github"), ("token", "https://github.com/x")] {
            let got = world.run(&[&[command, place], options].concat()).exit(5);
            let [connect] = &suggested(&got)[..] else { panic!("{got:?}") };
            let link = shell(&world, &format!("{connect} --no-wait --json")).ok().stdout;
            let object: Value = serde_json::from_str(&link).unwrap();
            assert_eq!((&object["identifier"], &object["status"]), (&identifier.into(), &"needs_authorization".into()));
        }
        if options == ["--identifier", "bob's"] {
            continue;
        }
        let got = finish(
            world.command("git-credential-scalekit").arg("get"),
            &format!("protocol=https\nhost=github.com\nusername={identifier}\n\n"),
        );
        let [connect] = &suggested(&got)[..] else { panic!("{got:?}") };
        assert!(shell(&world, &format!("{connect} --no-wait --json")).ok().stdout.contains(identifier), "{connect}");
    }
}

#[test]
fn a_wait_that_ran_out_suggests_the_wait_for_the_same_account_and_speaks_of_no_refusal() {
    let world = world();
    set(&world, "home@acme.com", "EXPIRED");
    let got = world.run(&["connect", "github", "--as", "home", "--wait-only", "--timeout", "1", "--json"]).exit(5);
    let object: Value = serde_json::from_str(&got.stdout).unwrap();
    let message = object["message"].as_str().unwrap();
    assert!(message.contains("open the link from before") && !message.contains("gave no link"), "{message}");
    assert!(message.contains("`scalekit-auth connect github --as home`"), "{message}");
    let lines = suggested(&got);
    assert!(!lines.is_empty() && lines.iter().all(|line| line.contains("--as home")), "{lines:?}");
    set(&world, "home@acme.com", "ACTIVE");
    for line in lines.iter().filter(|line| line.contains("--wait-only")) {
        assert!(shell(&world, line).ok().stdout.contains("github is connected (identifier home@acme.com)"));
    }
}

#[test]
fn a_time_that_a_person_has_to_meet_is_local_with_a_span_and_utc_in_json() {
    let world = world();
    let run = |args: &[&str]| {
        let mut command = world.command(common::EXE);
        finish(command.args(["connect", "github", "--renew", "--no-wait"]).args(args).env("TZ", "Asia/Kolkata"), "")
            .ok()
    };
    let told = run(&[]).stdout;
    assert!(told.contains(" +05:30, in ") && told.contains(" s)"), "{told}");
    let object: Value = serde_json::from_str(&run(&["--json"]).stdout).unwrap();
    assert!(object["expires_at"].as_str().unwrap().ends_with('Z'));
    assert!(object["message"].as_str().unwrap().contains("Z)"), "{object}");
}

#[test]
fn another_environment_stays_the_one_that_was_asked_for() {
    let two = Two::new();
    two.login("default", &two.world.sandbox);
    two.login("dev", &two.other);
    two.other.control(Control::connection("linear-x", "LINEAR")).unwrap();
    two.ok(&["config", "linear", "linear-x", "--identifier", "ada"]);
    let run = |line: &str| finish(two.command().env("SCALEKIT_AUTH_NO_BROWSER", "1").args(line.split(' ').skip(1)), "");
    let got = two.run(&["token", "linear", "--environment", "dev"]).exit(5);
    let [connect] = &suggested(&got)[..] else { panic!("{got:?}") };
    assert_eq!(connect, "scalekit-auth connect linear --environment dev");
    run(&format!("{connect} --no-wait --json")).ok();
    let got = two.run(&["token", "nothing", "--environment", "prod"]).exit(3);
    assert!(suggested(&got).contains(&"scalekit-auth login --environment prod".to_owned()), "{got:?}");
    let got = two.ok(&["sync", "--environment", "dev"]);
    let lines = suggested(&got);
    let list = lines.iter().find(|line| line.contains("list")).unwrap();
    assert_eq!(list, "scalekit-auth list --environment dev");
    assert!(run(list).ok().stdout.contains("linear"));
}

#[test]
fn an_unknown_connection_is_told_where_sync_knows_the_environment() {
    let world = world();
    world.ok(&["sync"]);
    let got = world.ok(&["config", "gh", "github y", "--provider", "GITHUB"]);
    assert!(got.stderr.contains("had no connection github y when it was synced; did you mean github x?"), "{got:?}");
    shell(&world, &suggested(&got)[0]).ok();
    assert!(!world.ok(&["config", "gh", "github x", "--provider", "GITHUB"]).stderr.contains("had no connection"));
}

#[test]
fn a_tenants_api_is_no_place_for_git_or_docker() {
    let world = World::new();
    world.seed("zendesk-x", "ZENDESK", "token-of-zendesk");
    let config = ["config", "zendesk", "zendesk-x", "--identifier", "ada", "--host", "acme.zendesk.com"];
    let got = world.ok(&config);
    assert!(!got.stderr.contains("git") && !got.stderr.contains("docker"), "{got:?}");
    let status = world.ok(&["status"]).stdout;
    assert!(!status.contains("git ") && !status.contains("docker "), "{status}");
    for tool in ["git", "docker"] {
        let got = world.run(&["setup", tool]).exit(3);
        assert!(got.stderr.contains("no configured service has a"), "{got:?}");
        world.run(&["setup", tool, "acme.zendesk.com"]).exit(3);
    }
    let got = world.helper("get", "protocol=https\nhost=acme.zendesk.com\n\n").ok();
    assert_eq!((got.stdout, got.stderr), (String::new(), String::new()));
    assert_eq!(world.ok(&["token", "https://acme.zendesk.com/api/v2/me"]).stdout, "token-of-zendesk\n");
    // A server of one's own may well be a git host.
    world.ok(&["config", "forge", "zendesk-x", "--provider", "ACMEFORGE", "--host", "git.acme.test"]);
    assert!(world.ok(&["status"]).stdout.contains("setup git git.acme.test"));
}

#[test]
fn what_was_never_synced_is_synced_first() {
    let world = World::new();
    world.seed("slack-x", "SLACK", "token-of-slack");
    for place in ["slack", "https://slack.com/api/x"] {
        let got = world.run(&["token", place, "--identifier", "ada"]).exit(3);
        let sync = suggested(&got).into_iter().next().unwrap();
        assert_eq!(sync, "scalekit-auth sync", "{got:?}");
        shell(&world, &sync).ok();
        assert_eq!(world.ok(&["token", place, "--identifier", "ada"]).stdout, "token-of-slack\n");
        std::fs::remove_file(world.config_file("synced.json")).unwrap();
    }
    world.ok(&["sync"]);
    let got = world.run(&["token", "notion"]).exit(3);
    assert!(!got.stderr.contains("scalekit-auth sync"), "{got:?}");
    let got = world.run(&["token", "gmail", "--environment", "dev"]).exit(3);
    assert_eq!(suggested(&got), ["scalekit-auth login --environment dev"], "the variables are another environment's");
    assert!(!got.stderr.contains("SCALEKIT_ENV_URL"), "{got:?}");
}

#[test]
fn a_login_without_a_terminal_is_told_what_is_missing_with_all_that_was_given() {
    let mut world = World::new();
    world.credentials_in_variables = false;
    let got = world.run(&["login", "--environment", "dev", "--client-id", "skc_1", "--home", "file:/x/new"]).exit(2);
    let line =
        "login --environment dev --env-url URL --client-id skc_1 --home file:/x/new --client-secret-stdin < FILE";
    assert!(got.stderr.contains("--env-url is missing") && got.stderr.contains(line), "{got:?}");
    let file = world.path("secret");
    std::fs::write(&file, "hunter2").unwrap();
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let home = format!("file:{}", file.display());
    let got = world.run(&["login", "--home", &home]).exit(2);
    assert!(got.stderr.contains(&format!("login --env-url URL --client-id ID --home {home}`")), "{got:?}");
}
