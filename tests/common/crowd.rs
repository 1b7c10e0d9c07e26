//! Many processes of one user that want tokens at the same time, and one that is stopped on its way.

// Each test file uses a part of it.
#![allow(dead_code)]

use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};
use std::sync::Barrier;
use std::time::{Duration, Instant};

use scalekit_sandbox::Control;
use serde_json::{Map, Value, json};

use crate::common::keyring::{Killed, until};
use crate::common::user::{AUTH, TOKEN, User};
use crate::common::{Finished, finish};

/// How many come at the same time.
pub const CROWD: usize = 50;
/// What every call that a tool waits for keeps to.
pub const PROMISE: Duration = Duration::from_secs(8);

/// The programs that hand out a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Git,
    Docker,
    Token,
}

impl Way {
    /// Each in its turn.
    pub fn of(index: usize) -> Self {
        [Self::Git, Self::Docker, Self::Token][index % 3]
    }

    /// What this way asks for the token of `service`, and what goes to its stdin.
    pub fn ask(self, user: &User, service: &str) -> (Command, String) {
        let (program, args, input): (_, &[&str], _) = match self {
            Self::Git => {
                ("git-credential-scalekit", &["get"], format!("protocol=https\nhost={service}.example.com\n\n"))
            }
            Self::Docker => ("docker-credential-scalekit", &["get"], format!("{service}.example.com")),
            Self::Token => ("scalekit-auth", &["token", service, "--json"], String::new()),
        };
        let mut command = user.command(program);
        command.args(args);
        (command, input)
    }

    /// The token in an answer.
    pub fn token(self, answer: &Finished) -> Option<String> {
        let json =
            |member: &str| Some(serde_json::from_str::<Value>(&answer.stdout).ok()?[member].as_str()?.to_owned());
        match self {
            Self::Git => answer.stdout.lines().find_map(|line| line.strip_prefix("password=")).map(str::to_owned),
            Self::Docker => json("Secret"),
            Self::Token => json("token"),
        }
    }

    /// What went wrong, in one line; the exit status is what it must be then.
    #[track_caller]
    pub fn failure(self, answer: &Finished, exit: i32) -> String {
        let (expected, stdout) = match self {
            Self::Git => (0, String::new()),
            Self::Docker => (1, "credentials not found in native keychain\n".to_owned()),
            Self::Token => (exit, answer.stdout.clone()),
        };
        assert_eq!((answer.code, answer.stdout.trim_end()), (Some(expected), stdout.trim_end()), "{answer:?}");
        if self == Self::Token {
            let object: Value = serde_json::from_str(&answer.stdout).unwrap();
            return object["message"].as_str().unwrap().to_owned();
        }
        assert_eq!(answer.stderr.lines().count(), 1, "{answer:?}");
        answer.stderr.trim_end().strip_prefix("scalekit-auth: ").unwrap().to_owned()
    }
}

/// A user with so many services `s0`, `s1`…, whose tokens are `token-of-s0`…
pub fn user(services: usize) -> User {
    let user = User::new();
    let mut document = Map::new();
    for index in 0..services {
        let (name, connection) = (format!("s{index}"), format!("x{index}"));
        user.world.seed(&connection, "GITHUB", &format!("token-of-{name}"));
        let hosts = json!([format!("{name}.example.com")]);
        document.insert(name, json!({"connection_name": connection, "identifier": "ada", "hosts": hosts}));
    }
    user.write_connections(&Value::Object(document).to_string());
    user
}

/// Runs `act` so many times at once, each with its number.
pub fn at_once<T: Send>(count: usize, act: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let start = Barrier::new(count);
    let act = |index| {
        start.wait();
        act(index)
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..count)
            .map(|index| {
                scope.spawn({
                    let act = &act;
                    move || act(index)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// Asks for the token of `service`, and tells how long that took.
pub fn ask(user: &User, way: Way, service: &str) -> (Finished, Duration) {
    let (mut command, input) = way.ask(user, service);
    let start = Instant::now();
    (finish(&mut command, &input), start.elapsed())
}

/// Asks and gets the token.
#[track_caller]
pub fn assert_served(user: &User, way: Way, service: &str) {
    let answer = ask(user, way, service).0.ok();
    assert_eq!(way.token(&answer), Some(format!("token-of-{service}")), "{answer:?}");
}

/// How often the vault was asked for a client token and for an account.
pub fn asked(user: &User) -> (u64, u64) {
    (user.world.count(TOKEN), user.world.count(AUTH))
}

pub fn delay(user: &User, route: &str, times: u32, millis: u64) {
    user.world.control(Control::Delay { route: Some(route.into()), times, millis });
}

/// A process whose request of `route` is under way, and whose answer takes so long.
pub fn held(user: &User, (mut command, input): (Command, String), route: &str, millis: u64) -> Killed {
    let before = user.world.count(route);
    delay(user, route, 1, millis);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = Killed(command.spawn().unwrap());
    std::io::Write::write_all(&mut child.0.stdin.take().unwrap(), input.as_bytes()).unwrap();
    until("the request is under way", || user.world.count(route) == before + 1);
    child
}

/// A process that is frozen while its request of `route` is under way, and for which the answer then lies ready.
pub fn frozen(user: &User, ask: (Command, String), route: &str) -> Killed {
    let child = held(user, ask, route, 700);
    child.signal("STOP");
    std::thread::sleep(Duration::from_millis(1000));
    child
}

/// What it leaves when it ends.
pub fn end(child: &mut Killed) -> Finished {
    let (mut stdout, mut stderr) = (String::new(), String::new());
    child.0.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
    child.0.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    Finished { code: child.0.wait().unwrap().code(), stdout, stderr }
}

/// How many processes stand in a queue at a lock of this user's.
pub fn queued(user: &User) -> usize {
    let Ok(entries) = std::fs::read_dir(user.world.path("run/scalekit-auth")) else { return 0 };
    let locks = entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with("flight-"));
    let inodes: Vec<String> = locks.map(|entry| format!(":{}", entry.metadata().unwrap().ino())).collect();
    let text = std::fs::read_to_string("/proc/locks").unwrap();
    let waits = |line: &&str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words[1] == "->" && inodes.iter().any(|inode| words.iter().any(|word| word.ends_with(inode)))
    };
    text.lines().filter(waits).count()
}
