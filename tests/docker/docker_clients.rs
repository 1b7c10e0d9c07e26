//! The real container clients against a real registry: private and public images, tokens that are good, stale or not to
//! be had, login and logout.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::common::keyring::needed;
use crate::common::registry::{Access, Engine, Registry, create_image, record_calls};
use crate::common::{Finished, World, files_below, finish};
use scalekit_sandbox::Control;
use serde_json::{Value, json};

const USER: &str = "x-access-token";
const TOKEN: &str = "gho_container-token-Hn4Wq8";
const CLIENTS: [&str; 5] = ["docker manifest", "skopeo inspect", "skopeo copy", "podman pull", "buildah pull"];

/// A registry with the image `a/b:1`, and a world whose clients ask us about it.
struct Port {
    world: World,
    registry: Registry,
    /// What our helper was asked.
    record: PathBuf,
}

impl Port {
    fn new(access: Access<'_>) -> Self {
        let world = World::new();
        let record = record_calls(&world);
        let registry = Registry::start(&world, access);
        let port = Self { world, registry, record };
        port.world.seed("github-x", "GITHUB", TOKEN);
        fs::create_dir_all(port.world.path(".docker")).unwrap();
        let helpers = json!({"credHelpers": {&port.registry.host: "scalekit"}});
        fs::write(port.docker_config(), helpers.to_string()).unwrap();
        // Whatever the machine's own policy says.
        fs::create_dir_all(port.world.path(".config/containers")).unwrap();
        let policy = r#"{"default": [{"type": "insecureAcceptAnything"}]}"#;
        fs::write(port.world.path(".config/containers/policy.json"), policy).unwrap();
        port
    }

    /// A private one that takes the vault's token, with the image in it.
    fn private(access: Access<'_>) -> Self {
        let port = Self::new(access);
        port.claim();
        port.push().ok();
        port
    }

    /// A public one with the image in it, that no service claims.
    fn public() -> Self {
        let port = Self::new(Access::Public);
        port.push().ok();
        port
    }

    /// Lets the service `github` answer for the registry.
    fn claim(&self) {
        let host = format!("http://{}", self.registry.host);
        self.world.ok(&["config", "github", "github-x", "--identifier", "ada", "--host", &host]);
    }

    fn docker_config(&self) -> PathBuf {
        self.world.path(".docker/config.json")
    }

    fn image(&self) -> String {
        format!("{}/a/b:1", self.registry.host)
    }

    fn push(&self) -> Finished {
        let layout = self.world.path("layout");
        create_image(&self.world, &layout);
        let mut skopeo = self.world.command(needed("skopeo", "skopeo"));
        // docker's CLI before 23 knows no images of OCI's own format.
        skopeo.args(["copy", "--format", "v2s2", "--dest-tls-verify=false"]).arg(format!("oci:{}:1", layout.display()));
        finish(skopeo.arg(format!("docker://{}", self.image())), "")
    }

    /// One of [`CLIENTS`], with a fresh place for images.
    fn pull(&self, client: &str) -> Finished {
        let place = tempfile::tempdir_in(self.world.home.path()).unwrap();
        let directory = |name: &str| place.path().join(name).to_str().unwrap().to_owned();
        let image = self.image();
        let remote = format!("docker://{image}");
        let (program, args) = match client {
            "docker manifest" => (docker(), vec!["manifest", "inspect", "--insecure", &image]),
            "skopeo inspect" => (needed("skopeo", "skopeo"), vec!["inspect", "--tls-verify=false", &remote]),
            "skopeo copy" => (needed("skopeo", "skopeo"), vec!["copy", "--src-tls-verify=false", &remote]),
            "podman pull" => (needed("podman", "podman"), vec!["pull", "--tls-verify=false", &image]),
            "buildah pull" => (needed("buildah", "buildah"), vec!["pull", "--tls-verify=false", &image]),
            other => panic!("{other} is no client"),
        };
        let mut command = self.world.command(program);
        if ["podman", "buildah"].contains(&program) {
            command.args(["--storage-driver", "vfs", "--root", &directory("root"), "--runroot", &directory("run")]);
        }
        command.args(args);
        if client == "skopeo copy" {
            command.arg(format!("dir:{}", directory("copy")));
        }
        finish(&mut command, "")
    }

    fn docker(&self) -> Command {
        self.world.command(docker())
    }

    /// What the helper was asked since the last time.
    fn calls(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.record).unwrap_or_default();
        fs::write(&self.record, "").unwrap();
        text.lines().map(str::to_owned).collect()
    }

    #[track_caller]
    fn asked_for_the_host_alone(&self, client: &str) {
        let (calls, expected) = (self.calls(), format!("get {}", self.registry.host));
        assert!(!calls.is_empty() && calls.iter().all(|call| *call == expected), "{client}: {calls:?}");
    }

    /// No client may keep what we answer.
    fn leaves_no_token_behind(&self) {
        for file in files_below(self.world.home.path()) {
            let content = fs::read(&file).unwrap_or_default();
            let shown = content.windows(TOKEN.len()).any(|window| window == TOKEN.as_bytes());
            assert!(!shown, "{}", file.display());
        }
    }

    fn set_status(&self, status: &str) {
        let (connection, identifier) = ("github-x".into(), "ada".into());
        self.world.control(Control::SetStatus { connection, identifier, status: status.into() });
    }
}

fn docker() -> &'static str {
    needed("docker", "docker-cli or docker.io")
}

#[test]
fn every_client_pulls_a_private_image_with_a_token_from_the_vault() {
    for access in [Access::Password(USER, TOKEN), Access::TokenServer(USER, TOKEN)] {
        let port = Port::private(access);
        port.asked_for_the_host_alone("skopeo push");
        for client in CLIENTS {
            let done = port.pull(client);
            assert_eq!(done.code, Some(0), "{access:?} {client}: {done:?}");
            port.asked_for_the_host_alone(client);
        }
        port.leaves_no_token_behind();
    }
}

#[test]
fn every_client_pulls_a_public_image_past_a_helper_that_has_nothing_for_it() {
    let port = Port::public();
    for client in CLIENTS {
        let done = port.pull(client);
        assert_eq!(done.code, Some(0), "{client}: {done:?}");
        assert!(!done.stderr.contains("scalekit"), "{client}: {done:?}");
    }
    assert_eq!(port.world.sandbox.counts().tcp_connections, 0);
}

#[test]
fn every_client_pulls_a_public_image_although_the_account_of_its_registry_fails() {
    let port = Port::public();
    port.claim();
    port.set_status("EXPIRED");
    for client in CLIENTS {
        let done = port.pull(client);
        assert_eq!(done.code, Some(0), "{client}: {done:?}");
        port.asked_for_the_host_alone(client);
    }
}

#[test]
fn a_stale_token_is_refused_by_the_registry_and_no_client_asks_for_more() {
    for access in [Access::Password(USER, TOKEN), Access::TokenServer(USER, TOKEN)] {
        let port = Port::private(access);
        let (connection, identifier) = ("github-x".into(), "ada".into());
        port.world.control(Control::SetToken { connection, identifier, token: "stale".into(), expires_in: None });
        port.calls();
        for client in CLIENTS {
            let done = port.pull(client);
            assert!(done.code.is_some_and(|code| code != 0), "{access:?} {client}: {done:?}");
            let refused = ["unauthorized", "no such manifest", "authentication required", "invalid username/password"];
            assert!(refused.iter().any(|word| done.stderr.contains(word)), "{access:?} {client}: {done:?}");
            port.asked_for_the_host_alone(client);
        }
    }
}

#[test]
fn an_account_that_needs_consent_ends_the_pull_of_a_private_image_with_what_to_do() {
    let port = Port::private(Access::Password(USER, TOKEN));
    port.set_status("EXPIRED");
    for client in CLIENTS {
        let done = port.pull(client);
        assert!(done.code.is_some_and(|code| code != 0), "{client}: {done:?}");
        assert!(done.stderr.contains("authorization needed for github (identifier ada)"), "{client}: {done:?}");
        assert!(done.stderr.contains("/magicLink/"), "{client}: {done:?}");
    }
}

#[test]
fn a_login_with_a_password_stores_nothing_and_says_so() {
    let port = Port::new(Access::Password("ada", "pw-Zt6Lm2"));
    port.claim();
    // podman and its kin write to a file of their own, and reach us only if that one names us.
    let own = port.world.path("run/containers/auth.json");
    fs::create_dir_all(own.parent().unwrap()).unwrap();
    fs::copy(port.docker_config(), &own).unwrap();
    let before = fs::read(&own).unwrap();
    let host = port.registry.host.as_str();
    for (program, options) in [
        (docker(), &[][..]),
        (needed("podman", "podman"), &["--tls-verify=false"]),
        (needed("buildah", "buildah"), &["--tls-verify=false"]),
        (needed("skopeo", "skopeo"), &["--tls-verify=false"]),
    ] {
        port.calls();
        let mut login = port.world.command(program);
        let done = finish(login.arg("login").args(options).args(["-u", "ada", "--password-stdin", host]), "pw-Zt6Lm2");
        assert!(done.code.is_some_and(|code| code != 0), "{program}: {done:?}");
        assert!(port.calls().contains(&"store ".to_owned()), "{program}");
        for part in ["nothing was stored", "(service github)", "remove"] {
            assert!(done.stderr.contains(part), "{program}: {part}: {done:?}");
        }
        assert!(!done.stderr.contains("pw-Zt6Lm2"), "{program}: {done:?}");
        for file in [&own, &port.docker_config()] {
            assert_eq!(fs::read(file).unwrap(), before, "{program}");
        }
    }
}

#[test]
fn a_login_of_docker_with_what_we_answer_succeeds_and_stores_nothing() {
    let port = Port::private(Access::Password(USER, TOKEN));
    let before: Value = serde_json::from_slice(&fs::read(port.docker_config()).unwrap()).unwrap();
    let engine = Engine::start();
    port.calls();
    let mut login = port.docker();
    finish(login.args(["login", &port.registry.host]).env("DOCKER_HOST", &engine.url), "").ok();
    let calls = port.calls();
    assert_eq!(calls.first(), Some(&format!("get {}", port.registry.host)));
    assert_eq!(calls.last(), Some(&"store ".to_owned()));
    assert_eq!(engine.credentials(), [(USER.to_owned(), TOKEN.to_owned())]);
    let after: Value = serde_json::from_slice(&fs::read(port.docker_config()).unwrap()).unwrap();
    assert_eq!(after["credHelpers"], before["credHelpers"]);
    port.leaves_no_token_behind();
}

#[test]
fn docker_hands_its_engine_the_token_for_a_pull() {
    let port = Port::private(Access::Password(USER, TOKEN));
    let engine = Engine::start();
    let image = port.image();
    finish(port.docker().args(["pull", &image]).env("DOCKER_HOST", &engine.url), "").ok();
    assert_eq!(engine.credentials(), [(USER.to_owned(), TOKEN.to_owned())]);
}

#[test]
fn docker_itself_finds_docker_hub_under_the_key_that_setup_writes() {
    let world = World::new();
    world.seed("hub-x", "DOCKERHUB", TOKEN);
    world.ok(&["config", "hub", "hub-x", "--identifier", "ada", "--host", "docker.io"]);
    world.ok(&["setup", "docker", "docker.io"]);
    let engine = Engine::start();
    let mut docker = world.command(needed("docker", "docker-cli"));
    finish(docker.args(["pull", "docker.io/acme/app:1"]).env("DOCKER_HOST", &engine.url), "").ok();
    assert_eq!(engine.credentials(), [("oauth2".to_owned(), TOKEN.to_owned())]);
}

#[test]
fn a_token_of_another_command_can_be_brought_to_docker_login() {
    let port = Port::private(Access::Password(USER, TOKEN));
    let host = &port.registry.host;
    let token = port.world.ok(&["token", &format!("http://{host}")]).stdout;
    let login =
        |secret: &str| finish(port.docker().args(["login", "--username", USER, "--password-stdin", host]), secret);
    login(&token).ok();
    port.leaves_no_token_behind();
}

#[test]
fn a_logout_of_docker_is_no_failure_and_the_next_pull_works() {
    let port = Port::private(Access::Password(USER, TOKEN));
    port.calls();
    let done = finish(port.docker().args(["logout", &port.registry.host]), "").ok();
    assert!(!done.stderr.contains("WARNING") && !done.stderr.contains("could not erase"), "{done:?}");
    let calls = port.calls();
    assert!(!calls.is_empty() && calls.iter().all(|call| call.starts_with("erase ")), "{calls:?}");
    port.pull("docker manifest").ok();
}
