//! `setup` on a machine of its own.

use std::path::Path;

use super::gits::modern;
use super::{EXE, Finished, World, finish};

/// A world whose program and protocol names are real files of its own, as after an installation.
pub fn world() -> World {
    let world = World::new();
    let bin = world.path("bin");
    for entry in std::fs::read_dir(&bin).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    if std::fs::hard_link(EXE, bin.join("scalekit-auth")).is_err() {
        std::fs::copy(EXE, bin.join("scalekit-auth")).unwrap();
    }
    world.seed("github-x", "GITHUB", "token-1");
    run(&world, &["config", "github", "github-x", "--identifier", "ada"]).ok();
    world
}

pub fn run(world: &World, args: &[&str]) -> Finished {
    finish(world.command(world.path("bin/scalekit-auth")).args(args), "")
}

/// Puts the program into this directory, which is not on PATH.
pub fn move_program(world: &World, directory: &str) {
    let program = world.path(directory).join("scalekit-auth");
    std::fs::create_dir_all(program.parent().unwrap()).unwrap();
    std::fs::remove_file(world.path("bin/scalekit-auth")).unwrap();
    if std::fs::hard_link(EXE, &program).is_err() {
        std::fs::copy(EXE, &program).unwrap();
    }
}

/// What `setup` of a tool prints, when the program is in this directory.
pub fn printed(world: &World, directory: &str, tool: &str) -> String {
    let program = world.path(directory).join("scalekit-auth");
    finish(world.command(program).args(["setup", tool]), "").ok().stdout
}

pub fn write(file: &Path, text: &str) {
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, text).unwrap();
}

pub fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap()
}

pub fn git(world: &World, args: &[&str], input: &str) -> Finished {
    finish(world.command(modern()).args(args), input)
}

/// What git gets for a host, by its own configuration.
pub fn fill(world: &World, host: &str) -> String {
    git(world, &["credential", "fill"], &format!("protocol=https\nhost={host}\n\n")).stdout
}
