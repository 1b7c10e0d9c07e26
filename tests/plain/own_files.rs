//! The program's own files where something else stands: it is refused at once, nothing is made behind a link, and what was open to
//! others is closed.

use std::fs;
use std::os::unix::fs::symlink;

use crate::common::homes::{mode, set_mode};
use crate::common::{World, finish};

const STATE: &str = ".local/state/scalekit-auth";

fn world() -> World {
    let world = World::new();
    world.seed("github-x", "GITHUB", "gho_abc");
    world.ok(&["config", "github", "github-x", "--identifier", "ada"]);
    world
}

#[test]
fn a_pipe_or_device_in_the_place_of_a_configuration_file_holds_nobody_up() {
    for name in ["connections.json", "config.json", "synced.json"] {
        let world = world();
        let file = world.config_file(name);
        for make in [&["mkfifo"][..], &["ln", "-s", "/dev/zero"], &["ln", "-s", "/dev/tty"], &["mkdir"]] {
            if file.symlink_metadata().is_ok_and(|metadata| metadata.is_dir()) {
                fs::remove_dir(&file).unwrap();
            } else {
                let _ = fs::remove_file(&file);
            }
            finish(world.command(make[0]).args(&make[1..]).arg(&file), "").ok();
            for args in [&["token", "github"][..], &["which", "github.com"], &["list"]] {
                let got = world.run(args).exit(3);
                assert!(got.stderr.contains("is not a regular file") && got.stderr.contains("ls -ld"), "{got:?}");
            }
            let got = world.helper("get", "protocol=https\nhost=github.com\n\n").ok();
            assert!(got.stdout.is_empty() && got.stderr.contains("is not a regular file"), "{got:?}");
            // Tab says nothing, at once.
            assert_eq!(world.run(&["complete", "services"]).code, Some(0));
        }
    }
}

#[test]
fn a_pipe_or_a_link_in_the_place_of_a_lock_is_not_opened() {
    let world = world();
    let (lock, elsewhere) = (world.config_file(".lock"), world.path("elsewhere"));
    for make in [&["mkfifo"][..], &["ln", "-s", elsewhere.to_str().unwrap()]] {
        let _ = fs::remove_file(&lock);
        finish(world.command(make[0]).args(&make[1..]).arg(&lock), "").ok();
        let got = world.run(&["config", "gitlab", "gitlab-x"]).exit(1);
        assert!(got.stderr.contains("not a file of your own") && got.stderr.contains(".lock"), "{got:?}");
    }
    fs::remove_file(&lock).unwrap();
    world.ok(&["audit", "on"]);
    fs::create_dir_all(world.path(STATE)).unwrap();
    symlink(&elsewhere, world.path(STATE).join("audit.lock")).unwrap();
    assert_eq!(world.ok(&["token", "github"]).stdout, "gho_abc\n");
    assert!(!elsewhere.exists());
}

#[test]
fn a_log_that_others_could_read_is_closed_to_them() {
    let world = world();
    world.ok(&["audit", "on"]);
    world.ok(&["token", "github"]);
    let (log, trace) = (world.path(STATE).join("audit.jsonl"), world.path("trace"));
    fs::write(&trace, "").unwrap();
    for open in [0o666, 0o640, 0o604] {
        set_mode(&log, open);
        set_mode(&trace, open);
        finish(world.command("scalekit-auth").args(["token", "github"]).env("SCALEKIT_AUTH_TRACE", &trace), "").ok();
        assert_eq!((mode(&log), mode(&trace)), (0o600, 0o600), "{open:o}");
    }
    assert_eq!(fs::read_to_string(&log).unwrap().lines().count(), 4);
}
