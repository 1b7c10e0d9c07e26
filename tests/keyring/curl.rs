//! `scalekit-auth curl` with the real curl, against a TLS server to which a proxy leads every host.

use crate::common;
use std::process::{Command, Stdio};

use common::https::{Https, Request};
use common::keyring::until;
use common::proxy::Proxy;
use common::{EXE, Finished, World, finish};
use scalekit_sandbox::{Control, Credential};

const AUTH: &str = "/api/v1/connected_accounts/auth";
const NAMES: &[&str] = &["api.github.com", "api.search.brave.com", "elsewhere.example", "api.notion.com", "127.0.0.1"];

struct Place {
    world: World,
    server: Https,
    proxy: Proxy,
}

impl Place {
    /// The services github, in `Authorization`, and brave, in a header of its own.
    fn new() -> Self {
        let world = World::new();
        world.seed("github-x", "GITHUB", "gho_abc");
        world.control(Control::connection("brave-x", "BRAVE"));
        let key = serde_json::json!({"api_key": "brv_abc"});
        world.seed_account("brave-x", Credential::StaticAuth { details: key.as_object().unwrap().clone() }, None);
        world.write_connections(
            r#"{"github": {"connection_name": "github-x", "identifier": "ada"},
                "brave": {"connection_name": "brave-x", "identifier": "ada"}}"#,
        );
        let server = Https::start(&world, NAMES);
        let proxy = Proxy::start(Some(server.port));
        Self { world, server, proxy }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.world.command(EXE);
        command.arg("curl").args(args).env("HTTPS_PROXY", &self.proxy.url).env("NO_PROXY", "localhost,127.0.0.1");
        command.env("CURL_CA_BUNDLE", &self.server.ca);
        command
    }

    fn run(&self, args: &[&str]) -> Finished {
        finish(&mut self.command(args), "")
    }

    #[track_caller]
    fn only_request(&self) -> Request {
        let [request] = self.server.seen().try_into().expect("one request");
        request
    }
}

#[test]
fn the_token_arrives_in_the_providers_header_and_the_answer_on_stdout() {
    let place = Place::new();
    let got = place.run(&["https://api.github.com/user?x=1#part", "-sS"]).ok();
    assert_eq!((got.stdout.as_str(), got.stderr.as_str()), ("this is /user?x=1\n", ""));
    assert_eq!(place.only_request().header("Authorization"), Some("Bearer gho_abc"));
    place.run(&["https://api.search.brave.com/res", "-sS"]).ok();
    let request = place.server.seen().pop().unwrap();
    assert_eq!(request.header("X-Subscription-Token"), Some("brv_abc"));
    assert_eq!(request.header("Authorization"), None);
    for head in place.proxy.seen() {
        assert!(!head.contains("gho_abc") && !head.contains("brv_abc"), "{head}");
    }
}

#[test]
fn no_process_shows_the_token_while_curl_runs() {
    let place = Place::new();
    let mut command = place.command(&["https://api.github.com/hold", "-sS"]);
    command.stdout(Stdio::piped()).env("SSLKEYLOGFILE", place.world.path("keys"));
    let child = command.spawn().unwrap();
    until("curl has sent its request", || !place.server.seen().is_empty());
    let own = |file: &str| std::fs::read(format!("/proc/{}/{file}", child.id())).unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    assert_eq!(text(own("comm")), "curl\n");
    let environment = text(own("environ"));
    assert!(environment.contains("HOME=") && !environment.contains("gho_abc"), "{environment}");
    assert!(!environment.contains(place.world.sandbox.client_secret()), "{environment}");
    assert!(text(own("cmdline")).contains("/curl\0-q\0"));
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        let line = std::fs::read(process.path().join("cmdline")).map(text).unwrap_or_default();
        assert!(!line.contains("gho_abc"), "{line}");
    }
    place.server.release();
    assert_eq!(child.wait_with_output().unwrap().stdout, b"this is /hold\n");
    assert!(!place.world.path("keys").exists());
    for file in common::files_below(place.world.home.path()) {
        assert!(!text(std::fs::read(&file).unwrap()).contains("gho_abc"), "{}", file.display());
    }
}

#[test]
fn stdin_is_the_bodys_and_the_pipe_of_the_token_is_nobody_elses() {
    let place = Place::new();
    let url = "https://api.github.com/gists";
    finish(&mut place.command(&[url, "-sS", "--data-binary", "@-"]), "from stdin\n").ok();
    assert_eq!(place.only_request().body, "from stdin\n");
    for descriptor in 3..12 {
        let file = format!("/dev/fd/{descriptor}");
        place.run(&[url, "-sS", "-d", &format!("@{file}")]);
        place.run(&[url, "-sS", "-T", &file]);
        place.run(&[url, "-sS", "-F", &format!("x=@{file}")]);
    }
    assert!(place.server.seen().len() > 1);
    for request in place.server.seen() {
        assert_eq!(request.header("Authorization"), Some("Bearer gho_abc"));
        assert!(!request.body.contains("gho_abc") && !request.path().contains("gho_abc"), "{request:?}");
    }
}

#[test]
fn a_redirect_keeps_the_token_at_its_host_and_nowhere_else() {
    let place = Place::new();
    place.run(&["https://api.github.com/to?https://api.github.com/there", "-sSL"]).ok();
    place.run(&["https://api.github.com/to?https://elsewhere.example/there", "-sSL"]).ok();
    place.run(&["https://api.github.com/to?https://api.github.com:444/there", "-sSL"]).ok();
    let seen = place.server.seen();
    let got: Vec<_> =
        seen.iter().map(|request| (request.header("Host").unwrap(), request.header("Authorization"))).collect();
    let (home, token) = ("api.github.com", Some("Bearer gho_abc"));
    let rest = ["elsewhere.example", "api.github.com:444"].map(|host| [(home, token), (host, None)]);
    assert_eq!(got, [[(home, token), (home, token)], rest[0], rest[1]].concat());
    // Plain http would show the rest of the request, and is not followed to.
    place.run(&["https://api.github.com/to?http://elsewhere.example/", "-sSL"]).exit(1);
    // A header of the provider's own would go along.
    let got = place.run(&["https://api.search.brave.com/to?https://elsewhere.example/", "-sSL"]).exit(2);
    assert!(got.stderr.contains("option -L is refused") && got.stderr.contains("Location"), "{got:?}");
    assert_eq!(place.server.seen().len(), 7);
}

#[test]
fn an_old_curl_follows_no_redirects() {
    let place = Place::new();
    let fake = place.world.path("bin/curl");
    let follow = |version: &str| {
        std::fs::write(&fake, format!("#!/bin/sh\necho '{version}'\n")).unwrap();
        std::fs::set_permissions(&fake, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        place.run(&["https://api.github.com/user", "-L"])
    };
    for version in ["curl 7.82.0 (x) libcurl/7.82.0", "curl 7.9.1 (x)", "something"] {
        let got = follow(version).exit(2);
        assert!(got.stderr.contains("before 7.83") && got.stdout.is_empty(), "{got:?}");
    }
    assert_eq!(place.world.count(AUTH), 0);
    follow("curl 8.5.0 (x)").ok();
    place.run(&["https://api.github.com/user"]).ok();
}

#[test]
fn the_exit_code_is_curls() {
    let place = Place::new();
    place.run(&["https://api.github.com/missing", "-sS"]).ok();
    place.run(&["https://api.github.com/missing", "-sSf"]).exit(22);
    place.run(&["https://api.github.com/missing", "-sS", "--fail-with-body"]).exit(22);
    place.run(&["https://api.github.com/", "-sS", "--max-time", "soon"]).exit(2);
    let mut killed = place.command(&["https://api.github.com/hold", "-sS"]).spawn().unwrap();
    until("curl waits", || place.server.seen().iter().any(|request| request.path() == "/hold"));
    killed.kill().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&killed.wait().unwrap()), Some(9));
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    place.world.ok(&["config", "forge", "github-x", "--host", &format!("https://{closed}"), "--identifier", "ada"]);
    let got = place.run(&[&format!("https://{closed}/"), "-sS"]).exit(7);
    assert!(got.stderr.starts_with("curl: (7)"), "{got:?}");
}

#[test]
fn what_curl_cannot_be_called_for_is_said_with_our_own_exit_codes() {
    let place = Place::new();
    let got = place.run(&["https://elsewhere.example/", "-sS"]).exit(3);
    assert!(got.stderr.contains("no configured service answers for https://elsewhere.example"), "{got:?}");
    let got = place.run(&["https://api.notion.com/v1/users", "-sS"]).exit(3);
    assert!(got.stderr.contains("scalekit-auth config notion CONNECTION"), "{got:?}");
    for wrong in
        ["github", "api.github.com", "smtp://smtp.gmail.com:587", "ftp://api.github.com", "-sS", "", "--", "https://"]
    {
        let got = place.run(&["--", wrong, "-sS"]).exit(2);
        assert!(got.stderr.contains("curl [OPTIONS] <URL>"), "{wrong}: {got:?}");
    }
    let got = place.run(&["https://ada:hunter2@api.github.com/", "-sS"]).exit(2);
    assert!(!got.stderr.contains("hunter2"), "{got:?}");
    place.world.control(Control::SetStatus {
        connection: "github-x".into(),
        identifier: "ada".into(),
        status: "EXPIRED".into(),
    });
    let got = place.run(&["https://api.github.com/", "--as", "work"]).exit(2);
    assert!(got.stderr.contains("put it before the URL"), "{got:?}");
    let got = place.run(&["https://api.github.com/user", "-sS"]).exit(5);
    assert!(got.stderr.contains("authorization needed for github") && got.stdout.is_empty(), "{got:?}");
    let mut command = place.command(&["https://api.github.com/user"]);
    let got = finish(command.env("PATH", "bin:."), "").exit(1);
    assert!(got.stderr.contains("there is no curl on PATH"), "{got:?}");
    assert!(place.server.seen().is_empty());
}

#[test]
fn hosts_of_nobody_are_called_without_a_credential_if_that_is_asked_for() {
    let place = Place::new();
    let got = place.run(&["--allow-anonymous", "https://elsewhere.example/x", "-sSL"]).ok();
    assert_eq!(got.stdout, "this is /x\n");
    assert!(got.stderr.contains("curl runs without a credential"), "{got:?}");
    assert_eq!(place.only_request().header("Authorization"), None);
    assert_eq!(place.world.count(AUTH), 0);
    place.run(&["--allow-anonymous", "https://elsewhere.example/x", "-k"]).exit(2);
    place.run(&["--allow-anonymous", "https://api.github.com/x", "-sS"]).ok();
    assert_eq!(place.server.seen()[1].header("Authorization"), Some("Bearer gho_abc"));
}

#[test]
fn neither_curlrc_nor_netrc_has_a_say() {
    let place = Place::new();
    let home = |name: &str, text: &str| std::fs::write(place.world.path(name), text).unwrap();
    for name in [".curlrc", ".config/curlrc"] {
        home(name, "location-trusted\nverbose\nheader = \"X-Rc: 1\"\nurl = https://elsewhere.example/\nnetrc\n");
    }
    home(".netrc", "machine api.github.com login me password hunter2\n");
    let mut command = place.command(&["https://api.github.com/to?https://elsewhere.example/", "-sS"]);
    let got = finish(command.env("CURL_HOME", place.world.home.path()), "").ok();
    assert_eq!(got.stderr, "");
    let request = place.only_request();
    assert_eq!((request.header("Authorization"), request.header("X-Rc")), (Some("Bearer gho_abc"), None));
}

#[test]
fn the_account_is_chosen_as_everywhere() {
    let place = Place::new();
    place.world.seed_as("eve", "github-x", "GITHUB", "gho_eve");
    place.world.ok(&["config", "github", "github-x", "--identifier", "eve", "--as", "work"]);
    for args in [
        &["--as", "work", "https://api.github.com/", "-sS"][..],
        &["--identifier", "eve", "https://api.github.com/", "-sS"],
        &["https://work@api.github.com/", "-sS"],
    ] {
        place.run(args).ok();
        let request = place.server.seen().pop().unwrap();
        assert_eq!(request.header("Authorization"), Some("Bearer gho_eve"), "{args:?}");
    }
    let got = place.run(&["--as", "nobody", "--allow-anonymous", "https://api.github.com/", "-sS"]).exit(8);
    assert!(got.stderr.contains("no account nobody"), "{got:?}");
}

#[test]
fn verbose_output_is_only_for_who_asks_to_see_the_token() {
    let place = Place::new();
    let got = place.run(&["https://api.github.com/", "-sv"]).exit(2);
    assert!(got.stderr.contains("--show-secrets"), "{got:?}");
    place.run(&["https://api.github.com/", "-X", "trace"]).exit(2);
    assert!(place.server.seen().is_empty());
    let got = place.run(&["--show-secrets", "https://api.github.com/", "-sv"]).ok();
    assert!(got.stderr.contains("> Authorization: Bearer gho_abc"), "{got:?}");
    place.run(&["--show-secrets", "https://api.github.com/", "-sSX", "TRACE"]).ok();
}

#[test]
fn a_url_is_one_url_whatever_stands_in_it() {
    let place = Place::new();
    place.run(&["https://api.github.com?x={a,b}[1-3]", "-sS"]).ok();
    assert_eq!(place.only_request().path(), "/?x={a,b}[1-3]");
    place.run(&["https://api.github.com?@elsewhere.example/", "-sS", "-G", "-d", "y=1"]).ok();
    let request = place.server.seen().pop().unwrap();
    assert_eq!((request.header("Host"), request.path()), (Some("api.github.com"), "/?@elsewhere.example/&y=1"));
    // What a body may hold cannot leave the first line of the request either.
    let got =
        place.run(&["https://api.github.com/", "-sS", "-G", "-d", "y HTTP/1.1\r\nHost: elsewhere.example\r\nX: "]);
    let hosts: Vec<_> = place.server.seen().iter().map(|request| request.head.matches("\nHost:").count()).collect();
    assert!(hosts.iter().all(|count| *count == 1), "{got:?} {:?}", place.server.seen());
}

#[test]
fn a_listed_loopback_host_is_called_over_plain_http_and_past_every_proxy() {
    let place = Place::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    place.world.ok(&["config", "forge", "github-x", "--host", &format!("http://{address}"), "--identifier", "ada"]);
    let server = std::thread::spawn(move || {
        use std::io::{BufRead, Write};
        let mut stream = std::io::BufReader::new(listener.accept().unwrap().0);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            stream.read_line(&mut head).unwrap();
        }
        stream.get_mut().write_all(b"HTTP/1.1 204 No\r\n\r\n").unwrap();
        head
    });
    let mut command = place.command(&[&format!("http://{address}/x"), "-sSL"]);
    finish(command.env("http_proxy", &place.proxy.url).env("NO_PROXY", "localhost"), "").ok();
    assert!(place.proxy.seen().is_empty());
    assert!(server.join().unwrap().contains("\r\nAuthorization: Bearer gho_abc\r\n"));
    let other = format!("http://{}/", std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
    place.run(&[&other, "-sS"]).exit(3);
}

#[test]
fn a_token_of_a_whole_pipe_is_handed_over_and_a_larger_one_refused() {
    let place = Place::new();
    let set = |length: usize| {
        place.world.control(Control::SetToken {
            connection: "github-x".into(),
            identifier: "ada".into(),
            token: "t".repeat(length),
            expires_in: Some(3600),
        });
        place.run(&["https://api.github.com/", "-sS"])
    };
    set(60_000).ok();
    assert_eq!(place.only_request().header("Authorization").unwrap().len(), 60_000 + "Bearer ".len());
    let got = set(66_000);
    assert!(got.code != Some(0) && got.stderr.starts_with("scalekit-auth: "), "{got:?}");
    assert_eq!(place.server.seen().len(), 1);
}
