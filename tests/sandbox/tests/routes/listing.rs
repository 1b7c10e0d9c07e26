//! Listing connections and providers, in both ways of writing nothing.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use crate::common::{BOTH, Client, Got, error_code};
use scalekit_sandbox::{Absent, Control};
use serde_json::{Value, json};

const CONNECTIONS: &str = "GET /api/v1/connections/app";
const PROVIDERS: &str = "GET /api/v1/providers";

fn path(route: &str) -> &str {
    route.strip_prefix("GET ").unwrap()
}

fn escaped(page_token: &Value) -> String {
    page_token.as_str().unwrap_or_default().replace('=', "%3D")
}

/// The values of `field` on each page, from the first page to the last.
fn pages(query: &str, list: impl Fn(&str) -> Got, items: &str, field: &str) -> Vec<Vec<String>> {
    let (mut pages, mut token) = (Vec::new(), String::new());
    loop {
        let got = list(&format!("{query}&page_token={token}"));
        assert_eq!(got.status, 200, "{}", got.text);
        let shown = got.body[items].as_array().unwrap();
        pages.push(shown.iter().map(|item| item[field].as_str().unwrap().to_owned()).collect());
        token = escaped(&got.body["next_page_token"]);
        if token.is_empty() {
            return pages;
        }
    }
}

fn distinct(pages: &[Vec<String>]) -> usize {
    pages.iter().flatten().collect::<HashSet<_>>().len()
}

fn sizes(pages: &[Vec<String>]) -> Vec<usize> {
    pages.iter().map(Vec::len).collect()
}

#[test]
fn connections_come_in_pages_that_show_each_of_them_once() {
    for absent in BOTH {
        let client = Client::writing(absent);
        for number in 0..35 {
            client.order(Control::connection(format!("gmail_{number:02}"), "GMAIL"));
        }
        let token = client.token();
        let list = |query: &str| client.get(&token, &format!("{}?{query}", path(CONNECTIONS)));
        let turned = pages("page_size=30", list, "connections", "key_id");
        assert_eq!((sizes(&turned), distinct(&turned)), (vec![30, 5], 35));
        assert_eq!(sizes(&pages("", list, "connections", "id")), [10, 10, 10, 5]);
        let first = list("page_size=30").body;
        assert_eq!((&first["total_size"], escaped(&first["prev_page_token"])), (&json!(35), String::new()));
        let second = list(&format!("page_size=30&page_token={}", escaped(&first["next_page_token"]))).body;
        assert_eq!(second.get("next_page_token").is_some(), absent == Absent::Empty, "{second}");
        let back = list(&format!("page_size=30&page_token={}", escaped(&second["prev_page_token"]))).body;
        assert_eq!(back["connections"][0]["key_id"], "gmail_00");
        client.assert_clean();
        assert_eq!(client.sandbox.counts().routes[CONNECTIONS], 9);
    }
}

#[test]
fn connections_are_filtered_and_wrong_queries_are_refused() {
    let client = Client::new();
    client.order(Control::connection("github one", "GITHUB"));
    client.order(Control::connection("mail", "GMAIL"));
    client.order(Control::connection("other", "GITHUB_ENTERPRISE"));
    let token = client.token();
    let list = |query: &str| client.get(&token, &format!("{}?{query}", path(CONNECTIONS)));
    let count = |query: &str| list(query).body["connections"].as_array().map_or(0, Vec::len);
    assert_eq!((count(""), count("provider=GITHUB"), count("provider=NONE")), (3, 1, 0));
    assert_eq!((count("query=GITHUB"), count("query=mai"), count("query=mail&provider=GITHUB")), (2, 1, 0));
    client.assert_clean();
    let past_the_end = "eyJvZmZzZXQiOjMwfQ%3D%3D";
    for wrong in [
        "page_size=31".to_owned(),
        "page_size=-1".to_owned(),
        "page_size=x".to_owned(),
        "page_token=nonsense".to_owned(),
        format!("page_token={past_the_end}"),
        "provider=".to_owned(),
        format!("provider={}", "x".repeat(51)),
        "query=ab".to_owned(),
        format!("query={}", "x".repeat(101)),
    ] {
        let got = list(&wrong);
        assert_eq!((got.status, error_code(&got.body)), (400, "INVALID_ARGUMENT"), "{wrong}");
    }
}

#[test]
fn a_connection_is_written_with_what_it_has_and_a_second_seed_replaces_the_first() {
    let client = Client::new();
    let id = client.order(Control::connection("mcp", "OLD"))["id"].clone();
    let again = client.order_json(json!({
        "op": "seed_connection", "name": "mcp", "provider": "NOTIONMCP", "status": "DRAFT", "kind": "OAUTH_M2M",
        "mcp_server_url": "https://mcp.notion.com/mcp",
    }));
    assert_eq!(again["id"], id);
    client.order(Control::disabled_connection("off", "GITHUB"));
    let token = client.token();
    let items = || client.get(&token, path(CONNECTIONS)).body["connections"].clone();
    let full = items()[0].clone();
    let wanted = json!({
        "id": id, "provider": "CUSTOM", "type": "OAUTH_M2M", "status": "DRAFT", "enabled": true,
        "provider_key": "NOTIONMCP", "key_id": "mcp", "created_at": full["created_at"],
        "mcp_server_url": "https://mcp.notion.com/mcp", "auth_mode": "USER",
    });
    assert_eq!(full, wanted);
    let zeroes = json!({
        "enabled": false, "organization_id": "", "ui_button_title": "", "domains": [], "organization_name": "",
        "mcp_server_url": "",
    });
    let absent = items()[1].clone();
    assert_eq!((&absent["status"], &absent["type"]), (&json!("COMPLETED"), &json!("OAUTH")));
    for (field, _) in zeroes.as_object().unwrap() {
        assert_eq!(absent.get(field), None, "{field}");
    }
    client.order(Control::SetAbsent { mode: Absent::Empty });
    let empty = items()[1].clone();
    for (field, zero) in zeroes.as_object().unwrap() {
        assert_eq!(empty.get(field), Some(zero), "{field}");
    }
    client.assert_clean();
    client.order_json(json!({"op": "seed_connection", "name": "odd", "provider": "GITHUB", "status": "NO_SUCH"}));
    items();
    let violations = client.sandbox.violations();
    assert!(violations.len() == 1 && violations[0].contains("reply 200: own schema"), "{violations:?}");
}

#[test]
fn providers_are_written_with_every_spelling_of_nothing() {
    let client = Client::new();
    let patterns = json!([{"type": "OAUTH"}]);
    client.order_json(
        json!({"op": "seed_provider", "identifier": "GMAIL", "auth_patterns": patterns, "is_custom": true}),
    );
    let id = client.order_json(json!({
        "op": "seed_provider", "identifier": "GMAIL", "display_name": "Gmail", "auth_patterns": patterns,
        "proxy_url": "https://gmail.googleapis.com",
    }))["id"]
        .clone();
    client.order_json(json!({"op": "seed_provider", "identifier": "BARE"}));
    let token = client.token();
    let items = || client.get(&token, path(PROVIDERS)).body["providers"].clone();
    let wanted = json!({
        "id": id, "identifier": "GMAIL", "display_name": "Gmail", "auth_patterns": patterns,
        "proxy_url": "https://gmail.googleapis.com", "proxy_enabled": true,
    });
    assert_eq!(items()[0], wanted);
    assert_eq!(items()[1].as_object().unwrap().len(), 2);
    client.order(Control::SetAbsent { mode: Absent::Empty });
    let bare = [items()[1].clone(), items()[1].clone()];
    for (field, zero) in json!({
        "display_name": "", "description": "", "categories": [], "icon_src": "", "display_priority": 0,
        "coming_soon": false, "proxy_url": "", "proxy_enabled": false, "is_custom": false, "is_custom_mcp": false,
        "metadata": [],
    })
    .as_object()
    .unwrap()
    {
        assert_eq!(bare[0].get(field), Some(zero), "{field}");
    }
    let spelt = bare.map(|item| item["auth_patterns"].clone());
    assert!(spelt.contains(&json!(null)) && spelt.contains(&json!([])), "{spelt:?}");
    client.assert_clean();
    let wrong = serde_json::from_value(json!({"op": "seed_provider", "identifier": "X", "auth_patterns": {}})).unwrap();
    assert!(client.sandbox.control(wrong).is_err());
    client.order(Control::Reset);
    let token = client.token();
    let got = client.get(&token, &format!("{}?filter.provider_type=ALL", path(PROVIDERS)));
    assert_eq!((got.status, got.text.as_str()), (200, "{}"));
}

#[test]
fn a_catalog_of_hundreds_is_filtered_and_turned_in_time() {
    for absent in BOTH {
        let client = Client::writing(absent);
        let begun = Instant::now();
        for number in 0..350 {
            client.order(Control::SeedProvider {
                identifier: format!("PROVIDER_{number}"),
                display_name: Some(format!("Provider {number}")),
                proxy_url: None,
                auth_patterns: Some(json!([{"type": "OAUTH", "fields": []}])),
                is_custom: number % 7 == 0,
            });
        }
        for number in 0..100 {
            client.order(Control::connection(format!("connection_{number}"), "GMAIL"));
        }
        let token = client.token();
        let list = |query: &str| client.get(&token, &format!("{}?{query}", path(PROVIDERS)));
        let turned = pages("page_size=1000&filter.provider_type=ALL", list, "providers", "identifier");
        assert_eq!((sizes(&turned), distinct(&turned)), (vec![100, 100, 100, 50], 350));
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        let count = |query: &str| list(query).body["providers"].as_array().map_or(0, Vec::len);
        let total = |query: &str| list(query).body["total_size"].as_u64().unwrap_or_default();
        assert_eq!((count(""), count("page_size=100")), (10, 100));
        assert_eq!((total(""), total("filter.provider_type=DEFAULT")), (300, 300));
        assert_eq!((total("filter.provider_type=CUSTOM"), total("filter.provider_type=ALL")), (50, 350));
        assert_eq!((total("identifier=PROVIDER_1"), total("identifier=PROVIDER_7")), (1, 0));
        assert_eq!(total("identifier=PROVIDER_7&filter.provider_type=ALL"), 1);
        client.assert_clean();
        for wrong in ["filter.provider_type=SOME", "page_token=nonsense", "identifier=a/b", "page_size=x"] {
            let got = list(wrong);
            assert_eq!((got.status, error_code(&got.body)), (400, "INVALID_ARGUMENT"), "{wrong}");
        }
    }
}

#[test]
fn both_lists_need_a_client_token_and_take_faults_and_delays() {
    for absent in BOTH {
        let client = Client::writing(absent);
        let token = client.token();
        for route in [CONNECTIONS, PROVIDERS] {
            let got = client.get("", path(route));
            assert_eq!((got.status, error_code(&got.body)), (401, "UNAUTHENTICATED"), "{route}");
            assert_eq!(client.get("nonsense", path(route)).status, 401);
            client.order_json(json!({"op": "fail_next", "route": route, "status": 403, "error_code": "FORBIDDEN"}));
            client.order(Control::Delay { route: Some(route.to_owned()), times: 1, millis: 150 });
            let begun = Instant::now();
            let got = client.get(&token, path(route));
            assert_eq!((got.status, error_code(&got.body)), (403, "FORBIDDEN"), "{route}");
            assert!(begun.elapsed() >= Duration::from_millis(150));
            client.order_json(json!({"op": "drop", "route": route, "when": "mid_body"}));
            assert!(client.try_get(&token, path(route)).is_err());
            assert_eq!(client.get(&token, path(route)).status, 200);
            assert_eq!(client.sandbox.counts().routes[route], 5);
        }
        client.assert_clean();
    }
}
