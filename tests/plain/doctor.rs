//! `doctor`: each way to break a set-up is found at its own link, with the next step that mends it; no secret is named, and
//! nothing is written.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::common::canary::{REFRESH, SECRET, TOKEN, shown};
use crate::common::keyring::needed;
use crate::common::proxy::Proxy;
use crate::common::{EXE, Finished, World, canary, files_below, finish};
use scalekit_sandbox::{Control, Credential, Sandbox};

/// A place of the service `github`, where git asks.
pub(crate) const REPOSITORY: &str = "https://github.com/acme/app";
/// A name that no DNS knows; the sandbox's certificate is good for it.
pub(crate) const PROXIED: &str = "https://vault.example.test";

/// A set-up without a fault: a service with an account, and git and docker that ask the program.
pub(crate) fn world() -> World {
    let world = World::new();
    world.seed("github-x", "GITHUB", "gho_one");
    world.write_connections(r#"{"github": {"connection_name": "github-x", "identifier": "ada"}}"#);
    world.ok(&["setup", "git"]);
    world.ok(&["setup", "docker"]);
    world
}

/// The links that are told, by their names.
pub(crate) struct Told {
    pub(crate) got: Finished,
    checks: Vec<Value>,
}

impl Told {
    pub(crate) fn by(command: &mut Command, place: &[&str]) -> Self {
        let got = finish(command.args(["doctor", "--json"]).args(place), "");
        let object: Value = serde_json::from_str(&got.stdout).unwrap_or_else(|_| panic!("{got:?}"));
        assert_eq!(object["status"], if got.code == Some(0) { "ok" } else { "error" }, "{got:?}");
        Self { checks: object["checks"].as_array().unwrap().clone(), got }
    }

    #[track_caller]
    pub(crate) fn link(&self, name: &str) -> &Value {
        self.checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("{name}: {:?}", self.got))
    }

    #[track_caller]
    pub(crate) fn state(&self, name: &str) -> &str {
        self.link(name)["state"].as_str().unwrap()
    }

    pub(crate) fn broken(&self) -> Vec<&str> {
        let broken = self.checks.iter().filter(|check| check["state"] == "broken");
        broken.map(|check| check["name"].as_str().unwrap()).collect()
    }

    /// The link `name` is the one that is broken, with these words and this next step, which stderr tells as well.
    #[track_caller]
    pub(crate) fn is_broken_at(&self, name: &str, code: i32, found: &str, next: &str) -> &Self {
        let (link, got) = (self.link(name), &self.got);
        assert_eq!(self.broken().first(), Some(&name), "{got:?}");
        assert_eq!(got.code, Some(code), "{got:?}");
        assert!(link["found"].as_str().unwrap().contains(found), "{link}");
        assert!(link["next"].as_str().unwrap().contains(next), "{link}");
        assert!(got.stderr.contains(next) && got.stderr.contains(name), "{got:?}");
        self
    }

    /// The link `name` works, and something about it is told.
    #[track_caller]
    pub(crate) fn is_noted_at(&self, name: &str, found: &str, next: &str) -> &Self {
        let link = self.link(name);
        assert_eq!((link["state"].as_str(), self.got.code), (Some("note"), Some(0)), "{:?}", self.got);
        assert!(link["found"].as_str().unwrap().contains(found), "{link}");
        assert!(link["next"].as_str().unwrap().contains(next), "{link}");
        self
    }

    #[track_caller]
    pub(crate) fn skips(&self, names: &[&str]) -> &Self {
        names.iter().for_each(|name| assert_eq!(self.state(name), "skipped", "{name}: {:?}", self.got));
        self
    }
}

pub(crate) fn doctor(world: &World, place: &[&str]) -> Told {
    Told::by(&mut world.command(EXE), place)
}

pub(crate) fn doctor_with(world: &World, variables: &[(&str, &str)], place: &[&str]) -> Told {
    Told::by(world.command(EXE).envs(variables.iter().copied()), place)
}

/// Runs the step that is told, as it is typed.
#[track_caller]
pub(crate) fn follow(world: &World, told: &Told, name: &str) {
    let next = told.link(name)["next"].as_str().unwrap();
    let line = next.rsplit_once(": ").map_or(next, |(_, line)| line).trim_matches('`');
    finish(world.command("sh").args(["-c", line]), "").ok();
}

/// A program of this name, first on PATH, that prints `text`.
pub(crate) fn fake(world: &World, name: &str, text: &str) {
    script(&world.path("bin").join(name), &format!("echo '{text}'"));
}

pub(crate) fn script(path: &Path, line: &str) {
    std::fs::write(path, format!("#!/bin/sh\n{line}\n")).unwrap();
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
}

#[test]
fn a_set_up_without_a_fault_is_ok_from_end_to_end() {
    let world = world();
    let told = doctor(&world, &[REPOSITORY]);
    assert_eq!(told.got.code, Some(0), "{:?}", told.got);
    let names: Vec<&str> = told.checks.iter().map(|check| check["name"].as_str().unwrap()).collect();
    let expected = "git_version docker_version curl_version gh_version program names configuration connections.json \
                    config.json synced.json setup.json service git docker mcp cache runtime credentials proxy dns \
                    connection tls clock vault account";
    assert_eq!(names, expected.split(' ').collect::<Vec<_>>());
    for name in
        "program names configuration service git credentials proxy dns connection tls clock vault account".split(' ')
    {
        assert_eq!(told.link(name)["state"], "ok", "{:?}", told.got);
        assert_eq!(told.link(name)["next"], Value::Null);
    }
    assert!(told.link("account")["found"].as_str().unwrap().starts_with("ada is ACTIVE"), "{:?}", told.got);
    assert!(told.link("service")["found"].as_str().unwrap().contains("github (connection github-x), account ada"));
    assert_eq!(doctor(&world, &["https://ghcr.io/v2/"]).state("docker"), "ok");
    assert_eq!(doctor(&world, &["github"]).state("account"), "ok");
    let text = world.ok(&["doctor"]).stdout;
    assert!(text.contains("ok       vault ") && !text.contains("broken"), "{text}");
    let names: Vec<&str> = text.lines().filter_map(|line| line.split_whitespace().nth(1)).collect();
    assert!(!names.contains(&"account") && !names.contains(&"service"), "what depends on a URL is left out: {text}");
    let help = world.ok(&["doctor", "--help"]).stdout;
    assert!(help.contains("exit status") && help.contains("5 the account needs authorization"), "{help}");
}

#[test]
fn what_is_no_place_is_a_usage_error() {
    let world = World::new();
    let got = world.run(&["doctor", "https://ada:hunter2@/x"]).exit(2);
    assert!(!got.stderr.contains("hunter2"), "{got:?}");
}

#[test]
fn a_services_file_that_is_no_json_is_found_with_its_line() {
    let world = world();
    world.write_connections("{\"github\": {\n  oops");
    doctor(&world, &[REPOSITORY]).is_broken_at("connections.json", 3, "line 2, column 3", "correct the file").skips(&[
        "service",
        "git",
        "docker",
        "mcp",
        "cache",
        "credentials",
        "vault",
        "account",
    ]);
}

#[test]
fn a_configuration_that_everybody_may_write_is_found_and_the_step_mends_it() {
    let world = world();
    let file = world.config_file("config.json");
    std::fs::write(&file, r#"{"version": 1}"#).unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o666)).unwrap();
    let told = doctor(&world, &[REPOSITORY]);
    told.is_broken_at("config.json", 3, "every user may write it", "chmod 600 ").skips(&["vault"]);
    follow(&world, &told, "config.json");
    assert_eq!(doctor(&world, &[REPOSITORY]).broken(), [""; 0]);
}

#[test]
fn a_file_that_would_hold_a_reader_up_is_not_read() {
    let world = world();
    finish(world.command("mkfifo").arg(world.config_file("synced.json")), "").ok();
    doctor(&world, &[]).is_broken_at("synced.json", 3, "not a regular file", "ls -ld ");
}

#[test]
fn a_service_that_cannot_be_used_is_noted() {
    let world = world();
    world.write_connections(
        r#"{"github": {"connection_name": "github-x", "identifier": "ada"}, "x": {"connection_name": 3}}"#,
    );
    doctor(&world, &[REPOSITORY]).is_noted_at("connections.json", "x cannot be used", "correct ");
}

#[test]
fn half_of_the_variables_is_found() {
    let mut world = world();
    world.credentials_in_variables = false;
    let url = world.sandbox.url().to_owned();
    doctor_with(&world, &[("SCALEKIT_ENV_URL", &url)], &[])
        .is_broken_at("credentials", 3, "SCALEKIT_ENV_URL is set", "set all three")
        .skips(&["proxy", "dns", "connection", "tls", "clock", "vault"]);
    doctor(&world, &[]).is_broken_at("credentials", 3, "are missing", "scalekit-auth login");
}

#[test]
fn a_home_that_cannot_be_read_is_named() {
    let mut world = world();
    let (secret, url, id) =
        (world.path("secret"), world.sandbox.url().to_owned(), world.sandbox.client_id().to_owned());
    std::fs::write(&secret, world.sandbox.client_secret()).unwrap();
    std::fs::set_permissions(&secret, PermissionsExt::from_mode(0o600)).unwrap();
    world.credentials_in_variables = false;
    let home = format!("file:{}", secret.display());
    world.ok(&["login", "--env-url", &url, "--client-id", &id, "--home", &home]);
    let told = doctor(&world, &[REPOSITORY]);
    assert_eq!(told.broken(), [""; 0], "{:?}", told.got);
    assert!(told.link("credentials")["found"].as_str().unwrap().contains(secret.to_str().unwrap()));
    std::fs::set_permissions(&secret, PermissionsExt::from_mode(0o644)).unwrap();
    doctor(&world, &[REPOSITORY]).is_broken_at(
        "credentials",
        4,
        "every user of this machine may read it",
        "chmod o-r ",
    );
    std::fs::remove_file(&secret).unwrap();
    doctor(&world, &[REPOSITORY])
        .is_broken_at("credentials", 4, secret.to_str().unwrap(), "put the file there")
        .skips(&["vault", "account"]);
}

#[test]
fn a_wrong_secret_is_found_at_the_vaults_answer() {
    let world = world();
    let told = doctor_with(&world, &[("SCALEKIT_CLIENT_SECRET", "not-it-at-all")], &[REPOSITORY]);
    told.is_broken_at("vault", 6, "status 401", "correct SCALEKIT_CLIENT_SECRET").skips(&["account"]);
    assert_eq!((told.state("tls"), told.state("clock")), ("ok", "ok"));
    assert!(!told.got.stdout.contains("not-it-at-all"), "{:?}", told.got);
}

#[test]
fn a_host_that_nobody_knows_is_found() {
    let world = world();
    let told = doctor_with(&world, &[("SCALEKIT_ENV_URL", PROXIED)], &[REPOSITORY]);
    told.is_broken_at("dns", 7, "no such host: vault.example.test", "check the network");
    told.skips(&["connection", "tls", "clock", "vault", "account"]);
    assert_eq!(told.state("proxy"), "ok");
}

#[test]
fn a_closed_port_is_found() {
    let world = world();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("https://127.0.0.1:{port}");
    let told = doctor_with(&world, &[("SCALEKIT_ENV_URL", &url)], &[REPOSITORY]);
    told.is_broken_at("connection", 7, &format!("no connection to 127.0.0.1:{port}"), "scalekit-auth status --check");
    told.skips(&["tls", "clock", "vault", "account"]);
    assert_eq!(told.state("dns"), "ok");
}

#[test]
fn a_server_that_says_nothing_is_found() {
    let world = world();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", silent.local_addr().unwrap());
    doctor_with(&world, &[("SCALEKIT_ENV_URL", &url)], &[]).is_broken_at(
        "connection",
        7,
        "did not answer",
        "check the network",
    );
}

#[test]
fn a_certificate_of_another_authority_is_found_with_the_file_that_was_read() {
    let world = world();
    let other = Sandbox::start();
    let file = other.ca_pem().to_str().unwrap();
    let told = doctor_with(&world, &[("SSL_CERT_FILE", file)], &[REPOSITORY]);
    told.is_broken_at("tls", 7, &format!("authorities: SSL_CERT_FILE={file}"), "point SSL_CERT_FILE to its CA");
    told.skips(&["clock", "vault", "account"]);
    assert_eq!(told.state("connection"), "ok");
    let told = doctor_with(&world, &[("SSL_CERT_FILE", "/nowhere/ca.pem")], &[]);
    told.is_broken_at("tls", 7, "SSL_CERT_FILE=/nowhere/ca.pem, which is not there", "SSL_CERT_FILE");
}

#[test]
fn a_clock_that_is_off_is_found_and_the_rest_is_looked_at() {
    let world = world();
    let mut command = world.command(needed("faketime", "faketime"));
    command.args(["--exclude-monotonic", "-f", "+10m", EXE]);
    let told = Told::by(&mut command, &[REPOSITORY]);
    told.is_broken_at("clock", 1, "s ahead of the vault's", "timedatectl");
    assert_eq!((told.state("vault"), told.state("account")), ("ok", "ok"));
    let mut command = world.command("faketime");
    command.args(["--exclude-monotonic", "-f", "-10m", EXE]);
    Told::by(&mut command, &[]).is_broken_at("clock", 1, "s behind the vault's", "timedatectl");
}

#[test]
fn a_proxy_that_refuses_is_found_without_its_password() {
    let world = world();
    let proxy = Proxy::start(None);
    let with_user = proxy.url.replace("http://", "http://ada:marked@");
    let told = doctor_with(&world, &[("SCALEKIT_ENV_URL", PROXIED), ("HTTPS_PROXY", &with_user)], &[REPOSITORY]);
    told.is_broken_at("proxy", 7, "of HTTPS_PROXY", "HTTPS_PROXY").skips(&["dns", "connection", "tls", "vault"]);
    assert!(!told.got.stdout.contains("marked") && !told.got.stderr.contains("marked"), "{:?}", told.got);
    let told = doctor_with(&world, &[("SCALEKIT_ENV_URL", PROXIED), ("HTTPS_PROXY", "ftp://ada:marked@x")], &[]);
    told.is_broken_at("proxy", 7, "HTTPS_PROXY is not the URL", "correct or unset it");
    assert!(!told.got.stdout.contains("marked"), "{:?}", told.got);
    let variables = [("SCALEKIT_ENV_URL", PROXIED), ("HTTPS_PROXY", &*with_user), ("NO_PROXY", ".example.test")];
    let told = doctor_with(&world, &variables, &[]);
    told.is_broken_at("dns", 7, "no such host", "check the network");
    assert!(told.link("proxy")["found"].as_str().unwrap().contains("NO_PROXY excepts vault.example.test"));
}

#[test]
fn a_proxy_that_leads_there_is_named_without_its_password() {
    let world = world();
    let port = world.sandbox.url().rsplit(':').next().unwrap().parse().ok();
    let with_user = Proxy::start(port).url.replace("http://", "http://ada:marked@");
    let told = doctor_with(&world, &[("SCALEKIT_ENV_URL", PROXIED), ("HTTPS_PROXY", &with_user)], &[]);
    assert_eq!(told.got.code, Some(0), "{:?}", told.got);
    assert!(told.link("proxy")["found"].as_str().unwrap().contains("by the proxy 127.0.0.1:"), "{:?}", told.got);
    assert!(!told.got.stdout.contains("marked"), "{:?}", told.got);
}

#[test]
fn a_host_of_nobody_is_found() {
    let world = world();
    let told = doctor(&world, &["https://git.acme.test/a"]);
    told.is_broken_at("service", 3, "no configured service answers for https://git.acme.test/a", "scalekit-auth ");
    told.skips(&["git", "docker", "mcp", "account"]);
    assert_eq!(told.state("vault"), "ok");
    doctor(&world, &["githib"]).is_broken_at("service", 3, "githib is not configured", "did you mean github?");
}

#[test]
fn two_services_that_are_equally_good_are_found() {
    let world = world();
    let twins = json!({"github": {"connection_name": "github-x"}, "twin": {"connection_name": "github-y"}});
    world.write_connections(&twins.to_string());
    doctor(&world, &[REPOSITORY]).is_broken_at(
        "service",
        8,
        "github, twin",
        "scalekit-auth use github --for github.com",
    );
}

#[test]
fn an_account_that_waits_or_is_missing_is_found_and_not_created() {
    let world = world();
    let (connection, status) = ("github-x".to_owned(), "PENDING_AUTH".to_owned());
    world.control(Control::SetStatus { connection, identifier: "ada".into(), status });
    doctor(&world, &[REPOSITORY]).is_broken_at("account", 5, "ada is PENDING_AUTH", "`scalekit-auth connect github`");
    world.write_connections(r#"{"github": {"connection_name": "github-x", "identifier": "bob"}}"#);
    let told = doctor(&world, &[REPOSITORY]);
    told.is_broken_at("account", 5, "the vault has no account bob of github-x", "`scalekit-auth connect github`");
    assert_eq!(world.count("POST /api/v1/connected_accounts"), 0);
    assert_eq!(world.count("POST /api/v1/connected_accounts/magic_link"), 0);
}

#[test]
fn a_token_that_is_withheld_is_found() {
    let world = world();
    world.seed_account("github-x", Credential::Withheld, None);
    doctor(&world, &[REPOSITORY]).is_broken_at("account", 6, "withholds them", "`scalekit-auth curl URL`");
}

#[test]
fn a_vault_that_fails_is_found_with_the_status() {
    let world = world();
    world.fail_next("POST /oauth/token", 1, 500, None);
    doctor(&world, &[REPOSITORY])
        .is_broken_at("vault", 6, "status 500", "scalekit-auth status --check")
        .skips(&["account"]);
    world.fail_next("POST /oauth/token", 9, 503, None);
    doctor(&world, &[REPOSITORY])
        .is_broken_at("vault", 7, "status 503", "scalekit-auth status --check")
        .skips(&["account"]);
}

#[test]
fn a_git_that_does_not_ask_is_found_and_the_step_mends_it() {
    let world = world();
    world.ok(&["setup", "git", "--undo"]);
    let told = doctor(&world, &[REPOSITORY]);
    told.is_broken_at("git", 3, "git does not ask us for https://github.com", "scalekit-auth setup git github.com");
    assert_eq!(told.state("account"), "ok");
    // Without a URL nobody said that git should ask.
    doctor(&world, &[]).is_noted_at("git", "git does not ask us for https://github.com", "scalekit-auth setup git");
    doctor(&world, &["github"]).is_noted_at("git", "git does not ask us", "scalekit-auth setup git");
    follow(&world, &told, "git");
    assert_eq!(doctor(&world, &[REPOSITORY]).broken(), [""; 0]);
}

#[test]
fn another_helper_that_gets_our_token_is_found_without_its_arguments() {
    let world = world();
    let mut text = std::fs::read_to_string(world.path(".gitconfig")).unwrap();
    text += "[credential]\n\thelper = \"!f() { echo password=hunter2; }; f\"\n\thelper = store --file=hunter2\n";
    std::fs::write(world.path(".gitconfig"), text).unwrap();
    let told = doctor(&world, &[REPOSITORY]);
    told.is_broken_at("git", 3, "but also hands our token to: a shell command (", "scalekit-auth setup git github.com");
    assert!(told.link("git")["found"].as_str().unwrap().contains(", store ("), "{:?}", told.got);
    assert!(!told.got.stdout.contains("hunter2"), "{:?}", told.got);
    follow(&world, &told, "git");
    assert_eq!(doctor(&world, &[REPOSITORY]).broken(), [""; 0]);
}

#[test]
fn a_helper_that_cannot_be_started_is_found() {
    let world = world();
    let text = "[credential \"https://github.com\"]\n\thelper =\n\thelper = /gone/git-credential-scalekit\n";
    std::fs::write(world.path(".gitconfig"), text).unwrap();
    doctor(&world, &[REPOSITORY]).is_broken_at(
        "git",
        3,
        "/gone/git-credential-scalekit cannot be started",
        "setup git",
    );
    // It is as wrong without a URL.
    doctor(&world, &[]).is_broken_at("git", 3, "cannot be started", "scalekit-auth setup git github.com");
}

#[test]
fn a_docker_that_asks_another_helper_is_found_and_the_step_mends_it() {
    let world = world();
    fake(&world, "docker", "Docker version 28.2.2, build x");
    std::fs::write(world.path(".docker/config.json"), r#"{"credHelpers": {"ghcr.io": "pass"}}"#).unwrap();
    let told = doctor(&world, &["https://ghcr.io/v2/"]);
    told.is_broken_at("docker", 3, "docker asks pass for ghcr.io", "scalekit-auth setup docker ghcr.io --replace");
    follow(&world, &told, "docker");
    assert_eq!(doctor(&world, &["https://ghcr.io/v2/"]).broken(), [""; 0]);
}

#[test]
fn an_mcp_client_that_starts_a_program_that_is_gone_is_found() {
    let world = world();
    world.seed("linearmcp-x", "LINEARMCP", "token-of-linear");
    world.write_connections(r#"{"linearmcp": {"connection_name": "linearmcp-x", "identifier": "ada"}}"#);
    world.ok(&["setup", "cursor"]);
    let place = ["https://mcp.linear.app/mcp"];
    assert_eq!(doctor(&world, &place).state("mcp"), "ok");
    let file = world.path(".cursor/mcp.json");
    let text = std::fs::read_to_string(&file).unwrap();
    let (before, after) = text.split_once("\"command\": \"").unwrap();
    let text = format!("{before}\"command\": \"/gone/scalekit-auth\"{}", after.split_once('"').unwrap().1);
    std::fs::write(&file, text).unwrap();
    doctor(&world, &place).is_broken_at(
        "mcp",
        3,
        "/gone/scalekit-auth cannot be started",
        "scalekit-auth setup cursor linearmcp=",
    );
}

#[test]
fn a_protocol_name_that_leads_elsewhere_or_nowhere_is_found() {
    let world = world();
    let link = world.path("bin/docker-credential-scalekit");
    std::fs::remove_file(&link).unwrap();
    fake(&world, "docker-credential-scalekit", "{}");
    let remove = format!("remove {}", link.display());
    doctor(&world, &[]).is_broken_at("names", 1, "does not lead to this program", &remove);
    std::fs::remove_file(&link).unwrap();
    symlink("/gone/scalekit-auth", &link).unwrap();
    let told = doctor(&world, &[]);
    told.is_broken_at("names", 1, "(a link to /gone/scalekit-auth) cannot be started", &remove);
    assert!(told.link("names")["next"].as_str().unwrap().ends_with("then `scalekit-auth setup`"));
    std::fs::remove_file(&link).unwrap();
    doctor_with(&world, &[("DOCKER_CONFIG", "/nowhere")], &[]).is_noted_at(
        "names",
        "not on PATH: docker-credential-scalekit",
        "`scalekit-auth setup`",
    );
}

#[test]
fn another_version_first_on_path_is_noted() {
    let world = world();
    let other = world.path("other");
    std::fs::create_dir(&other).unwrap();
    script(&other.join("scalekit-auth"), "echo scalekit-auth 0.0.1");
    let path = format!("{}:{}:/usr/bin:/bin", other.display(), world.path("bin").display());
    doctor_with(&world, &[("PATH", &path)], &[]).is_noted_at(
        "program",
        &format!("{}/scalekit-auth (scalekit-auth 0.0.1)", other.display()),
        "export PATH=",
    );
}

#[test]
fn a_runtime_directory_that_cannot_be_used_is_noted_and_none_is_made() {
    let world = world();
    std::fs::write(world.path("file"), "").unwrap();
    let below_a_file = world.path("file/run");
    let told = doctor_with(&world, &[("XDG_RUNTIME_DIR", below_a_file.to_str().unwrap())], &[]);
    told.is_noted_at("runtime", "file/run/scalekit-auth is not there", "export XDG_RUNTIME_DIR=");
    let fresh = world.path("fresh");
    assert_eq!(doctor_with(&world, &[("XDG_RUNTIME_DIR", fresh.to_str().unwrap())], &[]).state("runtime"), "ok");
    assert!(!fresh.exists());
}

#[test]
fn old_tools_are_noted_with_what_they_cannot_do() {
    let world = world();
    let real = std::env::split_paths(&std::env::var_os("PATH").unwrap()).find_map(|directory| {
        let git = directory.join("git");
        git.is_file().then_some(git)
    });
    let real: PathBuf = real.expect("this test needs git");
    for (version, found, next) in [
        ("2.39.5 (Apple Git-154)", "is not told when a token expires", "install git 2.46 or later"),
        ("2.45.1", "cannot send a Bearer token", "install git 2.46 or later"),
    ] {
        let line =
            format!("[ \"$1\" = --version ] && exec echo 'git version {version}'\nexec {} \"$@\"", real.display());
        script(&world.path("bin/git"), &line);
        doctor(&world, &[]).is_noted_at("git_version", found, next);
    }
    fake(&world, "curl", "curl 7.74.0 (x86_64-pc-linux-gnu)");
    doctor(&world, &[]).is_noted_at("curl_version", "could send the token on", "install curl 7.83 or later");
    fake(&world, "gh", "what is a version");
    doctor(&world, &[]).is_noted_at("gh_version", "does not tell its version", "--version");
}

#[test]
fn a_tool_that_hangs_holds_nobody_up() {
    let world = world();
    script(&world.path("bin/gh"), "exec sleep 1000");
    doctor(&world, &[REPOSITORY]).is_noted_at("gh_version", "does not tell its version", "--version");
}

/// Each file below the home, with its content and when it was changed.
fn state_of(world: &World) -> BTreeMap<PathBuf, (Vec<u8>, i64, i64)> {
    let files = files_below(world.home.path()).into_iter().filter(|file| !file.starts_with(world.path("bin")));
    let state = |file: PathBuf| {
        let data = file.metadata().unwrap();
        (file.clone(), (std::fs::read(&file).unwrap(), data.mtime(), data.mtime_nsec()))
    };
    files.map(state).collect()
}

#[test]
fn no_secret_is_told_and_nothing_is_written() {
    let mut world = canary::world();
    world.has_cache = true;
    let places =
        ["https://github.com/a", "https://gitlab.com/a", "https://bitbucket.org/a", "github", "https://nobody.test"];
    let echo = json!({"error": SECRET, "error_description": format!("client_secret={SECRET}"), "message": SECRET});
    let faults =
        [None, Some((401, echo.to_string())), Some((500, echo.to_string())), Some((200, format!("{SECRET} {TOKEN}")))];
    for fault in faults {
        for route in [canary::TOKEN_ROUTE, canary::AUTH] {
            world.control(Control::Reset);
            canary::seed(&world);
            for place in places.map(Some).into_iter().chain([None]) {
                if let Some((status, body)) = &fault {
                    world.control(Control::FailNext {
                        route: Some(route.into()),
                        times: 1,
                        status: *status,
                        error_code: None,
                        body: Some(body.clone()),
                        retry_after: None,
                    });
                }
                let before = state_of(&world);
                let directories =
                    [world.path("run"), world.path(".config")].map(|path| path.read_dir().unwrap().count());
                for format in [&["doctor"][..], &["doctor", "--json"]] {
                    let args: Vec<&str> = format.iter().copied().chain(place).collect();
                    let got = world.run(&args);
                    let issued = world.sandbox.client_tokens();
                    let secrets: Vec<&str> =
                        [SECRET, TOKEN, REFRESH].into_iter().chain(issued.iter().map(String::as_str)).collect();
                    for text in [&got.stdout, &got.stderr] {
                        assert!(!text.contains("internal error"), "{got:?}");
                        assert_eq!(shown(text.as_bytes(), &secrets), None, "{fault:?} {args:?}: {got:?}");
                    }
                }
                assert_eq!(state_of(&world), before, "{place:?}");
                let after = [world.path("run"), world.path(".config")].map(|path| path.read_dir().unwrap().count());
                assert_eq!(after, directories, "{place:?}");
            }
        }
    }
    assert_eq!(world.count(canary::CREATE) + world.count(canary::LINK), 0, "nothing is made in the vault");
}
