//! `setup` of each tool on its configuration file as people have it: shown before it is done, done once, undone to the byte.

use std::path::PathBuf;

use crate::common::World;
use crate::common::setup::{read, run, write};
use crate::serves;

/// What is typed after `setup`, the file, a line that is there then, and how people's files look.
const TOOLS: &[(&[&str], &str, &str, &[&str])] = &[
    (
        &["bazel"],
        ".bazelrc",
        "common --credential_helper=github.com=",
        &["", "# mine\nbuild --jobs=4", "common --credential_helper=other.example.com=/x\n"],
    ),
    (
        &["pip"],
        ".config/pip/pip.conf",
        "keyring-provider = subprocess",
        &[
            "",
            "[global]\ntimeout = 60\n[install]\nuser = true",
            "[install]\nuser = true\n",
            "[global]\r\ntimeout = 60\r\n",
            "[global] # mine\ntimeout = 60\n",
        ],
    ),
    (
        &["uv"],
        ".config/uv/uv.toml",
        "keyring-provider = \"subprocess\"",
        &[
            "",
            "# mine\n[[index]]\nurl = \"https://pkg.example.com/simple/\"\n",
            "offline = true",
            "\u{feff}offline = true\n",
        ],
    ),
    (
        &["cargo"],
        ".cargo/config.toml",
        "global-credential-providers = [\"cargo:token\", ",
        &[
            "",
            "[registry] # mine\ndefault = \"mine\"\n[build]\njobs = 4\n",
            "[registry]\nglobal-credential-providers = [\n  \"cargo:token\", # usual\n]\n[registry.x]\ny = 1\n",
            "[build]\njobs = 4",
            "[registry]\nglobal-credential-providers = [\"cargo:token\"]",
        ],
    ),
    (
        &["go"],
        ".config/go/env",
        " goauth; ",
        &["", "GOPROXY=direct\n", "GOAUTH=git /home/ada\nGOFLAGS=-mod=mod\n", "GOAUTH=git /home/ada"],
    ),
    (&["terraform"], ".terraformrc", "credentials_helper \"scalekit\" {", &["", "# mine\ndisable_checkpoint = true"]),
    (
        &["pnpm"],
        ".npmrc",
        "//npm.pkg.github.com/:tokenHelper=",
        &["", "fund=false\n//other.example.com/:_authToken=x\n"],
    ),
    (
        &["kubectl", "--user", "me"],
        ".kube/config",
        "- name: me",
        &[
            "",
            "apiVersion: v1\nusers:\n- name: other\n  user: {}\ncontexts: []\n",
            "users: []\n",
            "users: []",
            "users:\n# mine\n\n  - name: other\n    user: {}\n",
            "clusters:\n- name: a\n",
        ],
    ),
];

fn world() -> World {
    let world = crate::common::setup::world();
    serves(&world, "pkg.example.com");
    world
}

#[test]
fn each_tool_is_pointed_to_us_and_undo_gives_back_every_byte() {
    let world = world();
    for (words, file, line, texts) in TOOLS {
        let path: PathBuf = world.path(file);
        let command = [&["setup"], *words].concat();
        for text in *texts {
            write(&path, text);
            let shown = run(&world, &[&command[..], &["--dry-run"]].concat()).ok();
            assert!(shown.stdout.contains(line), "{words:?}: {shown:?}");
            assert_eq!(read(&path), *text, "--dry-run changes nothing");
            run(&world, &command).ok();
            let once = read(&path);
            assert!(once.contains(line), "{words:?}: {once}");
            run(&world, &command).ok();
            assert_eq!(read(&path), once, "a second time changes nothing");
            // pip and uv ask the first command keyring on PATH.
            let mut list = world.command(world.path("bin/scalekit-auth"));
            let own = world.path(".local/share/scalekit-auth/bin");
            let directories = format!("{}:{}", own.display(), std::env::var("PATH").unwrap());
            let listed = crate::common::finish(list.arg("setup").env("PATH", directories), "").ok();
            let row = listed.stdout.lines().find(|row| row.starts_with(words[0])).unwrap().to_owned();
            assert!(row.ends_with("yes"), "{row}");
            run(&world, &["setup", words[0], "--undo"]).ok();
            assert_eq!(read(&path), *text, "{words:?}");
        }
        std::fs::remove_file(&path).unwrap();
        run(&world, &command).ok();
        assert!(path.exists());
        run(&world, &["setup", "--undo"]).ok();
        assert!(!path.exists(), "{words:?}: what setup made goes");
    }
    assert!(!world.path(".local/share/scalekit-auth/bin").exists(), "so do the links");
}

#[test]
fn what_asks_somebody_else_is_replaced_only_when_asked_and_comes_back() {
    let world = world();
    for (tool, file, text) in [
        ("pip", ".config/pip/pip.conf", "[global]\nkeyring_provider: import\n"),
        ("uv", ".config/uv/uv.toml", "keyring-provider = \"disabled\" # no\n"),
        ("bazel", ".bazelrc", "common --credential_helper=github.com=/x\n"),
    ] {
        let path = world.path(file);
        write(&path, text);
        let got = run(&world, &["setup", tool]).exit(2);
        assert!(got.stderr.contains("--replace") && read(&path) == text, "{got:?}");
        run(&world, &["setup", tool, "--replace"]).ok();
        run(&world, &["setup", tool, "--undo"]).ok();
        assert_eq!(read(&path), text);
    }
    for (words, file, text) in [
        (&["terraform"][..], ".terraformrc", "credentials_helper\t\"other\" {\n}\n"),
        (&["pnpm"], ".npmrc", "//npm.pkg.github.com/:_authToken=x\n"),
        (&["kubectl", "--user", "me"], ".kube/config", "users:\n- user: {}\n  name:  \"me\"\n"),
        (&["kubectl", "--user", "me"], ".kube/config", "{\"users\": []}"),
        (&["kubectl"], ".kube/config", ""),
    ] {
        write(&world.path(file), text);
        run(&world, &[&["setup"], words].concat()).exit(2);
        assert_eq!(read(&world.path(file)), text);
    }
    for (tool, file, text) in [
        ("uv", ".config/uv/uv.toml", "x = \n"),
        ("cargo", ".cargo/config.toml", "registry = {}\n"),
        ("cargo", ".cargo/config.toml", "[registry]\nglobal-credential-providers = \"x\"\n"),
    ] {
        write(&world.path(file), text);
        let got = run(&world, &["setup", tool]).exit(3);
        assert!(got.stderr.contains("left as it is") && read(&world.path(file)) == text, "{got:?}");
    }
}

#[test]
fn hosts_are_those_of_services() {
    let world = world();
    run(&world, &["setup", "bazel", "pkg.example.com"]).ok();
    assert!(read(&world.path(".bazelrc")).contains("--credential_helper=pkg.example.com="));
    for words in [&["bazel", "other.example.com"][..], &["pnpm", "other.example.com"]] {
        let got = run(&world, &[&["setup"], words].concat()).exit(3);
        assert!(got.stderr.contains("no configured service answers"), "{got:?}");
    }
    for words in [&["pip", "pkg.example.com"][..], &["msmtp", "x"], &["git", "--user", "me"]] {
        run(&world, &[&["setup"], words].concat()).exit(2);
    }
}

#[test]
fn tools_without_a_hook_are_told_what_to_type() {
    let world = world();
    let program = world.path("bin/scalekit-auth").display().to_string();
    for tool in ["npm", "msmtp", "mbsync", "mutt", "aerc", "himalaya", "rclone", "restic", "httpie", "wget"] {
        let got = run(&world, &["setup", tool]).ok();
        assert!(got.stdout.contains(&program) || got.stdout.contains("scalekit-askpass"), "{tool}: {got:?}");
    }
}

#[test]
fn all_tools_that_are_here_are_set_up_at_once_after_the_change_was_shown() {
    let world = world();
    write(&world.path(".cursor/mcp.json"), "{}");
    world.seed("linearmcp-x", "LINEARMCP", "lin");
    world.ok(&["config", "linearmcp", "linearmcp-x", "--identifier", "ada"]);
    let shown = run(&world, &["setup", "--all", "--dry-run"]).ok();
    assert!(shown.stdout.contains(".gitconfig") && shown.stdout.contains("mcp.json"), "{shown:?}");
    assert_eq!(read(&world.path(".cursor/mcp.json")), "{}");
    let done = run(&world, &["setup", "--all"]).ok();
    assert!(done.stdout.contains("mcp.json") && done.stderr.contains("cursor asks us now"), "{done:?}");
    assert!(read(&world.path(".cursor/mcp.json")).contains("mcp.linear.app"));
    assert!(read(&world.path(".gitconfig")).contains("scalekit"));
    run(&world, &["setup", "--undo"]).ok();
    assert_eq!(read(&world.path(".cursor/mcp.json")), "{}");
}

#[test]
fn what_is_no_regular_file_is_left_and_stops_no_other_tool() {
    let world = world();
    run(&world, &["setup", "go"]).ok();
    let pipe = world.path(".bazelrc");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let got = run(&world, &["setup", "bazel"]).exit(1);
    assert!(got.stderr.contains("is no regular file"), "{got:?}");
    let got = run(&world, &["setup", "--undo"]).exit(1);
    assert!(got.stderr.contains("is no regular file"), "{got:?}");
    assert!(!world.path(".config/go/env").exists(), "the others are undone");
}

#[test]
fn a_file_that_another_program_wrote_anew_keeps_its_link_and_is_named() {
    let world = world();
    run(&world, &["setup", "pnpm"]).ok();
    let file = world.path(".npmrc");
    let without_remarks: String =
        read(&file).lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect();
    write(&file, &without_remarks);
    let listed = run(&world, &["setup"]).ok();
    assert!(listed.stdout.lines().any(|row| row.starts_with("pnpm") && row.ends_with("yes")), "{listed:?}");
    let got = run(&world, &["setup", "pnpm", "--undo"]).ok();
    assert!(got.stderr.contains("remove those lines yourself"), "{got:?}");
    assert!(world.path(".local/share/scalekit-auth/bin/scalekit-token@npm.pkg.github.com").exists());
    run(&world, &["setup", "pnpm"]).ok();
}

#[test]
fn a_second_host_joins_the_first() {
    let world = world();
    run(&world, &["setup", "bazel", "github.com"]).ok();
    run(&world, &["setup", "bazel", "https://api.github.com"]).ok();
    let text = read(&world.path(".bazelrc"));
    assert!(text.contains("=github.com=") && text.contains("=api.github.com="), "{text}");
    run(&world, &["setup", "kubectl", "--user", "1234"]).ok();
    assert!(read(&world.path(".kube/config")).contains("- name: \"1234\""));
    let got = run(&world, &["setup", "kubectl", "--user", "other"]).exit(2);
    assert!(got.stderr.contains("another user"), "{got:?}");
    run(&world, &["setup", "kubectl", "--user", "1234", "--undo"]).ok();
    assert!(!world.path(".kube/config").exists());
}

#[test]
fn go_is_set_up_only_where_it_reads_its_file() {
    let world = world();
    for (name, value) in [("GOENV", "off"), ("GOAUTH", "netrc")] {
        let mut command = world.command(world.path("bin/scalekit-auth"));
        let got = crate::common::finish(command.args(["setup", "go"]).env(name, value), "").exit(2);
        assert!(got.stderr.contains(&format!("unset {name}")), "{got:?}");
    }
    write(&world.path(".config/go/env"), "GOAUTH=off\n");
    run(&world, &["setup", "go"]).ok();
    assert!(!read(&world.path(".config/go/env")).contains("; off"));
}
