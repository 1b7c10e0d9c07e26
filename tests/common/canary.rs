//! Secrets that are easy to find again, and a world that holds them.

// Each test file uses a part of it.
#![allow(dead_code)]

use std::fs;
use std::process::{Command, Stdio};

use scalekit_sandbox::{Control, Credential, Options, Sandbox};
use serde_json::json;

use crate::common::keyring::{Killed, until};
use crate::common::{Finished, World, files_below, finish};

pub const SECRET: &str = "canary-client-secret-Kq3vX9wTz7LbN2";
pub const TOKEN: &str = "canary-account-token-Rf8sYp4HdJ6mC1";
pub const REFRESH: &str = "1//canary-refresh-token-Gw5uEa0VnZ2kQ8";

pub const TOKEN_ROUTE: &str = "POST /oauth/token";
pub const AUTH: &str = "GET /api/v1/connected_accounts/auth";
pub const CREATE: &str = "POST /api/v1/connected_accounts";
pub const LINK: &str = "POST /api/v1/connected_accounts/magic_link";

/// The services: `github` has an ACTIVE account, `gitlab` one that waits for consent, `bitbucket` none.
pub fn world() -> World {
    let options = Options { client_secret: SECRET.into(), ..Options::default() };
    let world = World::with(Sandbox::with(options).unwrap());
    seed(&world);
    for (service, host) in [("github", "github.com"), ("gitlab", "gitlab.com"), ("bitbucket", "bitbucket.org")] {
        let (connection, registry) = (format!("{service}-x"), format!("registry.{service}.test"));
        let args = ["config", service, &connection, "--identifier", "ada", "--host", host, "--host", &registry];
        world.ok(&args);
    }
    world
}

pub fn seed(world: &World) {
    for provider in ["github", "gitlab", "bitbucket"] {
        world.control(Control::connection(format!("{provider}-x"), provider.to_uppercase()));
    }
    world.seed_account("github-x", oauth(), Some(3600));
    world.seed_account("gitlab-x", oauth(), Some(3600));
    set_status(world, "gitlab-x", "PENDING_AUTH");
}

pub fn oauth() -> Credential {
    let refresh_token = Some(REFRESH.to_owned());
    Credential::OauthToken { access_token: TOKEN.into(), refresh_token, scopes: vec![], domain: None }
}

pub fn set_status(world: &World, connection: &str, status: &str) {
    let (connection, status) = (connection.to_owned(), status.to_owned());
    world.control(Control::SetStatus { connection, identifier: "ada".into(), status });
}

/// A part of any secret in `content`; a dozen characters in a row are enough to be one.
pub fn shown<'s>(content: &[u8], secrets: &[&'s str]) -> Option<&'s str> {
    let holds = |piece: &[u8]| content.windows(piece.len()).any(|window| window == piece);
    secrets.iter().find(|secret| secret.as_bytes().chunks_exact(12).any(holds)).copied()
}

/// Runs every command that asks for `service`, all at once, and looks for secrets in what they leave.
pub fn look(world: &World, case: &str, service: &str, host: &str) {
    look_as(world, &|program| world.command(program), case, service, host);
}

/// As [`look`], with programs that somebody else may start.
pub fn look_as(world: &World, command: &(dyn Fn(&str) -> Command + Sync), case: &str, service: &str, host: &str) {
    let request = format!("protocol=https\nhost={host}\n");
    let with_password = format!("{request}username=x-access-token\npassword={TOKEN}\n\n");
    let sandbox = &world.sandbox;
    let login = ["login", "--env-url", sandbox.url(), "--client-id", sandbox.client_id(), "--client-secret-stdin"];
    let run = &|program: &str, args: &[&str], input: &str| {
        let finished = finish(command(program).args(args), input);
        (format!("{case}: {program} {args:?}"), finished)
    };
    let (git, docker) = ("git-credential-scalekit", "docker-credential-scalekit");
    let registry = format!("registry.{service}.test");
    let password = json!({"ServerURL": registry, "Username": "x-access-token", "Secret": TOKEN}).to_string();
    let runs: Vec<(String, Finished)> = std::thread::scope(|scope| {
        let threads = [
            scope.spawn(|| run("scalekit-auth", &["token", service], "")),
            scope.spawn(|| run("scalekit-auth", &["token", service, "--json"], "")),
            scope.spawn(|| run("scalekit-auth", &["header", service], "")),
            scope.spawn(|| run("scalekit-auth", &["header", service, "--json"], "")),
            scope.spawn(|| run("scalekit-auth", &["exec", "--with", service, "--", "true"], "")),
            scope.spawn(|| run("scalekit-auth", &["connect", service, "--no-wait"], "")),
            scope.spawn(|| run("scalekit-auth", &["status", "--check"], "")),
            scope.spawn(|| run("scalekit-auth", &["cache", "status"], "")),
            scope.spawn(|| run("scalekit-auth", &["cache", "status", "--json"], "")),
            scope.spawn(|| run("scalekit-auth", &login, SECRET)),
            scope.spawn(|| run(git, &["get"], &format!("{request}\n"))),
            scope.spawn(|| run(git, &["store"], &with_password)),
            scope.spawn(|| run(git, &["erase"], &with_password)),
            scope.spawn(|| run(docker, &["get"], &registry)),
            scope.spawn(|| run(docker, &["store"], &password)),
        ];
        threads.map(|thread| thread.join().unwrap()).into()
    });
    let issued = sandbox.client_tokens();
    let secrets: Vec<&str> = [SECRET, TOKEN, REFRESH].into_iter().chain(issued.iter().map(String::as_str)).collect();
    for (run, Finished { code, stdout, stderr }) in &runs {
        // Where the protocol puts a token: alone on a line, in one JSON string, or as git's or docker's password.
        let places = [
            format!("{TOKEN}\n"),
            format!("\"token\":\"{TOKEN}\""),
            format!("{{\"Authorization\":\"Bearer {TOKEN}\"}}"),
            format!("password={TOKEN}\n"),
            format!("\"Secret\":\"{TOKEN}\""),
        ];
        let place = places.iter().find(|place| *code == Some(0) && stdout.contains(place.as_str()));
        let rest = place.map_or_else(|| stdout.clone(), |place| stdout.replacen(place, "", 1));
        for text in [&rest, stderr] {
            assert_eq!(shown(text.as_bytes(), &secrets), None, "{run}: {stdout}{stderr}");
        }
    }
    look_at_files(world, case, &secrets);
    assert_eq!(sandbox.violations(), Vec::<String>::new(), "{case}");
}

/// No file of this world, but for the programs, shows a secret.
pub fn look_at_files(world: &World, case: &str, secrets: &[&str]) {
    for file in files_below(world.home.path()).iter().filter(|file| !file.starts_with(world.path("bin"))) {
        // A lock file of a process that is not ours may be gone by now.
        let content = fs::read(file).unwrap_or_default();
        assert_eq!(shown(&content, secrets), None, "{case}: {}", file.display());
    }
}

/// Starts `command`, whose request for an account stays without an answer.
pub fn pending(world: &World, command: &mut Command) -> Killed {
    let before = world.count(AUTH);
    world.control(Control::Delay { route: Some(AUTH.into()), times: 1, millis: 6000 });
    let child = Killed(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    until("the account is asked for", || world.count(AUTH) > before);
    child
}
