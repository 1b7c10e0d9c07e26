//! The remote server: each message a request of its own over streamable HTTP, with a fresh token.

use std::io::{self, BufReader, Read};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ureq::Body;
use ureq::http::{Method, Response, StatusCode};

use super::events::{Event, Events};
use super::message::{About, STATELESS};
use super::{LONGEST, Outbox};
use crate::commands::found::{self, AccountToken};
use crate::commands::request::Request;
use crate::consent::Failure;
use crate::error::{Error, Kind};
use crate::header::Header;
use crate::refusals::{Refusals, Sent};
use crate::service::EnvironmentUrl;
use crate::target::Target;
use crate::vault::{Http, Limit};

/// How often a broken stream is taken up again before its request has failed.
const RESUMES: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

const SESSION: &str = "mcp-session-id";
const VERSION: &str = "mcp-protocol-version";

/// Why a message got no answer from the server.
pub(super) enum Problem {
    /// No token can be had, or the server takes none.
    Token(Failure),
    /// The server, or the way to it.
    Server(String),
    /// The session has ended, and the client has to begin anew.
    SessionEnded,
}

impl From<crate::vault::Error> for Problem {
    fn from(error: crate::vault::Error) -> Self {
        Self::Server(error.to_string())
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        Self::Token(failure)
    }
}

/// What was agreed upon with the server.
#[derive(Default, Clone)]
struct Session {
    id: Option<String>,
    version: Option<String>,
}

/// One server, and whose account is used there.
pub(super) struct Server {
    url: String,
    origin: String,
    asked: Request,
    http: Http,
    session: Mutex<Session>,
}

impl Server {
    /// The server at `url`, which is `target`'s.
    pub(super) fn new(url: String, target: &Target, asked: Request) -> Result<Self, Error> {
        let origin = format!("{}://{}", target.scheme.name(), target.authority);
        let http = EnvironmentUrl::parse(&origin)
            .map_err(Error::from)
            .and_then(|origin| Ok(Http::new(&origin, Limit::Each(crate::TIME_LIMIT))?))?;
        Ok(Self { url, origin: target.authority.to_string(), asked, http, session: Mutex::default() })
    }

    /// Sends one message of the client's, and passes on what comes of it.
    pub(super) fn post(&self, text: &[u8], about: Option<&About>, out: &Outbox) -> Result<(), Problem> {
        let mut headers = vec![
            ("content-type", "application/json".to_owned()),
            ("accept", "application/json, text/event-stream".to_owned()),
        ];
        match about {
            Some(about) if about.is_stateless() => headers.extend(about.mirrored()),
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
            let headers = [("accept", "text/event-stream".to_owned())].into_iter();
            let headers = headers.chain(session.clone()).chain(last.clone().map(|id| ("last-event-id", id)));
            match self.exchange(&Method::GET, &headers.collect::<Vec<_>>(), b"") {
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

    fn session_headers(&self) -> Vec<(&'static str, String)> {
        let Session { id, version } = self.session().clone();
        [(SESSION, id), (VERSION, version)].into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// One request with a token. One that the server refuses is forgotten, and the request repeated once with another.
    fn exchange(
        &self,
        method: &Method,
        own: &[(&'static str, String)],
        body: &[u8],
    ) -> Result<Response<Body>, Problem> {
        let mut is_repeated = false;
        loop {
            let credential = self.credential()?;
            let headers: Vec<(&str, &str)> = own
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .chain(credential.headers.iter().map(|header| (header.name.as_str(), header.value.expose().as_str())))
                .collect();
            let response = self.http.open(method.clone(), &self.url, &headers, body)?;
            match response.status() {
                status if !is_refusal(status, &response) => {}
                _ if is_repeated => return Err(Problem::Token(self.refused(&credential.found).into())),
                _ => {
                    self.forget(&credential.found)?;
                    is_repeated = true;
                    continue;
                }
            }
            if response.status().is_redirection() {
                return Err(Problem::Server("the server redirects to another place, which gets no token".to_owned()));
            }
            let had_session = own.iter().any(|(name, _)| *name == SESSION);
            if response.status() == StatusCode::NOT_FOUND && had_session {
                *self.session() = Session::default();
                return Err(Problem::SessionEnded);
            }
            return Ok(response);
        }
    }

    fn credential(&self) -> Result<Credential, Failure> {
        let find = || {
            let broker = self.asked.broker(Instant::now() + crate::TIME_LIMIT)?;
            found::find(&broker, &self.asked)
        };
        // Another request may have learned, between the cache and us, that this token is refused. There is a newer one then.
        let found = match find() {
            Err(Failure::Error(error)) if error.kind() == Kind::NeedsAuthorization => find()?,
            found => found?,
        };
        let headers = found.headers()?;
        Ok(Credential { found, headers })
    }

    /// Takes note that the server refused this token, so that it is not handed out again.
    fn forget(&self, found: &AccountToken) -> Result<(), Failure> {
        let token = found.token.credential.secret();
        if let Some(mut refusals) = Refusals::open() {
            let sent = Sent { origin: &self.origin, path: None, scheme: "bearer", token: token.expose() };
            refusals.answered(&[&self.origin, &found.service.connection, &found.account.identifier], &sent);
            refusals.refused(&sent);
        }
        let broker = self.asked.broker(Instant::now() + crate::TIME_LIMIT)?;
        broker.evict(&found.service, |entry| entry.secret().expose() == token.expose());
        Ok(())
    }

    fn refused(&self, found: &AccountToken) -> Error {
        Error::new(Kind::NeedsAuthorization, format!("{} refused the token of {}", self.origin, found.service.name))
            .why("it refused the next one of the vault as well")
            .next(found.subject().after_refusal())
    }

    /// Passes on the answer to a message.
    fn take(&self, response: Response<Body>, about: Option<&About>, out: &Outbox) -> Result<(), Problem> {
        let is_initialize = about.is_some_and(|about| about.method.as_deref() == Some("initialize"));
        if is_initialize {
            let id = response.headers().get(SESSION).and_then(|id| id.to_str().ok());
            self.session().id = id.map(str::to_owned);
        }
        let pass_on = |data: Vec<u8>| -> bool {
            let read = About::read(&data).ok().flatten();
            let answered = read.as_ref().zip(about.and_then(|about| about.id.as_deref()));
            let is_answer = answered.is_some_and(|(read, id)| read.answers(id));
            if is_initialize && is_answer {
                self.session().version = read.and_then(|read| read.version);
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
        read.map_err(|error| Problem::Server(format!("{} broke off its answer: {error}", self.origin)))?;
        if body.len() > LONGEST {
            return Err(Problem::Server(format!("the answer of {} is larger than {LONGEST} bytes", self.origin)));
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
            _ => Err(Problem::Server(format!("{} answered with status {}", self.origin, status.as_u16()))),
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
            let headers = [("accept", "text/event-stream".to_owned()), ("last-event-id", id)].into_iter();
            response = self.exchange(&Method::GET, &headers.chain(self.session_headers()).collect::<Vec<_>>(), b"")?;
            if !is_stream(&response) {
                break;
            }
        }
        match is_waited_for && !is_answered {
            true => Err(Problem::Server(format!("{} ended its stream without an answer", self.origin))),
            false => Ok(()),
        }
    }
}

/// A token, whose it is, and how it travels.
struct Credential {
    found: AccountToken,
    headers: Vec<Header>,
}

fn is_stream(response: &Response<Body>) -> bool {
    let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    response.status().is_success()
        && kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/event-stream"))
}

/// Whether the server wants another token: 401, or 403 that says so (RFC 6750, 3.1). Any other 403 is about what may be done.
fn is_refusal(status: StatusCode, response: &Response<Body>) -> bool {
    let mut challenges = response.headers().get_all("www-authenticate").iter().filter_map(|value| value.to_str().ok());
    status == StatusCode::UNAUTHORIZED
        || (status == StatusCode::FORBIDDEN && challenges.any(|challenge| challenge.contains("invalid_token")))
}

/// The error of a reader, for a caller that only wants to know that there is one.
pub(super) fn broken(error: &io::Error) -> String {
    format!("stdin cannot be read: {error}")
}
