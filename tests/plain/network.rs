//! The way to the vault: http on loopback only, whose certificates are trusted, and proxies.

use std::net::TcpListener;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::common::proxy::Proxy;
use crate::common::{EXE, Finished, World, finish};
use scalekit_sandbox::Sandbox;

/// A name that no DNS knows; the sandbox's certificate is good for it.
const PROXIED: &str = "vault.example.test";

fn github(sandbox: Sandbox) -> World {
    let world = World::with(sandbox);
    world.seed("github_x", "GITHUB", "gho_one");
    world.write_connections(r#"{"github": {"connection_name": "github_x", "identifier": "ada"}}"#);
    world
}

/// `token github` with further variables.
fn token(world: &World, variables: &[(&str, &str)]) -> Finished {
    let mut command = world.command(EXE);
    finish(command.args(["token", "github"]).envs(variables.iter().copied()), "")
}

fn port(world: &World) -> u16 {
    world.sandbox.url().rsplit(':').next().unwrap().parse().unwrap()
}

#[test]
fn plain_http_works_on_loopback() {
    let world = github(Sandbox::start_http());
    assert_eq!(token(&world, &[]).ok().stdout, "gho_one\n");
    let localhost = format!("http://localhost:{}", port(&world));
    assert_eq!(token(&world, &[("SCALEKIT_ENV_URL", &localhost)]).ok().stdout, "gho_one\n");
}

#[test]
fn plain_http_to_another_machine_is_refused_before_any_request() {
    let world = github(Sandbox::start_http());
    let proxy = Proxy::start(Some(port(&world)));
    let urls = [
        "http://acme.scalekit.com",
        "http://vault.example.test",
        "http://127.0.0.1.example.test",
        "http://10.0.0.1:8080",
        "http://[::2]",
    ];
    for url in urls {
        let variables = [("SCALEKIT_ENV_URL", url), ("HTTPS_PROXY", &proxy.url), ("HTTP_PROXY", &proxy.url)];
        let got = token(&world, &variables).exit(3);
        assert!(got.stderr.contains("is not https"), "{url}: {got:?}");
    }
    assert_eq!((proxy.seen(), world.sandbox.counts().tcp_connections), (vec![], 0));
}

#[test]
fn what_is_no_origin_is_no_environment_url() {
    let world = github(Sandbox::start());
    let url = world.sandbox.url();
    let with_path = format!("{url}/api");
    let with_user = url.replace("https://", "https://ada@");
    for url in ["acme.scalekit.com", "ftp://acme.scalekit.com", "https://", &with_path, &with_user] {
        let got = token(&world, &[("SCALEKIT_ENV_URL", url)]).exit(3);
        assert!(got.stderr.contains("environment URL"), "{url}: {got:?}");
    }
    assert_eq!(world.sandbox.counts().tcp_connections, 0);
    assert_eq!(token(&world, &[("SCALEKIT_ENV_URL", &format!("{url}/"))]).ok().stdout, "gho_one\n");
}

#[test]
fn a_certificate_of_an_unknown_authority_is_refused() {
    let world = github(Sandbox::start());
    let other = Sandbox::start();
    let check = |command: &mut Command| {
        let got = finish(command.args(["token", "github"]), "").exit(7);
        assert!(got.stderr.contains("no trusted TLS connection to localhost"), "{got:?}");
        assert!(got.stderr.contains("not from an authority that this machine trusts"), "{got:?}");
        assert!(got.stderr.contains("SSL_CERT_FILE") && !got.stderr.contains("UnknownIssuer"), "{got:?}");
    };
    check(world.command(EXE).env_remove("SSL_CERT_FILE"));
    check(world.command(EXE).env("SSL_CERT_FILE", other.ca_pem()));
    assert_eq!(world.sandbox.counts().routes, [].into());
    assert_eq!(world.sandbox.counts().tcp_connections, 2, "a refused certificate is not tried again");
    assert_eq!(token(&world, &[]).ok().stdout, "gho_one\n");
}

#[test]
fn one_file_may_hold_several_authorities() {
    let world = github(Sandbox::start());
    let other = Sandbox::start();
    let both = [other.ca_pem(), world.sandbox.ca_pem()].map(|path| std::fs::read_to_string(path).unwrap()).concat();
    std::fs::write(world.path("roots.pem"), both).unwrap();
    let roots = world.path("roots.pem");
    assert_eq!(token(&world, &[("SSL_CERT_FILE", roots.to_str().unwrap())]).ok().stdout, "gho_one\n");
}

#[test]
fn an_authority_in_a_directory_is_trusted_too() {
    let world = github(Sandbox::start());
    let directory = world.path("authorities");
    std::fs::create_dir(&directory).unwrap();
    let token = || {
        let mut command = world.command(EXE);
        command.args(["token", "github"]).env_remove("SSL_CERT_FILE").env("SSL_CERT_DIR", &directory);
        finish(&mut command, "")
    };
    let got = token().exit(7);
    assert!(got.stderr.contains("no trusted TLS connection to localhost"), "{got:?}");
    std::fs::copy(world.sandbox.ca_pem(), directory.join("company.pem")).unwrap();
    assert_eq!(token().ok().stdout, "gho_one\n");
}

#[test]
fn a_certificate_for_another_name_is_refused() {
    let world = github(Sandbox::start());
    let proxy = Proxy::start(Some(port(&world)));
    let variables = [("SCALEKIT_ENV_URL", "https://other.example.test"), ("HTTPS_PROXY", &proxy.url)];
    let got = token(&world, &variables).exit(7);
    assert!(got.stderr.contains("no trusted TLS connection to other.example.test"), "{got:?}");
    assert!(
        got.stderr.contains("its certificate is for another host, and not valid for name other.example.test"),
        "{got:?}"
    );
    assert_eq!(world.sandbox.counts().routes, [].into());
}

#[test]
fn a_tls_server_is_not_spoken_to_in_plain_text_nor_the_other_way_round() {
    let world = github(Sandbox::start_http());
    let url = format!("https://localhost:{}", port(&world));
    token(&world, &[("SCALEKIT_ENV_URL", &url)]).exit(7);
    assert_eq!(world.sandbox.counts().routes, [].into());
}

#[test]
fn the_proxy_is_asked_for_the_vaults_host_and_sees_nothing_else() {
    let world = github(Sandbox::start());
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        let proxy = Proxy::start(Some(port(&world)));
        for (url, place) in [
            (format!("https://{PROXIED}"), format!("{PROXIED}:443")),
            (format!("https://{PROXIED}:8443"), format!("{PROXIED}:8443")),
        ] {
            assert_eq!(token(&world, &[("SCALEKIT_ENV_URL", &url), (variable, &proxy.url)]).ok().stdout, "gho_one\n");
            let seen = proxy.seen();
            let head = seen.last().unwrap();
            assert!(head.starts_with(&format!("CONNECT {place} HTTP/1.1\r\n")), "{head}");
            assert!(!head.contains(world.sandbox.client_secret()) && !head.contains("uthorization"), "{head}");
        }
        assert_eq!(proxy.seen().len(), 2, "one connection a run");
    }
}

#[test]
fn the_first_variable_that_is_set_names_the_proxy_and_its_user() {
    let world = github(Sandbox::start());
    let (first, second) = (Proxy::start(Some(port(&world))), Proxy::start(None));
    let with_user = first.url.replace("http://", "http://ada:p%20w@");
    let url = format!("https://{PROXIED}");
    let variables = [("SCALEKIT_ENV_URL", &*url), ("HTTPS_PROXY", &with_user), ("ALL_PROXY", &second.url)];
    assert_eq!(token(&world, &variables).ok().stdout, "gho_one\n");
    assert!(first.seen()[0].contains("Proxy-Authorization: Basic YWRhOnAgdw==\r\n"), "{:?}", first.seen());
    assert!(second.seen().is_empty());
}

#[test]
fn a_proxy_that_refuses_is_told_and_never_gone_around() {
    let world = github(Sandbox::start());
    let proxy = Proxy::start(None);
    let url = format!("https://{PROXIED}");
    let with_user = proxy.url.replace("http://", "http://ada:marked@");
    let got = token(&world, &[("SCALEKIT_ENV_URL", &url), ("HTTPS_PROXY", &with_user)]).exit(7);
    assert!(got.stderr.contains("407") && got.stderr.contains("HTTPS_PROXY"), "{got:?}");
    assert!(!got.stderr.contains("marked"), "{got:?}");
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    token(&world, &[("SCALEKIT_ENV_URL", &url), ("HTTPS_PROXY", &format!("http://{nobody}"))]).exit(7);
    assert_eq!(world.sandbox.counts().tcp_connections, 0);
}

#[test]
fn no_proxy_leaves_the_proxy_out() {
    let world = github(Sandbox::start());
    let proxy = Proxy::start(Some(port(&world)));
    let url = format!("https://{PROXIED}");
    for (variable, list) in [
        ("NO_PROXY", PROXIED),
        ("no_proxy", "a.test, .example.test"),
        ("NO_PROXY", "*"),
        ("NO_PROXY", "*.example.test"),
    ] {
        let variables = [("SCALEKIT_ENV_URL", &*url), ("HTTPS_PROXY", &proxy.url), (variable, list)];
        // Without the proxy nobody knows this name.
        let got = token(&world, &variables).exit(7);
        assert!(got.stderr.contains(&format!("no such host: {PROXIED}\n")), "{got:?}");
    }
    assert!(proxy.seen().is_empty());
    for list in ["ample.test", "other.example.test", ""] {
        let variables = [("SCALEKIT_ENV_URL", &*url), ("HTTPS_PROXY", &proxy.url), ("NO_PROXY", list)];
        assert_eq!(token(&world, &variables).ok().stdout, "gho_one\n", "{list}");
    }
}

#[test]
fn no_proxy_may_name_ports_addresses_and_networks() {
    let world = github(Sandbox::start());
    let proxy = Proxy::start(None);
    // No loopback by its spelling, and nobody answers there.
    for (host, list, is_proxied) in [
        (PROXIED, "vault.example.test:443 other.test", false),
        (PROXIED, "vault.example.test:8443", true),
        ("0.0.0.0:9", "0.0.0.0", false),
        ("0.0.0.0:9", "0.0.0.0/8", false),
        ("0.0.0.0:9", "10.0.0.0/8", true),
    ] {
        let before = proxy.seen().len();
        let url = format!("https://{host}");
        token(&world, &[("SCALEKIT_ENV_URL", &url), ("HTTPS_PROXY", &proxy.url), ("NO_PROXY", list)]).exit(7);
        assert_eq!(proxy.seen().len() > before, is_proxied, "{host} {list}");
    }
}

#[test]
fn a_socks_proxy_is_gone_through() {
    let world = github(Sandbox::start());
    let proxy = Proxy::start(Some(port(&world)));
    let at = |scheme: &str| proxy.url.replace("http", scheme);
    let url = format!("https://{PROXIED}");
    assert_eq!(token(&world, &[("SCALEKIT_ENV_URL", &url), ("ALL_PROXY", &at("socks5h"))]).ok().stdout, "gho_one\n");
    assert_eq!(proxy.seen(), [format!("{PROXIED}:443")]);
    // Without the h the name is looked up here.
    let got = token(&world, &[("SCALEKIT_ENV_URL", &url), ("ALL_PROXY", &at("socks5"))]).exit(7);
    assert!(got.stderr.contains(&format!("no such host: {PROXIED}\n")) && proxy.seen().len() == 1, "{got:?}");
    token(&world, &[("SCALEKIT_ENV_URL", "https://192.0.2.1"), ("ALL_PROXY", &at("socks5"))]).exit(7);
    assert_eq!(proxy.seen()[1], "192.0.2.1:443");
}

#[test]
fn a_proxy_that_cannot_be_reached_is_named_and_its_password_is_not() {
    let world = github(Sandbox::start());
    let url = format!("https://{PROXIED}");
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for scheme in ["http", "socks5h"] {
        let proxy = format!("{scheme}://ada:marked@127.0.0.1:{port}");
        let got = token(&world, &[("SCALEKIT_ENV_URL", &url), ("https_proxy", &proxy)]).exit(7);
        let expected = format!("no connection to the proxy 127.0.0.1:{port} of https_proxy: ");
        assert!(got.stderr.contains(&expected) && !got.stderr.contains("marked"), "{got:?}");
        let proxy = format!("{scheme}://ada:marked@proxy.example.test:3128");
        let got = token(&world, &[("SCALEKIT_ENV_URL", &url), ("ALL_PROXY", &proxy)]).exit(7);
        let expected = "no such host: proxy.example.test (the proxy proxy.example.test:3128 of ALL_PROXY)";
        assert!(got.stderr.contains(expected) && !got.stderr.contains("marked"), "{got:?}");
    }
}

#[test]
fn loopback_is_never_proxied() {
    let world = github(Sandbox::start());
    let proxy = Proxy::start(None);
    for host in ["localhost", "127.0.0.1"] {
        let url = format!("https://{host}:{}", port(&world));
        let mut variables = vec![("SCALEKIT_ENV_URL", &*url)];
        for name in ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
            variables.push((name, &proxy.url));
        }
        assert_eq!(token(&world, &variables).ok().stdout, "gho_one\n");
    }
    assert!(proxy.seen().is_empty());
}

#[test]
fn a_proxy_variable_that_cannot_be_used_is_an_error() {
    let world = github(Sandbox::start());
    let url = format!("https://{PROXIED}");
    for (name, value) in [
        ("HTTPS_PROXY", "http://"),
        ("HTTPS_PROXY", "http://marked proxy:1"),
        ("HTTPS_PROXY", "ftp://marked:1"),
        ("https_proxy", "/marked"),
        ("ALL_PROXY", "socks6://ada:marked@127.0.0.1:1080"),
    ] {
        let got = token(&world, &[("SCALEKIT_ENV_URL", &url), (name, value)]).exit(7);
        assert!(got.stderr.contains(&format!("{name} is not the URL of an http or https proxy")), "{got:?}");
        assert!(!got.stderr.contains("marked"), "{got:?}");
    }
    assert_eq!(world.sandbox.counts().tcp_connections, 0);
}

/// Asks for a token by hand and by git's helper: both end in time, the one with exit code 7, the other with a decline.
fn unreachable(world: &World, url: &str, reason: &str) {
    let start = Instant::now();
    let got = token(world, &[("SCALEKIT_ENV_URL", url)]).exit(7);
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
    assert!(got.stdout.is_empty() && got.stderr.contains(reason), "{got:?}");
    let start = Instant::now();
    let mut helper = world.command("git-credential-scalekit");
    let got = finish(helper.arg("get").env("SCALEKIT_ENV_URL", url), "protocol=https\nhost=github.com\n\n").ok();
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
    assert_eq!((got.stdout.as_str(), got.stderr.lines().count()), ("", 1), "{got:?}");
    assert!(got.stderr.contains(reason), "{got:?}");
}

#[test]
fn a_server_that_accepts_and_says_nothing_holds_nobody_up() {
    let world = github(Sandbox::start());
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    std::thread::scope(|scope| {
        for url in [format!("https://localhost:{port}"), format!("http://127.0.0.1:{port}")] {
            let world = &world;
            scope.spawn(move || unreachable(world, &url, "did not answer in time"));
        }
    });
}

#[test]
fn a_port_where_nobody_listens_is_said_to_be_one() {
    let world = github(Sandbox::start());
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for scheme in ["https", "http"] {
        unreachable(&world, &format!("{scheme}://127.0.0.1:{port}"), &format!("no connection to 127.0.0.1:{port}"));
    }
}
