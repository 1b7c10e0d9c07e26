//! The lines that each kind of machine takes, as the README gives them, run where such a machine can be imitated.

use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::path::Path;

use crate::common::finish;
use crate::common::homes::{Machine, SECRET, is_root, set_mode, shows_no_secret};
use crate::common::keyring::{Desk, needed};
use serde_json::json;

/// `lines` with the sandbox in place of the README's example, and `paths` in place of where machines have them.
fn fit(machine: &Machine, lines: &str, paths: &[(&str, &Path)]) -> String {
    let sandbox = &machine.world.sandbox;
    let mut lines = lines.replace("https://acme.scalekit.com", sandbox.url()).replace("skc_123", sandbox.client_id());
    for (from, to) in paths {
        assert!(lines.contains(from), "{from}");
        lines = lines.replace(from, to.to_str().unwrap());
    }
    lines
}

#[test]
fn a_laptop_has_a_keyring() {
    let desk = Desk::new();
    desk.world.seed("github-x", "GITHUB", "token-1");
    desk.login(&[], desk.world.sandbox.client_secret()).ok();
    let lines = "scalekit-auth status --check";
    assert!(finish(desk.command("sh").args(["-e", "-c", lines]), "").ok().stdout.contains("in the keyring\n"));
}

#[test]
fn an_ssh_session_without_a_keyring_takes_a_file_or_a_command() {
    let machine = Machine::unprivileged();
    let line = "scalekit-auth login --home file:$HOME/.config/scalekit-auth/secret";
    let sandbox = &machine.world.sandbox;
    let dialogue = format!(
        r#"
        set timeout 10
        spawn -noecho sh -c {{{line}}}
        foreach {{question answer}} {{"Environment URL" "{}" "Client id" "{}" "Client secret: " "$env(SECRET)"}} {{
            expect {{
                -ex $question {{ send "[subst $answer]\r" }}
                timeout {{ exit 99 }}
                eof {{ exit 97 }}
            }}
        }}
        expect {{
            -ex {{[Y/n]}} {{ send "n\r"; exp_continue }}
            timeout {{ exit 96 }}
            eof {{}}
        }}
        exit [lindex [wait] 3]
        "#,
        sandbox.url(),
        sandbox.client_id()
    );
    let mut expect = machine.command(needed("expect", "expect"));
    let shown = shows_no_secret(finish(expect.env("SECRET", SECRET).args(["-c", &dialogue]), "")).ok();
    assert!(shown.stdout.contains("logged in to"), "{shown:?}");
    machine.works();
    // Later a secret manager comes; pass itself has its own test.
    let program = machine.program("manager", &format!("[ \"$*\" = 'show scalekit' ] && echo {SECRET}"));
    let line = "scalekit-auth login --home command -- /usr/bin/pass show scalekit";
    machine.script(&fit(&machine, line, &[("/usr/bin/pass", Path::new(&program))])).ok();
    machine.works();
    assert!(!machine.world.config_file("secret").exists());
}

#[test]
fn a_container_mounts_the_secret() {
    let machine = Machine::unprivileged();
    // podman run --secret scalekit,mode=0400, or docker run -v: a file of root's or of the container's user.
    let file = machine.file("scalekit", SECRET, 0o400);
    let lines = "scalekit-auth login --home file:/run/secrets/scalekit --env-url https://acme.scalekit.com --client-id skc_123\n\
                 scalekit-auth token github";
    let lines = fit(&machine, lines, &[("/run/secrets/scalekit", &file)]);
    assert_eq!(machine.script(&lines).ok().stdout, "token-1\n");
    // docker's swarm and compose make it readable for everybody in the container.
    set_mode(&file, 0o444);
    assert!(machine.script(&lines).exit(4).stderr.contains("--allow-world-readable"));
    machine.script(&lines.replacen("--env-url", "--allow-world-readable --env-url", 1)).ok();
}

#[test]
fn a_ci_job_has_variables() {
    let mut machine = Machine::new();
    machine.world.credentials_in_variables = true;
    assert_eq!(machine.script("scalekit-auth token github").ok().stdout, "token-1\n");
    assert!(machine.script("scalekit-auth status").ok().stdout.contains("in the environment variables\n"));
    assert_eq!(machine.holders(), [] as [&Path; 0]);
}

#[test]
fn a_systemd_service_has_its_credentials_directory() {
    let machine = Machine::unprivileged();
    // LoadCredential=: a file 0400 in a directory 0500, both of the service's user.
    let directory = machine.world.path("credentials");
    fs::create_dir(&directory).unwrap();
    machine.file("credentials/scalekit", machine.object(SECRET).to_string(), 0o400);
    set_mode(&directory, 0o500);
    if is_root() {
        chown(&directory, Some(machine.user()), None).unwrap();
    }
    let lines = "scalekit-auth login --home file:$CREDENTIALS_DIRECTORY/scalekit\nscalekit-auth token github";
    let mut service = machine.command("sh");
    service.args(["-e", "-c", lines]).env("CREDENTIALS_DIRECTORY", &directory);
    assert_eq!(shows_no_secret(finish(&mut service, "")).ok().stdout, "token-1\n");
    machine.works();
    // As a file of root's that an access control list opens, which shows as the group's right.
    set_mode(&directory.join("scalekit"), 0o440);
    machine.works();
    // The next start finds it in place again.
    let mut service = machine.command("sh");
    service.args(["-e", "-c", lines]).env("CREDENTIALS_DIRECTORY", &directory);
    finish(&mut service, "").ok();
    // Outside the service there is no such directory.
    let got = machine.script("scalekit-auth login --home file:$CREDENTIALS_DIRECTORY/scalekit").exit(4);
    assert!(got.stderr.contains("/scalekit"), "{got:?}");
    assert_eq!(machine.home(), json!({"file": directory.join("scalekit"), "written": false}));
}

#[test]
fn a_kubernetes_pod_mounts_a_secret_volume() {
    let machine = Machine::unprivileged();
    // defaultMode: 0440 and fsGroup: files of root's, readable for the pod's group.
    let volume = machine.world.path("volume");
    fs::create_dir_all(volume.join("..2026_11_22")).unwrap();
    let file = volume.join("..2026_11_22/secret.json");
    fs::write(&file, machine.object(SECRET).to_string()).unwrap();
    symlink("..2026_11_22", volume.join("..data")).unwrap();
    symlink("..data/secret.json", volume.join("secret.json")).unwrap();
    if is_root() {
        chown(&file, Some(0), Some(machine.user())).unwrap();
    }
    let lines = "scalekit-auth login --home file:/var/run/scalekit/secret.json\nscalekit-auth token github";
    let lines = fit(&machine, lines, &[("/var/run/scalekit", &volume)]);
    set_mode(&file, 0o440);
    assert_eq!(machine.script(&lines).ok().stdout, "token-1\n");
    // Kubernetes' own default.
    set_mode(&file, 0o644);
    assert!(machine.script(&lines).exit(4).stderr.contains("defaultMode: 0440"));
}
