//! Moving the client credentials of an environment from one home to another: the new one is proven before the old one is
//! emptied, and whatever fails on the way, nothing is lost.

use crate::common;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use common::homes::{SECRET, at, mode, set_mode};
use common::keyring::{ADDRESS, Desk, Killed, until};
use common::{EXE, Finished, World, files_below, finish};
use scalekit_sandbox::{Control, Options, Sandbox, When};
use serde_json::{Value, json};

const TOKEN_ROUTE: &str = "POST /oauth/token";

/// A machine with a keyring, in which the client credentials are.
fn desk() -> Desk {
    let options = Options { client_secret: SECRET.into(), ..Options::default() };
    let desk = Desk::with(World::with(Sandbox::with(options).unwrap()));
    desk.world.seed("github-x", "GITHUB", "token-1");
    desk.login(&[], SECRET).ok();
    run(&desk, &["config", "github", "github-x", "--identifier", "ada"]).ok();
    desk
}

#[track_caller]
fn run(desk: &Desk, args: &[&str]) -> Finished {
    common::homes::shows_no_secret(desk.run(args))
}

#[track_caller]
fn says(got: &Finished, words: &[&str]) {
    for word in words {
        assert!(got.stderr.contains(word), "{word}: {got:?}");
    }
}

/// The homes that a move can lead to, as arguments of `login`.
struct Homes {
    file: PathBuf,
    program: String,
}

impl Homes {
    fn of(desk: &Desk) -> Self {
        let program = desk.world.path("manager");
        fs::write(&program, format!("#!/bin/sh\necho {SECRET}\n")).unwrap();
        set_mode(&program, 0o755);
        Self { file: desk.world.path("secret"), program: program.to_str().unwrap().to_owned() }
    }

    fn arguments(&self, home: &str) -> Vec<String> {
        let mut arguments = vec!["login".to_owned(), "--home".into()];
        match home {
            "file" => arguments.push(at(&self.file)),
            "command" => arguments.extend(["command".into(), "--".into(), self.program.clone()]),
            other => arguments.push(other.into()),
        }
        arguments
    }
}

#[track_caller]
fn move_to(desk: &Desk, homes: &Homes, home: &str) -> Finished {
    let arguments = homes.arguments(home);
    run(desk, &arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

fn home_in_config(desk: &Desk) -> Value {
    let text = fs::read(desk.world.config_file("config.json")).unwrap();
    serde_json::from_slice::<Value>(&text).unwrap()["environments"]["default"]["home"].clone()
}

/// What there is to lose: every file below the home, and the keyring's items.
fn everything(desk: &Desk) -> (Vec<(PathBuf, Vec<u8>)>, Vec<Value>) {
    let mut files = files_below(desk.world.home.path());
    // The keyring's own files and our lock change without meaning.
    files.retain(|file| !file.starts_with(desk.world.path(".local")) && !file.ends_with(".lock"));
    files.retain(|file| !file.ends_with("gnome-keyring.log"));
    files.sort();
    (files.into_iter().map(|file| (file.clone(), fs::read(file).unwrap_or_default())).collect(), desk.items("default"))
}

fn works(desk: &Desk) {
    assert_eq!(run(desk, &["token", "github"]).ok().stdout, "token-1\n");
    assert!(common::homes::shows_no_secret(desk.get()).ok().stdout.contains("password=token-1\n"));
}

const ALL: [&str; 3] = ["keyring", "file", "command"];

#[test]
fn a_move_leads_from_every_home_to_every_other() {
    let desk = desk();
    let homes = Homes::of(&desk);
    for home in ["file", "keyring", "command", "file", "command", "keyring"] {
        let old = home_in_config(&desk);
        let got = move_to(&desk, &homes, home).ok();
        let expected = match home {
            "file" => json!({"file": homes.file, "written": true}),
            "command" => json!({"command": [homes.program]}),
            home => json!(home),
        };
        assert_eq!(home_in_config(&desk), expected);
        assert_eq!(desk.items("default").len(), usize::from(home == "keyring"), "{home}");
        assert_eq!(homes.file.exists(), home == "file", "{home}");
        assert_eq!(got.stderr.contains("yours to remove"), old.get("command").is_some(), "{got:?}");
        works(&desk);
    }
    move_to(&desk, &homes, "file").ok();
    assert_eq!(mode(&homes.file), 0o600);
    // From file to file, and to the same file by another name.
    let second = desk.world.path("second");
    run(&desk, &["login", "--home", &at(&second)]).ok();
    assert!(second.exists() && !homes.file.exists());
    let same = desk.world.path("link");
    std::os::unix::fs::symlink(&second, &same).unwrap();
    run(&desk, &["login", "--home", &at(&same)]).ok();
    assert!(second.exists() && home_in_config(&desk) == json!({"file": same, "written": true}));
    works(&desk);
}

#[test]
fn a_file_that_was_there_is_taken_as_it_is_and_stays_when_it_is_left() {
    let desk = desk();
    let homes = Homes::of(&desk);
    fs::write(&homes.file, format!("{SECRET}\n")).unwrap();
    set_mode(&homes.file, 0o600);
    move_to(&desk, &homes, "file").ok();
    assert_eq!((home_in_config(&desk), desk.items("default")), (json!({"file": homes.file, "written": false}), vec![]));
    works(&desk);
    says(&move_to(&desk, &homes, "keyring").ok(), &["still holds the client secret", "yours to remove"]);
    assert_eq!(fs::read_to_string(&homes.file).unwrap(), format!("{SECRET}\n"));
    works(&desk);
}

#[test]
fn while_the_vault_cannot_prove_the_new_home_nothing_changes() {
    let desk = desk();
    let homes = Homes::of(&desk);
    let times = 100;
    let route = || Some(TOKEN_ROUTE.to_owned());
    for from in ALL {
        if from != "keyring" {
            move_to(&desk, &homes, from).ok();
        }
        for to in ALL.into_iter().filter(|to| *to != from) {
            for (failure, code) in [
                (
                    Control::FailNext {
                        route: route(),
                        times,
                        status: 401,
                        error_code: None,
                        body: None,
                        retry_after: None,
                    },
                    6,
                ),
                (
                    Control::FailNext {
                        route: route(),
                        times,
                        status: 500,
                        error_code: None,
                        body: None,
                        retry_after: None,
                    },
                    6,
                ),
                (Control::Drop { route: route(), times, when: When::BeforeReply }, 7),
            ] {
                let before = everything(&desk);
                desk.world.control(failure);
                move_to(&desk, &homes, to).exit(code);
                assert_eq!(everything(&desk), before, "{from} to {to}");
                desk.world.control(Control::Reset);
                desk.world.seed("github-x", "GITHUB", "token-1");
                works(&desk);
            }
        }
    }
}

#[test]
fn a_move_with_new_credentials_empties_the_old_home_too() {
    let desk = desk();
    let homes = Homes::of(&desk);
    desk.login(&["--home", &at(&homes.file)], "wrong").exit(6);
    assert!(!homes.file.exists() && desk.items("default").len() == 1);
    desk.world.control(Control::RotateClientSecret { secret: "rotated".into() });
    // The secret that moves is no longer the one that counts.
    move_to(&desk, &homes, "file").exit(6);
    assert!(!homes.file.exists() && desk.items("default").len() == 1);
    desk.login(&["--home", &at(&homes.file)], "rotated").ok();
    assert!(homes.file.exists() && desk.items("default").is_empty());
    works(&desk);
    desk.login(&["--home", "keyring"], "rotated").ok();
    assert!(!homes.file.exists() && desk.items("default").len() == 1);
    works(&desk);
}

#[test]
fn a_new_home_that_cannot_be_written_leaves_all_as_it_was() {
    let desk = desk();
    let homes = Homes::of(&desk);
    let before = everything(&desk);
    for path in ["/proc/secret", "/nothing/there/secret"] {
        run(&desk, &["login", "--home", &format!("file:{path}")]).exit(4);
        assert_eq!(everything(&desk), before);
    }
    works(&desk);
    move_to(&desk, &homes, "file").ok();
    let before = everything(&desk);
    desk.keyring.lock(&desk.world);
    says(&move_to(&desk, &homes, "keyring").exit(4), &["the keyring is locked"]);
    assert_eq!(everything(&desk), before);
    works(&desk);
}

#[test]
fn a_configuration_that_cannot_be_switched_undoes_the_move() {
    let desk = desk();
    let homes = Homes::of(&desk);
    let lock = File::create(desk.world.config_file(".lock")).unwrap();
    for to in ["file", "keyring"] {
        let before = everything(&desk);
        lock.lock().unwrap();
        if to == "file" {
            says(&move_to(&desk, &homes, to).exit(1), &["another scalekit-auth is changing the configuration"]);
            assert!(!homes.file.exists());
        } else {
            says(&move_to(&desk, &homes, to).exit(1), &["another scalekit-auth"]);
        }
        assert_eq!(everything(&desk), before);
        lock.unlock().unwrap();
        works(&desk);
        move_to(&desk, &homes, to).ok();
    }
}

#[test]
fn an_item_of_before_is_put_back_when_the_move_fails() {
    let desk = desk();
    let homes = Homes::of(&desk);
    let bus = desk.keyring.bus.address.clone();
    // Without a bus the old item cannot be taken out, and is only reported.
    let mut login = desk.command(EXE);
    let sandbox = &desk.world.sandbox;
    login.args(["login", "--env-url", sandbox.url(), "--client-id", sandbox.client_id(), "--client-secret-stdin"]);
    login.args(["--home", &at(&homes.file)]).env_remove(ADDRESS);
    says(&finish(&mut login, SECRET).ok(), &["logged in to", "the old home could not be emptied", "no keyring"]);
    assert_eq!((desk.items("default").len(), desk.keyring.bus.address.clone()), (1, bus));
    works(&desk);

    let before = everything(&desk);
    desk.world.control(Control::RotateClientSecret { secret: "rotated".into() });
    move_to(&desk, &homes, "keyring").exit(6);
    assert_eq!(everything(&desk), before);
    desk.world.control(Control::RotateClientSecret { secret: SECRET.into() });
    move_to(&desk, &homes, "keyring").ok();
    assert!(!homes.file.exists() && desk.items("default").len() == 1);
    works(&desk);
}

#[test]
fn a_move_that_is_killed_in_the_middle_loses_nothing_and_can_be_repeated() {
    let desk = desk();
    let homes = Homes::of(&desk);
    for (from, to) in [("keyring", "file"), ("file", "keyring"), ("keyring", "command")] {
        let config = fs::read(desk.world.config_file("config.json")).unwrap();
        let asked = desk.world.count(TOKEN_ROUTE);
        desk.world.control(Control::Delay { route: Some(TOKEN_ROUTE.into()), times: 1, millis: 3000 });
        let mut login = desk.command(EXE);
        login.args(homes.arguments(to)).stdout(Stdio::null()).stderr(Stdio::null());
        let login = Killed(login.spawn().unwrap());
        until("the new home is being proven", || desk.world.count(TOKEN_ROUTE) > asked);
        drop(login);
        desk.world.control(Control::Reset);
        desk.world.seed("github-x", "GITHUB", "token-1");
        assert_eq!(fs::read(desk.world.config_file("config.json")).unwrap(), config, "{from} to {to}");
        works(&desk);
        move_to(&desk, &homes, to).ok();
        works(&desk);
        assert_eq!(desk.items("default").len(), usize::from(to == "keyring"));
        if to == "keyring" && homes.file.exists() {
            // What the killed one had written was found there the second time, so it counts as the user's.
            fs::remove_file(&homes.file).unwrap();
        }
    }
    assert!(!Path::new(&homes.file).exists());
}
