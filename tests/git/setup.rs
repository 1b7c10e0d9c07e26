//! `setup` and its undoing, on git's and docker's configuration files as people have them.

use std::path::PathBuf;

use crate::common::finish;
use crate::common::setup::{fill, git, read, run, world, write};

const GIT_CONFIGS: &[&str] = &[
    "",
    "[user]\n\tname = Ada\n",
    "# a comment\n[user]\n\tname = Ada ; another\n\n\n[alias]\n\tco = checkout\n# the end",
    "[credential]\n\thelper = store\n[credential \"https://github.com\"]\n\tusername = ada\n[core]\n\tpager = less\n",
    "[include]\n\tpath = other.inc\n[credential \"https://github.com/acme\"]\n\tuseHttpPath = false\n",
    "[CREDENTIAL]\n\tHelper = cache --timeout 9\n[credential.example]\n\thelper = x\n",
    "[user]\r\n\tname = Ada\r\n",
    "[user]\n\tname = Ada \\\n",
    "[alias]\n\tx = \"!f() { \\\n\t\techo; }; f\"\n",
];

#[test]
fn git_asks_us_alone_and_undo_gives_back_every_byte() {
    for text in GIT_CONFIGS {
        let world = world();
        let file = world.path(".gitconfig");
        write(&world.path("other.inc"), "[credential]\n\thelper = cache\n");
        write(&file, text);
        let shown = run(&world, &["setup", "git", "--dry-run"]).ok();
        assert!(shown.stdout.contains("+ [credential \"https://github.com\"]"), "{shown:?}");
        assert_eq!(read(&file), *text, "--dry-run changes nothing");

        run(&world, &["setup", "git"]).ok();
        let once = read(&file);
        run(&world, &["setup", "git"]).ok();
        assert_eq!(read(&file), once, "a second time changes nothing");
        assert!(once.starts_with(text));
        assert!(fill(&world, "github.com").contains("password=token-1"), "{text:?}");
        let status = run(&world, &["status"]).ok();
        assert!(status.stdout.contains("git asks us for https://github.com\n"), "{status:?}");

        run(&world, &["setup", "--undo"]).ok();
        assert_eq!(read(&file), *text);
    }
}

#[test]
fn a_file_that_setup_made_goes_with_undo() {
    let world = world();
    run(&world, &["setup", "git"]).ok();
    run(&world, &["setup", "docker"]).ok();
    assert!(world.path(".gitconfig").exists() && world.path(".docker/config.json").exists());
    run(&world, &["setup", "--undo"]).ok();
    assert!(!world.path(".gitconfig").exists() && !world.path(".docker/config.json").exists());
    assert!(run(&world, &["setup", "--undo"]).ok().stderr.contains("nothing of ours"));
}

#[test]
fn the_protocol_names_are_made_where_they_are_missing() {
    let world = world();
    assert!(!world.path("bin/git-credential-scalekit").exists());
    run(&world, &["setup"]).ok();
    for name in scalekit_auth::protocol::PROTOCOLS.map(|protocol| protocol.link) {
        assert_eq!(std::fs::read_link(world.path("bin").join(name)).unwrap(), PathBuf::from("scalekit-auth"));
    }
}

#[test]
fn another_tools_helper_for_the_host_is_displaced_only_on_demand() {
    let world = world();
    let file = world.path(".gitconfig");
    let text = "[credential \"https://github.com\"]\n\thelper =\n\thelper = !/usr/bin/gh auth git-credential\n";
    write(&file, text);
    let refused = run(&world, &["setup", "git"]).exit(2);
    assert!(
        refused.stderr.contains("already: a shell command (") && refused.stderr.contains("--replace"),
        "{refused:?}"
    );
    assert_eq!(read(&file), text);
    run(&world, &["setup", "git", "--replace"]).ok();
    assert!(fill(&world, "github.com").contains("password=token-1"));
    run(&world, &["setup", "git"]).ok();
    run(&world, &["setup", "--undo", "git"]).ok();
    assert_eq!(read(&file), text);
}

#[test]
fn a_helper_that_would_still_see_our_token_is_a_failure_and_the_file_is_restored() {
    let world = world();
    let file = world.path(".gitconfig");
    write(&file, "[user]\n\tname = Ada\n");
    let mut command = world.command(world.path("bin/scalekit-auth"));
    command
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "credential.helper")
        .env("GIT_CONFIG_VALUE_0", "store");
    let failed = finish(command.args(["setup", "git"]), "").exit(1);
    assert!(failed.stderr.contains("still hand the tokens for https://github.com to store"), "{failed:?}");
    assert_eq!(read(&file), "[user]\n\tname = Ada\n");
}

#[test]
fn a_file_that_git_cannot_read_is_left_as_it_is() {
    let world = world();
    let file = world.path(".gitconfig");
    write(&file, "[user\n");
    run(&world, &["setup", "git"]).exit(1);
    assert_eq!(read(&file), "[user\n");
}

#[test]
fn hosts_with_path_rules_make_git_send_the_path() {
    let world = world();
    run(&world, &["config", "github-work", "github-w", "--host", "github.com/acme"]).ok();
    world.seed("github-w", "GITHUB", "token-of-acme");
    run(&world, &["config", "github-work", "github-w", "--identifier", "ada"]).ok();
    run(&world, &["setup", "git", "github.com"]).ok();
    let filled = |path: &str| {
        git(&world, &["credential", "fill"], &format!("protocol=https\nhost=github.com\npath={path}\n\n")).stdout
    };
    assert!(filled("acme/app.git").contains("password=token-of-acme"));
    assert!(filled("other/app.git").contains("password=token-1"));
}

#[test]
fn hosts_are_added_one_by_one_and_strangers_are_refused() {
    let world = world();
    run(&world, &["config", "gitlab", "gitlab-x"]).ok();
    run(&world, &["setup", "git", "github.com"]).ok();
    run(&world, &["setup", "git", "gitlab.com"]).ok();
    let text = read(&world.path(".gitconfig"));
    assert!(text.contains("https://github.com") && text.contains("https://gitlab.com"), "{text}");
    assert_eq!(text.matches("setup: begin").count(), 1);
    run(&world, &["setup", "git", "example.com"]).exit(3);
    assert_eq!(read(&world.path(".gitconfig")), text);
}

#[test]
fn links_of_dotfile_managers_and_the_xdg_file_are_respected() {
    let world = world();
    write(&world.path("dotfiles/gitconfig"), "[user]\n\tname = Ada\n");
    std::os::unix::fs::symlink(world.path("dotfiles/gitconfig"), world.path(".gitconfig")).unwrap();
    run(&world, &["setup", "git"]).ok();
    assert!(std::fs::symlink_metadata(world.path(".gitconfig")).unwrap().is_symlink());
    assert!(read(&world.path("dotfiles/gitconfig")).contains("setup: begin"));
    run(&world, &["setup", "--undo"]).ok();
    assert_eq!(read(&world.path("dotfiles/gitconfig")), "[user]\n\tname = Ada\n");

    std::fs::remove_file(world.path(".gitconfig")).unwrap();
    write(&world.path(".config/git/config"), "[user]\n\tname = Ada\n");
    run(&world, &["setup", "git"]).ok();
    assert!(!world.path(".gitconfig").exists());
    assert!(fill(&world, "github.com").contains("password=token-1"));
}

#[test]
fn read_only_files_are_left_alone() {
    use std::os::unix::fs::PermissionsExt;
    let world = world();
    for (tool, name, text) in [("git", ".gitconfig", "[a]\n"), ("docker", ".docker/config.json", "{}")] {
        let file = world.path(name);
        write(&file, text);
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o444)).unwrap();
        let failed = run(&world, &["setup", tool]).exit(1);
        assert!(failed.stderr.contains("read-only"), "{failed:?}");
        assert_eq!(read(&file), text);
    }
}

#[test]
fn docker_asks_us_and_undo_gives_back_every_byte() {
    for text in [
        "{}",
        "{\n}\n",
        "{\n\t\"auths\": {\n\t\t\"https://index.docker.io/v1/\": {}\n\t},\n\t\"credsStore\": \"pass\"\n}",
        "{\"credHelpers\": {}}",
        "{\n  \"credHelpers\": {\n    \"gcr.io\": \"gcloud\"\n  },\n  \"experimental\": \"enabled\"\n}\n",
    ] {
        let world = world();
        let file = world.path(".docker/config.json");
        write(&file, text);
        let shown = run(&world, &["setup", "docker", "--dry-run"]).ok();
        assert!(shown.stdout.contains("\"ghcr.io\": \"scalekit\""), "{shown:?}");
        assert_eq!(read(&file), text);
        run(&world, &["setup", "docker"]).ok();
        let once = read(&file);
        let config: serde_json::Value = serde_json::from_str(&once).unwrap();
        assert_eq!(config["credHelpers"]["ghcr.io"], "scalekit");
        run(&world, &["setup", "docker"]).ok();
        assert_eq!(read(&file), once);
        let status = run(&world, &["status"]).ok();
        assert!(status.stdout.contains("docker asks us for ghcr.io\n"), "{status:?}");
        run(&world, &["setup", "--undo", "docker"]).ok();
        assert_eq!(read(&file), text);
    }
}

#[test]
fn dockers_other_helpers_are_displaced_only_on_demand_and_come_back() {
    let world = world();
    let file = world.path(".docker/config.json");
    let text = "{\"credHelpers\": {\"ghcr.io\": \"pass\"}}";
    write(&file, text);
    run(&world, &["setup", "docker"]).exit(2);
    assert_eq!(read(&file), text);
    run(&world, &["setup", "docker", "ghcr.io", "--replace"]).ok();
    assert_eq!(read(&file), text.replace("pass", "scalekit"));
    run(&world, &["setup", "--undo"]).ok();
    assert_eq!(read(&file), text);
}

#[test]
fn a_broken_docker_file_is_left_as_it_is() {
    for text in ["{\"auths\": {", "[]", "{\"credHelpers\": {\"a\": \"b\", \"a\": \"c\"}}", "{\"credHelpers\": 3}"] {
        let world = world();
        let file = world.path(".docker/config.json");
        write(&file, text);
        run(&world, &["setup", "docker"]).exit(3);
        assert_eq!(read(&file), text);
    }
}

#[test]
fn undo_finds_its_lines_in_a_file_that_docker_wrote_anew() {
    let world = world();
    let file = world.path(".docker/config.json");
    write(&file, "{\"auths\": {}}");
    run(&world, &["setup", "docker"]).ok();
    let config: serde_json::Value = serde_json::from_str(&read(&file)).unwrap();
    write(&file, &serde_json::to_string_pretty(&config).unwrap());
    run(&world, &["setup", "--undo"]).ok();
    let config: serde_json::Value = serde_json::from_str(&read(&file)).unwrap();
    assert_eq!(config, serde_json::json!({"auths": {}}));
}

#[test]
fn a_helper_that_is_not_on_path_is_told() {
    let world = world();
    let mut command = world.command(world.path("bin/scalekit-auth"));
    let told = finish(command.env("PATH", "/usr/bin:/bin").args(["setup", "docker"]), "").ok();
    assert!(told.stderr.contains("docker finds its helpers by PATH"), "{told:?}");
    let status = run(&world, &["setup", "--undo", "--dry-run"]).ok();
    assert!(status.stdout.contains("- "), "{status:?}");
}

#[test]
fn status_names_the_fix_for_every_host() {
    let world = world();
    let status = run(&world, &["status"]).ok();
    for line in [
        "git does not ask us for https://github.com; fix: scalekit-auth setup git github.com",
        "docker does not ask us for ghcr.io; fix: scalekit-auth setup docker ghcr.io",
    ] {
        assert!(status.stdout.contains(line), "{line}: {status:?}");
    }
    run(&world, &["setup"]).ok();
    write(&world.path(".gitconfig"), "[credential]\n\thelper = store\n\thelper = scalekit\n");
    let status = run(&world, &["status"]).ok();
    assert!(status.stdout.contains("but also hands our token to: store"), "{status:?}");
}
