//! The archives: used where they are unpacked, and by their install script.

use std::path::{Path, PathBuf};
use std::process::Command;

use scalekit_auth::protocol::PROTOCOLS;

use super::{User, VERSION, artifact};
use crate::common::{files_below, finish};

fn unpacked(user: &User, target: &str) -> PathBuf {
    let archive = artifact(&format!("scalekit-auth-VERSION-{target}.tar.gz"));
    user.install("tar", &["-xzf", archive.to_str().unwrap()], &[]);
    user.path(&format!("scalekit-auth-{VERSION}-{target}"))
}

#[test]
fn an_archive_answers_where_it_is_unpacked_and_where_its_script_puts_it() {
    let user = User::new();
    let folder = unpacked(&user, "x86_64-unknown-linux-musl");
    let documents = ["README.md", "protocol.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE", "THIRD-PARTY.txt"];
    for name in documents.iter().chain(&["sbom.cdx.json", "docs/git.md", "skills/scalekit-auth/SKILL.md"]) {
        assert!(std::fs::metadata(folder.join(name)).is_ok_and(|data| data.len() > 0), "{name}");
    }
    every_link_leads_to_a_file(&folder);
    user.is_answered_by(&folder);

    // Without Rust on this machine.
    let script = |options: &[&str]| {
        let mut command = user.command(folder.join("install.sh"), &[]);
        finish(command.args(["--prefix", "p"]).args(options).env("PATH", "/usr/bin:/bin"), "").ok()
    };
    let got = script(&[]);
    assert!(got.stdout.contains(&format!("Installed scalekit-auth {VERSION} to ")), "{got:?}");
    let bin = user.path("p/bin");
    for protocol in PROTOCOLS {
        assert_eq!(std::fs::read_link(bin.join(protocol.link)).unwrap(), Path::new("scalekit-auth"));
    }
    for file in ["man/man1/scalekit-auth.1", "bash-completion/completions/scalekit-auth"] {
        assert!(user.path("p/share").join(file).exists(), "{file}");
    }
    user.is_answered_by(&bin);
    script(&["--uninstall"]);
    assert_eq!(files_below(&user.path("p")), Vec::<PathBuf>::new());
    user.has_nothing_in(&bin);
}

/// Whoever has the archive alone finds all that its documents speak of.
fn every_link_leads_to_a_file(folder: &Path) {
    let documents = files_below(folder).into_iter().filter(|path| path.extension().is_some_and(|end| end == "md"));
    let mut count = 0;
    for document in documents {
        let text = std::fs::read_to_string(&document).unwrap();
        assert!(!text.contains("checkout: begin"), "{document:?}");
        for target in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            if target.is_empty() || target.contains("://") || target.contains(' ') {
                continue;
            }
            count += 1;
            assert!(document.parent().unwrap().join(target).exists(), "{document:?} speaks of {target}");
        }
    }
    assert!(count > 30, "{count} links");
}

#[test]
fn the_script_says_when_the_archive_is_for_another_machine() {
    let user = User::new();
    let folder = unpacked(&user, "aarch64-unknown-linux-musl");
    if Command::new(folder.join("scalekit-auth")).arg("--version").status().is_ok_and(|status| status.success()) {
        return; // A machine that runs both.
    }
    let got = finish(user.command(folder.join("install.sh"), &[]).args(["--prefix", "p"]), "").exit(1);
    assert!(got.stderr.contains("does not run here"), "{got:?}");
    assert!(!user.path("p").exists());
}

#[test]
fn the_executable_for_arm_answers_under_an_emulator() {
    let user = User::new();
    let program = unpacked(&user, "aarch64-unknown-linux-musl").join("scalekit-auth");
    let helper = format!("!qemu-aarch64 {} git-credential", program.display());
    let git = |args: &[&str]| finish(user.command("git", &[]).args(args), "").ok();
    git(&["config", "--global", "--replace-all", "credential.helper", &helper]);
    git(&["clone", "--quiet", &user.repository.url("app.git"), "copy"]);
    assert_eq!(std::fs::read_to_string(user.path("copy/README")).unwrap(), "hello\n");
}
