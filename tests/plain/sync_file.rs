//! `synced.json`: what it holds, whom it concerns, and what becomes of it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Stdio;

use crate::common::homes::{Machine, set_mode, with_secret_file};
use crate::common::sync::{Two, account, account_with_domain, provider, rows, token_of, with_mcp};
use crate::common::{EXE, World, docker, finish};
use scalekit_sandbox::{Control, Sandbox};
use serde_json::json;

fn names(world: &World) -> Vec<String> {
    let directory = world.config_file("");
    let mut names: Vec<_> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// An environment with a connection of everything that is written down.
fn full() -> World {
    let world = World::new();
    world.custom("acme-1", "ACME", "https://api.acme.example.com/v1");
    world.control(with_mcp("acme-1", "ACME", "https://mcp.acme.example.com/mcp"));
    world.control(provider("TEMPLATED", Some("https://{{domain}}/api"), true));
    world.connection("templated-1", "TEMPLATED");
    world.control(account("templated-1", "agent", json!({"domain": "a.example.net", "note": "canary-of-the-config"})));
    world.connection("zendesk-1", "ZENDESK");
    world.control(account_with_domain("zendesk-1", "agent", "acme.zendesk.com"));
    world
}

#[test]
fn it_is_this_users_alone_and_holds_no_secret() {
    let world = full();
    let start = jiff::Timestamp::now().as_second();
    world.ok(&["sync"]);
    world.gives("zendesk", "zendesk-1");
    let file = world.config_file("synced.json");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(fs::metadata(file.parent().unwrap()).unwrap().permissions().mode() & 0o7777, 0o700);
    assert_eq!(names(&world), [".lock", "synced.json"]);
    let default = &world.synced()["environments"]["default"];
    let at: jiff::Timestamp = default["synced_at"].as_str().unwrap().parse().unwrap();
    assert!((start..=start + 60).contains(&at.as_second()), "{at}");
    assert_eq!(default["url"], world.sandbox.url());
    let wanted = json!([
        {"connection": "templated-1", "identifier": "agent", "hosts": ["a.example.net/api"]},
        {"connection": "zendesk-1", "identifier": "agent", "hosts": ["acme.zendesk.com"]},
    ]);
    assert_eq!(default["tenants"], wanted);
    let text = world.synced_text();
    let mut secrets = world.sandbox.client_tokens();
    secrets.extend([world.sandbox.client_secret(), world.sandbox.client_id(), "canary", "refresh"].map(str::to_owned));
    for secret in secrets {
        assert!(!text.contains(&secret), "{secret}: {text}");
    }
}

#[test]
fn a_file_that_every_user_may_write_is_not_used() {
    let world = full();
    world.ok(&["sync"]);
    let file = world.config_file("synced.json");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    let before = world.sandbox.counts();
    for args in [&["token", "acme"][..], &["list"], &["sync"]] {
        assert!(world.run(args).exit(3).stderr.contains(&format!("chmod 600 {}", file.display())));
    }
    assert_eq!(world.sandbox.counts(), before);
}

#[test]
fn a_symbolic_link_of_a_dotfile_manager_stays_one() {
    let world = full();
    fs::create_dir_all(world.config_file("")).unwrap();
    fs::write(world.path("dotfiles.json"), "{}").unwrap();
    symlink(world.path("dotfiles.json"), world.config_file("synced.json")).unwrap();
    world.ok(&["sync"]);
    assert!(fs::symlink_metadata(world.config_file("synced.json")).unwrap().is_symlink());
    world.gives("acme", "acme-1");
}

#[test]
fn many_at_once_leave_a_whole_file() {
    let world = full();
    let start =
        |args: &[&str]| world.command(EXE).args(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    world.ok(&["sync"]);
    let children: Vec<_> = (0..8).map(|n| start([&["sync"][..], &["token", "zendesk"]][n % 2])).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(names(&world), [".lock", "synced.json"]);
    world.gives("https://mcp.acme.example.com/mcp", "acme-1");
    world.gives("https://acme.zendesk.com", "zendesk-1");
    world.gives("https://a.example.net/api", "templated-1");
}

#[test]
fn a_broken_file_is_reported_and_left_as_it_is() {
    let world = full();
    world.ok(&["config", "github", "gh-1"]);
    let wrong_host = json!({"version": 1, "environments": {"default": {"url": world.sandbox.url(), "connections": [
        {"name": "acme-1", "provider": "ACME", "hosts": ["https://u@x"]},
    ]}}});
    let wrong_host = wrong_host.to_string();
    for text in [
        "",
        "{\"version\": 1,\n  oops",
        "[1]",
        "{\"version\": 1, \"version\": 1, \"environments\": {}}",
        "{\"version\": 2, \"environments\": {}}",
        "{\"environments\": {}}",
        "{\"version\": 1, \"environments\": []}",
        "{\"version\": 1, \"environments\": {\"default\": {\"url\": 1}}}",
        &wrong_host,
    ] {
        fs::write(world.config_file("synced.json"), text).unwrap();
        for args in [
            &["list"][..],
            &["which", "github"],
            &["token", "github"],
            &["token", "https://api.acme.example.com"],
            &["connect", "github"],
        ] {
            let got = world.run(args).exit(3);
            assert!(got.stdout.is_empty() && got.stderr.contains("synced.json"), "{text}: {args:?}: {got:?}");
        }
        let declined = world.helper("get", "protocol=https\nhost=github.com\n\n").ok();
        assert_eq!((&*declined.stdout, declined.stderr.lines().count()), ("", 1), "{declined:?}");
        docker::is_not_found_because(&docker::get(&world, "ghcr.io"), &["synced.json"]);
        assert_eq!(fs::read_to_string(world.config_file("synced.json")).unwrap(), text);
    }
    assert_eq!(world.sandbox.counts().tcp_connections, 0);
    fs::remove_file(world.config_file("synced.json")).unwrap();
    world.ok(&["sync"]);
    world.gives("https://api.acme.example.com", "acme-1");
}

#[test]
fn what_another_environment_of_the_same_name_said_counts_no_more() {
    let world = full();
    world.ok(&["sync"]);
    world.gives("zendesk", "zendesk-1");
    let other = Sandbox::start();
    let beta = [provider("BETA", Some("https://api.beta.example.com"), true), Control::connection("beta-1", "BETA")];
    for control in beta {
        other.control(control).unwrap();
    }
    let there = |args: &[&str]| {
        let mut command = world.command(EXE);
        command.env("SCALEKIT_ENV_URL", other.url()).env("SSL_CERT_FILE", other.ca_pem());
        finish(command.args(args), "")
    };
    assert!(there(&["list"]).ok().stdout.is_empty());
    for place in ["acme", "https://api.acme.example.com/v1", "https://a.example.net/api", "https://acme.zendesk.com"] {
        assert_eq!(there(&["token", place]).exit(3).stdout, "", "{place}");
    }
    assert_eq!(world.rows().len(), 3, "nothing was lost meanwhile");
    there(&["sync"]).ok();
    assert_eq!(rows(&there(&["list"]).ok())[0][0], "beta");
    assert!(!world.synced_text().contains("zendesk") && !world.synced_text().contains(world.sandbox.url()));
    world.refuses("https://acme.zendesk.com");
    assert_eq!(other.violations(), Vec::<String>::new());
}

/// The connection `acme-1` is in both environments, `dev` has one more.
fn two() -> Two {
    let two = Two::new();
    two.world.custom("acme-1", "ACME", "https://api.acme.example.com");
    for control in [
        provider("ACME", Some("https://api.dev.example.com"), true),
        Control::connection("acme-1", "ACME"),
        account("acme-1", "dev-user", json!({})),
        Control::connection("extra-1", "EXTRA"),
        with_mcp("extra-1", "EXTRA", "https://mcp.extra.example.com"),
        account("extra-1", "agent", json!({})),
    ] {
        two.other.control(control).unwrap();
    }
    two.login("default", &two.world.sandbox);
    two.login("dev", &two.other);
    two
}

#[test]
fn each_environment_has_its_own_services() {
    let two = two();
    two.ok(&["sync"]);
    two.ok(&["sync", "--environment", "dev"]);
    let dev = |args: &[&str]| finish(two.command().env("SCALEKIT_AUTH_ENVIRONMENT", "dev").args(args), "");
    let list = rows(&two.ok(&["list"]));
    assert_eq!(list, [["acme", "acme-1", "agent", "default", "sync", "api.acme.example.com"]]);
    let list = rows(&dev(&["list"]).ok());
    assert_eq!(list[0], ["acme", "acme-1", "agent", "dev", "sync", "api.dev.example.com"]);
    assert_eq!(list[1], ["extra", "extra-1", "agent", "dev", "sync", "mcp.extra.example.com"]);
    assert_eq!(two.ok(&["token", "https://api.acme.example.com"]).stdout, "canary-acme_1-agent\n");
    let ask = ["token", "https://api.dev.example.com", "--identifier", "dev-user"];
    assert_eq!(dev(&ask).ok().stdout, "canary-acme_1-dev-user\n");
    assert_eq!(two.ok(&[&ask[..], &["--environment", "dev"]].concat()).stdout, "canary-acme_1-dev-user\n");
    assert_eq!(two.ok(&["token", "extra", "--environment", "dev"]).stdout, "canary-extra_1-agent\n");
    two.run(&["token", "https://api.dev.example.com"]).exit(3);
    two.run(&["token", "extra"]).exit(3);
    dev(&["token", "https://api.acme.example.com"]).exit(3);
    assert!(two.run(&["sync", "--environment", "none"]).exit(3).stderr.contains("--environment none"));
    let overruled = dev(&["token", "acme", "--environment", "default"]).ok();
    assert_eq!(overruled.stdout, "canary-acme_1-agent\n");
}

#[test]
fn logout_forgets_what_was_synced_in_that_environment_alone() {
    let two = two();
    two.ok(&["sync"]);
    finish(two.command().env("SCALEKIT_AUTH_ENVIRONMENT", "dev").arg("sync"), "").ok();
    two.ok(&["logout", "--environment", "dev"]);
    assert!(!two.world.synced_text().contains("extra") && !two.world.synced_text().contains(two.other.url()));
    two.run(&["token", "extra", "--environment", "dev"]).exit(3);
    assert_eq!(two.ok(&["token", "acme"]).stdout, "canary-acme_1-agent\n");
    two.ok(&["logout"]);
    assert!(!two.world.synced_text().contains("acme"));
    assert!(two.ok(&["list"]).stdout.is_empty());
}

#[test]
fn the_only_environment_needs_no_name_and_the_commands_shown_there_work() {
    let two = Two::new();
    for name in ["acme-1", "acme-2"] {
        two.other.control(Control::connection(name, "ACME")).unwrap();
        two.other.control(account(name, "agent", json!({}))).unwrap();
    }
    two.other.control(provider("ACME", Some("https://api.acme.example.com"), true)).unwrap();
    two.login("dev", &two.other);
    two.ok(&["sync"]);
    assert_eq!(rows(&two.ok(&["list"])).len(), 2);
    assert_eq!(two.ok(&["token", "acme-2"]).stdout, "canary-acme_2-agent\n");
    let got = two.run(&["token", "https://api.acme.example.com"]).exit(8);
    let command = got.stderr.split('`').find(|text| text.starts_with("scalekit-auth config")).expect("a command");
    finish(two.world.command("sh").args(["-c", command]), "").ok();
    assert_eq!(two.ok(&["token", "https://api.acme.example.com"]).stdout, "canary-acme_1-agent\n");
    assert_eq!(rows(&two.ok(&["list"])).len(), 2);
}

/// A machine whose configuration directory can only be read, with a service whose account names a tenant's host.
fn read_only() -> Machine {
    let (machine, _) = with_secret_file(Machine::unprivileged());
    machine.world.control(Control::connection("desk-1", "ZENDESK"));
    machine.world.control(account("desk-1", "agent", json!({"subdomain": "acme"})));
    machine.run(&["config", "zendesk", "desk-1"]).ok();
    set_mode(&machine.world.config_file(""), 0o500);
    machine
}

#[test]
fn a_configuration_that_cannot_be_written_stops_no_token() {
    let machine = read_only();
    for _ in 0..2 {
        assert_eq!(machine.run(&["token", "zendesk"]).ok().stdout, format!("{}\n", token_of("desk-1", "agent")));
    }
    fs::remove_file(machine.world.config_file(".lock")).unwrap();
    assert_eq!(machine.run(&["token", "zendesk"]).ok().stdout, format!("{}\n", token_of("desk-1", "agent")));
    assert!(!machine.world.config_file("synced.json").exists());
    assert!(machine.run(&["sync"]).exit(1).stderr.contains("Permission denied"));
}

#[test]
fn a_configuration_that_cannot_be_written_stops_no_link() {
    let machine = read_only();
    machine.run(&["connect", "zendesk"]).ok();
    let status =
        Control::SetStatus { connection: "desk-1".into(), identifier: "agent".into(), status: "EXPIRED".into() };
    machine.world.control(status);
    assert!(machine.run(&["connect", "zendesk", "--no-wait"]).ok().stdout.contains("/magicLink/"));
}
