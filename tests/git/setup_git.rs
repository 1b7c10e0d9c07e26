//! `setup git` and its undoing in the situations that git and its users bring about.

use crate::common;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use common::setup::{fill, read, run, world, write};
use common::{Finished, World, finish};

#[test]
fn a_file_that_setup_made_goes_after_any_sequence_of_set_ups() {
    let world = world();
    for sequence in [&["", ""][..], &["", "github.com", "--replace"], &["github.com", "gitlab.com", ""]] {
        run(&world, &["config", "gitlab", "gitlab-x"]).ok();
        for word in sequence {
            let words = ["setup", "git", word];
            run(&world, if word.is_empty() { &words[..2] } else { &words }).ok();
        }
        run(&world, &["setup", "--undo"]).ok();
        assert!(!world.path(".gitconfig").exists(), "{sequence:?}");
    }
}

#[test]
fn a_link_that_leads_nowhere_is_neither_replaced_nor_followed() {
    let world = world();
    std::fs::create_dir(world.path(".docker")).unwrap();
    for (tool, name) in [("git", ".gitconfig"), ("docker", ".docker/config.json")] {
        for target in ["missing/dotfile", "missing"] {
            let link = world.path(name);
            std::os::unix::fs::symlink(world.path(target), &link).unwrap();
            for args in [&["setup", tool][..], &["setup", tool, "--dry-run"], &["setup", tool, "--undo"]] {
                let refused = run(&world, args).exit(1);
                assert!(refused.stderr.contains("leads nowhere"), "{refused:?}");
            }
            assert_eq!(std::fs::read_link(&link).unwrap(), world.path(target));
            assert!(!world.path(target).exists());
            std::fs::remove_file(&link).unwrap();
        }
    }
}

/// Runs the program as a package manager installs it: `bin/scalekit-auth` leads to a directory of this version.
fn install_version(world: &World, version: &str) -> PathBuf {
    let cellar = world.path("cellar").join(version).join("bin");
    std::fs::create_dir_all(&cellar).unwrap();
    for name in ["scalekit-auth", "git-credential-scalekit", "docker-credential-scalekit"] {
        let link = world.path("bin").join(name);
        let _ = std::fs::remove_file(&link);
        symlink(format!("../cellar/{version}/bin/{name}"), link).unwrap();
        match name {
            "scalekit-auth" => drop(std::fs::copy(common::EXE, cellar.join(name)).unwrap()),
            _ => symlink("scalekit-auth", cellar.join(name)).unwrap(),
        }
    }
    cellar
}

fn status(world: &World) -> Finished {
    run(world, &["status"]).ok()
}

#[test]
fn an_upgrade_takes_nothing_away_that_git_was_told() {
    let world = world();
    let old = install_version(&world, "0.1.0");
    // Neither the way in which it is called nor a place off PATH matters.
    finish(world.command(old.join("scalekit-auth")).args(["setup", "git"]), "").ok();
    let text = read(&world.path(".gitconfig"));
    let helper = format!("helper = {}", world.path("bin/git-credential-scalekit").display());
    assert!(text.contains(&helper) && !text.contains("cellar"), "{text}");
    install_version(&world, "0.2.0");
    std::fs::remove_dir_all(old).unwrap();
    assert!(fill(&world, "github.com").contains("password=token-1"));
    assert!(status(&world).stdout.contains("git asks us for https://github.com\n"));
}

#[test]
fn names_that_are_missing_are_made_beside_the_link_on_path() {
    let world = world();
    let cellar = install_version(&world, "0.1.0");
    for directory in [&cellar, &world.path("bin")] {
        std::fs::remove_file(directory.join("git-credential-scalekit")).unwrap();
    }
    run(&world, &["setup", "git"]).ok();
    assert!(!cellar.join("git-credential-scalekit").exists());
    assert!(fill(&world, "github.com").contains("password=token-1"));
}

#[test]
fn status_names_a_helper_that_cannot_be_started_and_the_fix_works() {
    use std::os::unix::fs::PermissionsExt;
    let world = world();
    let gone = world.path("gone/git-credential-scalekit");
    write(&gone, "no program");
    std::fs::set_permissions(&gone, std::fs::Permissions::from_mode(0o644)).unwrap();
    for line in [
        "/opt/cellar/0.1.0/bin/git-credential-scalekit".to_owned(),
        "\"!'/opt/cellar/0.1.0/bin/scalekit-auth' git-credential\"".to_owned(),
        gone.display().to_string(),
    ] {
        write(&world.path(".gitconfig"), &format!("[credential]\n\thelper = {line}\n"));
        let told = status(&world).stdout;
        assert!(told.contains("cannot be started; fix: scalekit-auth setup git github.com\n"), "{line}: {told}");
        run(&world, &["setup", "git", "github.com"]).ok();
        assert!(status(&world).stdout.contains("git asks us for https://github.com\n"), "{line}");
    }
    let docker = world.path("bin/docker-credential-scalekit");
    run(&world, &["setup", "docker"]).ok();
    std::fs::remove_file(&docker).unwrap();
    symlink("/opt/cellar/0.1.0/bin/docker-credential-scalekit", &docker).unwrap();
    let told = status(&world).stdout;
    let fix = format!("can be started; fix: remove {} if you do not need it", docker.display());
    assert!(told.contains(&fix), "{told}");
    std::fs::remove_file(&docker).unwrap();
    run(&world, &["setup"]).ok();
    assert!(status(&world).stdout.contains("docker asks us for ghcr.io\n"));
}
