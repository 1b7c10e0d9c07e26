//! Where the kernel's memory is narrow, refused or another one, and where processes of one user meet in it.

use crate::common;
use std::fs;
use std::process::Command;

use common::homes::set_mode;
use common::keyring::needed;
use common::user::{AUTH, GITHUB, Key, User};
use common::{Finished, finish};
use scalekit_sandbox::Control;
use serde_json::{Value, json};

/// Runs a program for which the kernel refuses the calls of keyrings, as containers' profiles do.
const REFUSER: &str = r#"
    #include <errno.h>
    #include <linux/filter.h>
    #include <linux/seccomp.h>
    #include <stddef.h>
    #include <stdlib.h>
    #include <sys/prctl.h>
    #include <sys/syscall.h>
    #include <unistd.h>
    int main(int argc, char **argv) {
        struct sock_filter filter[] = {
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_add_key, 3, 0),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_request_key, 2, 0),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_keyctl, 1, 0),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | atoi(argv[1])),
        };
        struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) return 125;
        execvp(argv[2], argv + 2);
        return 127;
    }"#;

/// A script as this user.
fn script(user: &User, script: &str) -> Finished {
    finish(user.command("sh").args(["-e", "-c", script]), "")
}

/// Through `wrapper`, tokens come from the vault every time, with nothing on stderr.
#[track_caller]
fn works_without_memory(user: &User, wrapper: &[&str]) {
    for _ in 0..2 {
        for (args, input, words) in [
            (&["scalekit-auth", "token", "github"][..], "", "token-0\n"),
            (&["git-credential-scalekit", "get"], GITHUB, "password=token-0\n"),
            (&["docker-credential-scalekit", "get"], "ghcr.io", "\"Secret\":\"token-0\""),
        ] {
            let all = [wrapper, args].concat();
            let got = user.is_from_vault(|| finish(user.command(all[0]).args(&all[1..]), input).ok());
            assert!(got.stdout.contains(words) && got.stderr.is_empty(), "{all:?}: {got:?}");
        }
    }
}

/// Keys and bytes that count against the user's quota.
fn quota(user: &User) -> (u32, u32) {
    let text = finish(user.command("cat").arg("/proc/key-users"), "").ok().stdout;
    let line = text.lines().find_map(|line| line.trim().strip_prefix(&format!("{}:", user.id))).unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    let used = |word: &str| word.split('/').next().unwrap().parse().unwrap();
    (used(words[2]), used(words[3]))
}

#[test]
fn where_the_users_quota_is_full_the_vault_is_asked_every_time_without_a_word() {
    let user = User::of_github();
    let fill = [
        "i=0; while keyctl add user filler-$i v @u >/dev/null 2>&1; do i=$((i+1)); done; test $i -gt 150",
        "keyctl add user filler $(head -c 19900 /dev/zero | tr '\\0' x) @u >/dev/null",
    ];
    for fill in fill {
        script(&user, fill).ok();
        works_without_memory(&user, &[]);
        user.keyctl(&["clear", "@u"]).ok();
        common::keyring::until("the kernel has collected the keys", || quota(&user).1 < 1000);
    }
    user.token("github");
    user.is_from_memory(|| user.token("github"));
    // What is there already can be renewed.
    script(&user, fill[0]).ok();
    user.is_from_memory(|| user.token("github"));
}

/// A user with so many services and accounts, `service-0` and so on, with tokens of `len` bytes.
fn many(count: usize, len: usize) -> (User, Vec<String>) {
    let user = User::new();
    let names: Vec<String> = (0..count).map(|index| format!("service-{index}")).collect();
    let mut document = json!({});
    for name in &names {
        user.world.seed(name, "GITHUB", &format!("{name}-{}", "x".repeat(len)));
        document[name] = json!({"connection_name": name, "identifier": "ada"});
    }
    user.write_connections(&document.to_string());
    (user, names)
}

/// All their tokens in one run; how many came from memory.
#[track_caller]
fn hits(user: &User, names: &[String]) -> usize {
    let before = user.world.count(AUTH);
    let got = finish(user.command("scalekit-auth").arg("token").args(names).arg("--json"), "").ok();
    assert_eq!(got.stderr, "");
    let object: Value = serde_json::from_str(&got.stdout).unwrap();
    for (name, result) in names.iter().zip(object["results"].as_array().unwrap()) {
        assert!(result["token"].as_str().unwrap().starts_with(&format!("{name}-")), "{result}");
    }
    names.len() - (user.world.count(AUTH) - before) as usize
}

#[test]
fn ours_are_32_keys_and_12_kilobytes_at_most_and_a_new_one_takes_the_place_of_another() {
    for (count, len, least) in [(40, 10, 25), (12, 2500, 2), (3, 4000, 0)] {
        let (user, names) = many(count, len);
        hits(&user, &names);
        let hits = hits(&user, &names);
        let keys = user.keys();
        let size = |key: &Key| key.line.rsplit(' ').next().and_then(|size| size.parse::<usize>().ok());
        let sizes = keys.iter().map(|key| size(key).unwrap_or_else(|| panic!("{keys:?}")));
        assert!(keys.len() <= 32 && sizes.sum::<usize>() <= 12 * 1024, "{keys:?}");
        // One may be the client token's, and not every place is one that an account had a choice of.
        assert!((least..=32).contains(&hits) && hits < count, "{hits} of {count}: {keys:?}");
    }
}

#[test]
fn where_the_kernel_refuses_the_calls_nothing_is_said() {
    let user = User::of_github();
    let (source, program) = (user.world.path("refuser.c"), user.world.path("refuser"));
    fs::write(&source, REFUSER).unwrap();
    let built = Command::new(needed("cc", "gcc")).arg("-o").args([&program, &source]).status().unwrap();
    assert!(built.success());
    set_mode(&program, 0o755);
    user.own();
    let program = program.to_str().unwrap();
    // EPERM of containers, ENOSYS of kernels without keyrings.
    for errno in ["1", "38"] {
        assert_ne!(finish(user.command(program).args([errno, "keyctl", "show"]), "").code, Some(0));
        works_without_memory(&user, &[program, errno]);
        let shown = |args: &[&str]| finish(user.command(program).args([&[errno, "scalekit-auth"], args].concat()), "");
        let status = shown(&["cache", "status", "--json"]).ok();
        assert_eq!(serde_json::from_str::<Value>(&status.stdout).unwrap()["available"], false);
        assert!(shown(&["cache", "status"]).ok().stderr.contains("no memory for tokens here"));
        shown(&["cache", "clear"]).ok();
        shown(&["config", "github", "github-x", "--identifier", "ada"]).ok();
    }
}

#[test]
fn another_user_sees_and_gets_nothing() {
    let (user, other) = (User::of_github(), User::of_github());
    user.token("github");
    let keys = user.keys();
    assert_eq!((keys.len(), user.keys_seen_by(other.id)), (2, vec![]));
    assert!(keys.iter().all(|key| key.line.contains(" 3f3f0000 ")), "{keys:?}");
    for key in &keys {
        for command in ["pipe", "describe", "revoke", "invalidate"] {
            let got = other.keyctl(&[command, &key.id]);
            assert!(got.code != Some(0) && !got.stdout.contains("token-0"), "{command}: {got:?}");
        }
    }
    assert_eq!(other.status()["tokens"], json!([]));
    assert!(other.ok(&["cache", "clear"]).stderr.contains("0 tokens forgotten"));
    user.is_from_memory(|| user.token("github"));
}

#[test]
fn another_user_namespace_has_a_memory_of_its_own_or_none() {
    let user = User::of_github();
    user.token("github");
    let inside = |args: &[&str]| {
        let got = finish(user.command(needed("unshare", "util-linux")).args([&["-U", "-r"], args].concat()), "").ok();
        assert_eq!(got.stderr, "", "{got:?}");
        got.stdout
    };
    user.is_from_vault(|| assert_eq!(inside(&["scalekit-auth", "token", "github"]), "token-0\n"));
    let status: Value = serde_json::from_str(&inside(&["scalekit-auth", "cache", "status", "--json"])).unwrap();
    assert_eq!(status["tokens"], json!([]));
    user.is_from_memory(|| user.token("github"));
}

#[test]
fn every_session_of_the_user_is_answered_from_the_same_memory() {
    let mut user = User::of_github();
    user.login_with_file();
    let home = user.world.home.path().display().to_string();
    let (exe, ca) = (user.world.path("bin/scalekit-auth"), user.world.path("ca.pem"));
    let (exe, home) = (exe.to_str().unwrap(), format!("HOME={home}"));
    let ca = format!("SSL_CERT_FILE={}", ca.display());
    let ways = [
        &[][..],
        &["keyctl", "session", "-"],
        &["keyctl", "session", "named"],
        &["setsid", "--wait"],
        &["env", "-i", &home, &ca],
        &["sh", "-c", "exec \"$@\"", "sh"],
        &["keyctl", "session", "-", "setsid", "--wait", "env", "-i", &home, &ca, "sh", "-c", "\"$@\"", "sh"],
    ];
    let run = |way: &[&str]| {
        let all = [way, &[exe, "token", "github"]].concat();
        let got = finish(user.command(all[0]).args(&all[1..]), "").ok();
        assert!(got.stdout == "token-0\n" && got.stderr.lines().all(|line| line.starts_with("Joined")), "{got:?}");
    };
    for first in ways {
        user.ok(&["cache", "clear"]);
        user.is_from_vault(|| run(first));
        user.is_from_memory(|| ways.iter().for_each(|way| run(way)));
    }
    user.is_from_memory(|| {
        let mut git = user.command(needed("git", "git"));
        git.args(["-c", "credential.helper=!keyctl session - git-credential-scalekit", "credential", "fill"]);
        assert!(finish(&mut git, GITHUB).ok().stdout.contains("password=token-0\n"));
        let mut git = user.command("git");
        git.args(["-c", "credential.helper=scalekit", "credential", "fill"]);
        assert!(finish(&mut git, GITHUB).ok().stdout.contains("password=token-0\n"));
    });
}

#[test]
fn a_token_that_is_renewed_again_and_again_does_not_use_up_the_quota() {
    let user = User::of_github();
    let token = "x".repeat(3000);
    user.world.control(Control::SetToken {
        connection: "github-x".into(),
        identifier: "ada".into(),
        token: token.clone(),
        expires_in: Some(100 * 365 * 86_400),
    });
    let at = |hours: i32| {
        let mut command = user.command(needed("faketime", "faketime"));
        let time = format!("+{}s", hours * 3600);
        command.args(["--exclude-monotonic", "-f", &time, "scalekit-auth", "token", "github"]);
        assert_eq!(finish(&mut command, "").ok().stdout.trim_end(), token);
    };
    for hours in 0..500 {
        user.is_from_vault(|| at(hours));
    }
    user.is_from_memory(|| at(499));
    let (keys, bytes) = quota(&user);
    assert!(keys < 10 && bytes < 8000, "{keys} keys of {bytes} bytes");
    // What is forgotten and put down anew is collected in time.
    for _ in 0..50 {
        user.ok(&["cache", "clear"]);
        user.is_from_vault(|| user.token("github"));
        user.is_from_memory(|| user.token("github"));
    }
}

#[test]
fn no_runtime_directory_is_needed() {
    let user = User::of_github();
    let closed = user.world.path("closed");
    fs::create_dir(&closed).unwrap();
    user.own();
    set_mode(&closed, 0o500);
    for directory in [closed.to_str().unwrap(), "/nonexistent/run", "/proc", "/dev/null", "relative"] {
        user.ok(&["cache", "clear"]);
        let run = |program: &str, arg: &str, input: &str| {
            let mut command = user.command(program);
            command.args(arg.split(' ')).env("XDG_RUNTIME_DIR", directory).env("TMPDIR", &closed);
            let got = finish(&mut command, input).ok();
            assert!(got.stdout.contains("token-0") && got.stderr.is_empty(), "{directory}: {got:?}");
        };
        user.is_from_vault(|| run("scalekit-auth", "token github", ""));
        user.is_from_memory(|| {
            run("scalekit-auth", "token github", "");
            run("git-credential-scalekit", "get", GITHUB);
            run("docker-credential-scalekit", "get", "ghcr.io");
        });
    }
}
