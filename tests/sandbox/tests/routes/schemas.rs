//! That breaches of the schemas are seen, and by whom.

use crate::common::{AUTH_PATH, Client};
use scalekit_sandbox::Sandbox;
use serde_json::json;

#[test]
fn official_openapi_is_checked_or_said_to_be_left_out() {
    if Sandbox::official_schema_found() {
        return;
    }
    println!("left out: the official OpenAPI description is not here, schemas of our own are all there is");
    assert!(std::env::var_os("CI").is_none(), "the official OpenAPI description is missing in CI");
}

#[test]
fn an_unknown_field_of_a_request_is_a_violation() {
    let client = Client::new();
    client.seed();
    let token = client.token();
    let body = json!({"connector": "gmail_a", "identifier": "ann", "redirect": "http://127.0.0.1/"});
    assert_eq!(client.post(&token, "/api/v1/connected_accounts/magic_link", body).status, 200);
    let violations = client.sandbox.violations();
    assert_eq!(violations.len(), 1, "{violations:?}");
    assert!(violations[0].contains("magic_link: request: own schema") && violations[0].contains("redirect"));
    client.get(&token, &format!("{AUTH_PATH}&surplus=1"));
    assert!(client.sandbox.violations()[1].contains("surplus"), "{:?}", client.sandbox.violations());
}

#[test]
fn a_field_of_the_wrong_type_is_a_violation_of_both_schemas_and_not_shown() {
    let client = Client::new();
    client.seed();
    let token = client.token();
    let body = json!({"connector": "gmail_a", "identifier": ["hush"], "connected_account": {}});
    assert_eq!(client.post(&token, "/api/v1/connected_accounts", body).status, 400);
    client.get(&token, "/api/v1/connected_accounts?page_size=many");
    let violations = client.sandbox.violations();
    let by = |schema: &str| violations.iter().filter(|violation| violation.contains(schema)).count();
    assert_eq!(by("own schema"), 2, "{violations:?}");
    assert_eq!(by("OpenAPI"), if Sandbox::official_schema_found() { 2 } else { 0 }, "{violations:?}");
    assert!(!violations.concat().contains("hush") && !violations.concat().contains("many"), "{violations:?}");
}

#[test]
fn a_reply_that_breaks_the_schema_is_a_violation() {
    let client = Client::new();
    client.seed();
    let token = client.token();
    client.order_json(json!({"op": "set_status", "connection": "gmail_a", "identifier": "ann", "status": "REVOKED"}));
    client.get(&token, AUTH_PATH);
    let violations = client.sandbox.violations();
    assert_eq!(violations.len(), if Sandbox::official_schema_found() { 2 } else { 1 }, "{violations:?}");
    assert!(violations.iter().all(|violation| violation.contains("reply 200") && violation.contains("status")));
}

#[test]
fn the_wrong_content_type_is_a_violation() {
    let client = Client::new();
    client.seed();
    let token = client.token();
    let url = format!("{}/api/v1/connected_accounts/magic_link", client.sandbox.url());
    let body = json!({"connector": "gmail_a", "identifier": "ann"}).to_string();
    let request = client.agent.post(url).header("authorization", format!("Bearer {token}"));
    request.header("content-type", "text/plain").send(body).unwrap();
    assert!(client.sandbox.violations()[0].contains("content type"), "{:?}", client.sandbox.violations());
}
