//! One link of the chain, and what was found about it.

use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::error::{Error, Kind, plain};
use crate::suggest;

/// How a link is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Ok,
    /// It works, and something about it is worth to be known.
    Note,
    Broken(Kind),
    /// It could not be looked at, or there is nothing to look at.
    Skipped,
}

/// One link.
#[derive(Debug)]
pub(super) struct Check {
    name: &'static str,
    state: State,
    found: String,
    next: Option<String>,
}

impl Check {
    pub(super) fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, state: State::Ok, found: found.into(), next: None }
    }

    pub(super) fn note(name: &'static str, found: impl Into<String>, next: impl Into<String>) -> Self {
        Self { name, state: State::Note, found: found.into(), next: Some(next.into()) }
    }

    pub(super) fn skipped(name: &'static str, why: impl Into<String>) -> Self {
        Self { name, state: State::Skipped, found: why.into(), next: None }
    }

    /// Skipped since the link `cause` is broken.
    pub(super) fn behind(name: &'static str, cause: &str) -> Self {
        Self::skipped(name, format!("not looked at, since the link {cause} is broken"))
    }

    pub(super) fn broken(name: &'static str, error: &Error) -> Self {
        let [what, why, next] = error.parts();
        let found = if why.is_empty() { what.to_owned() } else { format!("{what}: {why}") };
        let next = match (next, error.kind()) {
            ("", Kind::VaultRefused) => {
                format!("{} shows whether it lasts; if it does, ask Scalekit with this report", suggest::status_check())
            }
            ("", _) => format!("correct that, then {}", suggest::doctor()),
            (next, _) => next.to_owned(),
        };
        Self { name, state: State::Broken(error.kind()), found, next: Some(next) }
    }

    /// The same where no tool and no token depends on the link.
    pub(super) fn or_note(self) -> Self {
        match self.state {
            State::Broken(_) => Self { state: State::Note, ..self },
            _ => self,
        }
    }

    /// The link.
    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// What kind of failure it is, if it is broken.
    pub(super) fn failure(&self) -> Option<Kind> {
        match self.state {
            State::Broken(kind) => Some(kind),
            _ => None,
        }
    }

    /// The error that tells about this link, if it is broken.
    pub(super) fn error(&self) -> Option<Error> {
        let error = Error::new(self.failure()?, format!("the link {} is broken", self.name)).why(&self.found);
        Some(match &self.next {
            Some(next) => error.next(next),
            None => error,
        })
    }

    fn word(&self) -> &'static str {
        match self.state {
            State::Ok => "ok",
            State::Note => "note",
            State::Broken(_) => "broken",
            State::Skipped => "skipped",
        }
    }

    pub(super) fn to_json(&self) -> Value {
        let next = self.next.as_deref().map(plain);
        json!({"name": self.name, "state": self.word(), "found": plain(&self.found), "next": next})
    }

    pub(super) fn to_text(&self) -> String {
        let next = self.next.iter().map(|next| format!("{:<27}next: {}\n", "", plain(next)));
        format!("{:<8} {:<17} {}\n", self.word(), self.name, plain(&self.found)) + &next.collect::<String>()
    }
}

/// Work that something broken could hold up: it is left behind when the time is over, and ends with the process.
pub(super) struct Pending<T>(Receiver<T>);

impl<T: Send + 'static> Pending<T> {
    pub(super) fn start(work: impl FnOnce() -> T + Send + 'static) -> Self {
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            // Nobody listens after the time is over.
            let _ = sender.send(work());
        });
        Self(receiver)
    }

    /// What it gave, if that is there by then.
    pub(super) fn by(self, until: Instant) -> Option<T> {
        self.0.recv_timeout(until.saturating_duration_since(Instant::now())).ok()
    }
}

/// How long a local link may take.
pub(super) const LOCAL: Duration = Duration::from_secs(3);

/// The error of a link that took too long.
pub(super) fn too_slow(what: &str) -> Error {
    Error::new(Kind::Failed, format!("{what} took too long"))
        .why("a file on a disk that does not answer, a pipe, or a program that hangs")
}
