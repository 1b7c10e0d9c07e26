//! `doctor`: tools that ask the program and get nothing from it, or cannot ask at all, and what else is to be known about that.

use std::os::unix::fs::{PermissionsExt, symlink};

use scalekit_sandbox::Credential;
use serde_json::json;

use super::doctor::{REPOSITORY, Told, doctor, doctor_with, fake, follow, script, world};
use crate::common::{EXE, World, finish};

#[test]
fn a_credential_that_git_or_docker_cannot_carry_is_found() {
    let world = world();
    fake(&world, "docker", "Docker version 28.2.2, build x");
    let seed = |details: serde_json::Value| {
        let details = details.as_object().unwrap().clone();
        world.seed_account("github-x", Credential::StaticAuth { details }, None);
    };
    seed(json!({"a": "1", "b": "2"}));
    let asked = world.helper("get", "protocol=https\nhost=github.com\n\n");
    assert!(asked.stderr.contains("its requests need the field"), "{asked:?}");
    for place in [REPOSITORY, "ghcr.io"] {
        doctor(&world, &[place]).is_broken_at("account", 6, "its requests need the field", "connect github --renew");
    }
    assert_eq!(doctor(&world, &["https://api.github.com/user"]).state("account"), "ok", "nobody of those asks there");
    seed(json!({"username": "<token>", "password": "p"}));
    assert_eq!(doctor(&world, &[REPOSITORY]).state("account"), "ok");
    doctor(&world, &["ghcr.io"]).is_broken_at("account", 1, "cannot be answered to docker", "connect github --renew");
}

#[test]
fn a_token_past_its_expiry_is_noted() {
    let world = world();
    world.seed_account("github-x", crate::common::oauth("gho_old"), Some(-5));
    doctor(&world, &[REPOSITORY]).is_noted_at(
        "account",
        "ada is ACTIVE, but its token is past its expiry, 20",
        "connect github --renew",
    );
}

#[test]
fn a_git_that_is_held_up_is_found() {
    let world = world();
    let file = world.path(".gitconfig");
    let own = std::fs::read(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    finish(world.command("mkfifo").arg(&file), "").ok();
    for place in [&[][..], &[REPOSITORY]] {
        let told = doctor(&world, place);
        let found = format!("git cannot read {}: it is not a regular file", file.display());
        told.is_broken_at("git", 3, &found, &format!("move {} away", file.display()));
    }
    let status = world.ok(&["status"]).stdout;
    assert!(status.contains("git cannot read "), "{status}");
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&file, own).unwrap();
    assert_eq!(doctor_with(&world, &[("GIT_CONFIG_GLOBAL", "/dev/null")], &[]).state("git"), "note");
    script(&world.path("bin/git"), "exec sleep 60");
    let told = doctor(&world, &[REPOSITORY]);
    told.is_broken_at("git", 1, "bin/git does not answer: it hangs", "bin/git --version` shows");
}

#[test]
fn a_configuration_of_gits_that_may_not_be_read_is_found_and_the_step_mends_it() {
    let world = world();
    let file = world.path(".gitconfig");
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o000)).unwrap();
    let mut command = world.command(EXE);
    if std::fs::read(&file).is_ok() {
        // root, who is to be as everybody else.
        command = world.command("setpriv");
        command.args(["--bounding-set", "-dac_override,-dac_read_search", EXE]);
    }
    let told = Told::by(&mut command, &[REPOSITORY]);
    told.is_broken_at("git", 3, "Permission denied", &format!("`chmod u+r {}`", file.display()));
    follow(&world, &told, "git");
    assert_eq!(doctor(&world, &[REPOSITORY]).state("git"), "ok");
}

#[test]
fn a_helper_line_with_what_the_program_does_not_take_is_found_and_the_step_mends_it() {
    let world = world();
    let own = std::fs::read_to_string(world.path(".gitconfig")).unwrap();
    for (words, found) in [("--bogus=hunter2", "the option --bogus,"), ("get", "words, ")] {
        let line = format!("[credential \"https://github.com\"]\n\thelper =\n\thelper = scalekit {words}\n");
        std::fs::write(world.path(".gitconfig"), line).unwrap();
        let told = doctor(&world, &[REPOSITORY]);
        told.is_broken_at("git", 3, &format!("with {found}"), "scalekit-auth setup git github.com");
        assert!(!told.got.stdout.contains("hunter2"), "{:?}", told.got);
        follow(&world, &told, "git");
        assert_eq!(doctor(&world, &[REPOSITORY]).state("git"), "ok");
    }
    std::fs::write(world.path(".gitconfig"), own).unwrap();
}

#[test]
fn a_store_of_dockers_that_is_this_program_is_asked() {
    let world = world();
    fake(&world, "docker", "Docker version 28.2.2, build x");
    let write = |text: &str| std::fs::write(world.path(".docker/config.json"), text).unwrap();
    write(r#"{"credsStore":"scalekit","auths":{"ghcr.io":{}}}"#);
    assert_eq!(doctor(&world, &["ghcr.io"]).state("docker"), "ok");
    write(r#"{"credsStore":"scalekit","credHelpers":{"ghcr.io":"other"}}"#);
    doctor(&world, &["ghcr.io"]).is_broken_at("docker", 3, "docker asks other for ghcr.io", "--replace");
    write(r#"{"credsStore":"desktop"}"#);
    doctor(&world, &["ghcr.io"]).is_broken_at("docker", 3, "docker does not ask us", "setup docker ghcr.io");
}

#[test]
fn names_in_only_that_are_nobodys_are_told_and_never_suggested() {
    let world = world();
    for (name, told_next) in [("all", "there is no limit"), ("nope", "lets nobody"), ("GIT", "did you mean git?")] {
        let document = json!({"github": {"connection_name": "github-x", "identifier": "ada", "only": [name]}});
        world.write_connections(&document.to_string());
        let told = doctor(&world, &[REPOSITORY]);
        let link = told.link("connections.json");
        assert_eq!(link["state"], "note", "{link}");
        assert!(link["found"].as_str().unwrap().contains(told_next), "{link}");
        let got = world.run(&["token", "github"]).exit(3);
        assert!(got.stderr.contains(told_next) && got.stderr.contains("--only token`"), "{got:?}");
        world.ok(&["config", "github", "--only", "token"]);
        assert_eq!(world.ok(&["token", "github"]).stdout, "gho_one\n");
    }
}

#[test]
fn a_name_that_nobody_asks_by_at_the_place_is_noted() {
    let world = world();
    fake(&world, "docker", "Docker version 28.2.2, build x");
    let wrong = |name: &str| {
        let link = world.path("bin").join(name);
        let _ = std::fs::remove_file(&link);
        symlink("/bin/true", link).unwrap();
    };
    wrong("nuget-plugin-scalekit");
    let found = "nuget-plugin-scalekit (a link to /bin/true) does not lead to this program";
    doctor(&world, &[REPOSITORY]).is_noted_at("names", found, "remove ");
    doctor(&world, &[]).is_broken_at("names", 1, found, "remove ");
    doctor(&world, &["https://api.github.com/user"]).is_broken_at("names", 1, found, "remove ");
    wrong("docker-credential-scalekit");
    assert_eq!(doctor(&world, &[REPOSITORY]).state("names"), "note");
    let told = doctor(&world, &["ghcr.io"]);
    told.is_broken_at("names", 1, "docker-credential-scalekit (a link to /bin/true)", "remove ");
}

/// How often `doctor` starts git where its configuration has so many sections of other places, and what it says of git.
fn calls_of_git(world: &World, sections: usize) -> (usize, String) {
    let (log, git) = (world.path("calls"), finish(world.command("sh").args(["-c", "command -v git"]), "").ok().stdout);
    let own = std::fs::read_to_string(world.path(".gitconfig")).unwrap();
    let other = |number| format!("[credential \"https://*.com/p{number}\"]\n\thelper = other\n");
    std::fs::write(world.path(".gitconfig"), (0..sections).map(other).collect::<String>() + &own).unwrap();
    let wrapper = world.path("bin/git");
    script(&wrapper, &format!("echo x >> '{}'\nexec {} \"$@\"", log.display(), git.trim()));
    let told = doctor(world, &[REPOSITORY]);
    std::fs::remove_file(wrapper).unwrap();
    std::fs::write(world.path(".gitconfig"), own).unwrap();
    let calls = std::fs::read_to_string(&log).unwrap().lines().count();
    std::fs::remove_file(log).unwrap();
    (calls, told.state("git").to_owned())
}

#[test]
fn a_large_configuration_of_gits_is_asked_about_at_once() {
    let world = world();
    let (few, many) = (calls_of_git(&world, 1), calls_of_git(&world, 200));
    assert_eq!((&*few.1, &*many.1), ("ok", "ok"));
    assert_eq!(few.0, many.0);
    // More than fits into one question.
    assert_eq!(calls_of_git(&world, 3000).1, "ok");
}

#[test]
fn an_audit_that_cannot_be_written_is_noted_and_nothing_is_made() {
    let world = world();
    let names = |told: &Told| told.got.stdout.contains("\"audit\"");
    assert!(!names(&doctor(&world, &[])));
    world.ok(&["audit", "on"]);
    let directory = world.path(".local/state/scalekit-auth");
    assert_eq!(doctor(&world, &[]).state("audit"), "ok");
    assert!(!directory.exists());
    let file = directory.join("audit.jsonl");
    std::fs::create_dir_all(&file).unwrap();
    let found = format!("{} cannot be written, so answers are missing in the audit: it is not a file", file.display());
    let next = format!("make {} writable for yourself, or `scalekit-auth audit off`", directory.display());
    doctor(&world, &[REPOSITORY]).is_noted_at("audit", &found, &next);
    std::fs::remove_dir_all(&directory).unwrap();
    std::fs::write(&directory, "").unwrap();
    let told = doctor(&world, &[]);
    told.is_noted_at("audit", "cannot be written, so answers are missing in the audit: ", &next);
    assert!(!world.path(".local/state/scalekit-auth/audit.jsonl").exists());
}
