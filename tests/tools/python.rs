//! pip and uv, by the command keyring, against a package index that wants a user name and a token.

use std::path::Path;
use std::process::Command;

use crate::common::setup::run;
use crate::common::{Finished, World, finish};
use crate::site::Site;
use crate::{installed, serves};
use base64::Engine;

/// A wheel with nothing in it.
fn wheel(directory: &Path) -> Vec<u8> {
    let file = directory.join("demo_pkg-1.0-py3-none-any.whl");
    let code = "import sys, zipfile\n\
        with zipfile.ZipFile(sys.argv[1], 'w') as z:\n    z.writestr('demo_pkg.py', '')\n    \
        z.writestr('demo_pkg-1.0.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: demo-pkg\\nVersion: 1.0\\n')\n    \
        z.writestr('demo_pkg-1.0.dist-info/WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')\n    \
        z.writestr('demo_pkg-1.0.dist-info/RECORD', '')\n";
    assert!(Command::new("python3").args(["-c", code]).arg(&file).status().unwrap().success());
    std::fs::read(file).unwrap()
}

/// A world whose service has this index, which takes the user name `oauth2` with the token.
fn index() -> (World, Site) {
    let world = crate::common::setup::world();
    let wheel = wheel(&world.path(""));
    let pair = base64::prelude::BASE64_STANDARD.encode("oauth2:tok-1");
    let site = Site::start(&format!("Basic {pair}"), "Basic realm=\"index\"", |_| {
        let file = "demo_pkg-1.0-py3-none-any.whl";
        let page = format!("<html><body><a href=\"/files/{file}\">{file}</a></body></html>");
        vec![("/simple/demo-pkg/".to_owned(), page.into_bytes()), (format!("/files/{file}"), wheel)]
    });
    serves(&world, &site.origin());
    (world, site)
}

/// The tool with our keyring first on PATH, as `setup` says.
fn tool(world: &World, program: &str, args: &[&str]) -> Finished {
    let mut command = world.command(installed(program));
    let ours = world.path(".local/share/scalekit-auth/bin");
    assert!(ours.join("keyring").exists(), "setup made it");
    command.env("PATH", format!("{}:/usr/bin:/bin", ours.display())).args(args);
    finish(&mut command, "")
}

#[test]
fn pip_gets_its_token_with_its_old_words_and_its_new_ones() {
    for program in ["tools/old/bin/pip", "tools/new/bin/pip"] {
        let (world, site) = index();
        let said = run(&world, &["setup", "pip"]).ok();
        assert!(said.stderr.contains("export PATH="), "{said:?}");
        // A user name in the URL is what makes an old pip ask at all.
        let url = format!("http://oauth2@127.0.0.1:{}/simple/", site.port);
        let args = [
            "--disable-pip-version-check",
            "download",
            "--no-deps",
            "--no-cache-dir",
            "-d",
            "out",
            "-i",
            &url,
            "demo-pkg",
        ];
        let got = tool(&world, program, &args);
        assert!(got.code == Some(0), "{program}: {got:?}");
        site.was_asked("GET /files/demo_pkg-1.0-py3-none-any.whl known");
        assert!(!got.stdout.contains("tok-1") && !got.stderr.contains("tok-1"));
    }
}

#[test]
fn pip_of_26_needs_no_user_name_in_the_url() {
    let (world, site) = index();
    run(&world, &["setup", "pip"]).ok();
    let url = format!("{}/simple/", site.origin());
    let args =
        ["--disable-pip-version-check", "download", "--no-deps", "--no-cache-dir", "-d", "out", "-i", &url, "demo-pkg"];
    tool(&world, "tools/new/bin/pip", &args).ok();
    site.was_asked("GET /files/demo_pkg-1.0-py3-none-any.whl known");
}

#[test]
fn uv_gets_its_token_as_well() {
    let (world, site) = index();
    run(&world, &["setup", "uv"]).ok();
    let url = format!("http://oauth2@127.0.0.1:{}/simple/", site.port);
    let args = ["pip", "install", "--no-cache", "--no-deps", "--target", "out", "--default-index", &url, "demo-pkg"];
    tool(&world, "tools/new/bin/uv", &args).ok();
    site.was_asked("GET /files/demo_pkg-1.0-py3-none-any.whl known");
}
