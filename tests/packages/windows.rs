//! The archive and the wheel for Windows, by wine.

use std::path::{Path, PathBuf};
use std::process::Command;

use scalekit_auth::protocol::PROTOCOLS;

use super::{User, VERSION, artifact};
use crate::common::{Finished, finish};

/// As Windows spells the path.
fn spelled(path: &Path) -> String {
    format!("Z:{}", path.display()).replace('/', "\\")
}

fn wine(user: &User, program: &Path, args: &[&str], input: &str) -> Finished {
    let world = &user.repository.world;
    let folder = program.parent().unwrap();
    let library = folder.join("bcryptprimitives.dll");
    if !library.exists() {
        // What Debian's wine lacks; tests/windows says more.
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/windows/process_prng.c");
        let mut compiler = Command::new("x86_64-w64-mingw32-gcc");
        compiler.arg("-o").arg(&library).arg(source).args(["-shared", "-ladvapi32"]);
        assert!(compiler.status().expect("Debian's gcc-mingw-w64-x86-64 is needed").success());
    }
    let mut command = world.command("wine");
    command.arg(program).args(args).env("WINEPREFIX", user.path("wine")).env("WINEDEBUG", "-all").env("USER", "ada");
    command.env("WINEPATH", spelled(folder)).env("SSL_CERT_FILE", spelled(world.sandbox.ca_pem()));
    finish(&mut command, input)
}

fn unpacked(user: &User, file: &Path, folder: &str) -> PathBuf {
    let folder = user.path(folder);
    user.install("unzip", &["-q", file.to_str().unwrap(), "-d", folder.to_str().unwrap()], &[]);
    folder
}

/// Answers git for the service's host.
fn answers(user: &User, program: &Path, words: &[&str]) {
    wine(
        user,
        &program.with_file_name("scalekit-auth.exe"),
        &["config", "github", "github-x", "--identifier", "ada"],
        "",
    )
    .ok();
    let got = wine(user, program, words, "protocol=https\nhost=github.com\n\n").ok();
    assert!(got.stdout.contains("password=token-1\n"), "{got:?}");
}

#[test]
fn the_archive_answers_and_makes_its_names() {
    let user = User::new();
    let folder = unpacked(&user, &artifact("scalekit-auth-VERSION-x86_64-pc-windows-gnu.zip"), "unpacked");
    let folder = folder.join(format!("scalekit-auth-{VERSION}-x86_64-pc-windows-gnu"));
    for name in ["install.ps1", "README.md", "protocol.md", "LICENSE-MIT", "THIRD-PARTY.txt", "sbom.cdx.json"] {
        assert!(folder.join(name).exists(), "{name}");
    }
    let program = folder.join("scalekit-auth.exe");
    let version = wine(&user, &program, &["--version"], "").ok().stdout;
    assert_eq!(version.trim(), format!("scalekit-auth {VERSION}"));
    wine(&user, &program, &["setup"], "").ok();
    answers(&user, &folder.join("git-credential-scalekit.exe"), &["get"]);
    // As scoop's own programs call it.
    answers(&user, &program, &["git-credential", "get"]);
}

#[test]
fn the_wheel_has_a_program_for_each_name() {
    let user = User::new();
    let folder = unpacked(&user, &artifact("scalekit_auth-VERSION-py3-none-win_amd64.whl"), "wheel");
    let scripts = folder.join(format!("scalekit_auth-{VERSION}.data/scripts"));
    let program = std::fs::read(scripts.join("scalekit-auth.exe")).unwrap();
    for protocol in PROTOCOLS {
        assert!(std::fs::read(scripts.join(format!("{}.exe", protocol.link))).unwrap() == program, "{}", protocol.link);
    }
    answers(&user, &scripts.join("git-credential-scalekit.exe"), &["get"]);
    // Copies are the program's own names to it.
    let got = wine(&user, &scripts.join("scalekit-auth.exe"), &["setup"], "").ok();
    assert!(!(got.stdout.clone() + &got.stderr).contains("not ours"), "{got:?}");
}
