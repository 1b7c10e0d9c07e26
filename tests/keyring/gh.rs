//! GitHub's own command line with tokens of the vault: the real `gh`, led by a proxy to stand-ins on loopback.

use std::process::Command;

use crate::common::api::Api;
use crate::common::keyring::needed;
use crate::common::proxy::Proxy;
use crate::common::{EXE, Finished, World, files_below, finish};
use scalekit_sandbox::{GitOptions, GitServer, Offers};

/// Answers `gh api user` as well as what `gh repo clone` asks about the repository.
const ANSWER: &str = r#"{"login": "ada", "data": {"repository": {"id": "R_1", "name": "app",
    "owner": {"login": "acme"}, "url": "https://github.com/acme/app", "hasIssuesEnabled": true, "parent": null}}}"#;

fn world() -> World {
    let world = World::new();
    world.seed("github-x", "GITHUB", "gho_abc");
    world.ok(&["config", "github", "github-x", "--identifier", "ada"]);
    world
}

/// `program`, for which the proxy is the way to everybody.
fn command(world: &World, program: &str, api: &Api, proxy: &Proxy) -> Command {
    needed("gh", "gh");
    let mut command = world.command(program);
    command.env("HTTPS_PROXY", &proxy.url).env("SSL_CERT_FILE", &api.roots);
    command
}

/// The `Authorization` of each request for `path`.
fn sent(api: &Api, path: &str) -> Vec<String> {
    let start = format!("GET {path} ");
    let heads = api.seen().into_iter().filter(|head| head.starts_with(&start));
    let line = |head: String| head.lines().find_map(|line| line.strip_prefix("Authorization: ").map(str::to_owned));
    heads.map(|head| line(head).unwrap_or_default()).collect()
}

/// Nothing that gh wrote holds the token.
fn assert_kept_nowhere(world: &World, token: &str) {
    for file in files_below(world.home.path()) {
        let content = std::fs::read(&file).unwrap_or_default();
        assert!(!content.windows(token.len()).any(|part| part == token.as_bytes()), "{}", file.display());
    }
}

#[test]
fn gh_asks_githubs_api_with_the_vaults_token() {
    let world = world();
    let api = Api::start(&world, &["api.github.com"], ANSWER);
    let proxy = Proxy::start(Some(api.port));
    let mut gh = command(&world, EXE, &api, &proxy);
    gh.args(["exec", "--with", "github", "--", "gh", "api", "user", "--jq", ".login"]);
    let got = finish(&mut gh, "").ok();
    assert_eq!((got.stdout.as_str(), got.stderr.as_str()), ("ada\n", ""));
    assert_eq!(sent(&api, "/user"), ["token gho_abc"]);
    assert!(proxy.seen()[0].starts_with("CONNECT api.github.com:443 "), "{:?}", proxy.seen());
    assert_kept_nowhere(&world, "gho_abc");
}

#[test]
fn gh_asks_an_enterprise_server_without_being_told_its_host() {
    let world = world();
    world.seed("corp-x", "GITHUB", "ghe_abc");
    world.ok(&["config", "corp", "corp-x", "--provider", "github", "--identifier", "ada", "--host", "git.acme.test"]);
    let api = Api::start(&world, &["git.acme.test"], ANSWER);
    let proxy = Proxy::start(Some(api.port));
    let mut gh = command(&world, EXE, &api, &proxy);
    gh.args(["exec", "--with", "corp", "--", "gh", "api", "user", "--jq", ".login"]);
    assert_eq!(finish(&mut gh, "").ok().stdout, "ada\n");
    assert_eq!(sent(&api, "/api/v3/user"), ["token ghe_abc"]);
    assert!(proxy.seen().iter().all(|head| head.starts_with("CONNECT git.acme.test:443 ")), "{:?}", proxy.seen());
}

#[test]
fn gh_clones_and_git_goes_on_with_our_helper() {
    let mut world = world();
    let root = world.path("server");
    std::fs::create_dir(&root).unwrap();
    GitServer::create_repository(&root, "acme/app.git", &[("README", b"hello\n")]).unwrap();
    let server = GitServer::start(GitOptions {
        root,
        tls: Some(world.sandbox.ca()),
        offers: Offers::Basic,
        tokens: vec!["gho_abc".into()],
        ..GitOptions::default()
    })
    .unwrap();
    let api = Api::start(&world, &["api.github.com"], ANSWER);
    let (of_git, of_api) = (server.url().rsplit(':').next().unwrap().parse().ok(), Some(api.port));
    let proxy = Proxy::leading(move |host| if host == "github.com" { of_git } else { of_api });
    // A helper that gh runs has no variables of ours: the client credentials have a home.
    world.credentials_in_variables = false;
    let home = format!("file:{}", world.path("secret").display());
    let sandbox = &world.sandbox;
    let login = ["login", "--home", &home, "--env-url", sandbox.url(), "--client-id", sandbox.client_id()];
    finish(world.command(EXE).args(login).arg("--client-secret-stdin"), sandbox.client_secret()).ok();
    world.ok(&["setup", "git"]);
    let run = |program: &str, args: &[&str]| {
        let mut command = command(&world, program, &api, &proxy);
        command.env("https_proxy", &proxy.url).env("GIT_SSL_CAINFO", world.sandbox.ca_pem());
        finish(command.args(args), "").ok()
    };
    run(EXE, &["exec", "--with", "github", "--", "gh", "repo", "clone", "acme/app", "--", "--quiet"]);
    assert_eq!(std::fs::read_to_string(world.path("app/README")).unwrap(), "hello\n");
    run("git", &["-C", "app", "fetch", "--quiet"]);
    let tokens: Vec<_> = server.seen().into_iter().filter_map(|seen| seen.token).collect();
    assert!(tokens.len() >= 2 && tokens.iter().all(|token| token == "gho_abc"), "{tokens:?}");
    assert_kept_nowhere(&world, "gho_abc");
}

fn setup(world: &World, more: &[&str]) -> Finished {
    world.run(&[&["setup", "gh"], more].concat())
}

#[test]
fn setup_says_what_to_type_and_changes_nothing() {
    let world = world();
    needed("gh", "gh");
    let before = files_below(world.home.path());
    for more in [&[][..], &["--dry-run"]] {
        let got = setup(&world, more).ok();
        assert_eq!(got.stdout, "alias gh='scalekit-auth exec --with github -- gh'\n");
        assert_eq!(got.stderr, "");
    }
    assert!(setup(&world, &["--undo"]).ok().stderr.contains("nothing of ours to undo"));
    assert!(setup(&world, &["github.com"]).exit(2).stderr.contains("takes no hosts"));
    assert_eq!(files_below(world.home.path()), before);
    let api = Api::start(&world, &["api.github.com"], ANSWER);
    let proxy = Proxy::start(Some(api.port));
    let mut shell = command(&world, "bash", &api, &proxy);
    shell.args(["-c", "shopt -s expand_aliases\neval \"$(scalekit-auth setup gh)\"\neval 'gh api user --jq .login'"]);
    assert_eq!(finish(&mut shell, "").ok().stdout, "ada\n");
}

#[test]
fn setup_names_the_service_of_github_com_else_the_only_one() {
    let world = World::new();
    needed("gh", "gh");
    assert!(setup(&world, &[]).exit(3).stderr.contains("`scalekit-auth config github CONNECTION`"));
    let corp = ["config", "corp", "corp-x", "--provider", "github"];
    world.ok(&[&corp[..], &["--host", "git.acme.test"]].concat());
    assert_eq!(setup(&world, &[]).ok().stdout, "alias gh='scalekit-auth exec --with corp -- gh'\n");
    world.ok(&["config", "lab", "lab-x", "--provider", "github", "--host", "git.lab.test"]);
    assert!(setup(&world, &[]).exit(8).stderr.contains("corp, lab"));
    world.ok(&["config", "mirror", "custom-x", "--host", "github.com"]);
    assert_eq!(setup(&world, &[]).ok().stdout, "alias gh='scalekit-auth exec --with mirror=GH_TOKEN -- gh'\n");
    world.ok(&["config", "twin", "custom-y", "--host", "github.com"]);
    setup(&world, &[]).exit(8);
}

#[test]
fn setup_refuses_while_git_asks_gh_first() {
    let world = world();
    let gh = needed("gh", "gh");
    // What `gh auth setup-git` writes for a host where somebody is logged in.
    std::fs::create_dir_all(world.path(".config/gh")).unwrap();
    std::fs::write(world.path(".config/gh/hosts.yml"), "github.com:\n    user: ada\n    oauth_token: gho_own\n")
        .unwrap();
    finish(world.command(gh).args(["auth", "setup-git"]), "").ok();
    let refused = setup(&world, &[]).exit(3);
    assert!(refused.stdout.is_empty() && refused.stderr.contains("git asks gh for"), "{refused:?}");
    assert!(refused.stderr.contains("`scalekit-auth setup git --replace`"), "{refused:?}");
    world.ok(&["setup", "git", "--replace"]);
    setup(&world, &[]).ok();
}

#[test]
fn setup_needs_gh() {
    let world = world();
    let mut command = world.command(EXE);
    let got = finish(command.args(["setup", "gh"]).env("PATH", world.path("bin")), "").exit(3);
    assert!(got.stderr.contains("gh is not on PATH"), "{got:?}");
}
