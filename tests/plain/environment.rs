//! What people's environment variables and files really hold.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};

use crate::common::homes::is_root;
use crate::common::{EXE, Finished, World, finish};
use scalekit_sandbox::Control;

const STRANGER: u32 = 4242;

fn github() -> World {
    let world = World::new();
    world.seed("github_x", "GITHUB", "gho_one");
    world.write_connections(r#"{"github": {"connection_name": "github_x", "identifier": "ada"}}"#);
    world
}

fn run_with(world: &World, args: &[&str], variables: &[(&str, &str)]) -> Finished {
    finish(world.command(EXE).args(args).envs(variables.iter().copied()), "")
}

#[test]
fn blanks_and_line_ends_around_variables_are_no_part_of_them() {
    let world = github();
    let (url, id) = (world.sandbox.url().to_owned(), world.sandbox.client_id().to_owned());
    let secret = world.sandbox.client_secret().to_owned();
    for (before, after) in [("", "\r\n"), (" ", "\n"), ("\u{feff}", "\t")] {
        let padded = |value: &str| format!("{before}{value}{after}");
        let values = [padded(&url), padded(&id), padded(&secret), padded("ada")];
        let names = ["SCALEKIT_ENV_URL", "SCALEKIT_CLIENT_ID", "SCALEKIT_CLIENT_SECRET", "SCALEKIT_IDENTIFIER"];
        let variables: Vec<_> = names.into_iter().zip(values.iter().map(String::as_str)).collect();
        assert_eq!(run_with(&world, &["token", "github"], &variables).ok().stdout, "gho_one\n", "{before:?} {after:?}");
    }
    // A line end alone is nothing.
    let empty = [("TOOL_ENV_URL", "\r\n"), ("TOOL_CLIENT_SECRET", " ")];
    run_with(&world, &["token", "github"], &empty).ok();
    run_with(&world, &["token", "github"], &[("SCALEKIT_CLIENT_SECRET", "\n")]).exit(3);
}

#[test]
fn a_byte_order_mark_before_a_file_is_no_part_of_it() {
    let mut world = github();
    let secret = world.path("secret");
    fs::write(&secret, format!("\u{feff}{}\r\n", world.sandbox.client_secret())).unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let dotenv = world.path("skill.env");
    let [url, id, secret_text] = ["SCALEKIT_ENV_URL", "SCALEKIT_CLIENT_ID", "SCALEKIT_CLIENT_SECRET"].map(|name| {
        let variables = world.variables();
        variables.iter().find(|(other, _)| *other == name).unwrap().1.clone()
    });
    fs::write(
        &dotenv,
        format!(
            "\u{feff}SCALEKIT_CLIENT_SECRET={secret_text}\r\nSCALEKIT_ENV_URL={url}\r\nSCALEKIT_CLIENT_ID={id}\r\n"
        ),
    )
    .unwrap();
    world.credentials_in_variables = false;
    let home = format!("file:{}", secret.display());
    world.ok(&["login", "--home", &home, "--env-url", &url, "--client-id", &id]);
    let written = format!("file:{}", world.path("written").display());
    let import = ["login", "--environment", "dev", "--home", &written, "--import", dotenv.to_str().unwrap()];
    world.ok(&[&import[..], &["--delete-source"]].concat());
    assert!(!fs::read_to_string(&dotenv).unwrap().contains("SECRET"));
    for name in ["connections.json", "config.json"] {
        let text = fs::read(world.config_file(name)).unwrap();
        fs::write(world.config_file(name), [b"\xef\xbb\xbf", &text[..]].concat()).unwrap();
    }
    assert_eq!(world.ok(&["token", "github"]).stdout, "gho_one\n");
    world.ok(&["config", "github", "github_x", "--identifier", "ada"]);
    assert_eq!(world.ok(&["token", "github", "--environment", "dev"]).stdout, "gho_one\n");
}

#[test]
fn an_empty_variable_for_certificates_counts_as_unset() {
    let world = github();
    let got = run_with(&world, &["token", "github"], &[("SSL_CERT_FILE", "")]).exit(7);
    assert!(!got.stderr.contains("no CA certificates"), "the system's are asked: {got:?}");
}

#[test]
fn a_user_without_a_home_names_the_directory() {
    let world = github();
    let open = world.copy_for_everybody();
    let mut command = world.command_as_another(open.path(), open.path().join("exe"));
    let got = finish(command.args(["token", "github"]).env_remove("HOME"), "");
    assert_eq!(got.ok().stdout, "gho_one\n");
    let mut command = world.command_as_another(open.path(), open.path().join("exe"));
    let input = "protocol=https\nhost=github.com\n\n";
    let got = finish(command.args(["git-credential", "get"]).env_remove("HOME"), input).ok();
    assert!(got.stdout.contains("password=gho_one\n") && got.stderr.is_empty(), "{got:?}");
}

#[test]
fn what_was_refused_is_said_where_it_came_from() {
    let mut world = github();
    let (url, id) = (world.sandbox.url().to_owned(), world.sandbox.client_id().to_owned());
    let secret = world.path("secret");
    fs::write(&secret, world.sandbox.client_secret()).unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o400)).unwrap();
    let from_file = |name: &str| {
        let home = format!("file:{}", secret.display());
        let args = ["login", "--environment", name, "--home", &home, "--env-url", &url, "--client-id", &id];
        run_with(&world, &args, &[]).ok();
    };
    from_file("dev");
    world.control(Control::RotateClientSecret { secret: "another".into() });
    let got = world.run(&["token", "github"]).exit(6);
    assert!(got.stderr.contains("next: correct SCALEKIT_CLIENT_SECRET "), "{got:?}");
    let got = world.run(&["token", "github", "--environment", "dev"]).exit(6);
    assert!(got.stderr.contains(&format!("next: correct what {} holds", secret.display())), "{got:?}");
    world.credentials_in_variables = false;
    let variables = [("TOOL_ENV_URL", &*url), ("TOOL_CLIENT_ID", &*id), ("TOOL_CLIENT_SECRET", "wrong")];
    let got = run_with(&world, &["token", "github"], &variables).exit(6);
    assert!(got.stderr.contains("next: correct TOOL_CLIENT_SECRET "), "{got:?}");
    let login = ["login", "--env-url", &url, "--client-id", &id, "--client-secret-stdin"];
    let got = finish(world.command(EXE).args(login), "wrong\n").exit(6);
    assert!(got.stderr.contains("next: compare URL, client id and client secret with"), "{got:?}");
}

#[test]
fn a_file_that_is_missing_is_said_to_be_with_the_environment_it_belongs_to() {
    let mut world = github();
    let secret = world.path("secret");
    fs::write(&secret, world.sandbox.client_secret()).unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o400)).unwrap();
    let (url, id) = (world.sandbox.url().to_owned(), world.sandbox.client_id().to_owned());
    let home = format!("file:{}", secret.display());
    world.ok(&["login", "--environment", "c", "--home", &home, "--env-url", &url, "--client-id", &id]);
    fs::remove_file(&secret).unwrap();
    world.credentials_in_variables = false;
    let got = world.run(&["token", "github", "--environment", "c"]).exit(4);
    let expected = "next: put the file there, as a mounted secret for instance, or `scalekit-auth login --environment c --home file:PATH`";
    assert!(got.stderr.contains(expected), "{got:?}");
}

/// Only root can make a directory somebody else's.
fn refused(world: &World, words: &[&str]) {
    for args in [&["token", "github"][..], &["list"], &["config", "x", "y"]] {
        let got = world.run(args).exit(3);
        assert!(words.iter().all(|word| got.stderr.contains(word)), "{words:?}: {got:?}");
    }
    let got = world.helper("get", "protocol=https\nhost=github.com\n\n").ok();
    assert_eq!((got.stdout.as_str(), got.stderr.lines().count()), ("", 1), "{got:?}");
    assert_eq!(world.sandbox.counts().tcp_connections, 0);
}

#[test]
fn a_directory_that_somebody_else_may_change_is_not_used() {
    let world = github();
    let directory = world.path(".config/scalekit-auth");
    let set = |mode: u32| fs::set_permissions(&directory, fs::Permissions::from_mode(mode)).unwrap();
    set(0o777);
    refused(&world, &["is not used: every user may write it", &format!("chmod go-w {}", directory.display())]);
    set(0o1777);
    refused(&world, &["every user may write it"]);
    set(0o770);
    if is_root() {
        chown(&directory, Some(STRANGER), None).unwrap();
        refused(&world, &["it belongs to another user", &format!("chown -R \"$(id -u)\" {}", directory.display())]);
        chown(&directory, Some(fs::metadata("/proc/self").unwrap().uid()), None).unwrap();
    }
    world.ok(&["token", "github"]);
}

#[test]
fn a_directory_behind_a_link_is_the_one_that_is_looked_at() {
    let world = github();
    let (link, real) = (world.path(".config/scalekit-auth"), world.path("dotfiles"));
    fs::rename(&link, &real).unwrap();
    symlink(&real, &link).unwrap();
    world.ok(&["token", "github"]);
    world.ok(&["config", "github", "github_x", "--identifier", "ada", "--host", "ghe.acme.test"]);
    assert!(link.is_symlink());
    fs::set_permissions(&real, fs::Permissions::from_mode(0o777)).unwrap();
    let got = world.run(&["token", "github"]).exit(3);
    assert!(got.stderr.contains("every user may write it"), "{got:?}");
}

#[test]
fn a_host_with_letters_outside_ascii_is_told_its_ascii_form() {
    let world = github();
    let got = world.run(&["config", "forge", "github_x", "--identifier", "ada", "--host", "bücher.example"]).exit(2);
    assert!(got.stderr.contains("xn--bcher-kva.example"), "{got:?}");
    world.ok(&["config", "forge", "github_x", "--identifier", "ada", "--host", "xn--bcher-kva.example"]);
    let got = world.run(&["token", "https://bücher.example/a"]).exit(2);
    assert!(got.stdout.is_empty() && got.stderr.contains("write it as xn--bcher-kva.example"), "{got:?}");
    let got = world.helper("get", "protocol=https\nhost=bücher.example\npath=a.git\n\n").ok();
    assert!(got.stdout.is_empty(), "{got:?}");
    assert!(got.stderr.contains("use the URL https://xn--bcher-kva.example/a.git"), "{got:?}");
    let got = world.helper("get", "protocol=https\nhost=xn--bcher-kva.example\n\n").ok();
    assert!(got.stdout.contains("password=gho_one"), "{got:?}");
    let got = world.helper("get", "protocol=https\nhost=münchen.example\n\n").ok();
    assert_eq!((got.stdout, got.stderr), (String::new(), String::new()), "not ours in any form");
}

#[test]
fn a_host_may_hold_an_underscore() {
    let world = github();
    world.ok(&["config", "forge", "github_x", "--identifier", "ada", "--host", "my_forge.acme.test"]);
    assert_eq!(world.ok(&["token", "https://my_forge.acme.test/a"]).stdout, "gho_one\n");
    let got = world.helper("get", "protocol=https\nhost=my_forge.acme.test\n\n").ok();
    assert!(got.stdout.contains("password=gho_one"), "{got:?}");
}
