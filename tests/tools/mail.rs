//! Mail programs, each with the lines that `setup` prints for it, against a mail server that takes one token.

use std::process::Command;

use crate::common::keyring::needed;
use crate::common::setup::write;
use crate::common::{EXE, Finished, World, finish};
use crate::post::Post;

/// As long as Google's tokens get.
fn long() -> String {
    format!("tok-{}", "x".repeat(2044))
}

/// A world whose program has a space in its path, and whose service has these places.
fn world(token: &str) -> World {
    let world = World::new();
    world.seed("mine-x", "ACME", token);
    let program = world.path("my programs/scalekit-auth");
    std::fs::create_dir(program.parent().unwrap()).unwrap();
    if std::fs::hard_link(EXE, &program).is_err() {
        std::fs::copy(EXE, &program).unwrap();
    }
    world
}

/// What `setup` prints for a tool, for Ada, with our server in Google's place: it is Google's by one name alone.
fn lines(world: &World, tool: &str, servers: &[(&str, &Post)]) -> String {
    let mut config = world.command(EXE);
    config.args(["config", "mine", "mine-x", "--identifier", "ada"]);
    let printed = finish(world.command(world.path("my programs/scalekit-auth")).args(["setup", tool]), "").ok();
    let mut text = printed.stdout.replace("ADDRESS", "ada@example.com");
    for (google, server) in servers {
        let (scheme, name) = google.split_once("://").unwrap();
        let (name, port) = name.split_once(':').unwrap_or((name, "993"));
        config.args(["--host", &format!("{scheme}://localhost:{}", server.port)]);
        assert!(text.contains(&format!("token {google}")), "{text}");
        let ours = format!("localhost:{}", server.port);
        text = text.replace(google, &format!("{scheme}://{ours}"));
        text = text.replace(&format!("{name}:{port}"), &ours).replace(name, "localhost");
    }
    finish(&mut config, "").ok();
    text
}

/// A program that is not waited for in vain.
fn program(world: &World, name: &'static str, package: &str) -> Command {
    let mut command = world.command("timeout");
    command.args(["20", needed(name, package)]);
    command
}

/// Runs a program, which shows the token nowhere.
#[track_caller]
fn quiet(command: &mut Command, input: &str) -> Finished {
    let got = finish(command, input);
    assert!(got.code != Some(124), "it went on for too long: {} {}", got.stdout, got.stderr);
    assert!(!got.stdout.contains("tok-") && !got.stderr.contains("tok-"), "{got:?}");
    got
}

const SMTP: &str = "smtp://smtp.gmail.com:587";
const IMAP: &str = "imaps://imap.gmail.com";

fn msmtp(world: &World, server: &Post, auth: &str) -> Finished {
    let text = lines(world, "msmtp", &[(SMTP, server)]);
    assert!(text.contains("port 587\n") && text.contains("auth oauthbearer\n"), "{text}");
    let text = text.replace("port 587\n", &format!("port {}\n", server.port)).replace("auth oauthbearer\n", auth);
    write(&world.path(".msmtprc"), &format!("{text}tls_trust_file {}\n", server.ca.display()));
    let mut msmtp = program(world, "msmtp", "msmtp");
    quiet(msmtp.args(["-a", "gmail", "bob@example.com"]), "Subject: greetings\n\nhello\n")
}

#[test]
fn msmtp_sends_with_a_token() {
    for (mechanism, auth) in [("OAUTHBEARER", "auth oauthbearer\n"), ("XOAUTH2", "auth xoauth2\n")] {
        for token in ["tok-1", &long()] {
            let world = world(token);
            let server = Post::smtp(&world, mechanism, token);
            let got = msmtp(&world, &server, auth);
            assert!(got.code == Some(0), "{got:?} {:#?}", server.seen());
            server.heard(&format!("{mechanism} right"));
            server.heard("MAIL FROM:<ada@example.com>");
            server.heard("hello");
        }
    }
}

fn mbsync(world: &World, server: &Post) -> Finished {
    let account = lines(world, "mbsync", &[(IMAP, server)]);
    std::fs::create_dir(world.path("Mail")).unwrap();
    let rest = format!(
        "Port {}\nCertificateFile {}\n\nIMAPStore far\nAccount gmail\n\nMaildirStore near\nPath ~/Mail/\nInbox ~/Mail/INBOX\n\n\
         Channel all\nFar :far:\nNear :near:\nPatterns INBOX\nCreate Near\nSyncState *\n",
        server.port,
        server.ca.display()
    );
    write(&world.path(".mbsyncrc"), &format!("{account}{rest}"));
    quiet(program(world, "mbsync", "isync").args(["-Dn", "all"]), "")
}

#[test]
fn mbsync_reads_with_a_token() {
    for token in ["tok-1", &long()] {
        let world = world(token);
        let server = Post::imaps(&world, "XOAUTH2", token);
        let got = mbsync(&world, &server);
        assert!(got.code == Some(0), "{got:?} {:#?}", server.seen());
        server.heard("XOAUTH2 right");
        server.heard("SELECT \"INBOX\"");
    }
}
