//! The options in git's `helper =` line.

use std::path::PathBuf;

use crate::common::gits::{Repository, all};
use crate::common::setup::{read, write};
use crate::common::{Finished, World, finish};
use scalekit_sandbox::{Control, Offers};

/// A repository whose host is set up, and a program that notes when git asks a person for a password.
fn repository(git: PathBuf) -> Repository {
    let repository = Repository::new(git, Offers::Basic);
    repository.world.ok(&["setup", "git"]);
    let askpass = repository.world.path("askpass");
    write(&askpass, "#!/bin/sh\necho \"$1\" >>\"$HOME/asked\"\necho typed\n");
    std::fs::set_permissions(&askpass, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    repository
}

/// git as a desktop program starts it, and whether a dialog opened.
fn list(repository: &Repository, options: &[&str]) -> (Finished, bool) {
    let mut command = repository.git_command();
    command.env("GIT_ASKPASS", repository.world.path("askpass"));
    command.args(options).args(["ls-remote", &repository.url("app.git")]);
    let finished = finish(&mut command, "");
    (finished, std::fs::remove_file(repository.world.path("asked")).is_ok())
}

fn set_status(repository: &Repository, status: &str) {
    let (connection, identifier) = ("github-x".into(), "ada".into());
    repository.world.control(Control::SetStatus { connection, identifier, status: status.into() });
}

#[test]
fn where_we_are_the_only_helper_no_dialog_opens_and_the_reason_is_told() {
    for git in all() {
        let repository = repository(git);
        let key = format!("credential.{}.helper", repository.server.url());
        let by_hand = [format!("{key}="), format!("{key}=scalekit")];
        let by_hand = ["-c", by_hand[0].as_str(), "-c", by_hand[1].as_str()];
        let fails = |reason: &str| {
            let (finished, is_asked) = list(&repository, &[]);
            assert!(finished.stderr.contains(reason), "{finished:?}");
            assert!(finished.stderr.contains("told us to quit") && !is_asked, "{finished:?}");
            let (finished, is_asked) = list(&repository, &by_hand);
            assert!(finished.stderr.contains(reason) && is_asked, "without the option as ever: {finished:?}");
        };
        set_status(&repository, "EXPIRED");
        fails("scalekit-auth: authorization needed for github");
        set_status(&repository, "ACTIVE");
        list(&repository, &[]).0.ok();
        repository.world.fail_next("POST /oauth/token", 100, 503, None);
        fails("scalekit-auth: the vault cannot be reached");
    }
}

#[test]
fn a_token_that_the_server_refuses_opens_no_dialog_either() {
    for git in all() {
        let repository = repository(git);
        repository.server.accept(&[]);
        list(&repository, &[]).0.exit(128);
        let (finished, is_asked) = list(&repository, &[]);
        assert!(finished.stderr.contains("connect github --renew") && !is_asked, "{finished:?}");
    }
}

#[test]
fn who_is_not_ours_may_still_be_asked_for_a_password() {
    for git in all() {
        let repository = repository(git);
        let world = &repository.world;
        for (name, identifier) in [("home", "ada"), ("work", "bob")] {
            world.ok(&["config", "github", "github-x", "--identifier", identifier, "--as", name]);
        }
        let asks = |input: &str| {
            let mut command = repository.git_command();
            command.env("GIT_ASKPASS", world.path("askpass")).env_remove("GIT_TERMINAL_PROMPT");
            command.args(["-c", "credential.helper=scalekit --only-helper", "credential", "fill"]);
            assert!(finish(&mut command, input).ok().stdout.contains("password=typed"), "{input}");
        };
        asks("protocol=https\nhost=other.example\n\n");
        // Of several accounts none is this one: it may be the person's own.
        asks(&format!("protocol=https\nhost={}\nusername=eve\n\n", &repository.server.url()["https://".len()..]));
    }
}

/// Puts a git on PATH that calls itself by another version.
fn claim_version(world: &World, version: &str) {
    let program = world.path("bin/git");
    let real = all().remove(0);
    let text = format!(
        "#!/bin/sh\n[ \"$1\" = --version ] && echo 'git version {version}' && exit\nexec {} \"$@\"\n",
        real.display()
    );
    let _ = std::fs::remove_file(&program);
    write(&program, &text);
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
}

#[test]
fn set_up_asks_for_the_ephemeral_form_where_git_keeps_it_and_status_tells_where_it_does_not() {
    let repository = repository(all().remove(0));
    let world = &repository.world;
    let file = world.path(".gitconfig");
    let line = |options: &str| format!("helper = {}{options}\n", world.path("bin/git-credential-scalekit").display());
    let host = &repository.server.url()["https://".len()..];
    assert!(read(&file).contains(&line(" --only-helper")), "{}", read(&file));
    claim_version(world, "2.54.0");
    world.ok(&["setup", "git"]);
    assert!(read(&file).contains(&line(" --only-helper --ephemeral")), "{}", read(&file));
    let told = world.ok(&["status"]).stdout;
    assert!(told.contains(&format!("git asks us for https://{host}\n")), "{told}");
    assert!(list(&repository, &[]).0.ok().stdout.contains("refs/heads/main"));

    claim_version(world, "2.53.1.windows.2");
    let told = world.ok(&["status"]).stdout;
    let expected =
        format!("but git 2.53 loses such a token on a push over 1 MiB; fix: scalekit-auth setup git {host}\n");
    assert!(told.contains(&expected), "{told}");
    world.ok(&["setup", "git", host]);
    assert!(read(&file).contains(&line(" --only-helper")), "{}", read(&file));
    world.ok(&["setup", "--undo"]);
    assert_eq!(read(&file), "[credential]\n\thelper = scalekit\n");
}

#[test]
fn options_stand_before_the_action_and_one_that_is_unknown_gets_no_answer() {
    let repository = repository(all().remove(0));
    let world = &repository.world;
    let request = format!("protocol=https\nhost={}\n", &repository.server.url()["https://".len()..]);
    let helper = |words: &[&str]| finish(world.command("git-credential-scalekit").args(words), &request).exit(0);
    assert!(helper(&["--only-helper", "get"]).stdout.contains("password=token-1"));
    let unknown = helper(&["--only-helper", "--of-tomorrow", "get"]);
    assert_eq!(unknown.stdout, "");
    assert!(unknown.stderr.contains("has no option --of-tomorrow"), "{unknown:?}");
    set_status(&repository, "EXPIRED");
    assert_eq!(helper(&["--only-helper", "get"]).stdout, "quit=1\n\n");
    assert_eq!(helper(&["get", "--only-helper"]).stdout, "", "what follows the action is git's own");
    let sub_command = ["git-credential", "--only-helper", "get"];
    assert_eq!(finish(world.command("scalekit-auth").args(sub_command), &request).exit(0).stdout, "quit=1\n\n");
}
