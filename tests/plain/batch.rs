//! Many accounts in one run: what it costs, and what one failure does to the others.

use crate::common;
use common::{World, finish, oauth};
use scalekit_sandbox::Control;
use serde_json::{Value, json};

const TOKEN: &str = "POST /oauth/token";
const AUTH: &str = "GET /api/v1/connected_accounts/auth";
const DETAILS: &str = "GET /api/v1/connected_accounts/details";

fn services(count: usize) -> (World, Vec<String>) {
    let world = World::new();
    let names: Vec<String> = (0..count).map(|index| format!("service-{index}")).collect();
    let document: serde_json::Map<String, Value> =
        names.iter().map(|name| (name.clone(), json!({"connection_name": name, "identifier": "ada"}))).collect();
    for name in &names {
        world.seed(name, "GITHUB", &format!("token-of-{name}"));
    }
    world.write_connections(&Value::Object(document).to_string());
    (world, names)
}

fn tokens(world: &World, names: &[String], exit: i32) -> Value {
    let mut command = world.command(common::EXE);
    let got = finish(command.arg("token").args(names).arg("--json"), "").exit(exit);
    assert_eq!(got.stdout.matches('\n').count(), 1, "{got:?}");
    serde_json::from_str(&got.stdout).unwrap()
}

#[test]
fn many_tokens_cost_one_client_token_and_share_eight_connections() {
    for count in [2, 8, 40] {
        let (world, names) = services(count);
        let object = tokens(&world, &names, 0);
        assert_eq!((&object["version"], &object["status"]), (&json!(1), &json!("ok")));
        let told: Vec<&str> =
            object["results"].as_array().unwrap().iter().map(|r| r["token"].as_str().unwrap()).collect();
        let expected: Vec<String> = names.iter().map(|name| format!("token-of-{name}")).collect();
        assert_eq!(told, expected);
        assert_eq!((world.count(TOKEN), world.count(AUTH)), (1, count as u64));
        let connections = world.sandbox.counts().tcp_connections;
        assert!(connections <= count.min(8) as u64, "{connections} connections for {count} services");
    }
}

#[test]
fn requests_run_in_parallel_on_eight_connections() {
    let (world, names) = services(16);
    // While each is held up, the next one needs a connection of its own.
    world.control(Control::Delay { route: Some(AUTH.into()), times: 16, millis: 300 });
    tokens(&world, &names, 0);
    assert_eq!(world.sandbox.counts().tcp_connections, 8);
}

#[test]
fn one_failure_does_not_hide_the_others_and_the_exit_code_tells_how_many_failed() {
    let (world, mut names) = services(3);
    let status =
        |name: &str| Control::SetStatus { connection: name.into(), identifier: "ada".into(), status: "EXPIRED".into() };
    world.control(status("service-1"));
    names.insert(1, "nobody".into());
    let object = tokens(&world, &names, 10);
    assert_eq!(object["status"], "partial");
    let states: Vec<&str> =
        object["results"].as_array().unwrap().iter().map(|r| r["status"].as_str().unwrap()).collect();
    assert_eq!(states, ["ok", "error", "needs_authorization", "ok"]);
    world.control(status("service-0"));
    let object = tokens(&world, &["service-0".into(), "service-1".into()], 5);
    assert_eq!(object["status"], "error");
    assert!(object["results"][0]["link"].as_str().unwrap().contains("/magicLink/"));
}

#[test]
fn several_without_json_are_a_usage_error() {
    let (world, _) = services(2);
    let got = world.run(&["token", "service-0", "service-1"]).exit(2);
    assert!(got.stdout.is_empty() && got.stderr.contains("token service-0 service-1 --json"), "{got:?}");
    assert_eq!(world.sandbox.counts().tcp_connections, 0);
}

#[test]
fn a_client_secret_that_is_refused_is_refused_once() {
    let (world, names) = services(12);
    world.control(Control::RotateClientSecret { secret: "another".into() });
    let object = tokens(&world, &names, 6);
    assert_eq!(object["results"].as_array().unwrap().len(), 12);
    assert_eq!((world.count(TOKEN), world.count(AUTH)), (1, 0));
}

#[test]
fn status_lists_every_account_with_its_state_expiry_and_last_use() {
    let world = World::new();
    world.seed_as("alice", "github-x", "GITHUB", "token-1");
    world.control(Control::SeedAccount {
        connection: "github-x".into(),
        identifier: "alice@acme.com".into(),
        status: "EXPIRED".into(),
        credential: oauth("token-2"),
        expires_in: None,
        expires_at: Some("2026-01-02T03:04:05Z".into()),
        authorization_type: None,
        api_config: None,
    });
    world.ok(&["config", "github", "github-x", "--identifier", "alice", "--as", "home"]);
    world.ok(&["config", "github", "github-x", "--identifier", "alice@acme.com", "--as", "work"]);
    world.ok(&["config", "gmail", "gmail-x"]);
    world.ok(&["token", "github"]);
    let shown = world.ok(&["status", "--check"]).stdout;
    let row =
        |of: &str| shown.lines().find(|line| line.contains(of)).unwrap_or_else(|| panic!("{of}: {shown}")).to_owned();
    assert!(row("github   alice  ").ends_with("ACTIVE") && row("alice@acme.com").ends_with("EXPIRED"), "{shown}");
    assert!(
        row("alice@acme.com").contains("2026-01-02T03:04:05Z") && row("gmail").ends_with("NOT_CONNECTED"),
        "{shown}"
    );
    assert!(!shown.contains('\x1b') && !shown.contains("token-"), "{shown}");
    assert_eq!(world.count(DETAILS), 3);
    let object: Value = serde_json::from_str(&world.ok(&["status", "--check", "--json"]).stdout).unwrap();
    assert_eq!(object["environments"][0]["status"], "ok");
    let accounts = object["accounts"].as_array().unwrap();
    assert_eq!(accounts.len(), 3);
    assert_eq!(
        (&accounts[1]["identifier"], &accounts[1]["account_status"]),
        (&json!("alice@acme.com"), &json!("EXPIRED"))
    );
    assert!(accounts[0]["last_used_at"].is_string(), "{accounts:?}");
}

#[test]
fn a_cause_is_said_once_and_the_table_fits_a_terminal() {
    let (world, names) = services(12);
    let long = "somebody.with.a.long.name+and-a-tag@a-department.of-a-company.example.com";
    world.seed_as(long, "conn-1", "GITHUB", "token-long");
    let named = "a-service-with-quite-a-long-name";
    world.ok(&["config", named, "conn-1", "--provider", "GITHUB", "--identifier", long]);
    let fits = |text: &str| {
        let table = text.lines().skip_while(|line| !line.starts_with("SERVICE")).take(names.len() + 2);
        let table: Vec<_> = table.map(|line| line.chars().count()).collect();
        assert!(table.len() == names.len() + 2 && table.iter().all(|width| *width <= 100), "{text}");
    };
    let shown = world.ok(&["status", "--check"]).stdout;
    fits(&shown);
    assert!(shown.contains("a-service-with-quit\u{2026}  somebody.with"), "{shown}");
    world.fail_next("GET /api/v1/connected_accounts/details", 40, 400, Some("INVALID_ARGUMENT"));
    let shown = world.ok(&["status", "--check"]).stdout;
    fits(&shown);
    assert_eq!(shown.lines().filter(|line| line.contains("the vault refused")).count(), 1, "{shown}");
    assert!(shown.contains("\n(1) the vault refused") && shown.matches("error (1)").count() == 13, "{shown}");
    world.control(Control::RotateClientSecret { secret: "another".into() });
    let got = world.run(&["status", "--check"]).exit(6);
    fits(&got.stdout);
    assert_eq!(got.stdout.matches("client credentials were refused").count(), 1, "{got:?}");
    assert_eq!(got.stdout.matches("error (above)").count(), 13, "{got:?}");
}

#[test]
fn the_states_have_colours_on_a_terminal_alone_and_not_with_no_color() {
    let (world, _) = services(1);
    let on_terminal = |no_color: &str| {
        let script = format!("spawn -noecho {} status --check; expect eof; exit [lindex [wait] 3]", common::EXE);
        finish(world.command("expect").env("NO_COLOR", no_color).args(["-c", &script]), "").ok().stdout
    };
    assert!(on_terminal("").contains("\x1b[32mACTIVE\x1b[0m"));
    assert!(!on_terminal("1").contains('\x1b'));
}
