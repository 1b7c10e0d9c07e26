//! What the bridge says to the remote server, and what of its answers it passes on.

use std::io::{self, BufReader, Read};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ureq::Body;
use ureq::http::{Method, Response, StatusCode};

use super::endpoint::{Endpoint, Field, Problem};
use super::events::{Event, Events};
use super::message::{About, STATELESS};
use super::parameters::Parameters;
use super::{LONGEST, Outbox};

/// How often a broken stream is taken up again before its request has failed.
const RESUMES: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

const SESSION: &str = "mcp-session-id";
const VERSION: &str = "mcp-protocol-version";
const LAST_EVENT: &str = "last-event-id";

/// What was agreed upon with the server.
#[derive(Default, Clone)]
struct Session {
    id: Option<String>,
    version: Option<String>,
}

/// One server, and what is known of it.
pub(super) struct Server {
    endpoint: Endpoint,
    session: Mutex<Session>,
    parameters: Mutex<Parameters>,
}

impl Server {
    /// The server behind `endpoint`, before any message.
    pub(super) fn new(endpoint: Endpoint) -> Self {
        Self { endpoint, session: Mutex::default(), parameters: Mutex::default() }
    }

    /// Sends one message of the client's, and passes on what comes of it.
    pub(super) fn post(&self, text: &[u8], about: Option<&About>, out: &Outbox) -> Result<(), Problem> {
        let mut headers =
            vec![field("content-type", "application/json"), field("accept", "application/json, text/event-stream")];
        match about {
            Some(about) if about.is_stateless() => {
                headers.extend(about.mirrored().into_iter().map(|(name, value)| (name.into(), value)));
                if let (Some("tools/call"), Some(tool)) = (about.method.as_deref(), &about.name) {
                    let arguments = self.parameters().headers(tool, text);
                    headers.extend(arguments.into_iter().map(|(name, value)| (name.into(), value)));
                }
            }
            Some(about) if about.method.as_deref() == Some("initialize") => *self.session() = Session::default(),
            _ => headers.extend(self.session_headers()),
        }
        let response = self.exchange(&Method::POST, &headers, text)?;
        self.take(response, about, out)
    }

    /// Passes on what the server says on its own account, as long as it does (revisions up to 2025-11-25).
    pub(super) fn listen(&self, out: &Outbox) {
        let mut pause = FIRST_PAUSE;
        let mut last: Option<String> = None;
        loop {
            let began = Instant::now();
            let session = self.session_headers();
            let mut headers = vec![field("accept", "text/event-stream")];
            headers.extend(session.iter().cloned().chain(last.as_deref().map(|id| field(LAST_EVENT, id))));
            match self.exchange(&Method::GET, &headers, b"") {
                Ok(response) if is_stream(&response) => {
                    let mut events = Events::new(BufReader::new(response.into_body().into_reader()), LONGEST);
                    while let Some(Ok(Event { data, .. })) = events.next() {
                        out.send(data);
                    }
                    last = events.id().map(str::to_owned).or(last);
                }
                // There is no such stream, or no session any more.
                Ok(response) if response.status().is_client_error() => return,
                Err(Problem::SessionEnded) => return,
                _ => {}
            }
            if self.session_headers() != session {
                return;
            }
            pause = if began.elapsed() > LONGEST_PAUSE { FIRST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
            std::thread::sleep(pause);
        }
    }

    /// Ends the session; whatever the server says to that.
    pub(super) fn end(&self) {
        if self.session().id.is_some() {
            let _ = self.exchange(&Method::DELETE, &self.session_headers(), b"");
        }
    }

    /// Whether the server may have something to say of its own: after an initialization in a revision with sessions.
    pub(super) fn has_sessions(&self) -> bool {
        self.session().version.as_deref().is_some_and(|version| version < STATELESS)
    }

    fn session(&self) -> std::sync::MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn session_headers(&self) -> Vec<Field> {
        let Session { id, version } = self.session().clone();
        let fields = [(SESSION, id), (VERSION, version)].into_iter();
        fields.filter_map(|(name, value)| Some((name.into(), value?))).collect()
    }

    fn parameters(&self) -> std::sync::MutexGuard<'_, Parameters> {
        self.parameters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One request with a token. A session that the server knows no more is over.
    fn exchange(&self, method: &Method, headers: &[Field], body: &[u8]) -> Result<Response<Body>, Problem> {
        let response = self.endpoint.exchange(method, headers, body)?;
        if response.status() == StatusCode::NOT_FOUND && headers.iter().any(|(name, _)| *name == SESSION) {
            *self.session() = Session::default();
            return Err(Problem::SessionEnded);
        }
        Ok(response)
    }

    /// Passes on the answer to a message.
    fn take(&self, response: Response<Body>, about: Option<&About>, out: &Outbox) -> Result<(), Problem> {
        let is_initialize = about.is_some_and(|about| about.method.as_deref() == Some("initialize"));
        if is_initialize {
            let id = response.headers().get(SESSION).and_then(|id| id.to_str().ok());
            self.session().id = id.map(str::to_owned);
        }
        let is_list = about.is_some_and(|about| about.is_stateless() && about.method.as_deref() == Some("tools/list"));
        let pass_on = |data: Vec<u8>| -> bool {
            let read = About::read(&data).ok().flatten();
            let answered = read.as_ref().zip(about.and_then(|about| about.id.as_deref()));
            let is_answer = answered.is_some_and(|(read, id)| read.answers(id));
            if is_initialize && is_answer {
                self.session().version = read.and_then(|read| read.version);
            }
            if is_list && is_answer {
                self.parameters().learn(&data);
            }
            out.send(data);
            is_answer
        };
        if is_stream(&response) {
            return self.follow(response, about, pass_on);
        }
        let status = response.status();
        let mut body = Vec::new();
        let read = response.into_body().into_reader().take(LONGEST as u64 + 1).read_to_end(&mut body);
        read.map_err(|error| Problem::Server(format!("{} broke off its answer: {error}", self.endpoint.origin())))?;
        if body.len() > LONGEST {
            return Err(Problem::Server(format!(
                "the answer of {} is larger than {LONGEST} bytes",
                self.endpoint.origin()
            )));
        }
        let is_message = !body.trim_ascii().is_empty() && About::read(&body).is_ok();
        match is_message {
            // An error of the server's own as well, if it says which request it is about.
            true if status.is_success()
                || About::read(&body).is_ok_and(|read| read.is_some_and(|r| r.id.is_some())) =>
            {
                pass_on(body);
                Ok(())
            }
            _ if status.is_success() && about.is_none_or(|about| !about.is_request()) => Ok(()),
            _ => Err(Problem::Server(format!("{} answered with status {}", self.endpoint.origin(), status.as_u16()))),
        }
    }

    /// Passes on the events of a stream up to the answer; a stream that breaks before is taken up again where the server said how.
    fn follow(
        &self,
        response: Response<Body>,
        about: Option<&About>,
        pass_on: impl Fn(Vec<u8>) -> bool,
    ) -> Result<(), Problem> {
        let is_waited_for = about.is_some_and(About::is_request);
        let mut is_answered = false;
        let mut response = response;
        let mut last = None;
        for attempt in 0.. {
            let mut events = Events::new(BufReader::new(response.into_body().into_reader()), LONGEST);
            while let Some(Ok(Event { data, .. })) = events.next() {
                if !data.is_empty() {
                    is_answered |= pass_on(data);
                }
            }
            last = events.id().map(str::to_owned).or(last);
            let Some(id) = last.clone().filter(|_| is_waited_for && !is_answered && attempt < RESUMES) else { break };
            std::thread::sleep(FIRST_PAUSE);
            let mut headers = vec![field("accept", "text/event-stream"), field(LAST_EVENT, &id)];
            headers.extend(self.session_headers());
            response = self.exchange(&Method::GET, &headers, b"")?;
            if !is_stream(&response) {
                break;
            }
        }
        match is_waited_for && !is_answered {
            true => Err(Problem::Server(format!("{} ended its stream without an answer", self.endpoint.origin()))),
            false => Ok(()),
        }
    }
}

fn field(name: &'static str, value: &str) -> Field {
    (name.into(), value.to_owned())
}

fn is_stream(response: &Response<Body>) -> bool {
    let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    response.status().is_success()
        && kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/event-stream"))
}

/// The error of a reader, for a caller that only wants to know that there is one.
pub(super) fn broken(error: &io::Error) -> String {
    format!("stdin cannot be read: {error}")
}
