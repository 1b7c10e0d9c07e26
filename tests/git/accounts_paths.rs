//! Which account a path, a host or a user name leads to, with the spellings that real clone URLs have.

use crate::common::World;
use crate::common::gits::{Repository, all};
use scalekit_sandbox::{GitServer, Offers};
use serde_json::Value;

/// A server with `acme/app.git`, where `work` has the path `acme` and `home` the host.
fn repository(git: std::path::PathBuf) -> Repository {
    let repository = Repository::new(git, Offers::Basic);
    std::fs::create_dir(repository.root.join("Acme")).unwrap();
    GitServer::create_repository(&repository.root, "Acme/app.git", &[("README", b"hello\n")]).unwrap();
    let world = &repository.world;
    world.seed_as("bob", "github-x", "GITHUB", "token-of-home");
    let host = repository.server.url().to_owned();
    let account = |identifier: &str, name: &str, host: &str| {
        world.ok(&["config", "github", "github-x", "--identifier", identifier, "--as", name, "--host", host]);
    };
    account("bob", "home", &host);
    account("ada", "work", &format!("{host}/acme"));
    repository.git(&["config", "--global", &format!("credential.{host}.useHttpPath"), "true"]).ok();
    repository
}

#[test]
fn real_git_gets_the_account_of_the_owner_whatever_the_case() {
    for git in all() {
        let repository = repository(git);
        repository.git(&["ls-remote", &repository.url("Acme/app.git")]).ok();
        for name in ["org2", "git", "Work", "x-token-auth"] {
            let url = repository.url("Acme/app.git").replace("https://", &format!("https://{name}@"));
            repository.git(&["ls-remote", &url]).ok();
        }
        let stranger = repository.url("app.git").replace("https://", "https://eve@");
        let got = repository.git(&["ls-remote", &stranger]).exit(128);
        assert!(got.stderr.contains("--identifier IDENTIFIER --as eve"), "{got:?}");
        let seen = repository.server.seen();
        assert!(seen.iter().all(|seen| seen.token.as_deref() != Some("token-of-home")), "{seen:?}");
    }
}

#[test]
fn a_host_of_an_account_keeps_its_token_from_the_providers_own_hosts() {
    let world = World::new();
    world.seed("x", "GITHUB", "token-of-ghe");
    let config = ["config", "ghe", "x", "--provider", "GITHUB", "--identifier", "ada", "--as", "me"];
    let told = world.ok(&[&config[..], &["--host", "ghe.acme.test"]].concat()).stderr;
    assert!(told.contains("it answers for ghe.acme.test (as me)"), "{told}");
    assert!(told.contains("for no other host of GITHUB"), "{told}");
    for host in ["github.com", "gist.github.com", "api.github.com", "raw.githubusercontent.com", "ghcr.io"] {
        let got = world.helper("get", &format!("protocol=https\nhost={host}\n\n")).ok();
        assert_eq!((got.stdout.as_str(), got.stderr.as_str()), ("", ""), "{host}");
        let got = world.run(&["which", host, "--json"]).exit(3);
        let told: Value = serde_json::from_str(&got.stdout).unwrap();
        assert!(told["message"].as_str().unwrap().contains("ghe has other hosts in their place"), "{told}");
    }
    assert!(world.helper("get", "protocol=https\nhost=ghe.acme.test\n\n").ok().stdout.contains("token-of-ghe"));
}
