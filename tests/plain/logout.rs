//! `logout` leaves one environment, or all, and never hands its services to another one.

use crate::common::finish;
use crate::common::sync::{Two, account};
use scalekit_sandbox::Control;
use serde_json::json;

/// The connection `github-x` is in both environments; both are logged in and synced.
fn two() -> Two {
    let two = Two::new();
    for sandbox in [&two.world.sandbox, &two.other] {
        sandbox.control(Control::connection("github-x", "GITHUB")).unwrap();
        sandbox.control(account("github-x", "agent", json!({}))).unwrap();
    }
    let (connection, identifier) = ("github-x".into(), "agent".into());
    let token = Control::SetToken { connection, identifier, token: "token-of-dev".into(), expires_in: None };
    two.other.control(token).unwrap();
    two.login("default", &two.world.sandbox);
    two.login("dev", &two.other);
    two.ok(&["sync"]);
    two.ok(&["sync", "--environment", "dev"]);
    two
}

fn git(two: &Two) -> String {
    let mut command = two.world.command("git-credential-scalekit");
    command.arg("get").env("SSL_CERT_FILE", two.world.path("roots.pem"));
    finish(&mut command, "protocol=https\nhost=github.com\n\n").ok().stdout
}

#[test]
fn the_services_of_an_environment_that_was_left_are_not_those_of_another() {
    let two = two();
    assert!(git(&two).contains("canary-github_x-agent"));
    two.ok(&["logout"]);
    for place in ["github", "https://github.com/acme/app.git"] {
        let got = two.run(&["token", place]).exit(3);
        assert_eq!(got.stdout, "", "{got:?}");
        assert!(got.stderr.contains("you are not logged in to the environment default"), "{got:?}");
        assert!(got.stderr.contains("`scalekit-auth login`"), "{got:?}");
    }
    assert_eq!(git(&two), "");
    assert_eq!(two.ok(&["token", "github", "--environment", "dev"]).stdout, "token-of-dev\n");
    two.login("default", &two.world.sandbox);
    two.ok(&["sync"]);
    assert!(git(&two).contains("canary-github_x-agent"));
}

#[test]
fn an_environment_that_is_logged_in_to_after_that_is_the_usual_one_if_it_is_the_only_one() {
    let two = two();
    two.ok(&["logout"]);
    two.login("dev", &two.other);
    two.ok(&["sync"]);
    assert_eq!(two.ok(&["token", "github"]).stdout, "token-of-dev\n");
}

#[test]
fn all_environments_are_left_at_once_and_a_second_logout_is_no_failure() {
    let two = two();
    let told = two.ok(&["logout", "--all"]).stderr;
    assert!(told.contains(two.other.url()) && told.contains(two.world.sandbox.url()), "{told}");
    assert!(!two.world.path("secret-of-default").exists() && !two.world.path("secret-of-dev").exists());
    for args in [&["logout"][..], &["logout", "--environment", "dev"], &["logout", "--all"]] {
        let told = two.ok(args).stderr;
        assert!(told.contains("you are not logged in") && told.contains("nothing to remove"), "{told}");
    }
    two.run(&["logout", "--all", "--environment", "dev"]).exit(2);
    two.run(&["token", "github"]).exit(3);
}

#[test]
fn a_home_that_cannot_be_emptied_keeps_its_environment_and_no_other() {
    let two = two();
    let file = two.world.path("secret-of-default");
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    two.run(&["logout", "--all"]).exit(4);
    let status = two.run(&["status"]).stdout;
    assert!(status.contains("default: ") && !status.contains("dev: "), "{status}");
}
