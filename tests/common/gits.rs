//! The real gits on this machine, and a private repository behind a token.

use std::path::{Path, PathBuf};
use std::process::Command;

use scalekit_sandbox::{GitOptions, GitServer, Offers};

use super::{Finished, World, finish};

/// A git that knows `authtype` and `state` (2.46 or later). `tests/run` leaves these tests out where there is none.
pub fn modern() -> PathBuf {
    find(|version| version >= (2, 46)).expect("a git of 2.46 or later on PATH")
}

/// A git from before 2.46, such as Debian 12's.
pub fn old() -> PathBuf {
    find(|version| version < (2, 46)).expect("a git before 2.46 on PATH or as /usr/bin/git")
}

/// Both kinds, or the one that is here.
pub fn all() -> Vec<PathBuf> {
    let found = [find(|version| version >= (2, 46)), find(|version| version < (2, 46))];
    let found: Vec<_> = found.into_iter().flatten().collect();
    assert!(!found.is_empty(), "there is no git");
    found
}

fn find(fits: impl Fn((u32, u32)) -> bool) -> Option<PathBuf> {
    let path = std::env::var("PATH").unwrap();
    let directories = path.split(':').chain(["/usr/local/bin", "/usr/bin"]);
    directories.map(|directory| Path::new(directory).join("git")).find(|git| version(git).is_some_and(&fits))
}

pub fn version(git: &Path) -> Option<(u32, u32)> {
    let output = Command::new(git).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let mut numbers = text.split_whitespace().nth(2)?.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// A server with the private repository `app.git`, and a world whose service `github` claims it.
pub struct Repository {
    pub world: World,
    pub server: GitServer,
    pub root: PathBuf,
    git: PathBuf,
}

impl Repository {
    /// Over TLS; the account's token is `token-1`, and the server accepts it.
    pub fn new(git: PathBuf, offers: Offers) -> Self {
        Self::with(git, offers, true)
    }

    pub fn with(git: PathBuf, offers: Offers, tls: bool) -> Self {
        let world = World::new();
        let root = world.path("repositories");
        std::fs::create_dir(&root).unwrap();
        GitServer::create_repository(&root, "app.git", &[("README", b"hello\n")]).unwrap();
        let server = GitServer::start(GitOptions {
            root: root.clone(),
            tls: tls.then(|| world.sandbox.ca()),
            offers,
            tokens: vec!["token-1".into()],
            git: git.clone(),
        })
        .unwrap();
        world.seed("github-x", "GITHUB", "token-1");
        world.ok(&["config", "github", "github-x", "--identifier", "ada", "--host", server.url()]);
        let repository = Self { world, server, root, git };
        repository.git(&["config", "--global", "credential.helper", "scalekit"]).ok();
        repository
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.server.url())
    }

    pub fn git_command(&self) -> Command {
        let mut command = self.world.command(&self.git);
        // This git's own programs come first, whichever git is first on PATH.
        let path = format!(
            "{}:{}:{}",
            self.world.path("bin").display(),
            self.git.parent().unwrap().display(),
            std::env::var("PATH").unwrap()
        );
        command.env("PATH", path).env("GIT_SSL_CAINFO", self.world.sandbox.ca_pem());
        for role in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{role}_NAME"), "Ada").env(format!("GIT_{role}_EMAIL"), "ada@example.com");
        }
        command
    }

    pub fn git(&self, args: &[&str]) -> Finished {
        finish(self.git_command().args(args), "")
    }

    /// Clones `app.git` into `directory` below the home.
    pub fn clone_into(&self, directory: &str) -> Finished {
        self.git(&["clone", &self.url("app.git"), directory])
    }

    pub fn git_in(&self, directory: &str, args: &[&str]) -> Finished {
        finish(self.git_command().current_dir(self.world.path(directory)).args(args), "")
    }

    /// A clone with a commit of 2 MiB that does not compress, and its directory.
    pub fn clone_with_large_commit(&self) -> String {
        self.clone_into("large").ok();
        let mut state = 1u32;
        let noise = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        });
        std::fs::write(self.world.path("large/noise"), noise.take(2 << 20).collect::<Vec<_>>()).unwrap();
        self.git_in("large", &["add", "."]).ok();
        self.git_in("large", &["commit", "--quiet", "--message", "noise"]).ok();
        "large".into()
    }

    /// Sets git's helpers, those of before dropped.
    pub fn set_helpers(&self, helpers: &[&str]) {
        self.git(&["config", "--global", "--unset-all", "credential.helper"]).ok();
        for helper in helpers {
            self.git(&["config", "--global", "--add", "credential.helper", helper]).ok();
        }
    }

    /// A small commit in a clone, pushed.
    pub fn push_a_line(&self, directory: &str) -> Finished {
        std::fs::write(self.world.path(directory).join("line"), "line\n").unwrap();
        self.git_in(directory, &["add", "."]).ok();
        self.git_in(directory, &["commit", "--quiet", "--message", "line"]).ok();
        self.git_in(directory, &["push"])
    }

    /// The repository `super.git` with so many submodules, `module-0` and so on.
    pub fn add_submodules(&self, count: usize) {
        GitServer::create_repository(&self.root, "super.git", &[("README", b"super\n")]).unwrap();
        self.git(&["clone", &self.url("super.git"), "super"]).ok();
        for index in 0..count {
            let name = format!("module-{index}");
            GitServer::create_repository(&self.root, &format!("{name}.git"), &[("README", b"module\n")]).unwrap();
            self.git_in("super", &["submodule", "--quiet", "add", &self.url(&format!("{name}.git")), &name]).ok();
        }
        self.git_in("super", &["commit", "--quiet", "--message", "modules"]).ok();
        self.git_in("super", &["push", "--quiet"]).ok();
    }
}
