//! `connect`: from a link to an ACTIVE account, by the browser that comes back and by asking the vault.

use crate::common::consent;
use std::process::Command;
use std::time::Duration;

use crate::common::{EXE, World, finish};
use consent::{Running, connect, pending, visit};
use scalekit_sandbox::{Control, VerifyMode};
use serde_json::{Value, json};

const VERIFY: &str = "POST /api/v1/connected_accounts/user/verify";
const LINK: &str = "POST /api/v1/connected_accounts/magic_link";
const CREATE: &str = "POST /api/v1/connected_accounts";

fn verifying() -> World {
    let world = pending();
    world.control(Control::VerifyMode { mode: VerifyMode::B2b });
    world
}

#[test]
fn the_browser_goes_where_the_vault_sends_it_after_the_verification() {
    for (url, is_followed) in [
        ("https://app.acme.example.com/done?x=1", true),
        ("http://127.0.0.1:9/done", true),
        ("http://localhost:9/done", true),
        ("http://app.acme.example.com/done", false),
        ("https://ada@app.acme.example.com/done", false),
        ("javascript:alert(1)", false),
    ] {
        let world = verifying();
        world.order(json!({"op": "post_verify_redirect", "url": url}));
        let mut running = connect(&world, &[]);
        let back = consent::redirect_of(&world, &running.link());
        let got = finish(world.command("curl").args(["-sS", "-i", &back]), "").ok();
        match is_followed {
            true => assert!(
                got.stdout.starts_with("HTTP/1.1 303 See Other\r\n")
                    && got.stdout.contains(&format!("\r\nLocation: {url}\r\n")),
                "{got:?}"
            ),
            false => assert!(
                got.stdout.starts_with("HTTP/1.1 200 OK\r\n")
                    && !got.stdout.contains("Location:")
                    && !got.stdout.contains("X-Evil"),
                "{got:?}"
            ),
        }
        running.end().ok();
    }
}

fn fail(world: &World, route: &str, status: u16, error_code: &str) {
    world.fail_next(route, 1, status, Some(error_code));
}

#[test]
fn the_browser_comes_back_and_the_account_is_verified() {
    let world = verifying();
    let mut running = connect(&world, &[]);
    let page = visit(&world, &running.link());
    assert!(
        page.contains("<h1>Connected</h1>") && page.contains("GitHub is connected. You can close this tab."),
        "{page}"
    );
    let done = running.end().ok();
    assert!(done.stdout.ends_with("github is connected (identifier ada)\n"), "{done:?}");
    assert_eq!(world.count(VERIFY), 1);
    assert!(world.ok(&["token", "github"]).stdout.starts_with("sandbox-token-"));
}

#[test]
fn without_a_redirect_the_vault_is_asked_until_the_account_is_active() {
    let world = pending();
    let mut running = connect(&world, &[]);
    visit(&world, &running.link());
    running.end().ok();
    assert_eq!(world.count(VERIFY), 0);
}

#[test]
fn a_missing_account_is_created_even_if_somebody_else_is_faster() {
    for status in [400, 409] {
        let world = World::new();
        world.control(Control::connection("github-x", "GITHUB"));
        world.ok(&["config", "github", "github-x", "--identifier", "ada"]);
        world.control(Control::CreateRace {
            connection: "github-x".into(),
            identifier: "ada".into(),
            as_status: status,
        });
        let mut running = connect(&world, &[]);
        visit(&world, &running.link());
        running.end().ok();
        assert_eq!(world.count(CREATE), 1);
    }
}

#[test]
fn an_active_account_gets_no_link_unless_its_consent_is_renewed() {
    let world = pending();
    world.seed("github-x", "GITHUB", "token-before");
    assert_eq!(world.ok(&["connect", "github"]).stdout, "github is connected (identifier ada); nothing to do\n");
    assert_eq!(world.count(LINK), 0);
    let mut running = connect(&world, &["--renew"]);
    let link = running.link();
    std::thread::sleep(Duration::from_millis(1500));
    assert!(running.is_running(), "an account that was ACTIVE before is no success");
    visit(&world, &link);
    running.end().ok();
    assert!(world.ok(&["token", "github"]).stdout.starts_with("sandbox-token-"));
}

#[test]
fn whatever_else_hits_the_port_gets_404_and_changes_nothing() {
    let world = verifying();
    let mut running = connect(&world, &[]);
    let link = running.link();
    let back = consent::redirect_of(&world, &link);
    let (base, query) = back.split_once("/callback?").unwrap();
    let state = query.split('&').find_map(|pair| pair.strip_prefix("state=")).unwrap();
    for url in [
        format!("{base}/"),
        format!("{base}/favicon.ico"),
        format!("{base}/callback"),
        format!("{base}/callback?auth_request_id=ar_1"),
        format!("{base}/callback?auth_request_id=ar_1&state=x{}", &state[1..]),
        format!("{base}/callback?auth_request_id=ar_1&state="),
        format!("{base}/callback?auth_request_id=ar_1&auth_request_id=ar_2&state={state}"),
        back.replace("127.0.0.1", "localhost"),
    ] {
        assert_eq!(consent::status_of(&world, &[&url]), "404", "{url}");
    }
    assert_eq!(consent::status_of(&world, &["-X", "POST", &back]), "404");
    assert_eq!(consent::status_of(&world, &["-H", "Host: evil.net", &back]), "404");
    assert_eq!(world.count(VERIFY), 0);
    assert_eq!(consent::status_of(&world, &[&back]), "200");
    running.end().ok();
    assert_eq!(consent::status_of(&world, &[&back]), "000", "the port is closed again");
}

#[test]
fn the_page_is_self_contained_and_forbids_everything_else() {
    let world = verifying();
    let mut running = connect(&world, &[]);
    let back = consent::redirect_of(&world, &running.link());
    let head = consent::curl(&world, &["-sS", "-i", &back]).ok().stdout;
    running.end().ok();
    for part in [
        "Content-Security-Policy: default-src 'none'; style-src 'nonce-",
        "Referrer-Policy: no-referrer",
        "X-Content-Type-Options: nosniff",
        "Cache-Control: no-store",
        "<html lang=\"en\">",
        "color-scheme",
    ] {
        assert!(head.contains(part), "{part}: {head}");
    }
    assert!(!head.contains("<script") && !head.contains("src="), "{head}");
}

#[test]
fn a_state_is_good_for_one_browser_only() {
    let world = verifying();
    world.control(Control::Delay { route: Some(VERIFY.into()), times: 1, millis: 800 });
    let mut running = connect(&world, &[]);
    let back = consent::redirect_of(&world, &running.link());
    let first = std::thread::spawn({
        let mut command = world.command("curl");
        command.args(["-sS", "-o", "/dev/null", "-w", "%{http_code}", &back]);
        move || finish(&mut command, "").stdout
    });
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(consent::status_of(&world, &[&back]), "404");
    assert_eq!(first.join().unwrap(), "200");
    running.end().ok();
    assert_eq!(world.count(VERIFY), 1);
}

#[test]
fn each_refusal_of_the_verification_has_its_own_message_and_exit_code() {
    for (status, error_code, exit, words) in [
        (403, "PERMISSION_DENIED", 6, ["granted by somebody else than ada", "open it as ada"]),
        (404, "RESOURCE_NOT_FOUND", 5, ["used already", "connect github"]),
        (400, "INVALID_ARGUMENT", 5, ["no consent for github is waiting", "connect github"]),
    ] {
        let world = verifying();
        fail(&world, VERIFY, status, error_code);
        let mut running = connect(&world, &[]);
        let page = visit(&world, &running.link());
        assert!(page.contains("That did not work") && page.contains("Go back to your terminal"), "{page}");
        let got = running.end().exit(exit);
        assert!(words.iter().all(|word| got.stderr.contains(word)), "{got:?}");
    }
}

#[test]
fn a_link_that_runs_out_is_replaced() {
    let world = verifying();
    world.control(Control::MagicLinkLifetime { seconds: 1 });
    let mut running = connect(&world, &[]);
    let first = running.link();
    world.control(Control::MagicLinkLifetime { seconds: 60 });
    let second = running.link();
    assert_ne!(first, second);
    // Its expiry is told in whole seconds.
    std::thread::sleep(Duration::from_secs(1));
    assert!(visit(&world, &first).contains("no longer"));
    assert!(visit(&world, &second).contains("Connected"));
    running.end().ok();
}

#[test]
fn an_agent_takes_two_steps() {
    let world = pending();
    let object = |args: &[&str], exit: i32| -> Value {
        serde_json::from_str(&world.run(&[&["connect", "github", "--json"], args].concat()).exit(exit).stdout).unwrap()
    };
    let first = object(&["--no-wait"], 0);
    assert_eq!((&first["status"], &first["account_status"]), (&json!("needs_authorization"), &json!("PENDING_AUTH")));
    assert!(first["message"].as_str().unwrap().contains(first["link"].as_str().unwrap()));
    let late = object(&["--wait-only", "--timeout", "1"], 5);
    assert_eq!((&late["status"], &late["link"]), (&json!("needs_authorization"), &Value::Null));
    let mut running = Running::start(&world, &["connect", "github", "--wait-only", "--json"]);
    visit(&world, first["link"].as_str().unwrap());
    let done: Value = serde_json::from_str(&running.end().ok().stdout).unwrap();
    assert_eq!((&done["status"], &done["account_status"]), (&json!("ok"), &json!("ACTIVE")));
    assert_eq!(object(&[], 0)["message"], "github is connected (identifier ada); nothing to do");
    assert_eq!(world.count(LINK), 1);
}

#[test]
fn an_agents_host_with_a_page_of_its_own_ends_it_by_complete() {
    let world = verifying();
    world.control(Control::RequireVerifyUrl { required: true });
    let got = world.run(&["connect", "github", "--no-wait"]).exit(6);
    assert!(got.stderr.contains("--user-verify-url"), "{got:?}");
    let args = ["connect", "github", "--no-wait", "--json", "--user-verify-url", "https://agents.example.com/back?x=1"];
    let object: Value = serde_json::from_str(&world.ok(&args).stdout).unwrap();
    let back = consent::redirect_of(&world, object["link"].as_str().unwrap());
    assert!(back.starts_with("https://agents.example.com/back?x=1&"), "{back}");
    let parsed = url::Url::parse(&back).unwrap();
    let value = |name: &str| parsed.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
    assert_eq!(value("state"), object["state"].as_str().unwrap());
    let complete = |input: &str| finish(world.command(EXE).args(["connect", "github", "--complete"]), input);
    complete("").exit(2);
    complete("two words").exit(2);
    complete("unknown").exit(5);
    complete(&format!("{}\n", value("auth_request_id"))).ok();
    complete(&value("auth_request_id")).exit(5);
    assert!(world.ok(&["token", "github"]).stdout.starts_with("sandbox-token-"));
}

#[test]
fn without_a_terminal_no_browser_is_opened() {
    let world = pending();
    let seen = world.path("browser-was-here");
    let mut command = world.command(EXE);
    command.args(["connect", "github", "--timeout", "1"]).env("BROWSER", format!("touch {}", seen.display()));
    let got = finish(&mut command, "").exit(5);
    assert!(got.stdout.contains("authorization needed for github") && got.stderr.contains("--wait-only"), "{got:?}");
    assert!(!seen.exists());
}

#[test]
fn ctrl_c_says_how_to_go_on() {
    let world = pending();
    let mut running = connect(&world, &[]);
    running.link();
    Command::new("kill").args(["-INT", &running.id()]).status().unwrap();
    let got = running.end().exit(130);
    assert!(got.stderr.contains("connect github --wait-only"), "{got:?}");
}

#[test]
fn a_page_that_asks_for_more_than_a_click_says_for_what() {
    let world = World::new();
    world.control(Control::SeedConnection {
        name: "brave-x".into(),
        provider: "BRAVE".into(),
        enabled: true,
        mcp_server_url: None,
        status: "COMPLETED".into(),
        kind: "API_KEY".into(),
    });
    world.ok(&["config", "brave", "brave-x", "--identifier", "ada"]);
    let mut running = Running::start(&world, &["connect", "brave"]);
    visit(&world, &running.link());
    let got = running.end().ok();
    assert!(got.stderr.contains("the page asks for its API key"), "{got:?}");
}

#[test]
fn disconnect_removes_the_account_once_it_is_confirmed() {
    let world = World::new();
    world.seed("github-x", "GITHUB", "token-1");
    world.ok(&["config", "github", "github-x", "--identifier", "ada"]);
    assert!(world.run(&["disconnect", "github"]).exit(2).stderr.contains("--yes"));
    assert_eq!(world.ok(&["token", "github"]).stdout, "token-1\n");
    assert!(world.ok(&["disconnect", "github", "--yes"]).stderr.contains("is removed"));
    assert!(world.run(&["disconnect", "github", "--yes"]).exit(3).stderr.contains("no account ada"));
    world.run(&["token", "github"]).exit(5);
}
