//! A `connect` that runs in the background, and a person with curl for a browser.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use scalekit_sandbox::Control;

use crate::common::{EXE, Finished, World, finish};

/// A world with the service `github`, to whose account nobody has consented.
pub fn pending() -> World {
    let world = World::new();
    // The browser stays on our page unless the vault sends it elsewhere.
    world.order(serde_json::json!({"op": "post_verify_redirect", "url": ""}));
    world.control(Control::connection("github-x", "GITHUB"));
    world.ok(&["config", "github", "github-x", "--identifier", "ada"]);
    world
}

/// A process that has not ended.
pub struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
    seen: String,
}

/// `connect github` with more arguments.
pub fn connect(world: &World, args: &[&str]) -> Running {
    Running::start(world, &[&["connect", "github"], args].concat())
}

impl Running {
    pub fn start(world: &World, args: &[&str]) -> Self {
        let mut command = world.command(EXE);
        let mut child = command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self { child, stdout, seen: String::new() }
    }

    /// The link in the next line.
    pub fn link(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        self.seen.push_str(&line);
        let link = line.split_whitespace().find(|word| word.starts_with("https://"));
        link.unwrap_or_else(|| panic!("no link in {line:?}")).to_owned()
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    pub fn id(&self) -> String {
        self.child.id().to_string()
    }

    /// Waits for its end.
    pub fn end(&mut self) -> Finished {
        let start = Instant::now();
        while self.is_running() {
            assert!(start.elapsed() < Duration::from_secs(30), "it does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
        let mut stderr = String::new();
        self.stdout.read_to_string(&mut self.seen).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        Finished { code: self.child.wait().unwrap().code(), stdout: self.seen.clone(), stderr }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A test that fails leaves nothing behind.
        let _ = self.child.kill();
    }
}

pub fn curl(world: &World, args: &[&str]) -> Finished {
    finish(world.command("curl").arg("--cacert").arg(world.sandbox.ca_pem()).args(args), "")
}

/// Opens a link, follows where it leads, and returns the last page.
pub fn visit(world: &World, link: &str) -> String {
    curl(world, &["-sSL", link]).ok().stdout
}

/// Where a link leads.
pub fn redirect_of(world: &World, link: &str) -> String {
    curl(world, &["-sS", "-o", "/dev/null", "-w", "%{redirect_url}", link]).ok().stdout
}

/// The status of a request, `000` if there is nobody.
pub fn status_of(world: &World, args: &[&str]) -> String {
    curl(world, &[&["-sS", "-o", "/dev/null", "-w", "%{http_code}"], args].concat()).stdout
}
