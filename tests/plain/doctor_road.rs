//! `doctor`: the link that is the cause is named before those that only follow from it.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use super::doctor::{PROXIED, REPOSITORY, doctor, doctor_with, follow, world};
use crate::common::proxy::Proxy;
use crate::common::{World, finish};
use scalekit_sandbox::Sandbox;

#[test]
fn a_token_that_a_server_refused_is_found_at_the_account() {
    let world = world();
    let request = "protocol=https\nhost=github.com\n";
    let answer = world.helper("get", &format!("{request}\n")).ok().stdout;
    assert_eq!(doctor(&world, &[REPOSITORY]).state("account"), "ok");
    assert!(answer.contains("password=gho_one"), "{answer}");
    world.helper("erase", &format!("{request}username=x-access-token\npassword=gho_one\n\n")).ok();
    let told = doctor(&world, &[REPOSITORY]);
    told.is_broken_at("account", 5, "the token of github was refused", "`scalekit-auth connect github --renew`");
}

/// A user who logged in and read the connections, and whose only service comes from there.
fn synced() -> World {
    let mut world = World::new();
    world.seed_as("agent", "github-x", "GITHUB", "gho_one");
    let secret = world.path("secret");
    std::fs::write(&secret, "").unwrap();
    let (url, id) = (world.sandbox.url().to_owned(), world.sandbox.client_id().to_owned());
    let object = serde_json::json!({
        "environment_url": url, "client_id": id, "client_secret": world.sandbox.client_secret(),
    });
    std::fs::write(&secret, object.to_string()).unwrap();
    std::fs::set_permissions(&secret, PermissionsExt::from_mode(0o600)).unwrap();
    world.credentials_in_variables = false;
    let home = format!("file:{}", secret.display());
    world.ok(&["login", "--env-url", &url, "--client-id", &id, "--home", &home]);
    world.ok(&["sync"]);
    world.ok(&["setup", "git"]);
    assert_eq!(doctor(&world, &[REPOSITORY]).broken(), [""; 0]);
    world
}

/// Another URL in these files.
fn with_url(world: &World, files: &[std::path::PathBuf], url: &str) {
    for file in files {
        let text = std::fs::read_to_string(file).unwrap();
        std::fs::write(file, text.replace(world.sandbox.url(), url)).unwrap();
    }
}

#[test]
fn a_wrong_environment_url_is_the_cause_and_not_the_service_that_is_missing_by_it() {
    let world = synced();
    let (config, secret) = (world.config_file("config.json"), world.path("secret"));
    let before = [&config, &secret].map(|file| std::fs::read_to_string(file).unwrap());
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let both = [config.clone(), secret];
    for (url, files, link, code, found) in [
        (format!("https://localhost:{port}"), &both[..], "connection", 7, "no connection to localhost"),
        (PROXIED.to_owned(), &both[..], "dns", 7, "no such host"),
        ("https://other.example.test".to_owned(), &both[..1], "credentials", 3, "name different URLs"),
    ] {
        with_url(&world, files, &url);
        for place in [REPOSITORY, "github"] {
            let told = doctor(&world, &[place]);
            told.is_broken_at(link, code, found, "scalekit-auth ");
            told.skips(&["service", "git", "docker", "mcp", "account"]);
            let why = told.link("service")["found"].as_str().unwrap();
            assert!(why.ends_with(&format!("since the link {link} is broken")), "{why}");
        }
        both.iter().zip(&before).for_each(|(file, text)| std::fs::write(file, text).unwrap());
    }
    // Who was read, and has no such service, has none.
    let other = ["https://git.acme.test/a"];
    doctor(&world, &other).is_broken_at("service", 3, "no configured service answers", "scalekit-auth ");
}

#[test]
fn a_broken_file_of_setups_own_keeps_nothing_from_being_looked_at() {
    let world = world();
    let file = world.config_file("setup.json");
    std::fs::write(&file, "x").unwrap();
    let told = doctor(&world, &[REPOSITORY]);
    let next = format!("`mv {0} {0}.broken`; ", file.display());
    told.is_noted_at("setup.json", "line 1, column 1", &next);
    assert_eq!(told.state("account"), "ok");
    let got = world.run(&["setup", "docker"]).exit(3);
    assert!(got.stderr.contains(&next), "{got:?}");
    let mv = next.split('`').nth(1).unwrap();
    finish(world.command("sh").args(["-c", mv]), "").ok();
    world.ok(&["setup", "docker"]);
    std::fs::write(&file, "{}").unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o666)).unwrap();
    let told = doctor(&world, &[REPOSITORY]);
    told.is_noted_at("setup.json", "every user may write it", "chmod 600 ");
    follow(&world, &told, "setup.json");
    assert_eq!(doctor(&world, &[]).state("setup.json"), "ok");
}

#[test]
fn neither_a_query_nor_what_is_no_client_id_is_shown() {
    let world = world();
    for place in ["https://me:pw@github.com/acme?access_token=gho_marked", "https://me:p?pw@github.com/a#gho_marked"] {
        let got = world.run(&["doctor", place]).exit(2);
        assert!(!got.stderr.contains("marked") && !got.stderr.contains("pw"), "{got:?}");
    }
    let (id, secret) = (world.sandbox.client_id(), world.sandbox.client_secret());
    let swapped = [("SCALEKIT_CLIENT_ID", secret), ("SCALEKIT_CLIENT_SECRET", id)];
    let told = doctor_with(&world, &swapped, &[]);
    assert_eq!((told.state("credentials"), told.state("vault")), ("note", "broken"), "{:?}", told.got);
    assert!(told.link("credentials")["found"].as_str().unwrap().contains("does not begin with skc_"));
    let status = finish(world.command(crate::common::EXE).arg("status").envs(swapped), "");
    for got in [&told.got, &status] {
        assert!(!got.stdout.contains(secret) && !got.stderr.contains(secret), "{got:?}");
    }
    assert!(status.stdout.contains("does not begin with skc_"), "{status:?}");
}

#[test]
fn several_missing_variables_are_told_in_the_plural() {
    let mut world = world();
    world.credentials_in_variables = false;
    let url = world.sandbox.url().to_owned();
    let found = "SCALEKIT_ENV_URL is set, but SCALEKIT_CLIENT_ID and SCALEKIT_CLIENT_SECRET are not";
    doctor_with(&world, &[("SCALEKIT_ENV_URL", &url)], &[]).is_broken_at("credentials", 3, found, "set all three");
}

/// What accepts connections, answers each with these bytes, and waits.
fn answering(bytes: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let _ = stream.write_all(bytes);
                let _ = stream.read_to_end(&mut Vec::new());
            });
        }
    });
    place
}

#[test]
fn what_is_no_proxy_is_found_at_the_proxy() {
    let world = world();
    let (silent, html) = (answering(b""), answering(b"<html>hello"));
    let (forbidden, unknown) = (answering(b"HTTP/1.1 403 Forbidden\r\n\r\n"), answering(b"\x05\xff"));
    let correct = "correct HTTPS_PROXY or unset it, then `scalekit-auth status --check`";
    let set = |scheme: &str, place: &str| format!("set HTTPS_PROXY={scheme}://USER:PASSWORD@{place}");
    std::thread::scope(|scope| {
        for (scheme, place, found, next) in [
            ("http", &silent, "did not answer in time", correct.to_owned()),
            ("socks5h", &silent, "did not answer in time", correct.to_owned()),
            ("http", &html, "does not answer as such a proxy does", correct.to_owned()),
            ("https", &html, "does not answer as such a proxy does", correct.to_owned()),
            ("socks5h", &html, "does not answer as such a proxy does", correct.to_owned()),
            ("http", &forbidden, "does not lead there (status 403)", correct.to_owned()),
            ("socks5h", &unknown, "wants a user name and a password", set("socks5h", &unknown)),
        ] {
            let world = &world;
            scope.spawn(move || {
                let url = format!("{scheme}://{place}");
                let told = doctor_with(world, &[("SCALEKIT_ENV_URL", PROXIED), ("HTTPS_PROXY", &url)], &[]);
                let found = format!("the proxy {place} of HTTPS_PROXY {found}");
                told.is_broken_at("proxy", 7, &found, &next).skips(&["dns", "connection", "tls", "vault"]);
            });
        }
    });
}

#[test]
fn a_proxy_that_wants_a_password_and_a_port_that_is_none_are_told() {
    let world = world();
    let proxy = Proxy::start(None);
    let told = doctor_with(&world, &[("SCALEKIT_ENV_URL", PROXIED), ("HTTPS_PROXY", &proxy.url)], &[]);
    let place = proxy.url.strip_prefix("http://").unwrap();
    let next = format!("set HTTPS_PROXY=http://USER:PASSWORD@{place}");
    told.is_broken_at("proxy", 7, "wants a user name and a password that it knows (status 407)", &next);
    for port in ["notaport", "0", "65536"] {
        let url = format!("http://ada:marked@127.0.0.1:{port}");
        let told = doctor_with(&world, &[("SCALEKIT_ENV_URL", PROXIED), ("HTTPS_PROXY", &url)], &[]);
        told.is_broken_at("proxy", 7, "the port in HTTPS_PROXY is not a number from 1 to 65535", "correct or unset it");
        assert!(!told.got.stdout.contains("marked"), "{:?}", told.got);
    }
}

#[test]
fn a_missing_authority_and_another_hosts_certificate_have_their_own_next_step() {
    let world = world();
    std::fs::write(world.path("empty.pem"), "no PEM").unwrap();
    for file in ["/nowhere/ca.pem", world.path("empty.pem").to_str().unwrap()] {
        let told = doctor_with(&world, &[("SSL_CERT_FILE", file)], &[]);
        told.is_broken_at(
            "tls",
            7,
            "no certificate of any authority can be read",
            "correct SSL_CERT_FILE, or unset it",
        );
    }
    let port = world.sandbox.url().rsplit(':').next().unwrap().parse().ok();
    let proxy = Proxy::start(port);
    let variables = [("SCALEKIT_ENV_URL", "https://other.example.test"), ("HTTPS_PROXY", &*proxy.url)];
    let told = doctor_with(&world, &variables, &[]);
    told.is_broken_at(
        "tls",
        7,
        "its certificate is for another host",
        "check the environment URL: `scalekit-auth status`",
    );
    assert!(!told.link("tls")["next"].as_str().unwrap().contains("company proxy"));
    let other = Sandbox::start();
    let told = doctor_with(&world, &[("SSL_CERT_FILE", other.ca_pem().to_str().unwrap())], &[]);
    told.is_broken_at("tls", 7, "not from an authority", "point SSL_CERT_FILE to its CA");
}
