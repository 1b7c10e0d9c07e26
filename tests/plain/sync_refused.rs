//! What `sync` does not take over from an environment, and environments that do not let themselves be read.

use crate::common::sync as environment;
use std::time::{Duration, Instant};

use crate::common::proxy::Proxy;
use crate::common::{EXE, Finished, World, finish};
use environment::{CONNECTIONS, PROVIDERS, account, provider, with_mcp};
use scalekit_sandbox::{Control, When};
use serde_json::json;

const GOOD: &str = "https://api.good.example.com";

/// A world with a connection that there is nothing to say against.
fn good() -> World {
    let world = World::new();
    world.custom("good-1", "GOOD", GOOD);
    world
}

/// Syncs connections that name each of `urls` as the provider's API and as its MCP server. Each is refused with its
/// connection and the command that lets a person overrule it; `run` makes the command that is run.
fn refuses(world: &World, urls: &[&str], run: impl Fn(&[&str]) -> Finished) {
    for (n, url) in urls.iter().enumerate() {
        world.custom(&format!("api-{n}-of"), &format!("API{n}"), url);
        let connection = format!("mcp-{n}-of");
        world.connection(&connection, &format!("MCP{n}"));
        world.control(with_mcp(&connection, &format!("MCP{n}"), url));
    }
    let got = run(&["sync"]).ok();
    for (n, url) in urls.iter().enumerate() {
        for kind in ["api", "mcp"] {
            let connection = format!("{kind}-{n}-of");
            let said: Vec<_> = got.stderr.lines().filter(|line| line.contains(&connection)).collect();
            let [line] = said[..] else { panic!("{url}: {said:?}") };
            assert!(line.contains("is not taken over: "), "{url}: {line}");
            let command = format!("scalekit-auth config {kind}{n} {connection} --host HOST");
            assert!(line.ends_with(&command), "{url}: {line}");
            assert!(run(&["which", &format!("{kind}{n}")]).ok().stdout.contains(&connection), "{url}");
        }
        let token = run(&["token", url]);
        assert!(matches!(token.code, Some(2 | 3)) && token.stdout.is_empty(), "{url}: {token:?}");
    }
    let rows = environment::rows(&run(&["list"]).ok());
    let hosts: Vec<_> = rows.iter().map(|row| &*row[5]).filter(|hosts| *hosts != "-").collect();
    assert_eq!(hosts, ["api.good.example.com"]);
    assert_eq!(run(&["token", GOOD]).ok().stdout, "canary-good_1-agent\n");
}

#[test]
fn hosts_that_are_somebody_elses_or_no_hosts_are_refused_one_by_one() {
    let world = good();
    let own = world.sandbox.url().to_owned();
    let own_path = format!("{own}/mcp");
    let urls = [
        "https://api.github.com",
        "https://API.GitHub.com",
        "https://api.github.com:8443",
        "https://github.com/x",
        "https://gmail.googleapis.com/gmail/v1/{{user}}",
        "http://api.acme.example.com",
        "HTTPS://api.acme.example.com",
        "https://user@api.acme.example.com",
        "https://@api.acme.example.com",
        "https://canary-user:canary-pass@api.acme.example.com",
        "https://api.github.com@acme.example.com",
        "https://*.acme.example.com",
        "https://*",
        "https://com",
        "https://co.uk",
        "https://github.io",
        "https://10.0.0.1",
        "https://8.8.8.8/v1",
        "https://0x7f.1",
        "https://2130706433",
        "https://[::1]",
        "https://[2606:4700::1111]",
        "https://127.0.0.1:8443",
        "https://localhost",
        "https://localhost:1/mcp",
        "https://scalekit.com",
        "https://x.scalekit.com",
        "https://acme.scalekit.dev/mcp",
        "https://acme.scalekit.cloud:8443",
        "https://api.acme.example.com./",
        "https://api.acme.example.com/a/../b",
        "https://api.acme.example.com/a/%2e%2e/b",
        "https://api.acme.example.com//b",
        "https://api..example.com",
        "https://api.acme.example.com:0",
        "https://api.acme.example.com:x",
        "https://api_acme.example.com",
        "https://api.acme.example.com\\@github.com",
        "https://\u{fe0f}api.example.com",
        "https://gıthub.com",
        "https://api.github%2ecom",
        "https://",
        "https:///x",
        "https://?{{x}}",
        "ftp://api.acme.example.com",
        "api.acme.example.com",
        "garbage",
        " ",
        &own,
        &own_path,
    ];
    refuses(&world, &urls, |args| world.run(args));
    let got = world.ok(&["sync"]);
    assert!(!got.stderr.contains("canary-pass"), "{got:?}");
    assert!(!world.synced_text().contains("canary-"), "{}", world.synced_text());
    for place in ["https://api.acme.example.com", "https://acme.example.com", "https://api.example.com"] {
        world.refuses(place);
    }
    // Its owner may have it.
    world.custom("gh-9", "GITHUB", "https://api.github.com");
    world.ok(&["sync"]);
    world.gives("https://api.github.com/user", "gh-9");
}

#[test]
fn the_hosts_of_all_environments_are_refused_whatever_their_port() {
    let world = good();
    world.write_connections("{}");
    let stored = json!({"url": "https://auth.other.example.com:444", "client_id": "skc_1", "home": "keyring"});
    let config = json!({"version": 1, "environments": {"other": stored}}).to_string();
    std::fs::write(world.config_file("config.json"), config).unwrap();
    let port = world.sandbox.url().rsplit(':').next().unwrap().parse().unwrap();
    let proxy = Proxy::start(Some(port));
    let urls = [
        "https://vault.example.test",
        "https://vault.example.test/mcp",
        "https://vault.example.test:8443",
        "https://auth.other.example.com",
        "https://auth.other.example.com:444/x",
        "https://auth.other.example.com:445/x",
    ];
    refuses(&world, &urls, |args| {
        let mut command = world.command(EXE);
        command.env("SCALEKIT_ENV_URL", "https://vault.example.test").env("HTTPS_PROXY", &proxy.url);
        finish(command.args(args), "")
    });
}

#[test]
fn the_command_that_is_shown_overrules_a_refusal() {
    let world = World::new();
    world.custom("My Proxy", "PROXY", "https://api.github.com");
    let got = world.ok(&["sync"]);
    let command = got.stderr.lines().find_map(|line| line.split_once("if you mean it: ")).unwrap().1;
    world.refuses("https://api.github.com");
    let command = command.replace("HOST", "api.github.com");
    finish(world.command("sh").args(["-c", &command]), "").ok();
    world.gives("https://api.github.com", "My Proxy");
}

fn fail(route: &str, times: u32, status: u16, error_code: Option<&str>) -> Control {
    let (error_code, body) = (error_code.map(str::to_owned), None);
    Control::FailNext { route: Some(route.into()), times, status, error_code, body, retry_after: None }
}

const REFUSALS: [(u16, Option<&str>); 8] = [
    (403, None),
    (403, Some("FORBIDDEN")),
    (403, Some("PERMISSION_DENIED")),
    (404, None),
    (404, Some("RESOURCE_NOT_FOUND")),
    (404, Some("INTERNAL_ERROR")),
    (501, None),
    (501, Some("UNIMPLEMENTED")),
];

#[test]
fn an_environment_that_does_not_list_its_connections_works_as_without_sync() {
    let world = good();
    world.connection("gh-9", "GITHUB");
    world.ok(&["config", "github", "gh-9"]);
    for synced_before in [false, true] {
        if synced_before {
            world.ok(&["sync"]);
        }
        let before = std::fs::read(world.config_file("synced.json")).ok();
        assert_eq!(before.is_some(), synced_before);
        for (status, code) in REFUSALS {
            world.control(fail(CONNECTIONS, 1, status, code));
            let got = world.ok(&["sync"]);
            assert!(got.stderr.contains("does not let its connections be read"), "{got:?}");
            assert!(got.stderr.contains("`scalekit-auth config SERVICE CONNECTION`"), "{got:?}");
            assert_eq!(std::fs::read(world.config_file("synced.json")).ok(), before, "{status} {code:?}");
        }
        world.gives("https://api.github.com/user", "gh-9");
        world.gives("github", "gh-9");
    }
}

#[test]
fn without_providers_there_are_still_connections_and_their_mcp_servers() {
    for (status, code) in REFUSALS {
        let world = good();
        world.connection("gh-9", "GITHUB");
        world.connection("acme-1", "ACME");
        world.control(with_mcp("acme-1", "ACME", "https://mcp.acme.example.com/mcp"));
        world.control(fail(PROVIDERS, 1, status, code));
        let got = world.ok(&["sync"]);
        assert!(got.stderr.contains("does not let its providers be read"), "{got:?}");
        world.gives("https://mcp.acme.example.com/mcp", "acme-1");
        world.gives("https://api.github.com/user", "gh-9");
        world.gives("good", "good-1");
        world.refuses(GOOD);
    }
}

#[test]
fn a_failure_on_the_way_leaves_what_was_known_as_it_was() {
    let world = good();
    let fails = |control: &Control, code: i32, before: &Option<String>| {
        world.control(control.clone());
        let got = world.run(&["sync"]).exit(code);
        assert!(got.stdout.is_empty() && got.stderr.contains("  why:  "), "{control:?}: {got:?}");
        assert_eq!(std::fs::read_to_string(world.config_file("synced.json")).ok(), *before, "{control:?}");
    };
    fails(&fail(CONNECTIONS, 1, 500, None), 6, &None);
    fails(&fail(PROVIDERS, 1, 500, None), 6, &None);
    world.ok(&["sync"]);
    let before = Some(world.synced_text());
    for path in [CONNECTIONS, PROVIDERS] {
        let route = Some(path.to_owned());
        let garbage = |body: &str| Control::Garbage { route: route.clone(), times: 1, body: body.into() };
        // Four attempts are made where a repeat is safe, two with a client token that is refused.
        for (control, code) in [
            (fail(path, 1, 500, None), 6),
            (fail(path, 1, 400, Some("INVALID_ARGUMENT")), 6),
            (fail(path, 2, 401, Some("UNAUTHENTICATED")), 6),
            (fail(path, 2, 401, None), 6),
            (fail(path, 4, 503, None), 7),
            (Control::Drop { route: route.clone(), times: 4, when: When::BeforeReply }, 7),
            (Control::Drop { route: route.clone(), times: 4, when: When::MidBody }, 7),
            (Control::Truncate { route: route.clone(), times: 4 }, 7),
            (Control::Redirect { route: route.clone(), times: 1, location: "https://evil.test/".into() }, 6),
            (Control::RateLimit { route: route.clone(), times: 1, retry_after: Some("600".into()) }, 6),
            (Control::Oversize { route: route.clone(), times: 1, bytes: 2 << 20 }, 6),
            (garbage("<html>"), 6),
            (garbage("{\"connections\": 5, \"providers\": 5}"), 6),
            // The second page is refused.
            (garbage("{\"next_page_token\": \"bogus\"}"), 6),
        ] {
            fails(&control, code, &before);
        }
    }
    fails(&fail("POST /oauth/token", 1, 401, None), 6, &before);
    world.control(fail(CONNECTIONS, 1, 401, Some("UNAUTHENTICATED")));
    world.control(Control::Drop { route: Some(PROVIDERS.into()), times: 1, when: When::MidBody });
    world.ok(&["sync"]);
    world.gives(GOOD, "good-1");
}

#[test]
fn a_list_without_an_end_is_given_up() {
    for (path, items) in [(CONNECTIONS, "connections"), (PROVIDERS, "providers")] {
        let world = good();
        let body = format!(r#"{{"{items}": [], "next_page_token": "again"}}"#);
        world.control(Control::Garbage { route: Some(path.into()), times: u32::MAX, body });
        let start = Instant::now();
        let got = world.run(&["sync"]).exit(6);
        assert!(got.stderr.contains(path) && start.elapsed() < Duration::from_secs(60), "{got:?}");
        assert!(!world.config_file("synced.json").exists());
    }
}

#[test]
fn an_account_that_says_a_tenant_without_a_place_for_one_teaches_nothing() {
    let world = World::new();
    world.control(provider("ACME", Some("https://api.acme.example.com"), true));
    world.connection("acme-1", "ACME");
    world.control(account("acme-1", "agent", json!({"domain": "evil.example.com", "subdomain": "evil"})));
    world.ok(&["sync"]);
    world.gives("acme", "acme-1");
    world.gives("https://api.acme.example.com", "acme-1");
    world.refuses("https://evil.example.com");
    assert_eq!(world.synced()["environments"]["default"]["tenants"], json!([]));
    assert_eq!(world.count("GET /api/v1/connected_accounts/details"), 0);
}

#[test]
fn scalekits_own_server_for_a_connection_is_a_normal_state() {
    let world = good();
    world.control(with_mcp("good-1", "GOOD", &format!("{}/mcp/v3/connections/good-1", world.sandbox.url())));
    let got = world.ok(&["sync"]);
    assert!(!got.stderr.contains("not taken over"), "{got:?}");
    assert_eq!(world.ok(&["token", GOOD]).stdout, "canary-good_1-agent\n");
}
