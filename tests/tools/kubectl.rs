//! kubectl, with a stand-in for the API server.

use crate::common::https::Https;
use crate::common::setup::{read, run, write};
use crate::common::{World, finish};
use crate::serves;

#[test]
fn a_user_of_the_kubeconfig_gets_its_token_from_us() {
    let world: World = crate::common::setup::world();
    let site = Https::start(&world, &["localhost"]);
    site.wants("Bearer tok-1", "Bearer");
    site.serves("/version", "{\"major\":\"1\",\"minor\":\"30\"}");
    let origin = format!("https://localhost:{}", site.port);
    serves(&world, &origin);
    let config = format!(
        "apiVersion: v1\nkind: Config\nclusters:\n- name: c\n  cluster:\n    server: {origin}\n    certificate-authority: {}\ncontexts:\n- name: c\n  context:\n    cluster: c\n    user: me\ncurrent-context: c\n",
        site.ca.display()
    );
    write(&world.path(".kube/config"), &config);
    run(&world, &["setup", "kubectl"]).exit(2);
    run(&world, &["setup", "kubectl", "--user", "me"]).ok();
    let mut kubectl = world.command("kubectl");
    let got = finish(kubectl.args(["get", "--raw", "/version"]), "").ok();
    assert!(got.stdout.contains("\"minor\":\"30\""), "{got:?}");
    assert!(site.seen().iter().any(|request| request.header("authorization") == Some("Bearer tok-1")));
    run(&world, &["setup", "kubectl", "--undo"]).ok();
    assert_eq!(read(&world.path(".kube/config")), config);
}

#[test]
fn who_must_consent_is_shown_by_kubectl() {
    let world: World = crate::common::setup::world();
    let site = Https::start(&world, &["localhost"]);
    let origin = format!("https://localhost:{}", site.port);
    serves(&world, &origin);
    let config = format!(
        "apiVersion: v1\nkind: Config\nclusters:\n- name: c\n  cluster:\n    server: {origin}\n    insecure-skip-tls-verify: true\ncontexts:\n- name: c\n  context:\n    cluster: c\n    user: me\ncurrent-context: c\nusers: []\n"
    );
    write(&world.path(".kube/config"), &config);
    run(&world, &["setup", "kubectl", "--user", "me"]).ok();
    let status =
        serde_json::json!({"op": "set_status", "connection": "mine-x", "identifier": "ada", "status": "EXPIRED"});
    world.order(status);
    let got = finish(world.command("kubectl").args(["get", "--raw", "/version"]), "");
    assert!(got.code != Some(0) && got.stderr.contains("/magicLink/"), "{got:?}");
    run(&world, &["setup", "kubectl", "--undo"]).ok();
    assert_eq!(read(&world.path(".kube/config")), config);
}
