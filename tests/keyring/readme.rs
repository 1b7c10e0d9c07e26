//! The commands of the README and of docs/, run as they stand there. A proxy leads github.com and gmail.googleapis.com to loopback.

use std::process::Command;

use crate::common::keyring::Desk;
use crate::common::proxy::Proxy;
use crate::common::{World, finish};
use scalekit_sandbox::{Control, GitOptions, GitServer, Offers};

/// The README and the pages it leads to, in the order in which a reader would follow them.
const README: &str = concat!(
    include_str!("../../README.md"),
    include_str!("../../docs/git.md"),
    include_str!("../../docs/docker.md"),
    include_str!("../../docs/curl-exec-gh.md"),
    include_str!("../../docs/tools.md"),
    include_str!("../../docs/mcp.md"),
    include_str!("../../docs/machines.md"),
    include_str!("../../docs/hosts-and-accounts.md"),
    include_str!("../../docs/token-cache.md"),
    include_str!("../../docs/consent-and-agents.md"),
    include_str!("../../docs/api-clients.md"),
    include_str!("../../docs/verify.md"),
    include_str!("../../docs/migrating.md"),
    include_str!("../../docs/troubleshooting.md"),
);

/// The code blocks of this language, in order.
fn blocks(language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    README.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

#[test]
fn the_first_command_shows_the_main_job() {
    assert_eq!(blocks("sh")[0], "cargo run --example demo\n");
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--example", "demo"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    for part in
        ["Cloned with a token from the vault.", "demo-token-for-GMAIL", "(exit code 3)", "everything is cleaned up"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn every_other_shell_block_works_from_top_to_bottom() {
    let desk = Desk::logged_in();
    let world = &desk.world;
    // Two tests write the first service in their own way; the README begins without any.
    desk.run(&["remove", "github"]).ok();
    world.control(Control::disabled_connection("github-x", "GITHUB"));
    for (connection, provider) in
        [("github-x1y2", "GITHUB"), ("gmail-u3134a", "GMAIL"), ("zendesk-k9", "ZENDESK"), ("forge-c2", "GITEA")]
    {
        world.seed_as("agent", connection, provider, &format!("token-of-{connection}"));
    }
    for (identifier, name) in [("alice@example.com", "home"), ("alice@acme.com", "work")] {
        world.seed_as(identifier, "github-x1y2", "GITHUB", &format!("token-of-{name}"));
    }
    world.control(Control::SeedOrganization { id: "org_123".into() });
    let root = world.path("server");
    std::fs::create_dir(&root).unwrap();
    GitServer::create_repository(&root, "acme/app.git", &[("README", b"hello\n")]).unwrap();
    let server = GitServer::start(GitOptions {
        root,
        tls: Some(world.sandbox.ca()),
        offers: Offers::Both,
        tokens: vec!["token-of-github-x1y2".into(), "token-of-gmail-u3134a".into()],
        ..GitOptions::default()
    })
    .unwrap();
    let proxy = Proxy::start(server.url().rsplit(':').next().unwrap().parse().ok());
    leave_a_skill_behind(world);

    for block in &blocks("sh")[1..] {
        let mut command = desk.command("bash");
        command.args(["-e", "-c", block]).env("https_proxy", &proxy.url);
        command.env("CURL_CA_BUNDLE", world.sandbox.ca_pem()).env("GIT_SSL_CAINFO", world.sandbox.ca_pem());
        finish(&mut command, "").ok();
    }
    assert_eq!(std::fs::read_to_string(world.path("app/README")).unwrap(), "hello\n");
    let sent = |token: &str, path: &str| {
        server.seen().iter().any(|seen| seen.token.as_deref() == Some(token) && seen.path.starts_with(path))
    };
    assert!(sent("token-of-github-x1y2", "/acme/app.git/"));
    assert!(sent("token-of-gmail-u3134a", "/gmail/v1/users/me/messages"));
    let rest = std::fs::read_to_string(world.path("skill/.env")).unwrap();
    assert!(!rest.contains(world.sandbox.client_secret()), "{rest}");
}

fn leave_a_skill_behind(world: &World) {
    let sandbox = &world.sandbox;
    std::fs::create_dir(world.path("skill")).unwrap();
    let connections = r#"{"slack": {"connection_name": "slack-q1", "identifier": "mess"}}"#;
    std::fs::write(world.path("skill/connections.json"), connections).unwrap();
    let (url, id, secret) = (sandbox.url(), sandbox.client_id(), sandbox.client_secret());
    let env = format!("SCALEKIT_ENV_URL={url}\nSCALEKIT_CLIENT_ID={id}\nSCALEKIT_CLIENT_SECRET={secret}\n");
    std::fs::write(world.path("skill/.env"), env).unwrap();
}

#[test]
fn every_command_outside_the_shell_blocks_is_one_that_another_test_runs() {
    for block in blocks("") {
        for line in block.lines().filter(|line| line.starts_with("scalekit-auth") || line.starts_with("./")) {
            assert!(["./install.sh", "scalekit-auth login"].contains(&line), "{line}");
        }
    }
    // What the table of tools names stands in a shell block, or is run word by word where this says.
    let elsewhere = [
        "git config --global credential.helper scalekit", // tests/common/gits.rs, for every git test
        "git config --global credential.helper \"!scalekit-auth git-credential\"", // tests/git_modern.rs
        "scalekit-auth setup git smtp://smtp.gmail.com:587", // tests/accounts.rs
        "scalekit-auth exec --with github -- gh api user", // tests/gh.rs
        "scalekit-auth setup gh",                         // tests/gh.rs
        "scalekit-auth exec --with gmail=GMAIL_TOKEN -- printenv GMAIL_TOKEN", // tests/exec.rs
        "scalekit-auth token SERVICE",                    // protocol.md, tests/outcomes.rs
        "scalekit-auth token SERVICE --json",             // protocol.md, tests/vault.rs
    ];
    let table = README.split("| tool | how to wire it |").nth(1).unwrap().split("\n\n").next().unwrap();
    let commands: Vec<_> =
        table.split('`').filter(|part| part.starts_with("scalekit-auth ") || part.starts_with("git config")).collect();
    assert_eq!(commands.len(), 11, "{commands:?}");
    for command in commands {
        let in_a_block = blocks("sh").iter().any(|block| block.lines().any(|line| line == command));
        assert!(in_a_block || elsewhere.contains(&command), "{command}");
    }
    for line in README.lines().filter(|line| line.starts_with("| ") && line.contains("scalekit-auth login --home")) {
        for command in line.split('`').filter(|part| part.starts_with("scalekit-auth login --home")) {
            assert!(include_str!("homes_machines.rs").contains(command), "{command}");
        }
    }
}

#[test]
fn every_page_is_linked_and_the_readme_is_short() {
    let readme = include_str!("../../README.md");
    assert!(readme.lines().count() <= 150, "{}", readme.lines().count());
    let pages = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/docs")).unwrap();
    let mut count = 0;
    for page in pages.map(|page| page.unwrap().file_name().into_string().unwrap()) {
        if page.ends_with(".md") {
            assert!(readme.contains(&format!("(docs/{page})")), "{page}");
            count += 1;
        }
    }
    assert!(count >= 12);
}
