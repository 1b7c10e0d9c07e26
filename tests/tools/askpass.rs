//! GIT_ASKPASS with a git that has no helper, and wget's --use-askpass.

use crate::common::gits::old;
use crate::common::https::Https;
use crate::common::{World, finish};
use crate::serves;
use base64::Engine;
use scalekit_sandbox::{GitOptions, GitServer, Offers};

#[test]
fn git_asks_at_the_prompt_and_gets_user_name_and_token() {
    let world = World::new();
    let root = world.path("server");
    std::fs::create_dir(&root).unwrap();
    GitServer::create_repository(&root, "acme/app.git", &[("README", b"hello\n")]).unwrap();
    let tokens = vec!["tok-1".into()];
    let tls = Some(world.sandbox.ca());
    let server =
        GitServer::start(GitOptions { root, tls, offers: Offers::Basic, tokens, ..GitOptions::default() }).unwrap();
    serves(&world, server.url());
    let mut git = world.command(old());
    git.args(["-c", "credential.helper=", "clone", &format!("{}/acme/app.git", server.url()), "app"]);
    git.env("GIT_ASKPASS", world.path("bin/scalekit-askpass")).env("GIT_SSL_CAINFO", world.sandbox.ca_pem());
    finish(&mut git, "").ok();
    assert_eq!(std::fs::read_to_string(world.path("app/README")).unwrap(), "hello\n");
}

#[test]
fn wget_asks_as_git_does() {
    let world = World::new();
    let site = Https::start(&world, &["localhost"]);
    let pair = base64::prelude::BASE64_STANDARD.encode("oauth2:tok-1");
    site.wants(&format!("Basic {pair}"), "Basic realm=\"x\"");
    site.serves("/file", "the file\n");
    let origin = format!("https://localhost:{}", site.port);
    // wget's prompt leaves the port out.
    serves(&world, "https://localhost");
    let mut wget = world.command("wget");
    wget.arg(format!("--use-askpass={}", world.path("bin/scalekit-askpass").display()));
    wget.arg(format!("--ca-certificate={}", site.ca.display())).args(["-qO-", &format!("{origin}/file")]);
    let got = finish(&mut wget, "").ok();
    assert_eq!(got.stdout, "the file\n");
}
