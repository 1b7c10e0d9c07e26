//! Environments that hand no token out: the vault makes the call, and every other command says so.

use std::sync::{Arc, Mutex};

use crate::common;
use common::{Finished, World};
use scalekit_sandbox::{Control, Credential};
use serde_json::{Value, json};

const PROXY: &str = "ANY /proxy";

/// A provider's API over plain http, which only the vault reaches.
struct Provider {
    url: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Provider {
    fn start() -> Self {
        let server = tiny_http::Server::http("127.0.0.1:0").unwrap();
        let url = format!("http://{}", server.server_addr());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        std::thread::spawn(move || {
            for mut request in server.incoming_requests() {
                let mut body = String::new();
                request.as_reader().read_to_string(&mut body).unwrap();
                let header = |name: &str| {
                    let found =
                        request.headers().iter().find(|header| header.field.to_string().eq_ignore_ascii_case(name));
                    found.map(|header| header.value.to_string()).unwrap_or_default()
                };
                log.lock().unwrap().push(format!(
                    "{} {} {} {} {}{body}",
                    request.method(),
                    request.url(),
                    header("authorization"),
                    header("x-own"),
                    header("connection_name"),
                ));
                let answer = tiny_http::Response::from_string("{\"told\": \"by the provider\"}").with_status_code(418);
                let _ = request.respond(answer.with_header("X-Answer: yes".parse::<tiny_http::Header>().unwrap()));
            }
        });
        Self { url, seen }
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

/// The service slack, whose account keeps its credential in the vault. The vault reaches its API under another address than ours:
/// the sandbox calls plain http alone.
fn world(provider: &Provider) -> World {
    let world = World::new();
    world.order(json!({"op": "seed_provider", "identifier": "SLACK", "proxy_url": "https://slack.com/api"}));
    world.control(Control::connection("slack-x", "SLACK"));
    world.seed_account("slack-x", Credential::Withheld, None);
    world.ok(&["config", "slack", "slack-x", "--identifier", "ada"]);
    world.order(
        json!({"op": "extend_connection", "name": "slack-x", "resolved_proxy_url": format!("{}/api", provider.url)}),
    );
    world
}

fn curl(world: &World, args: &[&str]) -> Finished {
    world.run(&[&["curl"], args].concat())
}

#[test]
fn curl_takes_the_road_through_the_vault_where_the_credential_is_withheld() {
    let provider = Provider::start();
    let world = world(&provider);
    let got = curl(
        &world,
        &["https://slack.com/api/chat.postMessage?x=1#y", "-sS", "-i", "-H", "X-Own: 1", "--json", "{\"a\":1}"],
    );
    assert!(got.stdout.starts_with("HTTP/1.1 418 ") && got.stdout.contains("x-answer: yes"), "{got:?}");
    assert!(got.stdout.ends_with("{\"told\": \"by the provider\"}"), "{got:?}");
    assert_eq!((got.code, got.stderr.as_str()), (Some(0), ""));
    assert_eq!(provider.seen(), ["POST /api/chat.postMessage?x=1 Bearer sandbox-withheld-ada 1 {\"a\":1}"]);
    assert_eq!(world.count(PROXY), 1);
}

#[test]
fn it_takes_that_road_where_it_is_asked_to() {
    let provider = Provider::start();
    let world = world(&provider);
    world.seed_account("slack-x", common::oauth("xoxb-1"), None);
    let got = curl(&world, &["--via-vault", "https://slack.com/api/auth.test", "-sS"]);
    assert_eq!((got.code, got.stdout.as_str()), (Some(0), "{\"told\": \"by the provider\"}"));
    assert_eq!(provider.seen(), ["GET /api/auth.test Bearer xoxb-1  "]);
    // Nobody reads the token on this road.
    assert_eq!(world.count("GET /api/v1/connected_accounts/auth"), 0);
    let got = curl(&world, &["--via-vault", "https://slack.com/api/auth.test", "-sf"]);
    assert_eq!(got.code, Some(22), "curl's own status: {got:?}");
}

#[test]
fn paths_and_hosts_that_are_not_the_providers_are_refused() {
    let provider = Provider::start();
    let world = world(&provider);
    for url in [
        "https://slack.com/api/../../api/v1/connected_accounts/auth",
        "https://slack.com/api/%2e%2e/%2E%2e/oauth/token",
        "https://slack.com/api/..%2f..%2fapi/v1",
        "https://slack.com/api/%252e%252e/x",
    ] {
        let got = curl(&world, &["--via-vault", url, "-sS", "--path-as-is"]);
        assert!(got.code == Some(2) && got.stderr.contains("dot segments") || got.code == Some(3), "{url}: {got:?}");
    }
    for url in ["https://slack.com/apix", "https://slack.com/"] {
        curl(&world, &["--via-vault", url]).exit(3);
    }
    let got = curl(&world, &["--via-vault", "https://files.slack.com/files-pri/x", "-sS"]).exit(6);
    assert!(got.stderr.contains("https://slack.com/api"), "{got:?}");
    curl(&world, &["--via-vault", "https://slack.com.evil.net/api/x"]).exit(3);
    for option in [&["-L"][..], &["-H", "identifier: bob"], &["-H", "Connection_Name: x"], &["-H", "Authorization: x"]]
    {
        let got = curl(&world, &[&["--via-vault", "https://slack.com/api/x"], option].concat()).exit(2);
        assert!(got.stderr.contains("is refused"), "{got:?}");
    }
    assert_eq!((world.count(PROXY), provider.seen().len()), (0, 0));
}

#[test]
fn whose_call_it_is_and_where_it_goes_is_what_the_command_says() {
    let provider = Provider::start();
    let world = World::new();
    let host = provider.url.strip_prefix("http://").unwrap().to_owned();
    world.order(
        json!({"op": "seed_provider", "identifier": "DESK", "proxy_url": "http://{{domain}}/api", "is_custom": true}),
    );
    world.control(Control::connection("desk-x", "DESK"));
    for identifier in ["ada", "ada ", "bøb"] {
        let credential = json!({"kind": "oauth_token", "access_token": "odd"});
        world.order(json!({"op": "seed_account", "connection": "desk-x", "identifier": identifier,
            "credential": credential, "api_config": {"domain": host}}));
    }
    let others = "http://127.0.0.1:9";
    world.ok(&[
        "config",
        "desk",
        "desk-x",
        "--provider",
        "desk",
        "--identifier",
        "ada",
        "--host",
        &provider.url,
        "--host",
        others,
    ]);
    let url = format!("{}/api/x", provider.url);
    curl(&world, &["--via-vault", &url, "-sS"]).ok();
    for identifier in ["ada ", " ada", "bøb"] {
        let got = curl(&world, &["--via-vault", "--identifier", identifier, &url, "-sS"]).exit(2);
        assert!(got.stderr.contains("cannot be told"), "{got:?}");
    }
    // The vault would fill in the account's own host, whatever the URL says.
    let got = curl(&world, &["--via-vault", &format!("{others}/api/x"), "-sS", "-X", "DELETE"]).exit(6);
    assert!(got.stderr.contains(&format!("is http://{host}")), "{got:?}");
    for path in ["/api/..;/..;/x", "/api/%c0%ae%c0%ae/x", "/api/.%09./x"] {
        curl(&world, &["--via-vault", &format!("{}{path}", provider.url), "-sS", "--path-as-is"]).exit(2);
    }
    std::fs::write(world.path("x\\.."), "x").unwrap();
    curl(&world, &["--via-vault", &format!("{}/api/", provider.url), "-sS", "-T", "x\\.."]).exit(2);
    let own = format!("{}/mcp/v3/connections/desk-x", world.sandbox.url());
    let got = curl(&world, &["--via-vault", &own, "-sS"]).exit(2);
    assert!(got.stderr.contains("called directly"), "{got:?}");
    assert_eq!(provider.seen().len(), 1);
}

#[test]
fn the_vaults_own_errors_get_a_sentence_and_the_providers_none() {
    let provider = Provider::start();
    let world = world(&provider);
    let url = "https://slack.com/api/auth.test";
    world.order(json!({"op": "proxy_enabled", "identifier": "SLACK", "enabled": false}));
    let got = curl(&world, &[url, "-sS"]);
    assert!(got.stderr.contains("switched off") && got.stdout.contains("TOOL_PROXY_DISABLED"), "{got:?}");
    world.order(json!({"op": "proxy_enabled", "identifier": "SLACK", "enabled": true}));
    world.order(json!({"op": "fail_next", "route": PROXY, "status": 502, "body": "upstream gone"}));
    let got = curl(&world, &[url, "-sS"]);
    assert!(got.stderr.contains("could not make the call") && got.stdout == "upstream gone", "{got:?}");
    world.order(json!({"op": "fail_next", "route": PROXY, "status": 401, "body": "{\"detail\":\"x\",\"code\":\"UNAUTHORIZED\"}"}));
    assert!(curl(&world, &[url, "-sS"]).stderr.contains("run the command again"));
    // The provider's, which only look alike.
    for body in [
        "{\"code\":\"NOT_FOUND\"}",
        "{\"detail\":\"x\",\"code\":\"NOT_FOUND\",\"more\":1}",
        "{\"detail\":\"x\",\"code\":\"OTHER\"}",
    ] {
        world.order(json!({"op": "fail_next", "route": PROXY, "status": 404, "body": body}));
        let got = curl(&world, &[url, "-sS"]);
        assert_eq!((got.stdout.as_str(), got.stderr.as_str()), (body, ""));
    }
}

#[test]
fn an_account_that_waits_for_consent_gets_its_link_on_either_road() {
    let provider = Provider::start();
    let world = world(&provider);
    world.order(json!({"op": "set_status", "connection": "slack-x", "identifier": "ada", "status": "EXPIRED"}));
    for args in [&["https://slack.com/api/x"][..], &["--via-vault", "https://slack.com/api/x"]] {
        let got = curl(&world, args).exit(5);
        assert!(got.stderr.contains("/magicLink/"), "{got:?}");
    }
    assert_eq!(world.count(PROXY), 0);
}

#[test]
fn without_an_address_the_whole_path_is_the_vaults_matter() {
    let provider = Provider::start();
    let world = world(&provider);
    world.order(json!({"op": "fail_next", "route": "GET /api/v1/providers", "status": 403}));
    curl(&world, &["https://slack.com/api/auth.test", "-sS"]);
    assert_eq!(provider.seen(), ["GET /api/api/auth.test Bearer sandbox-withheld-ada  "]);
}

#[test]
fn every_other_command_says_that_curl_works() {
    let provider = Provider::start();
    let world = world(&provider);
    world.ok(&["config", "slack", "slack-x", "--host", "git.acme.com", "--host", "slack.com"]);
    for args in [&["token", "slack"][..], &["header", "https://slack.com/api/x"]] {
        let got = world.run(args).exit(6);
        assert!(got.stderr.contains("withholds") && got.stderr.contains("`scalekit-auth curl URL`"), "{got:?}");
    }
    let told: Value = serde_json::from_str(&world.run(&["token", "slack", "--json"]).exit(6).stdout).unwrap();
    assert!(told["message"].as_str().unwrap().contains("scalekit-auth curl"), "{told}");
    let got = world.helper("get", "protocol=https\nhost=git.acme.com\n\n");
    assert!(got.stdout.is_empty() && got.stderr.contains("`scalekit-auth curl URL`"), "{got:?}");
}
