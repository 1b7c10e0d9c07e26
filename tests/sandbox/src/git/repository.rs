//! Repositories to serve.

use std::io;
use std::path::Path;
use std::process::Command;

/// See [`super::GitServer::create_repository`].
pub(super) fn create(root: &Path, name: &str, files: &[(&str, &[u8])]) -> io::Result<()> {
    let scratch = tempfile::Builder::new().prefix("scalekit-sandbox-git-").tempdir()?;
    let tree = scratch.path().join("tree");
    std::fs::create_dir(&tree)?;
    for (file, content) in files {
        let path = tree.join(file);
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory)?;
        }
        std::fs::write(path, content)?;
    }
    let bare = root.join(name);
    std::fs::create_dir_all(&bare)?;
    let bare = std::path::absolute(bare)?;
    let git = |arguments: &[&str]| run(scratch.path(), &tree, &bare, arguments);
    git(&["init", "--quiet", "--bare", "--initial-branch=main"])?;
    git(&["config", "http.receivepack", "true"])?;
    git(&["--work-tree=.", "add", "--all", "--force"])?;
    git(&["--work-tree=.", "commit", "--quiet", "--allow-empty", "--message=first"])?;
    std::fs::remove_file(bare.join("index"))
}

fn run(home: &Path, tree: &Path, bare: &Path, arguments: &[&str]) -> io::Result<()> {
    let mut command = Command::new("git");
    // The configuration of whoever runs the tests may sign commits, run hooks or rename branches.
    command.env_clear().env("HOME", home).env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_DIR", bare);
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), "Sandbox").env(format!("GIT_{role}_EMAIL"), "sandbox@example.com");
        command.env(format!("GIT_{role}_DATE"), "2026-01-01T00:00:00Z");
    }
    let output = command.current_dir(tree).args(arguments).output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(io::Error::other(format!("git {}: {said}", arguments.join(" "))))
}
