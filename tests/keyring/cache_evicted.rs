//! What ends a token's rest before its time.

use std::cell::Cell;

use crate::common::user::{GITHUB, TOKEN, User};
use crate::common::{Finished, organization};
use scalekit_sandbox::Control;

/// A user with the service `github`, whose token rests, while the vault has a newer one.
struct Resting {
    user: User,
    last: Cell<u32>,
}

impl Resting {
    fn new() -> Self {
        Self { user: User::of_github(), last: Cell::new(0) }
    }

    /// Lets the newest token rest, puts a newer one into the vault, and returns both.
    #[track_caller]
    fn prepare(&self) -> (String, String) {
        let [old, new] = [0, 1].map(|step| format!("token-{}", self.last.get() + step));
        self.last.set(self.last.get() + 1);
        self.user.set_token(&old);
        self.user.ok(&["cache", "clear"]);
        assert_eq!(self.user.token("github"), old);
        self.user.set_token(&new);
        self.user.is_from_memory(|| assert_eq!(self.user.token("github"), old));
        (old, new)
    }

    /// After `act`, which learns which token rests, the vault is asked.
    #[track_caller]
    fn ends_with(&self, what: &str, act: impl FnOnce(&User, &str)) {
        let (old, new) = self.prepare();
        act(&self.user, &old);
        assert_eq!(self.user.is_from_vault(|| self.user.token("github")), new, "{what}");
        self.user.is_from_memory(|| assert_eq!(self.user.token("github"), new));
    }

    /// After `act`, which learns which token rests, it still does.
    #[track_caller]
    fn outlives(&self, what: &str, act: impl FnOnce(&User, &str)) {
        let (old, _) = self.prepare();
        act(&self.user, &old);
        assert_eq!(self.user.is_from_memory(|| self.user.token("github")), old, "{what}");
    }

    #[track_caller]
    fn ends_with_command(&self, args: &[&str]) {
        self.ends_with(&args.join(" "), |user, _| {
            user.ok(args);
        });
    }
}

/// git's request with more lines.
fn github(more: &str) -> String {
    format!("{}{more}\n", &GITHUB[..GITHUB.len() - 1])
}

/// git's question, as one that knows `authtype` and `state` asks it.
fn get(user: &User, more: &str) -> Finished {
    user.git("get", &github(&format!("capability[]=authtype\ncapability[]=state\n{more}"))).ok()
}

/// The line in an answer by which git tells us later which answer it was.
fn state(answer: &Finished) -> String {
    let line = answer.stdout.lines().find(|line| line.starts_with("state[]="));
    format!("{}\n", line.unwrap_or_else(|| panic!("{answer:?}")))
}

#[test]
fn gits_erase_ends_the_rest_of_the_very_token_that_it_names() {
    let resting = Resting::new();
    let erase = |user: &User, input: &str| user.git("erase", input).ok();
    resting.ends_with("as a password", |user, token| {
        erase(user, &github(&format!("username=x-access-token\npassword={token}\n")));
    });
    resting.ends_with("as a password without a user name", |user, token| {
        erase(user, &github(&format!("password={token}\n")));
    });
    resting.ends_with("as a credential", |user, token| {
        erase(user, &github(&format!("capability[]=authtype\nauthtype=Bearer\ncredential={token}\n")));
    });
    resting.ends_with("at another host of the service", |user, token| {
        erase(user, &format!("protocol=https\nhost=gist.github.com\npassword={token}\n\n"));
    });
    for (what, input) in [
        ("another password", github("username=x-access-token\npassword=of-another-helper\n")),
        ("another credential", github("capability[]=authtype\nauthtype=Bearer\ncredential=of-another-helper\n")),
        ("no password", github("username=ada\n")),
    ] {
        resting.outlives(what, |user, _| drop(erase(user, &input)));
    }
    resting.outlives("another host", |user, token| {
        erase(user, &format!("protocol=https\nhost=example.com\npassword={token}\n\n"));
    });
    resting.outlives("another scheme", |user, token| {
        erase(user, &format!("protocol=http\nhost=github.com\npassword={token}\n\n"));
    });
    resting.outlives("store", |user, token| {
        user.git("store", &github(&format!("username=x-access-token\npassword={token}\n"))).ok();
    });
}

#[test]
fn gits_second_question_ends_the_rest_of_what_it_was_answered_before() {
    let resting = Resting::new();
    let (old, new) = resting.prepare();
    let user = &resting.user;
    let answer = user.is_from_memory(|| get(user, ""));
    assert!(answer.stdout.contains(&format!("password={old}\n")), "{answer:?}");
    let again = user.is_from_vault(|| get(user, &state(&answer)));
    assert!(again.stdout.contains(&format!("password={new}\n")), "{again:?}");
    user.is_from_memory(|| assert_eq!(user.token("github"), new));

    let unknown = "state[]=scalekit:00000000000000000000000000000000\n".to_owned();
    for state in [unknown, "state[]=another-helper:x\n".into(), state(&answer)] {
        let got = user.is_from_memory(|| get(user, &state));
        assert!(got.stdout.contains(&format!("password={new}\n")), "{state}: {got:?}");
    }
}

#[test]
fn the_refusal_of_one_accounts_token_leaves_the_others_in_peace() {
    let resting = Resting::new();
    let user = &resting.user;
    user.world.seed_as("bob", "github-z", "GITHUB", "token-of-bob");
    user.ok(&["config", "gitea", "github-z", "--identifier", "bob", "--host", "git.example.com"]);
    let gitea = |more: &str| {
        let input = format!("protocol=https\nhost=git.example.com\ncapability[]=state\n{more}\n");
        user.git("get", &input).ok()
    };
    resting.outlives("the other account's second question and its end", |_, _| {
        let answer = gitea("");
        assert!(answer.stdout.contains("password=token-of-bob\n"), "{answer:?}");
        let refused = user.is_from_vault(|| gitea(&state(&answer)));
        assert!(refused.stdout.is_empty() && refused.stderr.contains("refused the token"), "{refused:?}");
        user.git("erase", "protocol=https\nhost=git.example.com\npassword=token-of-bob\n\n").ok();
    });
}

#[test]
fn dockers_erase_ends_the_rest() {
    let resting = Resting::new();
    resting.ends_with("erase", |user, _| drop(user.docker("erase", "ghcr.io").ok()));
    resting.ends_with("erase of a spelling", |user, _| drop(user.docker("erase", "https://ghcr.io/v2/").ok()));
    resting.outlives("another registry", |user, _| drop(user.docker("erase", "docker.io").ok()));
}

#[test]
fn commands_that_change_what_is_true_end_the_rest() {
    let resting = Resting::new();
    let github = ["config", "github", "github-x", "--identifier", "ada"];
    resting.ends_with_command(&github);
    // Another service of the same connection, whose accounts are the same.
    resting.ends_with("remove", |user, _| {
        user.write_connections(
            r#"{"github": {"connection_name": "github-x", "identifier": "ada"},
                "other": {"connection_name": "github-x", "identifier": "bob"}}"#,
        );
        user.ok(&["remove", "other"]);
    });
    for args in [
        &["connect", "github", "--no-wait"][..],
        &["sync"],
        &["cache", "clear"],
        &["cache", "limit", "--account", "600"],
        &["cache", "limit", "--client", "600"],
    ] {
        resting.ends_with_command(args);
    }
    for args in [&["list"][..], &["status"], &["which", "github"], &["cache", "status"]] {
        resting.outlives(&args.join(" "), |user, _| drop(user.ok(args)));
    }
}

#[test]
fn login_and_logout_end_the_rest_of_the_environments_tokens() {
    let mut resting = Resting::new();
    resting.user.login_with_file();
    let (_, new) = resting.prepare();
    resting.user.login_with_file();
    assert_eq!(resting.user.is_from_vault(|| resting.user.token("github")), new);

    resting.prepare();
    resting.user.ok(&["logout"]);
    assert_eq!(resting.user.status()["tokens"].as_array().unwrap().len(), 0);
    // The same environment and client from the variables: under the same key nothing is left.
    resting.user.world.credentials_in_variables = true;
    let (user, clients) = (&resting.user, resting.user.world.count(TOKEN));
    user.is_from_vault(|| user.token("github"));
    assert_eq!(user.world.count(TOKEN), clients + 1, "the client token is gone, too");
}

#[test]
fn a_disconnected_account_gives_no_token_any_more() {
    let resting = Resting::new();
    resting.prepare();
    resting.user.ok(&["disconnect", "github", "--yes"]);
    assert_eq!(resting.user.left("github-x"), None);
    resting.user.run(&["token", "github"]).exit(5);
}

/// A user with the service `api`, an API client whose secret is in a file.
fn api() -> (User, String) {
    let user = User::new();
    user.world.control(Control::SeedOrganization { id: organization::ORG.into() });
    let home = format!("file:{}", user.world.path("api.json").display());
    let create = ["client", "create", "--org", organization::ORG, "--name", "CI", "--service", "api", "--home", &home];
    let created = organization::object(&user.ok(&[&create[..], &["--json"]].concat()));
    (user, created["client_id"].as_str().unwrap().to_owned())
}

/// After the command, a client token is asked for.
#[track_caller]
fn ends_clients_token(user: &User, args: &[&str]) {
    let last = user.token("api");
    user.is_from_memory(|| assert_eq!(user.token("api"), last));
    user.ok(args);
    let clients = user.world.count(TOKEN);
    user.token("api");
    assert_eq!(user.world.count(TOKEN), clients + 1, "{args:?}");
}

#[test]
fn an_api_clients_token_ends_with_its_secret_and_with_itself() {
    let (user, _) = api();
    ends_clients_token(&user, &["client", "rotate", "api"]);
    ends_clients_token(&user, &["client", "update", "api", "--name", "CD"]);
    let last = user.token("api");
    assert!(user.kernel_memory().contains(&last));
    user.ok(&["client", "delete", "api", "--yes"]);
    assert!(!user.kernel_memory().contains(&last));
    assert_ne!(user.run(&["token", "api"]).code, Some(0));
}

#[test]
fn an_api_clients_token_ends_with_another_configuration() {
    let (user, client_id) = api();
    ends_clients_token(&user, &["config", "api", "--client-id", &client_id]);
}
