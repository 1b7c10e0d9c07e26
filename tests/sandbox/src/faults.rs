//! Ordered misbehaviour, kept until a request comes along that it is meant for.

use std::time::Duration;

use crate::cut::Cut;

/// What happens to one reply.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// An error instead of the answer; the route's work is not done.
    Fail { status: u16, error_code: Option<String>, raw: Option<String>, retry_after: Option<String> },
    /// This text, with status 200; the route's work is not done.
    Garbage(String),
    /// Somewhere else; the route's work is not done.
    Redirect(String),
    /// The true answer, blown up to so many bytes.
    Oversize(usize),
    /// The true answer, broken off. `Cut::Body` stands for half of the body.
    Break(Break),
}

/// How an answer is broken off.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Break {
    BeforeReply,
    MidHeaders,
    MidBody,
    /// As `MidBody`, but with a proper end of the connection.
    Truncate,
}

impl Break {
    pub(crate) fn cut(self, body: usize) -> Cut {
        match self {
            Break::BeforeReply => Cut::BeforeReply,
            Break::MidHeaders => Cut::MidHeaders,
            Break::MidBody => Cut::Body { keep: body / 2, clean: false },
            Break::Truncate => Cut::Body { keep: body / 2, clean: true },
        }
    }
}

/// A queue of faults and one of delays: a slow failure is one of each.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    delays: Vec<Armed<Duration>>,
    replies: Vec<Armed<Fault>>,
}

#[derive(Debug)]
struct Armed<T> {
    /// None is every route.
    route: Option<String>,
    left: u32,
    what: T,
}

impl Faults {
    pub(crate) fn delay(&mut self, route: Option<String>, times: u32, delay: Duration) {
        self.delays.push(Armed { route, left: times, what: delay });
    }

    pub(crate) fn reply(&mut self, route: Option<String>, times: u32, fault: Fault) {
        self.replies.push(Armed { route, left: times, what: fault });
    }

    /// What is due for a request to `route`, oldest order first.
    pub(crate) fn take(&mut self, route: &str) -> (Option<Duration>, Option<Fault>) {
        (take(&mut self.delays, route), take(&mut self.replies, route))
    }
}

fn take<T: Clone>(queue: &mut Vec<Armed<T>>, route: &str) -> Option<T> {
    queue.retain(|armed| armed.left > 0);
    let due = queue.iter_mut().find(|armed| armed.route.as_deref().is_none_or(|meant| meant == route))?;
    due.left -= 1;
    Some(due.what.clone())
}
