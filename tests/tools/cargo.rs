//! cargo, with a sparse registry that wants a token.

use std::path::Path;
use std::process::Command;

use crate::common::setup::{run, write};
use crate::common::{Finished, World, finish};
use crate::serves;
use crate::site::Site;

/// The toolchain's own cargo, which needs nothing of rustup's in this home.
fn cargo(world: &World, directory: &str, args: &[&str]) -> Finished {
    let cargo = Path::new(env!("CARGO"));
    let mut command = world.command(cargo);
    command.env("RUSTC", cargo.with_file_name("rustc")).args(args).current_dir(world.path(directory));
    // The site knows nothing of HTTP/2, which cargo would ask for first.
    command.env("CARGO_HTTP_MULTIPLEXING", "false").env("CARGO_NET_RETRY", "0").env("CARGO_HTTP_TIMEOUT", "20");
    finish(&mut command, "")
}

fn package(world: &World) -> Vec<u8> {
    write(
        &world.path("demo/Cargo.toml"),
        "[package]\nname = \"demo\"\nversion = \"0.1.0\"\nedition = \"2021\"\ndescription = \"x\"\nlicense = \"MIT\"\n",
    );
    write(&world.path("demo/src/lib.rs"), "");
    cargo(world, "demo", &["package", "--no-verify", "--allow-dirty", "--offline"]).ok();
    std::fs::read(world.path("demo/target/package/demo-0.1.0.crate")).unwrap()
}

fn checksum(file: &Path) -> String {
    let output = Command::new("sha256sum").arg(file).output().unwrap();
    String::from_utf8(output.stdout).unwrap().split(' ').next().unwrap().to_owned()
}

#[test]
fn a_build_and_a_publication_carry_the_token() {
    let world = crate::common::setup::world();
    let file = package(&world);
    let sum = checksum(&world.path("demo/target/package/demo-0.1.0.crate"));
    let site = Site::start("Bearer tok-1", "Cargo login_url=\"https://example.com/me\"", |origin| {
        let config = format!("{{\"dl\":\"{origin}/dl\",\"api\":\"{origin}\",\"auth-required\":true}}");
        let line = format!(
            "{{\"name\":\"demo\",\"vers\":\"0.1.0\",\"deps\":[],\"cksum\":\"{sum}\",\"features\":{{}},\"yanked\":false}}\n"
        );
        vec![
            ("/index/config.json".to_owned(), config.into_bytes()),
            ("/index/de/mo/demo".to_owned(), line.into_bytes()),
            ("/dl/demo/0.1.0/download".to_owned(), file),
            ("/api/v1/crates/new".to_owned(), b"{}".to_vec()),
        ]
    });
    serves(&world, &site.origin());
    let own = format!("[registries.mine]\nindex = \"sparse+{}/index/\"\n", site.origin());
    write(&world.path(".cargo/config.toml"), &own);
    run(&world, &["setup", "cargo"]).ok();
    write(
        &world.path("user/Cargo.toml"),
        "[package]\nname = \"user\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\ndemo = {version = \"0.1\", registry = \"mine\"}\n",
    );
    write(&world.path("user/src/lib.rs"), "");
    let got = cargo(&world, "user", &["fetch"]);
    assert!(got.code == Some(0) && !got.stderr.contains("tok-1"), "{got:?}");
    site.was_asked("GET /dl/demo/0.1.0/download known");
    write(
        &world.path("demo/Cargo.toml"),
        &std::fs::read_to_string(world.path("demo/Cargo.toml")).unwrap().replace("0.1.0", "0.2.0"),
    );
    // After the upload it waits for the index to show the new version, which it never does here.
    let mut command = world.command("timeout");
    command.arg("6").arg(env!("CARGO")).args(["publish", "--registry", "mine", "--no-verify", "--allow-dirty"]);
    command.env("RUSTC", Path::new(env!("CARGO")).with_file_name("rustc")).env("CARGO_HTTP_MULTIPLEXING", "false");
    finish(command.current_dir(world.path("demo")), "");
    site.was_asked("PUT /api/v1/crates/new known");
    run(&world, &["setup", "cargo", "--undo"]).ok();
    assert_eq!(std::fs::read_to_string(world.path(".cargo/config.toml")).unwrap(), own);
}

#[test]
fn cargos_own_provider_for_a_command_takes_the_headers_value() {
    let world = crate::common::setup::world();
    let site = Site::start("Bearer tok-1", "Cargo", |origin| {
        let config = format!("{{\"dl\":\"{origin}/dl\",\"auth-required\":true}}");
        vec![("/index/config.json".to_owned(), config.into_bytes())]
    });
    serves(&world, &site.origin());
    let program = world.path("bin/scalekit-auth").display().to_string();
    write(
        &world.path(".cargo/config.toml"),
        &format!(
            "[registries.mine]\nindex = \"sparse+{}/index/\"\ncredential-provider = [\"cargo:token-from-stdout\", \"{program}\", \"header\", \"--value\", \"mine\"]\n",
            site.origin()
        ),
    );
    write(
        &world.path("user/Cargo.toml"),
        "[package]\nname = \"user\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\ndemo = {version = \"0.1\", registry = \"mine\"}\n",
    );
    write(&world.path("user/src/lib.rs"), "");
    cargo(&world, "user", &["fetch"]);
    site.was_asked("GET /index/config.json known");
}
