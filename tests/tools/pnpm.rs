//! pnpm, by its tokenHelper, against a registry that wants a token.

use crate::common::setup::{read, run, write};
use crate::common::{World, finish};
use crate::site::Site;
use crate::{installed, serves};

#[test]
fn a_package_of_a_private_registry_is_found_with_the_token() {
    for version in ["10.33.0", "12.21.0"] {
        is_found_by(version);
    }
}

fn is_found_by(version: &str) {
    let world: World = crate::common::setup::world();
    let site = Site::start("Bearer tok-1", "Bearer", |origin| {
        let dist = format!(
            "{{\"tarball\":\"{origin}/demo-pkg/-/demo-pkg-1.0.0.tgz\",\"shasum\":\"da39a3ee5e6b4b0d3255bfef95601890afd80709\"}}"
        );
        let version = format!("{{\"name\":\"demo-pkg\",\"version\":\"1.0.0\",\"dist\":{dist}}}");
        let page = format!(
            "{{\"name\":\"demo-pkg\",\"dist-tags\":{{\"latest\":\"1.0.0\"}},\"versions\":{{\"1.0.0\":{version}}}}}"
        );
        vec![("/demo-pkg".to_owned(), page.into_bytes())]
    });
    serves(&world, &site.origin());
    write(&world.path(".npmrc"), "fund=false\n");
    run(&world, &["setup", "pnpm", &site.origin()]).ok();
    assert!(read(&world.path(".npmrc")).contains(&format!("//127.0.0.1:{}/:tokenHelper=", site.port)));
    write(&world.path("app/package.json"), "{\"name\": \"app\"}");
    let mut pnpm = world.command(installed(&format!("tools/pnpm-{version}/node_modules/.bin/pnpm")));
    pnpm.args(["add", "--lockfile-only", "--registry", &site.origin(), "demo-pkg"]).current_dir(world.path("app"));
    let got = finish(&mut pnpm, "").ok();
    assert!(!got.stdout.contains("tok-1") && !got.stderr.contains("tok-1"));
    site.was_asked("GET /demo-pkg known");
    run(&world, &["setup", "pnpm", "--undo"]).ok();
    assert_eq!(read(&world.path(".npmrc")), "fund=false\n");
}
