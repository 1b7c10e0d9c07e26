//! The protocols of package managers, builds and clusters, each with the tool itself.

#[path = "../common/mod.rs"]
mod common;

mod askpass;
mod backend;
mod cargo;
mod files;
mod go;
mod kubectl;
mod mail;
mod npm;
mod nuget;
mod pnpm;
mod post;
mod python;
mod setup;
mod site;
mod terraform;
mod words;

use std::path::{Path, PathBuf};

use common::World;

/// A program that `tests/run` installs below `target/`.
fn installed(below: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target").join(below);
    assert!(path.exists(), "tests/run installs {below}");
    path
}

/// A world with a service `mine`, whose token is `tok-1`, at this host.
fn world(host: &str) -> World {
    let world = World::new();
    serves(&world, host);
    world
}

fn serves(world: &World, host: &str) {
    world.seed("mine-x", "ACME", "tok-1");
    world.ok(&["config", "mine", "mine-x", "--identifier", "ada", "--host", host]);
}
