//! The programs that do a part of the same work, from Debian and PyPI: found, installed or built, and given what they answer.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::common::finish;
use super::program::Program;
use super::stage::{ANSWER, REQUEST, Stage};
use super::workshop::{compile, virtual_environment, workshop};

pub const NOTHING: &str = "an empty C program";
pub const STORE: &str = "git-credential-store";
pub const CACHE: &str = "git-credential-cache";
pub const LIBSECRET: &str = "git-credential-libsecret";
pub const DOCKER: &str = "docker-credential-secretservice";
pub const OAUTH: &str = "git-credential-oauth, start-up only";
pub const GH: &str = "gh auth git-credential";
pub const KEYRING: &str = "python's keyring";
pub const SDK: &str = "Scalekit's Python SDK, client token only";
/// The same through the delay line.
pub const FAR_SDK: &str = "Scalekit's Python SDK at a distance, client token only";
/// What both are called.
pub const ANY_SDK: &str = "Python SDK";

/// The version that the README's numbers are about.
const SDK_VERSION: &str = "2.21.0";
/// Importing it and making a client is where the existing skill's helper begins, too. That asks for the client token; the
/// calls about accounts are gRPC, which the stand-in vault does not speak.
const SDK_SCRIPT: &str = "import os\n\
    from scalekit import ScalekitClient\n\
    client = ScalekitClient(*(os.environ['SCALEKIT_' + name] for name in ('ENV_URL', 'CLIENT_ID', 'CLIENT_SECRET')))\n\
    print('password=' + client.core_client.access_token)\n";

/// A peer as it is run, or why it is not here.
pub type Found = Result<Program, String>;

/// All peers, ready to answer.
pub struct Peers {
    all: Vec<(&'static str, Found)>,
    /// Ends git's cache daemon.
    bye: Command,
}

impl Drop for Peers {
    fn drop(&mut self) {
        // Without the daemon there is nothing to end.
        let _ = self.bye.stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

impl Peers {
    /// Gives every peer the secret that it is asked for, and lets each prove that it answers.
    pub fn new(stage: &Stage) -> Self {
        let git = git_directory();
        let socket = stage.desk.world.path("run/git-cache/socket");
        let cache = |action: &str| {
            let mut command = stage.desk.command(git.join(CACHE).to_str().expect("a plain path"));
            command.arg("--socket").arg(&socket).arg(action);
            command
        };
        let makers: [(&str, Found); 10] = [
            (NOTHING, nothing(stage)),
            (STORE, store(stage, &git)),
            (CACHE, seeded(cache("store"), LOGIN).map(|()| Program::new(&cache("get"), REQUEST, ANSWER))),
            (LIBSECRET, libsecret(stage, &git)),
            (DOCKER, docker(stage)),
            (OAUTH, Ok(oauth(stage))),
            (GH, gh(stage)),
            (KEYRING, keyring(stage)),
            (SDK, sdk(stage, stage.vault().url())),
            (FAR_SDK, sdk(stage, &stage.far_url())),
        ];
        let proven = |found: Found| found.and_then(|program| program.check().map(|()| program));
        let all = makers.into_iter().map(|(name, found)| (name, proven(found))).collect();
        Self { all, bye: cache("exit") }
    }

    /// The program of a peer, if it is here.
    pub fn get(&self, name: &str) -> Option<&Program> {
        let found = self.all.iter().find(|(peer, _)| *peer == name);
        found.and_then(|(_, found)| found.as_ref().ok())
    }

    /// Who is not here, and why.
    pub fn missing(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.all.iter().filter_map(|(name, found)| Some((*name, found.as_ref().err()?.as_str())))
    }
}

/// The login that git's helpers are given before they are asked for it.
const LOGIN: &str = "protocol=https\nhost=github.com\nusername=ada\npassword=token-1\n\n";

/// Runs a command that stores something.
fn seeded(mut command: Command, input: &str) -> Result<(), String> {
    let program = command.get_program().to_owned();
    if !Path::new(&program).exists() {
        return Err(format!("there is no {}", program.display()));
    }
    let done = finish(&mut command, input);
    if done.code == Some(0) { Ok(()) } else { Err(done.stderr.trim().to_owned()) }
}

/// Debian's git where it is, as it is the one that most people have; else the first on PATH.
fn git_directory() -> PathBuf {
    let git = if Path::new("/usr/bin/git").exists() { "/usr/bin/git" } else { "git" };
    let output = Command::new(git).arg("--exec-path").output().expect("git is here");
    PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())
}

/// What any dynamically linked program costs here: the floor.
fn nothing(stage: &Stage) -> Found {
    let (source, built) = (workshop().join("nothing.c"), workshop().join("nothing"));
    fs::write(&source, "int main(void) { return 0; }\n").expect("the target directory can be written");
    compile(&source, &built, &[])?;
    Ok(Program::new(&stage.desk.command(built.to_str().expect("a plain path")), "", ""))
}

fn store(stage: &Stage, git: &Path) -> Found {
    fs::write(stage.desk.world.path(".git-credentials"), "https://ada:token-1@github.com\n").unwrap();
    let mut command = stage.desk.command(git.join(STORE).to_str().expect("a plain path"));
    Ok(Program::new(command.arg("get"), REQUEST, ANSWER))
}

fn libsecret(stage: &Stage, git: &Path) -> Found {
    let source = Path::new("/usr/share/doc/git/contrib/credential/libsecret/git-credential-libsecret.c");
    let mut built = git.join(LIBSECRET);
    if !built.exists() {
        built = workshop().join(LIBSECRET);
        if !source.exists() {
            return Err(format!("neither {} nor a packaged one", source.display()));
        }
        compile(source, &built, &["libsecret-1", "glib-2.0"])?;
    }
    let program = built.to_str().expect("a plain path");
    let mut command = stage.desk.command(program);
    command.arg("store");
    seeded(command, LOGIN)?;
    Ok(Program::new(stage.desk.command(program).arg("get"), REQUEST, ANSWER))
}

fn docker(stage: &Stage) -> Found {
    const HOST: &str = "https://registry.example.com";
    let program = "/usr/bin/docker-credential-secretservice";
    let mut command = stage.desk.command(program);
    command.arg("store");
    seeded(command, &format!(r#"{{"ServerURL": "{HOST}", "Username": "ada", "Secret": "token-1"}}"#))?;
    Ok(Program::new(stage.desk.command(program).arg("get"), HOST, r#""Secret":"token-1""#))
}

/// For a host that it does not know it has nothing to do; otherwise it would open a browser.
fn oauth(stage: &Stage) -> Program {
    let mut command = stage.desk.command("/usr/bin/git-credential-oauth");
    Program::new(command.arg("get"), "protocol=https\nhost=git.example.com\n\n", "")
}

/// With its token in a plain file.
fn gh(stage: &Stage) -> Found {
    let directory = stage.desk.world.path("gh");
    fs::create_dir_all(&directory).unwrap();
    let hosts = "github.com:\n    user: ada\n    oauth_token: token-1\n    git_protocol: https\n";
    fs::write(directory.join("hosts.yml"), hosts).unwrap();
    let mut command = stage.desk.command("/usr/bin/gh");
    command.args(["auth", "git-credential", "get"]).env("GH_CONFIG_DIR", directory);
    Ok(Program::new(&command, REQUEST, ANSWER))
}

fn keyring(stage: &Stage) -> Found {
    let with = |action: &str| {
        let mut command = stage.desk.command("/usr/bin/keyring");
        command.args([action, "github.com", "ada"]);
        command
    };
    seeded(with("set"), "token-1\n")?;
    Ok(Program::new(&with("get"), "", "token-1\n"))
}

fn sdk(stage: &Stage, url: &str) -> Found {
    let python = virtual_environment("sdk", "scalekit-sdk-python", SDK_VERSION)?;
    let mut command = stage.desk.command(python.to_str().expect("a plain path"));
    command.args(["-c", SDK_SCRIPT]);
    command.env("REQUESTS_CA_BUNDLE", stage.vault().ca_pem()).env("SCALEKIT_ENV_URL", url);
    command.env("SCALEKIT_CLIENT_ID", stage.vault().client_id());
    command.env("SCALEKIT_CLIENT_SECRET", stage.vault().client_secret());
    Ok(Program::new(&command, "", "password="))
}
