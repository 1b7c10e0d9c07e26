//! The packages of Debian and of Red Hat, installed below an empty root.

use std::path::{Path, PathBuf};

use scalekit_auth::protocol::PROTOCOLS;

use super::{User, artifact};
use crate::common::files_below;

/// All files below `usr`, and links to the program under every name.
fn has_everything(root: &Path) {
    for protocol in PROTOCOLS {
        let link = root.join("usr/bin").join(protocol.link);
        assert_eq!(std::fs::read_link(link).unwrap(), Path::new("scalekit-auth"));
    }
    let documents = root.join("usr/share/doc/scalekit-auth");
    for name in ["README.md", "protocol.md", "CHANGELOG.md", "THIRD-PARTY.txt", "sbom.cdx.json", "docs/git.md"] {
        assert!(documents.join(name).exists(), "{name}");
    }
}

#[test]
fn the_package_of_debian_is_installed_answers_and_leaves_nothing() {
    let user = User::new();
    let root = user.path("root");
    std::fs::create_dir_all(root.join("var/lib/dpkg/info")).unwrap();
    std::fs::create_dir_all(root.join("var/lib/dpkg/updates")).unwrap();
    std::fs::write(root.join("var/lib/dpkg/status"), "").unwrap();
    let dpkg = |args: &[&str]| {
        let own = format!("--root={}", root.display());
        user.install("dpkg", &[&[own.as_str(), "--force-not-root"], args].concat(), &[])
    };
    dpkg(&["--install", artifact("scalekit-auth_VERSION_amd64.deb").to_str().unwrap()]);
    has_everything(&root);
    let copyright = std::fs::read_to_string(root.join("usr/share/doc/scalekit-auth/copyright")).unwrap();
    assert!(copyright.contains("License: MIT") && copyright.contains("THE SOFTWARE IS PROVIDED"));
    // What dpkg knows of the files is what is there.
    dpkg(&["--verify", "scalekit-auth"]);
    user.is_answered_by(&root.join("usr/bin"));
    dpkg(&["--purge", "scalekit-auth"]);
    assert_eq!(files_below(&root.join("usr")), Vec::<PathBuf>::new());
    user.has_nothing_in(&root.join("usr/bin"));
    assert!(!root.join("usr").exists());
}

#[test]
fn the_package_of_red_hat_is_installed_answers_and_leaves_nothing() {
    let user = User::new();
    let root = user.path("root");
    std::fs::create_dir(&root).unwrap();
    let rpm = |args: &[&str]| user.install("rpm", &[&["--root", root.to_str().unwrap()], args].concat(), &[]);
    rpm(&["--install", "--nodeps", artifact("scalekit-auth-VERSION-1.x86_64.rpm").to_str().unwrap()]);
    has_everything(&root);
    assert!(root.join("usr/share/licenses/scalekit-auth/LICENSE-MIT").exists());
    assert_eq!(rpm(&["--verify", "--nodeps", "scalekit-auth"]).stdout, "");
    user.is_answered_by(&root.join("usr/bin"));
    rpm(&["--erase", "scalekit-auth"]);
    assert_eq!(files_below(&root.join("usr")), Vec::<PathBuf>::new());
    user.has_nothing_in(&root.join("usr/bin"));
    assert!(!root.join("usr/share/doc/scalekit-auth").exists());
}

#[test]
fn packages_for_arm_hold_the_same() {
    let user = User::new();
    let deb = artifact("scalekit-auth_VERSION_arm64.deb");
    user.install("dpkg-deb", &["--extract", deb.to_str().unwrap(), user.path("deb").to_str().unwrap()], &[]);
    has_everything(&user.path("deb"));
    let field = user.install("dpkg-deb", &["--field", deb.to_str().unwrap(), "Architecture"], &[]).stdout;
    assert_eq!(field, "arm64\n");
    let rpm = artifact("scalekit-auth-VERSION-1.aarch64.rpm");
    let format = ["--query", "--queryformat", "%{ARCH}", "--package", rpm.to_str().unwrap()];
    assert_eq!(user.install("rpm", &format, &[]).stdout, "aarch64");
}
