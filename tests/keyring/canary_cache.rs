//! What rests in the kernel's memory, and how processes wait for one another, shows no secret to anybody else.

use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::common::canary::{REFRESH, SECRET, TOKEN, look_as, look_at_files, pending, set_status, shown, world};
use crate::common::keyring::{Killed, needed, until};
use crate::common::user::User;
use crate::common::{files_below, finish};

/// Someone else on this machine.
const STRANGER: u32 = 65_534;

#[test]
fn with_the_cache_no_output_and_no_file_shows_more_than_without() {
    let user = User::with(world());
    look_as(&user.world, &|program| user.command(program), "nothing in memory", "github", "github.com");
    let user = User::with(world());
    let command = |program: &str| user.command(program);
    assert_eq!(user.token("github"), TOKEN);
    assert!(user.kernel_memory().contains(TOKEN));
    look_as(&user.world, &command, "all in memory", "github", "github.com");
    set_status(&user.world, "github-x", "EXPIRED");
    user.ok(&["cache", "clear"]);
    look_as(&user.world, &command, "failures in memory", "github", "github.com");
    look_as(&user.world, &command, "consent is needed", "gitlab", "gitlab.com");
    assert_eq!(shown(user.kernel_memory().as_bytes(), &[SECRET, REFRESH]), None);

    let directory = user.world.path("run/scalekit-auth");
    assert_eq!(fs::metadata(&directory).unwrap().mode() & 0o7777, 0o700);
    let mut locks = 0;
    for file in files_below(&directory) {
        let (metadata, content) = (fs::metadata(&file).unwrap(), fs::read(&file).unwrap());
        assert_eq!((metadata.mode() & 0o7777, metadata.uid()), (0o600, user.id), "{}", file.display());
        // A name is a digest in hexadecimal digits, which may happen to spell a short word.
        let name = file.file_name().unwrap().to_str().unwrap();
        let (kind, digest) = name.split_once('-').unwrap_or((name, ""));
        assert!(digest.chars().all(|c| c.is_ascii_hexdigit()), "{}", file.display());
        let told = [kind.as_bytes(), b"- ", &content].concat();
        let told = String::from_utf8_lossy(&told).to_lowercase();
        let url = user.world.sandbox.url();
        for name in ["github", "gitlab", "ada", "localhost", url, user.world.sandbox.client_id()] {
            assert!(!told.contains(name), "{name} in {told:?}");
        }
        if told.starts_with("flight-") {
            assert!(content.len() <= 8, "more than a time: {content:?}");
            locks += 1;
        }
    }
    assert!(locks >= 3, "one of the client and one of each account, not {locks}");
}

#[test]
fn others_see_nothing_of_what_rests_in_memory() {
    let user = User::with(world());
    assert_eq!(user.token("github"), TOKEN);
    let keys = user.keys();
    assert!(keys.len() >= 2, "{keys:?}");
    let issued = user.world.sandbox.client_tokens();
    let secrets: Vec<&str> = [SECRET, TOKEN, REFRESH].into_iter().chain(issued.iter().map(String::as_str)).collect();
    assert_eq!(user.keys_seen_by(STRANGER), []);
    let all = finish(user.command_as(STRANGER, "cat").arg("/proc/keys"), "").ok().stdout;
    assert!(shown(all.as_bytes(), &secrets).is_none() && !all.contains("scalekit-auth"), "{all}");
    for key in &keys {
        for action in ["pipe", "describe", "rdescribe", "security", "update", "revoke", "invalidate"] {
            let mut command = user.command_as(STRANGER, needed("keyctl", "keyutils"));
            command.args([action, &key.id]).args((action == "update").then_some("x"));
            let got = finish(&mut command, "");
            assert_eq!((got.code, got.stdout.as_str()), (Some(1), ""), "{action}: {got:?}");
        }
    }
    user.is_from_memory(|| assert_eq!(user.token("github"), TOKEN));
    let lines: Vec<String> = user.keys().into_iter().map(|key| key.line).collect();
    assert_eq!(shown(lines.join("\n").as_bytes(), &secrets), None);
}

#[test]
fn who_asks_and_who_waits_for_it_show_nothing_in_proc() {
    let mut user = User::with(world());
    user.login_with_file();
    assert_eq!(user.token("github"), TOKEN, "the client token rests");
    user.ok(&["config", "work", "github-x", "--identifier", "ada"]);
    let (docker, registry) = ("docker-credential-scalekit", "registry.github.test");
    finish(user.command(docker).arg("erase"), registry).ok();
    let first = pending(&user.world, user.command("scalekit-auth").args(["token", "github"]));
    let mut waiting = user.command("scalekit-auth");
    let waiting = Killed(waiting.args(["token", "work"]).spawn().unwrap());
    until("the second one has a thread that waits", || {
        fs::read_dir(format!("/proc/{}/task", waiting.0.id())).is_ok_and(|tasks| tasks.count() == 2)
    });
    let issued = user.world.sandbox.client_tokens();
    let secrets: Vec<&str> = [SECRET, TOKEN, REFRESH].into_iter().chain(issued.iter().map(String::as_str)).collect();
    for child in [&first, &waiting] {
        let directory = format!("/proc/{}", child.0.id());
        for name in ["cmdline", "environ", "comm", "status"] {
            let content = fs::read(format!("{directory}/{name}")).unwrap();
            assert_eq!(shown(&content, &secrets), None, "{name}");
        }
        let tasks = fs::read_dir(format!("{directory}/task")).unwrap();
        for task in tasks {
            let children = fs::read_to_string(task.unwrap().path().join("children")).unwrap();
            assert_eq!(children, "", "it starts nobody");
        }
        for seer in [user.id, STRANGER] {
            for (program, name) in [("cat", "environ"), ("cat", "mem"), ("cat", "maps"), ("ls", "fd")] {
                let got = finish(user.command_as(seer, program).arg(format!("{directory}/{name}")), "");
                assert!(got.stdout.is_empty() && got.stderr.contains("Permission denied"), "{seer} {name}: {got:?}");
            }
        }
    }
    // Its home of the client credentials is a file.
    fs::remove_file(user.world.path("secret")).unwrap();
    look_at_files(&user.world, "while they wait", &secrets);
}
