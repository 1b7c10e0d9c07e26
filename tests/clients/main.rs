//! MCP clients and servers that nobody here wrote, from npm: `tests/run --clients` installs them.

#[path = "../common/mod.rs"]
mod common;

mod checked;
mod claude;
mod codex;
mod everything;
mod model;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::mcp_sdk::SdkServer;
use common::{EXE, World, finish};
use scalekit_sandbox::Sandbox;

/// A program of the npm packages.
fn program(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/clients/node_modules/.bin").join(name);
    assert!(path.exists(), "`tests/run --clients` installs {name}");
    path
}

/// A command of an npm package, which ends after a minute at the latest.
fn command(world: &World, name: &str, args: &[&str]) -> Command {
    let mut command = world.command("timeout");
    command.arg("--kill-after=5").arg("60").arg(program(name)).args(args);
    command
}

/// A token that no other test has: some clients hide where this world keeps what was refused, so that it is shared by all.
fn token(world: &World, name: &str) -> String {
    format!("{name}-{}", world.sandbox.url().rsplit(':').next().unwrap())
}

/// A world whose connection linear-x has the token `one`. The client credentials are in a file, since some clients hide variables
/// from what they start; for the same reason there is no TLS with an authority of its own.
fn logged_in() -> World {
    let mut world = World::with(Sandbox::start_http());
    world.has_cache = true;
    let home = format!("file:{}", world.path("secret.json").display());
    let (url, id) = (world.sandbox.url().to_owned(), world.sandbox.client_id().to_owned());
    world.credentials_in_variables = false;
    let mut login = world.command(EXE);
    login.args(["login", "--home", &home, "--env-url", &url, "--client-id", &id, "--client-secret-stdin"]);
    finish(&mut login, world.sandbox.client_secret()).ok();
    world.seed("linear-x", "LINEARMCP", &token(&world, "one"));
    world
}

/// The same with a service linear, which is this MCP server.
fn world() -> (World, SdkServer) {
    let world = logged_in();
    let server = SdkServer::start(&world, &token(&world, "one"));
    let host = format!("{}/mcp", server.origin());
    world.ok(&["config", "linear", "linear-x", "--identifier", "ada", "--provider", "linearmcp", "--host", &host]);
    (world, server)
}

/// The vault has another token from now on, and the server takes no other.
fn replace(world: &World, server: &SdkServer, name: &str) {
    let token = token(world, name);
    world.order(serde_json::json!({"op": "set_token", "connection": "linear-x", "identifier": "ada", "token": token}));
    server.takes(world, &token);
}
