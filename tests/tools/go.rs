//! Go, whose module proxy wants a token. Go sends one over https alone.

use crate::common::https::Https;
use crate::common::setup::{read, run};
use crate::common::{World, finish};
use crate::{installed, serves};

#[test]
fn a_private_module_is_found_with_the_token() {
    let world: World = crate::common::setup::world();
    let site = Https::start(&world, &["localhost"]);
    site.wants("Bearer tok-1", "Bearer");
    site.serves("/example.com/m/@v/list", "v1.0.0\n");
    site.serves("/example.com/m/@v/v1.0.0.info", "{\"Version\":\"v1.0.0\",\"Time\":\"2026-01-01T00:00:00Z\"}");
    site.serves("/example.com/m/@v/v1.0.0.mod", "module example.com/m\n");
    let origin = format!("https://localhost:{}", site.port);
    serves(&world, &origin);
    run(&world, &["setup", "go"]).ok();
    assert!(read(&world.path(".config/go/env")).contains("goauth; netrc"), "{}", read(&world.path(".config/go/env")));
    let mut go = world.command(installed("tools/new/bin/go"));
    // One bundle for both: Go trusts the site, and we the stand-in for the vault.
    let bundle = read(&site.ca) + &read(world.sandbox.ca_pem());
    crate::common::setup::write(&world.path("both.pem"), &bundle);
    go.args(["list", "-m", "-versions", "example.com/m"]).env("GOPROXY", &origin).env("GOSUMDB", "off");
    go.env("GOFLAGS", "-mod=mod").env("SSL_CERT_FILE", world.path("both.pem")).env("GOTOOLCHAIN", "local");
    let got = finish(&mut go, "").ok();
    assert_eq!(got.stdout, "example.com/m v1.0.0\n");
    assert!(!got.stderr.contains("tok-1"));
}
