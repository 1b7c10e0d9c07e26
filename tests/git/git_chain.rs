//! Who else is told about our tokens, as the gits on this machine see it in the directory where one stands.

use crate::common;
use std::path::Path;
use std::process::Command;

use common::gits::{Repository, all};
use common::setup::{read, run, world, write};
use common::{Finished, World, finish};
use scalekit_sandbox::Offers;

/// A world with this git first on PATH, set up for github.com, and the repository `app` in it.
fn world_with(git: &Path) -> World {
    let world = world();
    std::os::unix::fs::symlink(git, world.path("bin/git")).unwrap();
    run(&world, &["setup", "git"]).ok();
    finish(world.command("git").args(["init", "--quiet", "app"]), "").ok();
    std::fs::create_dir(world.path("app/deep")).unwrap();
    world
}

fn both(test: impl Fn(World)) {
    all().iter().for_each(|git| test(world_with(git)));
}

fn in_app(world: &World, program: &str, args: &[&str]) -> Command {
    let program = if program == "scalekit-auth" { world.path("bin/scalekit-auth") } else { program.into() };
    let mut command = world.command(program);
    command.current_dir(world.path("app")).args(args);
    command
}

fn git(world: &World, args: &[&str]) {
    finish(&mut in_app(world, "git", args), "").ok();
}

/// What `status` says of github.com there.
fn told(mut command: Command) -> String {
    let Finished { stdout, .. } = finish(&mut command, "").ok();
    stdout.lines().find(|line| line.contains("https://github.com")).unwrap().to_owned()
}

fn status(world: &World) -> Command {
    in_app(world, "scalekit-auth", &["status"])
}

#[test]
fn a_repositorys_own_helper_is_named_with_its_file_and_line() {
    both(|world| {
        assert_eq!(told(status(&world)), "git asks us for https://github.com");
        let config = world.path("app/.git/config");
        let before = read(&config).lines().count();
        git(&world, &["config", "credential.helper", "store"]);
        let place = format!("store ({}, line {})", config.display(), before + 2);
        let line =
            format!("git asks us for https://github.com, but also hands our token to: {place}; fix: remove that line");
        assert_eq!(told(status(&world)), line);
        let mut deep = status(&world);
        deep.current_dir(world.path("app/deep"));
        assert_eq!(told(deep), line);
        // The user's file cannot help, so that set-up neither refuses nor changes more than elsewhere.
        let user = read(&world.path(".gitconfig"));
        let setup = finish(&mut in_app(&world, "scalekit-auth", &["setup", "git"]), "").ok();
        let warning =
            format!("in this directory git also hands the tokens for https://github.com to: {place}; remove that line");
        assert!(setup.stderr.contains(&warning), "{setup:?}");
        assert_eq!(read(&world.path(".gitconfig")), user);
        let mut elsewhere = status(&world);
        elsewhere.current_dir(world.home.path());
        assert_eq!(told(elsewhere), "git asks us for https://github.com");
    });
}

#[test]
fn every_place_of_gits_configuration_is_looked_at() {
    both(|world| {
        let others = |mut command: Command, change: &dyn Fn(&mut Command)| {
            change(&mut command);
            told(command).split("hands our token to: ").nth(1).unwrap_or_default().to_owned()
        };
        write(&world.path("app/.git/more"), "# more\n[credential \"https://github.com\"] helper = osxkeychain\n");
        git(&world, &["config", "include.path", "more"]);
        let place = format!("osxkeychain ({}, line 2)", world.path("app/.git/more").display());
        assert_eq!(others(status(&world), &|_| ()), format!("{place}; fix: remove that line"));
        git(&world, &["config", "--unset", "include.path"]);

        git(&world, &["config", "extensions.worktreeConfig", "true"]);
        git(&world, &["config", "--worktree", "credential.helper", "cache --timeout 9"]);
        let place = format!("cache ({}, line 2)", world.path("app/.git/config.worktree").display());
        assert_eq!(others(status(&world), &|_| ()), format!("{place}; fix: remove that line"));
        git(&world, &["config", "--worktree", "--unset", "credential.helper"]);

        let variables = |command: &mut Command| {
            command.envs([("GIT_CONFIG_COUNT", "1"), ("GIT_CONFIG_KEY_0", "credential.helper")]);
            command.env("GIT_CONFIG_VALUE_0", "manager");
        };
        let fix = "unset the variables GIT_CONFIG_COUNT and GIT_CONFIG_PARAMETERS";
        assert_eq!(others(status(&world), &variables), format!("manager (environment variables); fix: {fix}"));
        let alias = format!("alias.x=!{} status", world.path("bin/scalekit-auth").display());
        let by_git = in_app(&world, "git", &["-c", "credential.helper=manager", "-c", &alias, "x"]);
        assert_eq!(others(by_git, &|_| ()), format!("manager (environment variables); fix: {fix}"));

        // The user's own files are no matter of the directory.
        write(&world.path("system"), "[credential]\n\n\thelper = store\n");
        let system = |command: &mut Command| {
            command.env_remove("GIT_CONFIG_NOSYSTEM").env("GIT_CONFIG_SYSTEM", world.path("system"));
        };
        assert_eq!(others(status(&world), &system), "", "the empty helper before ours drops it");
        write(&world.path(".gitconfig"), "[credential]\n\thelper = scalekit\n");
        let place = format!("store ({}, line 3)", world.path("system").display());
        assert_eq!(others(status(&world), &system), format!("{place}; fix: scalekit-auth setup git github.com"));
    });
}

#[test]
fn a_repository_decides_neither_what_set_up_does_nor_who_we_are() {
    both(|world| {
        let file = world.path(".gitconfig");
        let once = read(&file);
        git(&world, &["config", "credential.https://github.com.helper", "!/usr/bin/gh auth git-credential"]);
        let mut from_git = in_app(&world, "scalekit-auth", &["setup", "git"]);
        from_git.env("GIT_DIR", world.path("app/.git"));
        for command in [&mut in_app(&world, "scalekit-auth", &["setup", "git"]), &mut from_git] {
            finish(command, "").ok();
            assert_eq!(read(&file), once, "no --replace is needed");
        }
        // What calls itself by our name and is another program is another helper.
        let evil = world.path("app/git-credential-scalekit");
        write(&evil, "#!/bin/sh\n");
        std::fs::set_permissions(&evil, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let shown = evil.display().to_string();
        for (helper, shown) in [(&*shown, &*shown), ("!x git-credential-scalekit; true", "a shell command")] {
            git(&world, &["config", "credential.https://github.com.helper", helper]);
            let line = told(status(&world));
            assert!(line.contains(&format!("hands our token to: {shown} (")), "{line}");
        }
        git(&world, &["config", "credential.https://github.com.helper", "scalekit"]);
        assert_eq!(told(status(&world)), "git asks us for https://github.com");
        git(&world, &["config", "credential.https://github.com.helper", ""]);
        let line = told(status(&world));
        assert!(line.contains("but not in this directory; fix: remove an empty helper ("), "{line}");
    });
}

#[test]
fn looking_at_a_strange_repository_runs_nothing_of_it() {
    both(|world| {
        let touch = format!("touch {}", world.path("ran").display());
        for (key, value) in [
            ("core.fsmonitor", touch.clone()),
            ("core.pager", touch.clone()),
            ("core.sshCommand", touch.clone()),
            ("alias.config", format!("!{touch}")),
            ("alias.rev-parse", format!("!{touch}")),
            ("credential.helper", format!("!{touch}; true")),
            ("credential.https://github.com.helper", format!("!{touch}; git-credential-scalekit")),
            ("core.hooksPath", world.path("hooks").display().to_string()),
        ] {
            git(&world, &["config", key, &value]);
        }
        assert!(told(status(&world)).contains("hands our token to: a shell command ("));
        finish(&mut in_app(&world, "scalekit-auth", &["setup", "git"]), "").ok();
        assert!(!world.path("ran").exists());
        // One of another user's is none for git, and so none for us.
        if std::os::unix::fs::chown(world.path("app"), Some(4321), None).is_ok()
            && std::os::unix::fs::chown(world.path("app/.git"), Some(4321), None).is_ok()
        {
            assert_eq!(told(status(&world)), "git asks us for https://github.com");
        }
        assert!(!world.path("ran").exists());
    });
}

#[test]
fn the_helper_that_status_names_is_the_one_that_gets_the_token() {
    for git in all() {
        let repository = Repository::new(git.clone(), Offers::Basic);
        std::os::unix::fs::symlink(&git, repository.world.path("bin/git")).unwrap();
        let key = format!("credential.{}.helper", repository.server.url());
        repository.git(&["config", "--global", "--add", &key, ""]).ok();
        repository.git(&["config", "--global", "--add", &key, "scalekit"]).ok();
        repository.clone_into("app").ok();
        repository.git_in("app", &["config", "credential.helper", "store"]).ok();
        repository.git_in("app", &["fetch"]).ok();
        assert!(read(&repository.world.path(".git-credentials")).contains("token-1"), "this is the danger");
        let told =
            finish(repository.world.command(common::EXE).arg("status").current_dir(repository.world.path("app")), "");
        assert!(told.stdout.contains("hands our token to: store ("), "{told:?}");
    }
}
