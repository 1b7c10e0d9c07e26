//! The wheels, installed by pip, uv and pipx from the folder of the artifacts.

use super::{User, VERSION, artifact, out, tool};

#[test]
fn a_wheel_is_installed_by_pip() {
    let user = User::new();
    user.install("python3", &["-m", "venv", "venv"], &[]);
    let bin = user.path("venv/bin");
    let folder = out().display().to_string();
    user.install(bin.join("pip"), &["install", "--no-index", "--find-links", &folder, "scalekit-auth"], &[]);
    user.is_answered_by(&bin);
    // A link of somebody's own to a launcher, and one to that.
    let (link, second) = (user.path("link"), user.path("second"));
    std::os::unix::fs::symlink("venv/bin/git-credential-scalekit", &link).unwrap();
    std::os::unix::fs::symlink(&link, &second).unwrap();
    for link in [link, second] {
        assert!(user.install(link, &["capability"], &[]).stdout.starts_with("version 0\n"));
    }
    let share = user.path("venv/share");
    for file in
        ["man/man1/scalekit-auth.1", "zsh/site-functions/_scalekit-auth", "bash-completion/completions/scalekit-auth"]
    {
        assert!(share.join(file).exists(), "{file}");
    }
    user.install(bin.join("pip"), &["uninstall", "--yes", "scalekit-auth"], &[]);
    user.has_nothing_in(&bin);
    user.has_nothing_in(&share.join("man/man1"));
}

#[test]
fn a_wheel_is_installed_by_uv() {
    let user = User::new();
    let bin = user.path("tools/bin");
    let variables = [("UV_TOOL_BIN_DIR", bin.to_str().unwrap()), ("UV_OFFLINE", "1"), ("UV_PYTHON_DOWNLOADS", "never")];
    let folder = out().display().to_string();
    user.install(tool("uv"), &["tool", "install", "--no-index", "--find-links", &folder, "scalekit-auth"], &variables);
    user.is_answered_by(&bin);
    user.install(tool("uv"), &["tool", "uninstall", "scalekit-auth"], &variables);
    user.has_nothing_in(&bin);
}

#[test]
fn a_wheel_is_installed_by_pipx() {
    let user = User::new();
    let (home, bin) = (user.path("pipx"), user.path("tools/bin"));
    let variables = [("PIPX_HOME", home.to_str().unwrap()), ("PIPX_BIN_DIR", bin.to_str().unwrap())];
    let from = format!("--pip-args=--no-index --find-links {}", out().display());
    user.install(tool("pipx"), &["install", &from, "scalekit-auth"], &variables);
    user.is_answered_by(&bin);
    user.install(tool("pipx"), &["uninstall", "scalekit-auth"], &variables);
    user.has_nothing_in(&bin);
}

#[test]
fn wheels_are_what_the_registry_takes() {
    let user = User::new();
    let wheels: Vec<String> = std::fs::read_dir(out())
        .unwrap()
        .map(|entry| entry.unwrap().path().display().to_string())
        .filter(|path| path.ends_with(".whl"))
        .collect();
    assert!(wheels.len() >= 3, "{wheels:?}");
    let arguments: Vec<&str> = ["check", "--strict"].into_iter().chain(wheels.iter().map(String::as_str)).collect();
    let got = user.install(tool("twine"), &arguments, &[]);
    assert_eq!(got.stdout.matches("PASSED").count(), wheels.len(), "{got:?}");
    for wheel in &wheels {
        // Every digest of RECORD.
        user.install(tool("python"), &["-m", "wheel", "unpack", wheel], &[]);
        std::fs::remove_dir_all(user.path(&format!("scalekit_auth-{VERSION}"))).unwrap();
    }
    artifact("scalekit_auth-VERSION-py3-none-win_amd64.whl");
}
