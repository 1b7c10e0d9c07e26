//! The image for containers, built and run by buildah.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::{User, artifact};
use crate::common::finish;

#[test]
fn the_image_holds_the_program_and_certificates_and_nothing_else() {
    let user = User::new();
    let (context, deb) = (user.path("image"), artifact("scalekit-auth_VERSION_amd64.deb"));
    std::fs::create_dir(&context).unwrap();
    let files = context.join("amd64");
    user.install("dpkg-deb", &["--extract", deb.to_str().unwrap(), files.to_str().unwrap()], &[]);
    std::fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/release/Dockerfile"), context.join("Dockerfile")).unwrap();
    std::fs::copy("/etc/ssl/certs/ca-certificates.crt", context.join("ca-certificates.crt")).unwrap();
    let store = |name: &str| user.path(name).display().to_string();
    let (root, run_root) = (store("containers"), store("containers-run"));
    let buildah = |args: &[&str]| {
        let first = ["--storage-driver", "vfs", "--root", &root, "--runroot", &run_root];
        user.install("buildah", &[&first, args].concat(), &[])
    };
    buildah(&[
        "bud",
        "--isolation",
        "chroot",
        "--platform",
        "linux/amd64",
        "--tag",
        "image",
        context.to_str().unwrap(),
    ]);
    let container = buildah(&["from", "image"]).stdout.trim().to_owned();
    let mounted = buildah(&["mount", &container]).stdout.trim().to_owned();
    let mounted = Path::new(&mounted);
    let mut folders: Vec<_> = std::fs::read_dir(mounted).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    folders.sort();
    assert_eq!(folders, ["etc", "usr"]);

    let format = "{{.OCIv1.Config.User}} {{.OCIv1.Config.Entrypoint}} {{.OCIv1.Config.Env}}";
    let config = buildah(&["inspect", "--type", "image", "--format", format, "image"]).stdout;
    assert!(config.starts_with("65534:65534 [/usr/bin/scalekit-auth] ") && config.contains("HOME=/home"), "{config}");

    // As the image's user in its root, with the client credentials in variables and two files of the test's.
    let world = &user.repository.world;
    let readable = |path: &Path, mode| std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    let folder = mounted.join("home/.config/scalekit-auth");
    std::fs::create_dir_all(&folder).unwrap();
    folder.ancestors().take(3).for_each(|path| readable(path, 0o755));
    for (from, to) in [
        (world.sandbox.ca_pem().to_owned(), mounted.join("ca.pem")),
        (world.config_file("connections.json"), folder.join("connections.json")),
    ] {
        std::fs::copy(from, &to).unwrap();
        readable(&to, 0o644);
    }
    // As the engine that runs a container does.
    std::fs::write(mounted.join("etc/hosts"), "127.0.0.1 localhost\n").unwrap();
    readable(&mounted.join("etc/hosts"), 0o644);
    let mut command = user.command("chroot", &[]);
    command.args(["--userspec=65534:65534", mounted.to_str().unwrap(), "/usr/bin/scalekit-auth", "token", "github"]);
    command.env("HOME", "/home").env("PATH", "/usr/bin:/usr/sbin").env("SSL_CERT_FILE", "/ca.pem");
    assert_eq!(finish(&mut command, "").ok().stdout, "token-1\n");
    buildah(&["umount", &container]);
}
