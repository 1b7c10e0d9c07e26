//! npm, which has no hook: the line that `setup npm` prints, against a registry that wants a token.

use crate::common::finish;
use crate::common::setup::{run, write};
use crate::serves;
use crate::site::Site;

#[test]
fn the_printed_line_installs_from_a_registry_that_wants_the_token() {
    let world = crate::common::setup::world();
    let site = Site::start("Bearer tok-1", "Bearer", |origin| {
        let dist = format!("{{\"tarball\":\"{origin}/demo-pkg/-/demo-pkg-1.0.0.tgz\"}}");
        let version = format!("{{\"name\":\"demo-pkg\",\"version\":\"1.0.0\",\"dist\":{dist}}}");
        let page = format!(
            "{{\"name\":\"demo-pkg\",\"dist-tags\":{{\"latest\":\"1.0.0\"}},\"versions\":{{\"1.0.0\":{version}}}}}"
        );
        vec![("/demo-pkg".to_owned(), page.into_bytes())]
    });
    serves(&world, &site.origin());
    let printed = run(&world, &["setup", "npm"]).ok().stdout;
    let line = |start: &str| printed.lines().find(|line| line.contains(start)).unwrap().to_owned();
    let registry = site.origin().replace("http:", "");
    let setting = line(":_authToken=").replace("//npm.pkg.github.com", &registry);
    write(&world.path("app/.npmrc"), &format!("{setting}\nregistry={}\n", site.origin()));
    write(&world.path("app/package.json"), "{\"name\": \"app\"}");
    let command = line("-- npm install").replace("github=", "mine=");
    let mut shell = world.command("sh");
    shell.args(["-c", &format!("{command} --package-lock-only --no-audit --no-fund demo-pkg")]);
    let got = finish(shell.current_dir(world.path("app")), "").ok();
    site.was_asked("GET /demo-pkg known");
    let lock = std::fs::read_to_string(world.path("app/package-lock.json")).unwrap();
    assert!(lock.contains("demo-pkg-1.0.0.tgz") && !lock.contains("tok-1"));
    assert!(!got.stdout.contains("tok-1") && !got.stderr.contains("tok-1"));
    // Without it the registry knows nobody.
    let mut alone = world.command("npm");
    alone.args(["install", "--package-lock-only", "--prefer-online", "demo-pkg"]).current_dir(world.path("app"));
    assert_ne!(finish(alone.env("NODE_AUTH_TOKEN", "x"), "").code, Some(0));
}
