//! `doctor`: the protocol names as package managers put them on PATH.

use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::Path;

use super::doctor::{Told, doctor, fake, follow, script, world};
use crate::common::{EXE, World};
use scalekit_auth::protocol::PROTOCOLS;

/// PATH with this folder first, and without the world's own.
fn path(folder: &Path) -> String {
    format!("{}:{}", folder.display(), std::env::var("PATH").unwrap())
}

#[test]
fn a_wheels_scripts_are_the_names() {
    let world = world();
    let folder = world.path("venv/bin");
    std::fs::create_dir_all(&folder).unwrap();
    symlink(EXE, folder.join("scalekit-auth")).unwrap();
    let calls = include_str!("../../src/commands/setup/launcher.sh").trim_start_matches("#!/bin/sh\n");
    for protocol in &PROTOCOLS {
        script(&folder.join(protocol.link), &calls.replace("COMMAND", protocol.command));
    }
    let told = || Told::by(world.command(folder.join("scalekit-auth")).env("PATH", path(&folder)), &[]);
    let healthy = told();
    assert_eq!((healthy.state("program"), healthy.state("names")), ("ok", "ok"), "{:?}", healthy.got);
    let name = folder.join("docker-credential-scalekit");
    // Linked from elsewhere, the script is the same one.
    let elsewhere = world.path("elsewhere/docker-credential-scalekit");
    std::fs::rename(&name, folder.join("renamed")).unwrap();
    std::fs::create_dir(elsewhere.parent().unwrap()).unwrap();
    symlink(folder.join("renamed"), &elsewhere).unwrap();
    symlink(&elsewhere, &name).unwrap();
    assert_eq!(told().state("names"), "ok");
    std::fs::remove_file(&name).unwrap();
    script(&name, "exec /bin/true");
    told().is_broken_at("names", 1, "docker-credential-scalekit does not lead to this program", "remove ");
    // One that calls a program of the same name elsewhere.
    script(&name, "exec \"${0%/*}/../scalekit-auth\" docker-credential \"$@\"");
    told().is_broken_at("names", 1, "docker-credential-scalekit does not lead to this program", "remove ");
}

/// npm's folders, with the program in that of this system; returns the program.
fn npm(world: &World) -> std::path::PathBuf {
    let package = world.path("npm/lib/node_modules/scalekit-auth");
    let program = package.join("node_modules/scalekit-auth-linux-x64/bin/scalekit-auth");
    for folder in [package.join("bin"), program.parent().unwrap().to_owned(), world.path("npm/bin")] {
        std::fs::create_dir_all(folder).unwrap();
    }
    std::fs::hard_link(EXE, &program).or_else(|_| std::fs::copy(EXE, &program).map(drop)).unwrap();
    for name in PROTOCOLS.map(|protocol| protocol.link).into_iter().chain(["scalekit-auth"]) {
        let text = format!("#!/usr/bin/env node\nrequire(\"../launch.js\")(\"{name}\");\n");
        std::fs::write(package.join(format!("bin/{name}.js")), text).unwrap();
        let script = format!("../lib/node_modules/scalekit-auth/bin/{name}.js");
        let link = world.path("npm/bin").join(name);
        symlink(script, &link).unwrap();
        std::fs::set_permissions(&link, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    program
}

#[test]
fn npms_launchers_are_the_names() {
    let world = world();
    let program = npm(&world);
    let folder = world.path("npm/bin");
    let told = |program: &Path| Told::by(world.command(program).arg0("scalekit-auth").env("PATH", path(&folder)), &[]);
    let healthy = told(&program);
    assert_eq!((healthy.state("program"), healthy.state("names")), ("ok", "ok"), "{:?}", healthy.got);
    // As pnpm does it where npm makes a link.
    let name = folder.join("git-credential-scalekit");
    std::fs::remove_file(&name).unwrap();
    let shim = |package: &str| {
        let file = format!("\"$basedir/../lib/node_modules/{package}/bin/git-credential-scalekit.js\"");
        format!(
            "basedir=$(dirname \"$0\")\nif [ -x \"$basedir/node\" ]; then\n  exec \"$basedir/node\" {file} \"$@\"\nfi"
        )
    };
    script(&name, &shim("scalekit-auth"));
    assert_eq!(told(&program).state("names"), "ok");
    script(&name, &shim("another"));
    told(&program).is_broken_at("names", 1, "git-credential-scalekit does not lead to this program", "remove ");
    // Another installation than the one that is asked.
    script(&name, &shim("scalekit-auth"));
    let other = told(Path::new(EXE));
    assert_eq!((other.state("program"), other.state("names")), ("note", "ok"), "{:?}", other.got);
}

#[test]
fn a_docker_whose_helper_is_not_on_path_or_not_ours_is_told_what_mends_it() {
    let world = world();
    fake(&world, "docker", "Docker version 28.2.2, build x");
    let name = world.path("bin/docker-credential-scalekit");
    std::fs::remove_file(&name).unwrap();
    fake(&world, "docker-credential-scalekit", "{}");
    let told = doctor(&world, &["ghcr.io"]);
    let found = told.link("docker")["found"].as_str().unwrap();
    assert_eq!(told.state("docker"), "broken", "{:?}", told.got);
    assert!(found.contains("docker-credential-scalekit does not lead to this program"), "{found}");
    let table = world.ok(&["setup"]).stdout;
    assert!(table.lines().any(|line| line.split_whitespace().eq(["docker", "yes", "no"])), "{table}");
    let setup = world.ok(&["setup", "docker"]).stderr;
    assert!(setup.contains("does not lead to this program: remove "), "{setup}");
    std::fs::remove_file(&name).unwrap();
    follow(&world, &doctor(&world, &["ghcr.io"]), "docker");
    assert_eq!(doctor(&world, &["ghcr.io"]).state("docker"), "ok");

    // The program is in a folder that is not on PATH.
    let folder = world.path("opt");
    std::fs::rename(world.path("bin"), &folder).unwrap();
    std::fs::create_dir(world.path("bin")).unwrap();
    fake(&world, "docker", "Docker version 28.2.2, build x");
    let told = |path: &str| Told::by(world.command(folder.join("scalekit-auth")).env("PATH", path), &["ghcr.io"]);
    let before = path(&world.path("bin"));
    let broken = told(&before);
    broken.is_broken_at("docker", 3, "no docker-credential-scalekit on PATH can be started", "export PATH=");
    let next = broken.link("docker")["next"].as_str().unwrap();
    assert_eq!(next, format!("export PATH={}:\"$PATH\"", folder.display()));
    assert_eq!(told(&format!("{}:{before}", folder.display())).state("docker"), "ok");
}
