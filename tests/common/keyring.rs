//! A real gnome-keyring-daemon on a session bus of its own, and the states that such a keyring gets into.

pub mod load;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{EXE, Finished, World, finish};

/// The password of the keyring.
const PASSWORD: &str = "keyring-password";
/// The collection that `--unlock` opens, the default one.
const LOGIN: &str = "/org/freedesktop/secrets/collection/login";
/// For what takes milliseconds on an idle machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A world whose client credentials belong into its keyring.
pub struct Desk {
    pub keyring: Keyring,
    pub world: World,
}

impl Desk {
    /// With an unlocked keyring and nothing in it.
    pub fn new() -> Self {
        Self::with(World::new())
    }

    pub fn with(mut world: World) -> Self {
        world.credentials_in_variables = false;
        Self { keyring: Keyring::start_unlocked(&world), world }
    }

    /// Logged in to the sandbox, with the service `github` of an ACTIVE account.
    pub fn logged_in() -> Self {
        let desk = Self::new();
        desk.world.seed("github-x", "GITHUB", "token-1");
        desk.login(&[], desk.world.sandbox.client_secret()).ok();
        desk.run(&["config", "github", "github-x", "--identifier", "ada"]).ok();
        desk
    }

    /// `program` in this world, with the keyring in reach.
    pub fn command(&self, program: &str) -> Command {
        let mut command = self.world.command(program);
        command.env(ADDRESS, &self.keyring.bus.address);
        command
    }

    pub fn run(&self, args: &[&str]) -> Finished {
        finish(self.command(EXE).args(args), "")
    }

    /// A login to the sandbox without a terminal.
    pub fn login(&self, more: &[&str], secret: &str) -> Finished {
        let sandbox = &self.world.sandbox;
        let args = ["login", "--env-url", sandbox.url(), "--client-id", sandbox.client_id(), "--client-secret-stdin"];
        finish(self.command(EXE).args(args).args(more), secret)
    }

    /// What git's helper answers about a repository at github.com.
    pub fn get(&self) -> Finished {
        finish(self.command("git-credential-scalekit").arg("get"), "protocol=https\nhost=github.com\n\n")
    }

    /// The items that are stored for an environment, as another program finds them.
    pub fn items(&self, environment: &str) -> Vec<Value> {
        let mut tool = self.command(needed("secret-tool", "libsecret-tools"));
        tool.args(["search", "--all", "service", "scalekit-auth", "username", environment]);
        let found = finish(&mut tool, "");
        let secrets = found.stdout.lines().filter_map(|line| line.strip_prefix("secret = "));
        secrets.map(|secret| serde_json::from_str(secret).expect("an item holds JSON")).collect()
    }

    /// Lets another client ask for the locked keyring to be opened; its prompt stays open until the client is dropped.
    pub fn prompt_waiting(&self) -> Killed {
        let mut tool = self.command(needed("secret-tool", "libsecret-tools"));
        tool.args(["lookup", "service", "scalekit-auth", "username", "default"]).stdout(Stdio::null());
        let waiting = Killed(tool.spawn().unwrap());
        until("a prompt appears", || self.prompted());
        waiting
    }

    /// Whether the keyring ever asked a person for anything.
    pub fn prompted(&self) -> bool {
        fs::read_to_string(self.world.path(PROMPTER)).is_ok_and(|pid| pid.ends_with('\n'))
    }
}

/// A session bus in a world, on which nothing is started but a prompter that shows nothing and never answers.
pub struct Bus {
    pub address: String,
    daemon: Killed,
    prompter: std::path::PathBuf,
}

/// The variable by which programs find their bus.
pub const ADDRESS: &str = "DBUS_SESSION_BUS_ADDRESS";
/// Where the prompter leaves its process id, below the home.
const PROMPTER: &str = "prompter.pid";

impl Bus {
    pub fn start(world: &World) -> Self {
        let (home, socket) = (world.home.path().display(), world.path("run/session-bus"));
        let services = world.path("bus-services");
        fs::create_dir(&services).unwrap();
        let prompter = world.path(PROMPTER);
        let service = format!(
            "[D-BUS Service]\nName=org.gnome.keyring.SystemPrompter\n\
             Exec=/bin/sh -c 'echo $$ >{home}/{PROMPTER}; exec sleep 120'\n"
        );
        fs::write(services.join("org.gnome.keyring.SystemPrompter.service"), service).unwrap();
        let configuration = format!(
            r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
                "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
            <busconfig>
              <type>session</type>
              <listen>unix:path={}</listen>
              <auth>EXTERNAL</auth>
              <servicedir>{}</servicedir>
              <policy context="default">
                <allow send_destination="*" eavesdrop="true"/>
                <allow eavesdrop="true"/>
                <allow own="*"/>
              </policy>
              <limit name="service_start_timeout">120000</limit>
            </busconfig>"#,
            socket.display(),
            services.display()
        );
        fs::write(world.path("bus.conf"), configuration).unwrap();
        let mut daemon = world.command(needed("dbus-daemon", "dbus-daemon"));
        daemon.args(["--nofork", "--nopidfile", "--print-address=1", "--config-file"]).arg(world.path("bus.conf"));
        let mut daemon = Killed(daemon.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
        let mut address = String::new();
        BufReader::new(daemon.0.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Self { address: address.trim().to_owned(), daemon, prompter }
    }

    /// The bus itself no longer answers.
    pub fn freeze(&self) {
        self.daemon.signal("STOP");
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        // The bus starts it and would leave it behind.
        if let Ok(pid) = fs::read_to_string(&self.prompter) {
            signal("KILL", pid.trim());
        }
    }
}

/// A bus with gnome-keyring's daemon, both gone when dropped.
pub struct Keyring {
    daemon: Killed,
    pub bus: Bus,
}

impl Keyring {
    /// With its default collection open and empty.
    pub fn start_unlocked(world: &World) -> Self {
        let keyring = Self::start(world, UNLOCK);
        until("the keyring is unlocked", || keyring.is_locked(world) == Some(false));
        keyring
    }

    /// As it is on a machine where no keyring was ever made.
    pub fn start_bare(world: &World) -> Self {
        let keyring = Self::start(world, &[]);
        until("the keyring is there", || keyring.call(world, SERVICE, "ReadAlias", &["string:default"]).is_some());
        keyring
    }

    fn start(world: &World, options: &[&str]) -> Self {
        let bus = Bus::start(world);
        Self { daemon: start_daemon(world, &bus, options), bus }
    }

    /// Whether the daemon is still the one that was started.
    pub fn is_running(&mut self) -> bool {
        self.daemon.0.try_wait().unwrap().is_none()
    }

    /// Another daemon on the same bus, with the keyring that the last one left.
    pub fn start_again(&mut self, world: &World) {
        self.daemon = start_daemon(world, &self.bus, UNLOCK);
        until("the keyring is unlocked", || self.is_locked(world) == Some(false));
    }

    /// Locks everything, as a desktop does when its user leaves.
    pub fn lock(&self, world: &World) {
        self.call(world, SERVICE, "Lock", &[&format!("array:objpath:{LOGIN}")]).expect("the service takes Lock");
        assert_eq!(self.is_locked(world), Some(true));
    }

    /// The daemon no longer answers.
    pub fn freeze(&self) {
        self.daemon.signal("STOP");
    }

    /// The daemon answers again.
    pub fn thaw(&self) {
        self.daemon.signal("CONT");
    }

    fn is_locked(&self, world: &World) -> Option<bool> {
        let question = ["string:org.freedesktop.Secret.Collection", "string:Locked"];
        let reply = self.call(world, (LOGIN, "org.freedesktop.DBus.Properties"), "Get", &question)?;
        Some(reply.contains("boolean true"))
    }

    /// Calls the Secret Service; `None` if it answers with an error.
    fn call(&self, world: &World, object: (&str, &str), method: &str, args: &[&str]) -> Option<String> {
        let (path, interface) = object;
        let mut send = world.command(needed("dbus-send", "dbus-bin"));
        send.args(["--session", "--print-reply", "--dest=org.freedesktop.secrets", path]);
        send.arg(format!("{interface}.{method}")).args(args).env(ADDRESS, &self.bus.address);
        let Output { status, stdout, .. } = send.output().unwrap();
        status.success().then(|| String::from_utf8(stdout).unwrap())
    }
}

fn start_daemon(world: &World, bus: &Bus, options: &[&str]) -> Killed {
    let log = fs::File::create(world.path("gnome-keyring.log")).unwrap();
    let mut daemon = world.command(needed("gnome-keyring-daemon", "gnome-keyring"));
    daemon.args(["--components=secrets", "--foreground"]).args(options);
    daemon.env(ADDRESS, &bus.address).env("XDG_DATA_HOME", world.path(".local/share"));
    daemon.stdin(Stdio::piped()).stdout(log.try_clone().unwrap()).stderr(log);
    let mut daemon = Killed(daemon.spawn().unwrap());
    daemon.0.stdin.take().unwrap().write_all(PASSWORD.as_bytes()).unwrap();
    daemon
}

/// What makes the daemon open its keyring with the password on its standard input.
const UNLOCK: &[&str] = &["--unlock"];
/// Object and interface of the service itself.
const SERVICE: (&str, &str) = ("/org/freedesktop/secrets", "org.freedesktop.Secret.Service");

/// A process that does not outlive its test.
pub struct Killed(pub Child);

impl Killed {
    pub fn signal(&self, name: &str) {
        signal(name, &self.0.id().to_string());
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn signal(name: &str, pid: &str) {
    // Without a builtin a shell has no kill(1) in Debian's smallest images.
    let sent = Command::new("/bin/sh").args(["-c", "kill -\"$0\" \"$1\"", name, pid]).stderr(Stdio::null()).status();
    assert!(sent.is_ok(), "/bin/sh runs");
}

/// Waits until `happened`; fails the test when it takes far too long.
#[track_caller]
pub fn until(what: &str, mut happened: impl FnMut() -> bool) {
    let start = Instant::now();
    while !happened() {
        assert!(start.elapsed() < PATIENCE, "waited in vain until {what}");
        sleep(Duration::from_millis(10));
    }
}

/// The name of a program that a test cannot do without.
#[track_caller]
pub fn needed(program: &'static str, package: &str) -> &'static str {
    let path = std::env::var("PATH").unwrap();
    let found = path.split(':').any(|directory| std::path::Path::new(directory).join(program).is_file());
    assert!(found, "this test needs the program {program} (Debian package {package})");
    program
}
