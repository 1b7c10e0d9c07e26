//! Mail programs, each with the lines that `setup` prints for it, against a mail server that takes one token.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::common::expect::on_terminal;
use crate::common::keyring::needed;
use crate::common::setup::{move_program, printed, write};
use crate::common::{EXE, Finished, World, finish};
use crate::post::Post;

/// As long as Google's tokens get.
fn long() -> String {
    format!("tok-{}", "x".repeat(2044))
}

/// A world whose program has a space in its path, with the connection of a service.
fn world(token: &str) -> World {
    let world = World::new();
    world.seed("mine-x", "ACME", token);
    move_program(&world, "my programs");
    world
}

/// What `setup` prints for a tool, for Ada, with our servers in the place of Google's.
fn lines(world: &World, tool: &str, servers: &[(&str, &Post)]) -> String {
    let mut config = world.command(EXE);
    config.args(["config", "mine", "mine-x", "--identifier", "ada"]);
    let mut text = printed(world, "my programs", tool).replace("ADDRESS", "ada@example.com");
    for (google, server) in servers {
        let (scheme, name) = google.split_once("://").unwrap();
        let (name, port) = name.split_once(':').unwrap_or((name, if scheme == "imaps" { "993" } else { "465" }));
        config.args(["--host", &format!("{scheme}://localhost:{}", server.port)]);
        let asks = [format!("token {google}"), format!("\"token\", \"{google}\"")];
        assert!(asks.iter().any(|words| text.contains(words)), "{text}");
        let ours = format!("localhost:{}", server.port);
        text = text.replace(&format!("{name}:{port}"), &ours);
        text = text.replace(google, &format!("{scheme}://{ours}")).replace(name, "localhost");
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
const SMTPS: &str = "smtps://smtp.gmail.com";
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
    quiet(program(world, "mbsync", "isync").arg("all"), "")
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

/// They have the same lines, and the names of their packages.
const MUTTS: [&str; 2] = ["mutt", "neomutt"];

/// What a server offers, what is taken of it, and a token. By OAUTHBEARER, neomutt sends none beyond 512 bytes.
fn offers(long: &str) -> [(&'static str, &'static str, &str); 3] {
    [("OAUTHBEARER XOAUTH2", "XOAUTH2", long), ("XOAUTH2", "XOAUTH2", "tok-1"), ("OAUTHBEARER", "OAUTHBEARER", "tok-1")]
}

fn muttrc(world: &World, smtp: &Post, imap: &Post, authority: &Post) {
    let text = lines(world, "mutt", &[(SMTP, smtp), (IMAP, imap)]);
    let rest = format!(
        "set from = ada@example.com\nset copy = no\nset ssl_force_tls = yes\n\
         set ssl_ca_certificates_file = {}\nset imap_passive = yes\n",
        authority.ca.display()
    );
    write(&world.path(".muttrc"), &format!("{text}{rest}"));
}

#[test]
fn mutt_and_neomutt_send_with_a_token() {
    for name in MUTTS {
        for (mechanisms, mechanism, token) in offers(&long()) {
            let world = world(token);
            let imap = Post::imaps(&world, mechanisms, token);
            let smtp = Post::smtp(&world, mechanisms, token);
            muttrc(&world, &smtp, &imap, &smtp);
            let mut mutt = program(&world, name, name);
            let got = quiet(mutt.args(["-s", "greetings", "--", "bob@example.com"]), "hello\n");
            assert!(got.code == Some(0), "{name} {mechanism}: {got:?} {:#?}", smtp.seen());
            smtp.heard(&format!("{mechanism} right"));
            smtp.heard("Subject: greetings");
        }
    }
}

#[test]
fn mutt_and_neomutt_read_with_a_token() {
    for name in MUTTS {
        for (mechanisms, mechanism, token) in offers(&long()) {
            let world = world(token);
            let smtp = Post::smtp(&world, mechanisms, token);
            let imap = Post::imaps(&world, mechanisms, token);
            muttrc(&world, &smtp, &imap, &imap);
            // Else mutt asks whether to make it.
            std::fs::create_dir(world.path("Mail")).unwrap();
            let script = "spawn $env(mutt) -f imaps://localhost:$env(port)/INBOX\nsee {PROGRAM:}\nsend q\nended";
            let port = imap.port.to_string();
            let variables = [("mutt", needed(name, name)), ("port", &port), ("TERM", "xterm")];
            let script = script.replace("PROGRAM", if name == "mutt" { "Mutt" } else { "NeoMutt" });
            let got = on_terminal(&world, &variables, &script);
            assert!(!got.stdout.contains("tok-"), "{got:?}");
            assert!(imap.seen().contains(&format!("{mechanism} right")), "{name}: {got:?} {:#?}", imap.seen());
            imap.heard("SELECT \"INBOX\"");
        }
    }
}

#[test]
fn aerc_reads_and_sends_with_a_token() {
    for token in ["tok-1", &long()] {
        let world = world(token);
        let smtp = Post::smtps(&world, "OAUTHBEARER XOAUTH2", token);
        let mut authorities = std::fs::read_to_string(&smtp.ca).unwrap();
        let imap = Post::imaps(&world, "OAUTHBEARER XOAUTH2", token);
        for more in [&imap.ca, world.sandbox.ca_pem()] {
            authorities += &std::fs::read_to_string(more).unwrap();
        }
        write(&world.path("all.pem"), &authorities);
        let ours = format!("imaps+xoauth2://ada@example.com@localhost:{}", imap.port);
        let text = lines(&world, "aerc", &[(SMTPS, &smtp), (IMAP, &imap)]);
        let text = text.replace("imaps+xoauth2://ada@example.com@localhost", &ours);
        let accounts = world.path(".config/aerc/accounts.conf");
        write(&accounts, &format!("{text}from = Ada <ada@example.com>\n"));
        std::fs::set_permissions(&accounts, PermissionsExt::from_mode(0o600)).unwrap();
        let script = r#"
            spawn $env(aerc)
            see INBOX
            send ":compose -H 'To: bob@example.com' hello\r"
            see "Send this email"
            send y
            see sent
            send ":quit\r"
            ended
        "#;
        let authorities = world.path("all.pem").display().to_string();
        let variables =
            [("aerc", needed("aerc", "aerc")), ("SSL_CERT_FILE", &*authorities), ("TERM", "xterm"), ("EDITOR", "true")];
        let got = on_terminal(&world, &variables, script);
        assert!(!got.stdout.contains("tok-"), "{got:?}");
        assert!(imap.seen().contains(&"XOAUTH2 right".to_owned()), "{got:?} {:#?}", imap.seen());
        assert!(smtp.seen().contains(&"XOAUTH2 right".to_owned()), "{got:?} {:#?}", smtp.seen());
        smtp.heard("hello");
    }
}

#[test]
fn each_command_that_is_printed_gets_the_token_of_gmail() {
    let world = world("tok-1");
    world.seed("gmail-x", "GMAIL", "tok-gmail");
    let mut config = world.command(EXE);
    finish(config.args(["config", "gmail", "gmail-x", "--identifier", "ada"]), "").ok();
    for tool in ["msmtp", "mbsync", "mutt", "aerc"] {
        let text = printed(&world, "my programs", tool);
        let program = world.path("my programs/scalekit-auth");
        let start = format!("'{}' token ", program.display());
        let places: Vec<&str> =
            text.split(&start).skip(1).map(|rest| rest.split(['"', '\n']).next().unwrap()).collect();
        assert!(!places.is_empty(), "{text}");
        for place in places {
            let got = finish(world.command("sh").args(["-c", &format!("{start}{place}")]), "").ok();
            assert_eq!(got.stdout, "tok-gmail\n", "{tool}: {place}");
        }
    }
}
