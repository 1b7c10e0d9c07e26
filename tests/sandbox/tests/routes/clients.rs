//! API clients of organizations and their secrets.

use crate::common::{BOTH, CLIENTS, Client, error_code};
use scalekit_sandbox::{Absent, Control};
use serde_json::{Value, json};

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

#[test]
fn a_client_is_created_read_changed_and_deleted_in_both_ways_of_writing_nothing() {
    for absent in BOTH {
        let client = Client::writing(absent);
        let token = client.token();
        let claims = json!([{"key": "team", "value": "ops"}]);
        let wanted = json!({"name": "CI", "description": "deploys", "scopes": ["deploy:apps", "read"],
            "audience": ["api.example"], "custom_claims": claims, "expiry": 600});
        let made = client.organization_client(&token, wanted);
        let id = text(&made, "/client/client_id");
        assert!(id.starts_with("m2morg_") && text(&made, "/client/secrets/0/id").starts_with("sks_"), "{made}");
        assert!(text(&made, "/plain_secret").ends_with(text(&made, "/client/secrets/0/secret_suffix")), "{made}");
        assert_eq!(client.sandbox.plain_secrets(), [text(&made, "/plain_secret")]);

        let one = format!("{CLIENTS}/{id}");
        let read = client.get(&token, &one);
        assert!(!read.text.contains(text(&made, "/plain_secret")), "shown once");
        let shown = &read.body["client"];
        assert_eq!((&shown["expiry"], &shown["custom_claims"]), (&json!("600"), &claims));
        let status = shown["secrets"][0].get("status");
        assert_eq!(status, (absent == Absent::Empty).then_some(&json!("ACTIVE")), "protobuf's zero");

        let changed = client.patch(&token, &one, json!({"scopes": ["read"], "expiry": "60"}));
        assert_eq!((changed.status, &changed.body["client"]["scopes"]), (200, &json!(["read"])));
        assert_eq!(changed.body["client"].get("secrets"), (absent == Absent::Empty).then_some(&json!([])));
        let shown = client.get(&token, &one).body["client"].clone();
        assert_eq!((&shown["name"], &shown["expiry"], &shown["custom_claims"]), (&json!("CI"), &json!("60"), &claims));
        assert_eq!(shown["secrets"].as_array().map(Vec::len), Some(1));

        assert_eq!(client.delete(&token, &one).body, json!({}));
        let gone = client.get(&token, &one);
        assert_eq!((gone.status, text(&gone.body, "/message")), (404, "client not found"));
        client.assert_clean();
    }
}

#[test]
fn an_update_empties_nothing_for_it_has_no_mask() {
    let client = Client::new();
    let token = client.token();
    let made = client.organization_client(&token, json!({"name": "CI", "description": "d", "scopes": ["a"]}));
    let one = format!("{CLIENTS}/{}", text(&made, "/client/client_id"));
    let given = json!({"name": "", "description": "", "scopes": [], "custom_claims": [], "expiry": 0});
    let shown = client.patch(&token, &one, given).body["client"].clone();
    assert_eq!((&shown["name"], &shown["description"], &shown["scopes"]), (&json!("CI"), &json!("d"), &json!(["a"])));
    client.assert_clean();
}

#[test]
fn clients_are_listed_in_pages_and_by_organization() {
    let client = Client::new();
    let token = client.token();
    for number in 0..12 {
        client.organization_client(&token, json!({"name": format!("c{number}")}));
    }
    client.order(Control::SeedOrganization { id: "org_2".to_owned() });
    let first = client.get(&token, CLIENTS).body;
    assert_eq!((first["clients"].as_array().map(Vec::len), &first["total_size"]), (Some(10), &json!(12)));
    let next = format!("{CLIENTS}?page_size=10&page_token={}", text(&first, "/next_page_token").replace('=', "%3D"));
    let second = client.get(&token, &next).body;
    assert_eq!(text(&second, "/clients/1/name"), "c11");
    assert!(second.get("next_page_token").is_none() && second.get("prev_page_token").is_some(), "{second}");
    assert_eq!(client.get(&token, &CLIENTS.replace("org_1", "org_2")).body, json!({}));
    client.assert_clean();
    for size in [9, 101] {
        assert_eq!(client.get(&token, &format!("{CLIENTS}?page_size={size}")).status, 400);
    }
}

#[test]
fn secrets_are_added_and_deleted_but_never_the_last() {
    for absent in BOTH {
        let client = Client::writing(absent);
        let token = client.token();
        let made = client.organization_client(&token, json!({"name": "CI"}));
        let secrets = format!("{CLIENTS}/{}/secrets", text(&made, "/client/client_id"));
        let old = format!("{secrets}/{}", text(&made, "/client/secrets/0/id"));
        let refused = client.delete(&token, &old);
        assert_eq!((refused.status, text(&refused.body, "/message")), (400, "last client cannot be deleted"));
        let added = client.post_empty(&token, &secrets);
        assert_eq!(added.status, 201, "{}", added.text);
        assert!(text(&added.body, "/plain_secret").ends_with(text(&added.body, "/secret/secret_suffix")));
        assert_eq!(client.delete(&token, &old).body, json!({}));
        let gone = client.delete(&token, &old);
        assert_eq!((gone.status, error_code(&gone.body)), (404, "RESOURCE_NOT_FOUND"));
        client.assert_clean();
    }
}

#[test]
fn what_breaks_the_rules_is_refused() {
    let client = Client::new();
    let token = client.token();
    let made = client.organization_client(&token, json!({"name": "CI"}));
    let one = format!("{CLIENTS}/{}", text(&made, "/client/client_id"));
    let long = |characters: usize| "x".repeat(characters);
    for wrong in [
        json!([]),
        json!({}),
        json!({"name": ""}),
        json!({"name": long(129)}),
        json!({"name": "a", "description": long(513)}),
        json!({"name": "a", "scopes": "read"}),
        json!({"name": "a", "scopes": [1]}),
        json!({"name": "a", "custom_claims": [{"value": "v"}]}),
        json!({"name": "a", "custom_claims": [{"key": long(129), "value": "v"}]}),
        json!({"name": "a", "expiry": -1}),
        json!({"name": "a", "expiry": "soon"}),
    ] {
        let before = client.sandbox.violations().len();
        let got = client.post(&token, CLIENTS, wrong.clone());
        assert_eq!((got.status, error_code(&got.body)), (400, "INVALID_ARGUMENT"), "{wrong}");
        assert!(client.sandbox.violations().len() > before, "{wrong}");
    }
    assert_eq!(client.patch(&token, &one, json!({"name": long(129)})).status, 400);
    assert_eq!(client.get(&token, &format!("{CLIENTS}/skc_1")).status, 400);
    assert_eq!(client.get(&token, "/api/v1/organizations/1/clients").status, 400);
    assert_eq!(client.get(&token, &format!("{CLIENTS}/m2morg_1")).status, 404);
    let elsewhere = one.replace("org_1", "org_2");
    let got = client.get(&token, &elsewhere);
    assert_eq!((got.status, text(&got.body, "/message")), (404, "organization not found"));
    client.order(Control::SeedOrganization { id: "org_2".to_owned() });
    assert_eq!(client.get(&token, &elsewhere).status, 404, "another organization's client");
    assert!(client.sandbox.control(Control::SeedOrganization { id: "acme".to_owned() }).is_err());
}

#[test]
fn client_routes_need_the_environments_token_are_counted_and_take_faults() {
    let client = Client::new();
    let token = client.token();
    let made = client.organization_client(&token, json!({"name": "CI"}));
    let id = text(&made, "/client/client_id");
    let own = client.token_of(id, text(&made, "/plain_secret"), "").body;
    let got = client.get(text(&own, "/access_token"), CLIENTS);
    assert_eq!((got.status, error_code(&got.body)), (403, "PERMISSION_DENIED"));
    assert_eq!(client.get("nonsense", CLIENTS).status, 401);
    let list = "GET /api/v1/organizations/{organization_id}/clients";
    client.order_json(json!({"op": "rate_limit", "route": list}));
    assert_eq!(client.get(&token, CLIENTS).status, 429);
    assert_eq!(client.get(&token, CLIENTS).status, 200);
    assert_eq!(client.sandbox.counts().routes[list], 4);
    client.assert_clean();
}
