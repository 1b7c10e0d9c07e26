//! Services that are API clients: JWTs by client credentials, for every tool that asks.

use crate::common;
use common::{EXE, World, finish};
use scalekit_sandbox::Control;
use serde_json::{Value, json};

const TOKEN: &str = "POST /oauth/token";

/// A world with an API client of `org_1`, and its id and secret.
fn with_client() -> (World, String, String) {
    let world = World::new();
    world.control(Control::SeedOrganization { id: "org_1".into() });
    let curl = |args: &[&str]| -> Value {
        let got =
            finish(world.command("curl").args(["-sS", "--cacert"]).arg(world.sandbox.ca_pem()).args(args), "").ok();
        serde_json::from_str(&got.stdout).unwrap()
    };
    let (id, secret) = (world.sandbox.client_id(), world.sandbox.client_secret());
    let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    let token = curl(&[&format!("{}/oauth/token", world.sandbox.url()), "-d", &form])["access_token"].clone();
    let bearer = format!("Authorization: Bearer {}", token.as_str().unwrap());
    let body =
        json!({"name": "deploy", "scopes": ["deploy:apps", "read:apps"], "audience": ["api.acme.com"], "expiry": 3600});
    let url = format!("{}/api/v1/organizations/org_1/clients", world.sandbox.url());
    let made = curl(&[&url, "-H", &bearer, "-H", "Content-Type: application/json", "-d", &body.to_string()]);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (world, text(&made["client"]["client_id"]), text(&made["plain_secret"]))
}

/// `config deploy --client-id ID`, its secret in a file.
fn configure(world: &World, client_id: &str, secret: &str, more: &[&str]) -> common::Finished {
    let home = format!("file:{}", world.path("deploy.secret").display());
    let args = ["config", "deploy", "--client-id", client_id, "--secret-stdin", "--home", &home];
    finish(world.command(EXE).args(args).args(more), &format!("{secret}\n"))
}

fn claims(token: &str) -> Value {
    use base64::Engine;
    let payload = token.trim().split('.').nth(1).unwrap();
    serde_json::from_slice(&base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[test]
fn a_client_that_exists_becomes_a_service_once_its_secret_is_proven() {
    let (world, id, secret) = with_client();
    let got = configure(&world, &id, "wrong-secret", &["--host", "api.acme.com"]).exit(6);
    assert!(!world.path("deploy.secret").exists() && !got.stderr.contains("wrong-secret"), "{got:?}");
    configure(&world, &id, "", &[]).exit(2);
    let got = configure(&world, &id, &secret, &["--host", "api.acme.com", "--org", "org_1"]).ok();
    assert!(got.stderr.contains("it answers for api.acme.com") && !got.stderr.contains(&secret), "{got:?}");
    let text = std::fs::read_to_string(world.config_file("connections.json")).unwrap();
    assert!(!text.contains(&secret) && text.contains("\"kind\": \"api_client\""), "{text}");
    assert!(std::fs::read_to_string(world.path("deploy.secret")).unwrap().contains(&secret));
    // Hosts and scopes change without the secret.
    world.ok(&["config", "deploy", "--client-id", &id, "--host", "*.acme.com", "--scope", "read:apps"]);
    assert!(world.ok(&["list"]).stdout.contains("*.acme.com"));
    // So does the limit, without the client's id, too.
    world.ok(&["config", "deploy", "--only", "curl"]);
    world.run(&["token", "deploy"]).exit(3);
    let got = world.run(&["config", "deploy", "--identifier", "ada"]).exit(2);
    assert!(got.stderr.contains("deploy is an API client, which has no --identifier"), "{got:?}");
    world.run(&["config", "deploy", "github-x"]).exit(2);
}

#[test]
fn its_tokens_are_jwts_of_its_own_with_the_scopes_asked_for() {
    let (world, id, secret) = with_client();
    configure(&world, &id, &secret, &["--host", "api.acme.com"]).ok();
    let before = world.count(TOKEN);
    let token = world.ok(&["token", "https://api.acme.com/v1/apps"]).stdout;
    assert_eq!(world.count(TOKEN), before + 1);
    let found = claims(&token);
    assert_eq!(
        (&found["client_id"], &found["oid"], &found["aud"]),
        (&json!(id), &json!("org_1"), &json!(["api.acme.com"]))
    );
    assert_eq!(found["scopes"], json!(["deploy:apps", "read:apps"]));
    configure(&world, &id, &secret, &["--scope", "read:apps", "--scope", "admin:all"]).ok();
    let got = world.ok(&["token", "deploy", "--json"]);
    assert!(got.stderr.contains("lacks the scopes admin:all"), "{got:?}");
    let object: Value = serde_json::from_str(&got.stdout).unwrap();
    assert_eq!(claims(object["token"].as_str().unwrap())["scopes"], json!(["read:apps"]));
    assert!(object["expires_at"].is_string() && object["identifier"] == json!(id), "{object}");
    assert!(world.ok(&["header", "deploy"]).stdout.starts_with("Authorization: Bearer ey"));
    world.run(&["token", "https://other.acme.com/"]).exit(3);
}

#[test]
fn git_gets_bearer_where_the_server_takes_nothing_else_and_docker_nothing_without_a_user_name() {
    let (world, id, secret) = with_client();
    configure(&world, &id, &secret, &["--host", "git.acme.com"]).ok();
    let get = |challenge: &str| {
        let capabilities = "capability[]=authtype\ncapability[]=state\n";
        world
            .helper("get", &format!("{capabilities}protocol=https\nhost=git.acme.com\nwwwauth[]={challenge}\n\n"))
            .ok()
            .stdout
    };
    assert!(get("Bearer realm=x").contains("authtype=Bearer\ncredential=ey"));
    assert_eq!(get("Basic realm=x"), "");
    let docker = |world: &World| finish(world.command("docker-credential-scalekit").arg("get"), "git.acme.com");
    docker(&world).exit(1);
    configure(&world, &id, &secret, &["--username", "ci"]).ok();
    assert!(
        get("Basic realm=x").starts_with("username=ci\npassword=ey") || get("Basic realm=x").contains("username=ci")
    );
    assert!(docker(&world).ok().stdout.contains("\"Username\":\"ci\""));
    let shown = world.ok(&["which", "https://git.acme.com/x"]).stdout;
    assert!(shown.contains(&format!("API client {id}")) && shown.contains("the user name ci"), "{shown}");
}

#[test]
fn it_works_without_the_environments_own_client_credentials() {
    let (mut world, id, secret) = with_client();
    world.credentials_in_variables = false;
    let url = world.sandbox.url().to_owned();
    configure(&world, &id, &secret, &["--host", "api.acme.com"]).exit(2);
    configure(&world, &id, &secret, &["--host", "api.acme.com", "--env-url", &url]).ok();
    assert!(world.ok(&["token", "deploy"]).stdout.starts_with("ey"));
    let got = world.run(&["connect", "deploy"]);
    assert!(got.code != Some(0) && got.stderr.contains("API client"), "{got:?}");
}

#[test]
fn a_secret_that_the_vault_refuses_is_told_with_the_command_that_stores_another() {
    let (world, id, secret) = with_client();
    configure(&world, &id, &secret, &[]).ok();
    let text = std::fs::read_to_string(world.path("deploy.secret")).unwrap();
    std::fs::write(world.path("deploy.secret"), text.replace(&secret, "test_gone")).unwrap();
    let got = world.run(&["token", "deploy"]).exit(6);
    assert!(got.stderr.contains("config deploy --client-id") && got.stderr.contains("--secret-stdin"), "{got:?}");
}
