//! npm's packages, installed from a registry on loopback.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use serde_json::{Value, json};
use tiny_http::{Response, Server};

use super::{User, VERSION, artifact, out};
use crate::common::finish;

/// Serves each of our packages as npm's registry would, until it is dropped.
struct Registry {
    server: Arc<Server>,
}

impl Registry {
    fn start() -> Self {
        let server = Arc::new(Server::http("127.0.0.1:0").unwrap());
        let own = server.clone();
        let address = Self { server };
        let url = address.url();
        std::thread::spawn(move || {
            for request in own.incoming_requests() {
                let name = request.url().trim_start_matches('/').to_owned();
                let file = out().join(if name.ends_with(".tgz") { name } else { format!("{name}-{VERSION}.tgz") });
                // The sender may have gone away.
                let _ = match std::fs::read(&file) {
                    Err(_) => request.respond(Response::from_string("{}").with_status_code(404)),
                    Ok(content) if request.url().ends_with(".tgz") => request.respond(Response::from_data(content)),
                    Ok(_) => request.respond(Response::from_string(document(&file, &url).to_string())),
                };
            }
        });
        address
    }

    fn url(&self) -> String {
        format!("http://{}", self.server.server_addr())
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.server.unblock();
    }
}

/// The package's own manifest within a registry's document.
fn document(file: &Path, url: &str) -> Value {
    let got = finish(Command::new("tar").arg("-xzOf").arg(file).arg("package/package.json"), "").ok();
    let mut manifest: Value = serde_json::from_str(&got.stdout).unwrap();
    manifest["dist"] = json!({"tarball": format!("{url}/{}", file.file_name().unwrap().to_str().unwrap())});
    json!({"name": manifest["name"], "dist-tags": {"latest": VERSION}, "versions": {VERSION: manifest}})
}

fn install(user: &User) {
    artifact("scalekit-auth-linux-x64-VERSION.tgz");
    let registry = Registry::start();
    let (url, prefix) = (format!("--registry={}", registry.url()), user.path("npm"));
    let words =
        ["install", "--global", "--no-audit", "--no-fund", "--prefix", prefix.to_str().unwrap(), &url, "scalekit-auth"];
    user.install("npm", &words, &[]);
}

#[test]
fn npm_installs_the_launcher_and_this_systems_executable() {
    let user = User::new();
    install(&user);
    let modules = user.path("npm/lib/node_modules/scalekit-auth/node_modules");
    let here: Vec<_> = std::fs::read_dir(&modules).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(here.iter().any(|name| name == "scalekit-auth-linux-x64"), "{here:?}");
    assert!(
        !here.iter().any(|name| name == "scalekit-auth-win32-x64" || name == "scalekit-auth-linux-arm64"),
        "{here:?}"
    );
    let bin = user.path("npm/bin");
    assert!(user.path("npm/share/man/man1/scalekit-auth.1").exists());
    assert!(user.path("npm/lib/node_modules/scalekit-auth/completions/scalekit-auth.bash").exists());
    user.is_answered_by(&bin);
    // The exit status is the program's, and so is a signal's.
    let run = |args: &[&str]| finish(user.command(bin.join("scalekit-auth"), &[]).args(args), "");
    run(&["no-such-command"]).exit(2);
    run(&["exec", "--with", "github=TOK", "--", "sh", "-c", "exit 7"]).exit(7);
    user.install(
        "npm",
        &["uninstall", "--global", "--prefix", user.path("npm").to_str().unwrap(), "scalekit-auth"],
        &[],
    );
    user.has_nothing_in(&bin);
}

#[test]
fn the_launcher_says_what_is_missing() {
    let user = User::new();
    install(&user);
    let modules = user.path("npm/lib/node_modules/scalekit-auth/node_modules");
    std::fs::remove_dir_all(modules.join("scalekit-auth-linux-x64")).unwrap();
    let got = finish(user.command(user.path("npm/bin/scalekit-auth"), &[]).arg("--version"), "").exit(1);
    assert!(
        got.stderr.contains("scalekit-auth-linux-x64 is not installed") && got.stderr.contains("--include=optional"),
        "{got:?}"
    );
}
