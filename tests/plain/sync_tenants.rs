//! Hosts that belong to one customer of a provider's: learned from the account that names them, for that account alone.

use crate::common::sync::{account, account_with_domain, provider, token_of};
use crate::common::{Finished, World};
use scalekit_sandbox::Control;
use serde_json::{Value, json};

const PLACE: &str = "https://acme.zendesk.com/api/v2/tickets";
const DETAILS: &str = "GET /api/v1/connected_accounts/details";

/// A world with the connection `desk-1`, whose usual account is at `acme.zendesk.com`, as one of Scalekit's ways says.
fn zendesk(way: usize) -> World {
    let world = World::new();
    world.control(Control::connection("desk-1", "ZENDESK"));
    world.control(match way {
        0 => account("desk-1", "agent", json!({"subdomain": "acme"})),
        1 => account("desk-1", "agent", json!({"domain": "https://acme.zendesk.com/", "version": 2})),
        _ => account_with_domain("desk-1", "agent", "acme.zendesk.com"),
    });
    world.control(account("desk-1", "eve", json!({})));
    world
}

fn is_unknown(world: &World) {
    let got = world.run(&["which", PLACE]).exit(3);
    let text = format!("{}{}", got.stdout, got.stderr);
    assert!(text.contains("one customer's host below zendesk.com") && text.contains("not known to be yours"), "{text}");
    world.refuses(PLACE);
}

fn is_known(world: &World, identifier: &str) {
    let before = world.sandbox.counts();
    let which = world.ok(&["which", PLACE]).stdout;
    assert!(which.contains("(synced)") && which.contains(&format!("identifier   {identifier} (from ")), "{which}");
    assert_eq!(world.sandbox.counts(), before);
    world.gives_as(PLACE, "desk-1", identifier);
    for place in ["https://other.zendesk.com/api/v2", "https://zendesk.com", "https://x.acme.zendesk.com"] {
        world.refuses(place);
    }
    world.refuses("https://acme.zendesk.com:8443/api/v2");
    let refused = world.run(&["token", PLACE, "--identifier", "eve"]).exit(8);
    assert!(refused.stdout.is_empty() && refused.stderr.contains("no account eve"), "{refused:?}");
}

#[test]
fn sync_asks_the_accounts_without_reading_their_tokens() {
    for way in [0, 1] {
        let world = zendesk(way);
        is_unknown(&world);
        let got = world.ok(&["sync"]);
        assert!(got.stderr.contains("acme.zendesk.com is the host of agent (zendesk)"), "{got:?}");
        assert_eq!((world.count(DETAILS), world.count("GET /api/v1/connected_accounts/auth")), (1, 0));
        is_known(&world, "agent");
        let before = world.synced();
        let again = world.ok(&["sync"]);
        assert!(!again.stderr.contains("acme.zendesk.com"), "{again:?}");
        assert_eq!(world.synced()["environments"]["default"]["tenants"], before["environments"]["default"]["tenants"]);
    }
}

#[test]
fn the_first_token_of_a_service_teaches_its_host() {
    for way in [0, 1, 2] {
        let world = zendesk(way);
        world.ok(&["config", "zendesk", "desk-1"]);
        is_unknown(&world);
        let got = world.ok(&["token", "zendesk"]);
        assert_eq!(got.stdout, format!("{}\n", token_of("desk-1", "agent")));
        assert!(got.stderr.contains("acme.zendesk.com is known as the host of agent from now on"), "{got:?}");
        is_known(&world, "agent");
        assert_eq!(world.ok(&["token", "zendesk"]).stderr, "");
        // A later sync keeps what the account said.
        world.ok(&["sync"]);
        is_known(&world, "agent");
    }
}

#[test]
fn connect_teaches_the_host_of_the_account() {
    for way in [0, 1, 2] {
        let world = zendesk(way);
        world.ok(&["config", "zendesk", "desk-1"]);
        is_unknown(&world);
        world.ok(&["connect", "zendesk"]);
        is_known(&world, "agent");
    }
}

#[test]
fn an_account_that_is_not_the_usual_one_keeps_its_host_to_itself() {
    let world = zendesk(0);
    world.control(account("desk-1", "ada", json!({"subdomain": "ada-shop"})));
    world.ok(&["config", "zendesk", "desk-1"]);
    world.ok(&["token", "zendesk", "--identifier", "ada"]);
    world.gives_as("https://ada-shop.zendesk.com/api/v2", "desk-1", "ada");
    is_unknown(&world);
    world.ok(&["token", "zendesk"]);
    is_known(&world, "agent");
    world.gives_as("https://ada-shop.zendesk.com/api/v2", "desk-1", "ada");
    world.run(&["token", "https://ada-shop.zendesk.com", "--identifier", "agent"]).exit(8);
    world.run(&["token", PLACE, "--identifier", "ada"]).exit(8);
    // An account that moves takes its host along.
    world.control(account("desk-1", "agent", json!({"subdomain": "moved"})));
    world.ok(&["token", "zendesk"]);
    world.gives("https://moved.zendesk.com", "desk-1");
    world.refuses(PLACE);
}

#[test]
fn a_named_account_is_asked_by_sync_too() {
    let world = zendesk(0);
    world.control(account("desk-1", "ada", json!({"subdomain": "ada-shop"})));
    world.ok(&["config", "desk", "desk-1", "--identifier", "agent"]);
    world.ok(&["config", "desk", "desk-1", "--identifier", "ada", "--as", "shop"]);
    world.ok(&["config", "desk", "desk-1", "--identifier", "nobody", "--as", "none"]);
    world.ok(&["sync"]);
    is_known(&world, "agent");
    world.gives_as("https://ada-shop.zendesk.com/api/v2", "desk-1", "ada");
    assert_eq!(world.count("POST /api/v1/connected_accounts"), 0, "asking creates no account");
}

#[test]
fn a_host_that_the_user_named_is_not_added_to() {
    let world = zendesk(0);
    world.ok(&["config", "zendesk", "desk-1", "--host", "mine.zendesk.com"]);
    world.ok(&["sync"]);
    world.ok(&["token", "zendesk"]);
    world.gives("https://mine.zendesk.com", "desk-1");
    is_unknown_to_a_service_of_mine(&world);
}

fn is_unknown_to_a_service_of_mine(world: &World) {
    world.refuses(PLACE);
    world.run(&["which", PLACE]).exit(3);
}

/// A custom provider whose API is at `template`, and what its account says.
fn templated(template: &str, api_config: Value) -> World {
    let world = World::new();
    world.control(provider("SHOP", Some(template), true));
    world.control(Control::connection("shop-1", "SHOP"));
    world.control(account("shop-1", "agent", api_config));
    world
}

#[test]
fn the_blanks_of_a_providers_address_are_filled_from_the_account() {
    for (template, api_config, place) in [
        ("https://{{domain}}/api", json!({"domain": "shop.example.com"}), "https://shop.example.com/api/x"),
        ("https://{{ domain }}/api", json!({"domain": "https://Shop.example.com/"}), "https://shop.example.com/api"),
        ("https://{{shop}}.example.com/v1/{{id}}", json!({"shop": "acme", "id": 5}), "https://acme.example.com/v1/5"),
        ("https://{{a}}-{{b}}.example.com", json!({"a": "x", "b": "y"}), "https://x-y.example.com"),
    ] {
        let world = templated(template, api_config);
        world.refuses(place);
        world.ok(&["sync"]);
        world.gives(place, "shop-1");
        let refused = world.run(&["token", place, "--identifier", "eve"]).exit(8);
        assert!(refused.stdout.is_empty(), "{refused:?}");
        world.refuses("https://evil.example.com/api");
    }
    let world = templated("https://{{domain}}/api", json!({"domain": "shop.example.com"}));
    world.ok(&["sync"]);
    world.refuses("https://shop.example.com/apis");
    world.refuses("https://shop.example.com");
}

/// `sync`, `token` and `connect` learn no host of `service`.
fn learns_nothing(world: &World, service: &str, what: &dyn std::fmt::Display) {
    for args in [&["sync"][..], &["token", service], &["connect", service]] {
        let got: Finished = world.ok(args);
        assert!(!got.stderr.contains("host of agent"), "{what}: {got:?}");
    }
    let environment = &world.synced()["environments"]["default"];
    let tenants = environment["tenants"].as_array().unwrap();
    assert!(tenants.iter().all(|tenant| tenant["hosts"] == json!([])), "{what}: {tenants:?}");
    let row = world.rows().into_iter().find(|row| row[0] == service).unwrap();
    assert_eq!(row.last().map(String::as_str), Some("-"), "{what}");
}

#[test]
fn what_an_account_says_cannot_claim_the_host_of_another() {
    let mut world = templated("https://{{domain}}/api", json!({}));
    learns_nothing(&world, "shop", &"nothing");
    let own = world.sandbox.url().trim_start_matches("https://").to_owned();
    for value in [
        "github.com",
        "GitHub.com",
        "api.github.com",
        "evil.com/x",
        "evil.com?",
        "evil.com#",
        "evil.com:443",
        "evil.com\\",
        "127.0.0.1",
        "10.0.0.1",
        "[::1]",
        "2130706433",
        "localhost",
        "co.uk",
        "github.io",
        "com",
        "a@b",
        "a@evil.com",
        "evil.com@",
        "a..b.com",
        ".evil.com",
        "evil.com.",
        "-evil.com",
        "*.evil.com",
        "{{domain}}",
        "http://evil.com",
        "https://https://evil.com",
        "evil.com\nx",
        "evil.com x",
        "évil.com",
        "evil%2ecom",
        "x.scalekit.com",
        &own,
        "",
    ] {
        world.control(account("shop-1", "agent", json!({"domain": value})));
        learns_nothing(&world, "shop", &value);
    }
    for value in [json!(5), json!(true), json!(["evil.com"]), json!({"x": "evil.com"}), Value::Null] {
        world.control(account("shop-1", "agent", json!({"domain": value})));
        learns_nothing(&world, "shop", &value);
    }
    for template in
        ["https://{{domain}}@evil.com", "https://u@{{domain}}", "https://u:p@{{domain}}", "https://{{domain"]
    {
        world = templated(template, json!({"domain": "shop.example.com"}));
        learns_nothing(&world, "shop", &template);
        world.refuses("https://shop.example.com");
        world.refuses("https://evil.com");
    }
}

#[test]
fn a_built_in_provider_has_tenants_below_its_own_domains_only() {
    let world = World::new();
    world.control(Control::connection("desk-1", "ZENDESK"));
    for (name, value) in [
        ("domain", "evil.com"),
        ("domain", "zendesk.com"),
        ("domain", "zendesk.com.evil.com"),
        ("domain", "evilzendesk.com"),
        ("domain", "github.com"),
        ("domain", "acme.freshdesk.com"),
        ("domain", "acme.zendesk.com/x"),
        ("domain", "a@acme.zendesk.com"),
        ("domain", "acme.zendesk.com.evil.com"),
        ("domain", "*.zendesk.com"),
        ("subdomain", "evil.com/"),
        ("subdomain", "evil.com#"),
        ("subdomain", "a/b"),
        ("subdomain", "a@b"),
        ("subdomain", ""),
        ("subdomain", "-"),
        ("note", "acme"),
    ] {
        world.control(account("desk-1", "agent", json!({name: value})));
        learns_nothing(&world, "zendesk", &format!("{name}={value}"));
    }
    world.control(provider("ZENDESK", Some("https://{{domain}}/api/v2"), false));
    world.control(account("desk-1", "agent", json!({"domain": "evil.com"})));
    learns_nothing(&world, "zendesk", &"a template");
}

#[test]
fn accounts_that_cannot_be_asked_stop_no_sync() {
    let fail = |status, error_code: Option<&str>| Control::FailNext {
        route: Some(DETAILS.into()),
        times: 1,
        status,
        error_code: error_code.map(str::to_owned),
        body: None,
        retry_after: None,
    };
    for (status, code) in [
        (403, None),
        (403, Some("CONNECTION_NOT_ENABLED")),
        (403, Some("FORBIDDEN")),
        (404, None),
        (404, Some("RESOURCE_NOT_FOUND")),
        (501, None),
    ] {
        let world = zendesk(0);
        world.control(Control::disabled_connection("off-1", "OFF"));
        world.control(fail(status, code));
        let got = world.ok(&["sync"]);
        assert!(got.stderr.contains("off-1 is left out"), "{got:?}");
        is_unknown(&world);
        world.ok(&["sync"]);
        is_known(&world, "agent");
    }
    let world = zendesk(0);
    world.control(fail(500, None));
    world.run(&["sync"]).exit(6);
    world.gives("zendesk", "desk-1");
}
