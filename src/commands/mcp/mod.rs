//! `mcp`: a stdio MCP server that carries each message to a remote server with a fresh token, for clients that have no command for
//! headers. It is the one long-running mode of the program, started and ended by its client; it listens on no port.

mod endpoint;
pub mod events;
pub mod message;
pub mod parameters;
mod server;

use std::io::{self, BufRead, Write};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::request::{Access, AccountSelector};
use crate::commands::note;
use crate::error::{Error, Kind, without_secrets};
use crate::target::{Scheme, Target};
use crate::trace::step;
use endpoint::{Endpoint, Problem};
use message::{About, error, on_one_line};
use server::Server;

/// The largest message.
const LONGEST: usize = 16 * 1024 * 1024;
/// Requests under way at once; more wait for their turn.
const MOST_AT_ONCE: usize = 32;
/// What a thread needs for its calls.
const STACK: usize = 512 * 1024;
/// Once stdin is closed: for what is under way, and for the end of the session.
const LAST_ANSWERS: Duration = Duration::from_millis(400);
const LAST_REQUEST: Duration = Duration::from_millis(400);

/// JSON-RPC 2.0, 5.1, and the codes that it leaves to servers.
const PARSE_ERROR: i32 = -32700;
const INVALID_REQUEST: i32 = -32600;
const SERVER_ERROR: i32 = -32000;
const SESSION_ENDED: i32 = -32001;

/// Be the stdio MCP server for a remote one, with a fresh token for every message
///
/// MCP clients start it: {"command": "scalekit-auth", "args": ["mcp", "https://mcp.linear.app/mcp"]}. It ends when its stdin does.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The remote server
    url: String,
    #[command(flatten)]
    whose: AccountSelector,
    #[command(flatten)]
    access: Access,
}

/// stdout, which carries messages and nothing else.
pub(super) struct Outbox(Mutex<io::Stdout>);

impl Outbox {
    fn send(&self, message: Vec<u8>) {
        let mut line = on_one_line(message);
        line.push(b'\n');
        step!("answer: {} bytes", line.len());
        let mut stdout = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if stdout.write_all(&line).and_then(|()| stdout.flush()).is_err() {
            // The client is gone.
            std::process::exit(0);
        }
    }
}

/// What is shared by the threads.
struct Bridge {
    server: Server,
    out: Outbox,
    /// How many requests are under way.
    busy: Mutex<usize>,
    changed: Condvar,
}

pub(super) fn run(arguments: &Arguments, _: Instant) -> Result<(), Error> {
    let (target, url) = address(&arguments.url)?;
    let asked = arguments.whose.request(&arguments.url, arguments.access.read_only);
    let server = Server::new(Endpoint::new(url, &target, asked)?);
    let out = Outbox(Mutex::new(io::stdout()));
    let bridge = Arc::new(Bridge { server, out, busy: Mutex::new(0), changed: Condvar::new() });
    let mut input = io::stdin().lock();
    loop {
        match line(&mut input) {
            Ok(Line::Message(text)) => bridge.take(text),
            Ok(Line::TooLong) => {
                let what = format!("a message is longer than {LONGEST} bytes");
                bridge.out.send(error(None, INVALID_REQUEST, &what, None));
            }
            Ok(Line::End) => break,
            Err(reason) => {
                note(server::broken(&reason));
                break;
            }
        }
    }
    bridge.end();
    step!("exit: status 0");
    std::process::exit(0)
}

/// The URL as it is called: without user name and fragment.
fn address(text: &str) -> Result<(Target, String), Error> {
    let wrong = |why: &dyn std::fmt::Display| {
        Error::new(Kind::Usage, format!("{:?} is no URL of an MCP server", without_secrets(text))).why(why)
    };
    let (target, _) = Target::from_url(text).map_err(|error| wrong(&error))?;
    let is_open = target.scheme == Scheme::Http && !target.authority.is_loopback();
    if target.scheme.is_mail() || is_open {
        return Err(wrong(&"only https is called, and http on this machine"));
    }
    let rest = text.split_once("://").map_or("", |(_, rest)| rest);
    let rest = rest[rest.find(['/', '?', '#']).unwrap_or(rest.len())..].split('#').next().unwrap_or_default();
    let slash = if rest.starts_with('/') { "" } else { "/" };
    let url = format!("{}://{}{slash}{rest}", target.scheme.name(), target.authority);
    Ok((target, url))
}

enum Line {
    Message(Vec<u8>),
    TooLong,
    End,
}

/// The next line of stdin that is not empty.
fn line(input: &mut impl BufRead) -> io::Result<Line> {
    let mut text = Vec::new();
    let mut is_too_long = false;
    loop {
        let buffer = match input.fill_buf() {
            Ok(buffer) => buffer,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if buffer.is_empty() {
            // What has no end was not meant to be sent, but a client may leave out the last one.
            return Ok(if text.trim_ascii().is_empty() { Line::End } else { Line::Message(text) });
        }
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let length = end.unwrap_or(buffer.len());
        if text.len() + length > LONGEST {
            is_too_long = true;
            text.clear();
        } else if !is_too_long {
            text.extend_from_slice(&buffer[..length]);
        }
        input.consume(end.map_or(length, |at| at + 1));
        match end {
            Some(_) if is_too_long => return Ok(Line::TooLong),
            Some(_) if !text.trim_ascii().is_empty() => return Ok(Line::Message(text)),
            _ => {}
        }
    }
}

impl Bridge {
    /// Takes one message of the client's. What sets up the session is waited for, since all else depends on it.
    fn take(self: &Arc<Self>, text: Vec<u8>) {
        let about = match About::read(&text) {
            Ok(about) => about,
            Err(_) => return self.out.send(error(None, PARSE_ERROR, "a line is no JSON-RPC message", None)),
        };
        let method = about.as_ref().and_then(|about| about.method.as_deref());
        if matches!(method, Some("initialize" | "notifications/initialized")) {
            let is_initialized = method == Some("notifications/initialized");
            self.carry(&text, about.as_ref());
            if is_initialized && self.server.has_sessions() {
                let bridge = self.clone();
                self.spawn(move || bridge.server.listen(&bridge.out));
            }
            return;
        }
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        while *busy >= MOST_AT_ONCE {
            busy = self.changed.wait(busy).unwrap_or_else(PoisonError::into_inner);
        }
        *busy += 1;
        drop(busy);
        let bridge = self.clone();
        self.spawn(move || {
            bridge.carry(&text, about.as_ref());
            *bridge.busy.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
            bridge.changed.notify_all();
        });
    }

    fn spawn(&self, work: impl FnOnce() + Send + 'static) {
        if let Err(reason) = std::thread::Builder::new().stack_size(STACK).spawn(work) {
            note(format!("no thread can be started: {reason}"));
            std::process::exit(1);
        }
    }

    /// Sends a message and passes on what comes of it. A request that fails gets an error, so that nobody waits for it.
    fn carry(&self, text: &[u8], about: Option<&About>) {
        let Err(problem) = self.server.post(text, about, &self.out) else { return };
        let (code, message, data) = match problem {
            Problem::SessionEnded => {
                (SESSION_ENDED, "the session has ended; restart the connection to this MCP server".to_owned(), None)
            }
            Problem::Server(what) => (SERVER_ERROR, what, None),
            Problem::Token(failure) => {
                let data = failure.to_json();
                (SERVER_ERROR, Error::from(failure).line(), Some(data))
            }
        };
        match about {
            Some(about) if about.is_request() => self.out.send(error(about.id.as_deref(), code, &message, data)),
            _ => note(message),
        }
    }

    /// Once stdin is closed: what is under way may end, and the session does.
    fn end(self: &Arc<Self>) {
        let until = Instant::now() + LAST_ANSWERS;
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        while *busy > 0 {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            busy = self.changed.wait_timeout(busy, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        drop(busy);
        let (told, ended) = std::sync::mpsc::channel();
        let bridge = self.clone();
        self.spawn(move || {
            bridge.server.end();
            let _ = told.send(());
        });
        let _ = ended.recv_timeout(LAST_REQUEST);
    }
}
