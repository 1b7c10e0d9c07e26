//! Where peers come from: Debian's packages, one file of C, one package of PyPI.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What has to be there, and the Debian package that brings it.
const NEEDED: &[(&str, &str)] = &[
    ("/usr/bin/git", "git"),
    ("/usr/bin/time", "time"),
    ("/usr/bin/strace", "strace"),
    ("/usr/bin/valgrind", "valgrind"),
    ("/usr/bin/gcc", "gcc"),
    ("/usr/bin/pkg-config", "pkg-config"),
    ("/usr/include/libsecret-1/libsecret/secret.h", "libsecret-1-dev"),
    ("/usr/bin/docker-credential-secretservice", "golang-docker-credential-helpers"),
    ("/usr/bin/git-credential-oauth", "git-credential-oauth"),
    ("/usr/bin/gh", "gh"),
    ("/usr/share/doc/python3-venv", "python3-venv"),
    ("/usr/bin/keyring", "python3-keyring"),
    ("/usr/lib/python3/dist-packages/secretstorage/__init__.py", "python3-secretstorage"),
    ("/usr/bin/dbus-daemon", "dbus-daemon"),
    ("/usr/bin/dbus-send", "dbus-bin"),
    ("/usr/bin/gnome-keyring-daemon", "gnome-keyring"),
];

/// Installs what Debian has of what is needed, as root; says otherwise what is not there.
pub fn install() {
    let missing: Vec<&str> =
        NEEDED.iter().filter(|(path, _)| !Path::new(path).exists()).map(|(_, package)| *package).collect();
    if missing.is_empty() {
        return;
    }
    let is_root = rustix::process::geteuid().is_root();
    if !is_root || !Path::new("/usr/bin/apt-get").exists() {
        println!("Not installed, and left out below where that matters (Debian packages): {}\n", missing.join(" "));
        return;
    }
    println!("installing: {}", missing.join(" "));
    let apt = |args: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(args).env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null());
        // What is still missing afterwards is named where it is used.
        let _ = command.status();
    };
    apt(&["update", "-qq"]);
    // One by one, so that a package that this release does not have keeps none of the others away.
    missing.iter().for_each(|package| apt(&["install", "-y", "-qq", "--no-install-recommends", package]));
}

/// Where what is built or downloaded stays for the next run.
pub fn workshop() -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("peers");
    fs::create_dir_all(&directory).expect("the target directory can be written");
    directory
}

/// Compiles one file of C, with the libraries that pkg-config knows by these names.
pub fn compile(source: &Path, to: &Path, libraries: &[&str]) -> Result<(), String> {
    let flags = if libraries.is_empty() {
        String::new()
    } else {
        let output = Command::new("pkg-config").args(["--cflags", "--libs"]).args(libraries).output();
        let output = output.map_err(|error| format!("pkg-config: {error}"))?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr)
                .lines()
                .next()
                .unwrap_or("pkg-config failed")
                .to_owned());
        }
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let mut compiler = Command::new("gcc");
    compiler.args(["-O2", "-o"]).arg(to).arg(source).args(flags.split_whitespace());
    let done = compiler.output().map_err(|error| format!("gcc: {error}"))?;
    let error = || String::from_utf8_lossy(&done.stderr).lines().next().unwrap_or("gcc failed").to_owned();
    if done.status.success() { Ok(()) } else { Err(error()) }
}

/// The Python of a virtual environment with this version of a package of PyPI.
pub fn virtual_environment(name: &str, package: &str, version: &str) -> Result<PathBuf, String> {
    let directory = workshop().join(name);
    let python = directory.join("bin/python");
    let done = |command: &mut Command| command.stdin(Stdio::null()).output().is_ok_and(|done| done.status.success());
    let test = format!("from importlib.metadata import version; assert version('{package}') == '{version}'");
    if done(Command::new(&python).args(["-c", &test])) {
        return Ok(python);
    }
    let wanted = format!("{package}=={version}");
    println!("installing: {wanted}");
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", &wanted];
    let is_installed = done(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&directory))
        && done(Command::new(&python).args(pip));
    if is_installed { Ok(python) } else { Err(format!("{wanted} cannot be installed with python3's venv and pip")) }
}
