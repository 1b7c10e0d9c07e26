//! Requests to one host over one connection: time limit, size limit, no redirects, and the retries that are safe.

mod early;
mod names;
mod proxy;
mod roots;
mod tcp;
mod through;
mod tls;

use std::error::Error as _;
use std::time::{Duration, Instant};

use ureq::Agent;
use ureq::http::{self, HeaderMap};
use ureq::unversioned::transport::{ConnectProxyConnector, Connector as _, SocksConnector};

use super::{EnvironmentUrl, Error, Proxied, ProxyProblem, TlsCause};
use crate::clock;
use crate::secret::Secret;
use crate::trace::{self, step};
pub(super) use names::addresses;
pub(crate) use proxy::way_to;
pub(crate) use roots::authorities;

/// Requests under way at once, each on a connection of its own.
pub const MOST_AT_ONCE: usize = 8;
/// How long a connection may rest and be used again. Servers of node close theirs after 5 s, and what is sent in that moment is lost.
const IDLE: Duration = Duration::from_secs(4);
/// How long it may take to reach a server whose answers have no time limit.
const CONNECT: Duration = Duration::from_secs(10);
/// No real reply comes near this.
const LARGEST_REPLY: u64 = 1024 * 1024;
/// A second attempt to connect is not begun later than this after the first.
const CONNECT_AGAIN_WITHIN: Duration = Duration::from_secs(2);
/// How often a request is sent at most.
const ATTEMPTS: u32 = 4;
/// The first pause before a retry; it doubles, and a random half is taken off.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// Heads of requests and replies must fit. Each byte is set to zero first, so that a buffer costs its size.
const BUFFER: usize = 32 * 1024;
/// What must be left of the time limit for a retry to make sense.
const LEAST: Duration = Duration::from_millis(300);

/// One request. `repeatable` ones are sent again after 429, 502, 503, 504 and broken connections; what creates
/// something is not.
pub(crate) struct Request<'a> {
    /// Method and path, without what stands in the path and query.
    pub route: &'static str,
    pub method: http::Method,
    pub url: String,
    pub bearer: Option<&'a Secret<String>>,
    pub content_type: &'static str,
    pub body: &'a [u8],
    pub repeatable: bool,
}

/// A complete reply.
pub(crate) struct Reply {
    pub status: u16,
    pub body: Secret<Vec<u8>>,
    headers: HeaderMap,
    retry_after: Option<Duration>,
}

impl Reply {
    /// The first header of this name, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// How long requests may take.
#[derive(Debug, Clone, Copy)]
pub enum Limit {
    /// All of them together, until then.
    Until(Instant),
    /// Each one, retries included; for commands that wait for a person.
    Each(Duration),
}

/// How messages name a proxy.
struct ProxyName {
    name: String,
    variable: &'static str,
    login: String,
}

/// The client for one environment.
pub(crate) struct Http {
    agent: Agent,
    early: early::Early,
    host: String,
    /// The proxy between us, if there is one.
    proxy: Option<ProxyName>,
    limit: Limit,
}

impl Http {
    /// Prepares a client for `url`; no connection is made yet.
    pub fn new(url: &EnvironmentUrl, limit: Limit) -> Result<Self, Error> {
        let (proxy, name) = match proxy::to(url.authority())? {
            Some(proxy::Route { proxy, name, variable, login }) => {
                (Some(proxy), Some(ProxyName { name, variable, login }))
            }
            None => (None, None),
        };
        let config = Agent::config_builder()
            .proxy(proxy)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .no_delay(true)
            .input_buffer_size(BUFFER)
            .output_buffer_size(BUFFER)
            .max_idle_connections_per_host(MOST_AT_ONCE)
            .max_idle_age(IDLE)
            .user_agent(concat!("scalekit-auth/", env!("CARGO_PKG_VERSION")))
            .build();
        let connector =
            ().chain(through::Through::<ConnectProxyConnector>::default())
                .chain(through::Through::<SocksConnector>::default())
                .chain(tcp::TcpConnector)
                .chain(tls::TlsConnector::default());
        let early = early::Early::new(connector);
        let agent = Agent::with_parts(config, early.clone(), names::RememberingResolver::default());
        Ok(Self { agent, early, host: url.authority().to_string(), proxy: name, limit })
    }

    /// Begins to connect to `url`, which is of this host, while the caller waits for something else. Errors are told by the
    /// request that follows.
    pub fn connect_early(&self, url: &EnvironmentUrl) {
        if let (None, Ok(uri)) = (&self.proxy, url.as_str().parse()) {
            self.early.begin(self.agent.clone(), uri, self.left(Instant::now()));
        }
    }

    /// What a request that began at `start` has left.
    fn left(&self, start: Instant) -> Duration {
        match self.limit {
            Limit::Until(deadline) => deadline.saturating_duration_since(Instant::now()),
            Limit::Each(time) => (start + time).saturating_duration_since(Instant::now()),
        }
    }

    /// What anybody may read at `url`; `None` where nothing is there, or only a redirect.
    pub fn get(&self, route: &'static str, url: String) -> Result<Option<Reply>, Error> {
        let content_type = "application/json";
        let method = http::Method::GET;
        match self.send(&Request { route, method, url, bearer: None, content_type, body: &[], repeatable: true }) {
            Ok(reply) => Ok((reply.status == 200).then_some(reply)),
            Err(Error::Redirect) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sends one request and gives its answer as soon as its head is there, however long the body takes. Nothing is repeated.
    pub fn open(
        &self,
        method: http::Method,
        url: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<http::Response<ureq::Body>, Error> {
        let builder = http::Request::builder().method(method).uri(url);
        let builder = headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, *value));
        let ready = builder.body(body).map_err(|error| self.explain(error.into()))?;
        let config = self.agent.configure_request(ready).timeout_resolve(Some(CONNECT)).timeout_connect(Some(CONNECT));
        let answer = self.agent.run(config.allow_non_standard_methods(true).build());
        let answer = answer.map_err(|error| self.explain(error));
        match &answer {
            Ok(answer) => step!("request: to {}: status {}", self.host, answer.status().as_u16()),
            Err(error) => step!("request: to {}: {error}", self.host),
        }
        answer
    }

    /// Another client within the same limit.
    pub fn again(&self, url: &EnvironmentUrl) -> Result<Self, Error> {
        Self::new(url, self.limit)
    }

    /// Sends `request`, again where that is safe and there is time.
    pub fn send(&self, request: &Request<'_>) -> Result<Reply, Error> {
        let start = Instant::now();
        let left = || self.left(start);
        for attempt in 1.. {
            let began = Instant::now();
            let outcome = self.once(request, left());
            if trace::on().is_some() {
                self.trace(request, attempt, began, &outcome);
            }
            let pause = match &outcome {
                Ok(reply) if reply.status == 429 => reply.retry_after,
                Ok(reply) if matches!(reply.status, 502..=504) => Some(backoff(attempt)),
                Err(Error::Cut(_)) => Some(backoff(attempt)),
                Err(error) if is_worth_another(error) && attempt == 1 && start.elapsed() < CONNECT_AGAIN_WITHIN => {
                    names::forget();
                    Some(backoff(attempt))
                }
                _ => None,
            };
            match pause {
                Some(pause) if request.repeatable && attempt < ATTEMPTS && left().saturating_sub(LEAST) > pause => {
                    std::thread::sleep(pause);
                }
                _ => return self.judge(outcome?),
            }
        }
        unreachable!("the last attempt returns")
    }

    fn trace(&self, request: &Request<'_>, attempt: u32, began: Instant, outcome: &Result<Reply, Error>) {
        let (route, host, time) = (request.route, &self.host, began.elapsed().as_millis());
        match outcome {
            Ok(reply) => {
                let (status, id) = (reply.status, request_id(request, reply).unwrap_or("none"));
                step!(
                    "request: {route} at {host}, attempt {attempt}: status {status} after {time} ms, request id {id}"
                );
            }
            Err(error) => step!("request: {route} at {host}, attempt {attempt}: {error} after {time} ms"),
        }
    }

    /// Statuses that mean the same on every route.
    fn judge(&self, reply: Reply) -> Result<Reply, Error> {
        match reply.status {
            300..=399 => Err(Error::Redirect),
            429 => Err(Error::RateLimited(reply.retry_after.map(|wait| wait.as_secs()))),
            status @ 502..=504 => Err(Error::Unavailable { host: self.host.clone(), status }),
            _ => Ok(reply),
        }
    }

    fn once(&self, request: &Request<'_>, left: Duration) -> Result<Reply, Error> {
        let mut builder = http::Request::builder()
            .method(request.method.clone())
            .uri(&request.url)
            .header("accept", "application/json");
        if let Some(bearer) = request.bearer {
            builder = builder.header("authorization", format!("Bearer {}", bearer.expose()));
        }
        if !request.body.is_empty() {
            builder = builder.header("content-type", request.content_type);
        }
        let explain = |error| self.explain(error);
        if left.is_zero() {
            return Err(Error::Timeout(self.host.clone()));
        }
        let ready = builder.body(request.body).map_err(|error| explain(error.into()))?;
        let ready = self.agent.configure_request(ready).timeout_global(Some(left)).build();
        let mut response = self.agent.run(ready).map_err(explain)?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let body = response.body_mut().with_config().limit(LARGEST_REPLY).read_to_vec().map_err(explain)?;
        Ok(Reply { status, body: Secret::new(body), retry_after: retry_after(&headers), headers })
    }

    fn explain(&self, error: ureq::Error) -> Error {
        let host = self.host.clone();
        match error {
            ureq::Error::Timeout(_) => Error::Timeout(host),
            ureq::Error::ConnectionFailed => self.no_connection("the connection was refused"),
            ureq::Error::BodyExceedsLimit(limit) => Error::TooLarge(limit),
            ureq::Error::Io(error) => self.explain_io(&error),
            ureq::Error::Protocol(_) => Error::Cut(host),
            ureq::Error::Other(error) => match error.downcast::<names::NotFound>() {
                Ok(names) => Error::Lookup { host: self.named(names.host), reason: names.reason },
                Err(error) => match error.downcast::<through::AtProxy>() {
                    Ok(at_proxy) => self.explain_at_proxy(at_proxy.0),
                    Err(error) => self.no_connection(error),
                },
            },
            other => self.no_connection(other),
        }
    }

    fn explain_at_proxy(&self, error: ureq::Error) -> Error {
        match (&self.proxy, through::problem(&error)) {
            (Some(ProxyName { name, variable, login }), Some(problem)) => {
                let (proxy, login) = (name.clone(), login.clone());
                Error::Proxied(Box::new(Proxied { proxy, variable, login, problem }))
            }
            _ => self.explain(error),
        }
    }

    /// What is connected to is the proxy, if there is one.
    fn no_connection(&self, reason: impl ToString) -> Error {
        let host = match &self.proxy {
            Some(proxy) => format!("the proxy {}", proxy.name),
            None => self.host.clone(),
        };
        Error::Connect { host, reason: reason.to_string() }
    }

    /// A host that was looked up, which may be the proxy's.
    fn named(&self, host: String) -> String {
        match &self.proxy {
            Some(ProxyName { name, .. }) if name.starts_with(&format!("{host}:")) => {
                format!("{host} (the proxy {name})")
            }
            _ => host,
        }
    }

    fn explain_io(&self, error: &std::io::Error) -> Error {
        use std::io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkUnreachable, TimedOut};
        let host = self.host.clone();
        // ureq hands a failed handshake through as an I/O error around the TLS library's.
        let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        if let Some(tls) = tls {
            return Error::Tls { host, cause: handshake(tls) };
        }
        match error.kind() {
            TimedOut => Error::Timeout(host),
            ConnectionRefused | HostUnreachable | NetworkUnreachable => {
                self.no_connection(error.source().map_or_else(|| error.to_string(), ToString::to_string))
            }
            _ => Error::Cut(host),
        }
    }
}

/// Whether the next attempt to connect may end otherwise.
fn is_worth_another(error: &Error) -> bool {
    match error {
        Error::Connect { .. } | Error::Lookup { .. } => true,
        Error::Proxied(at) => matches!(at.problem, ProxyProblem::Foreign | ProxyProblem::Refused(_)),
        _ => false,
    }
}

/// Why a handshake failed. What a person can do something about is in our words.
fn handshake(error: &rustls::Error) -> TlsCause {
    use rustls::CertificateError::{
        BadSignature, Expired, ExpiredContext, NotValidForName, NotValidForNameContext, NotValidYet,
        NotValidYetContext, UnknownIssuer,
    };
    let problem = match error {
        rustls::Error::InvalidCertificate(problem) => problem,
        rustls::Error::General(text) if text == roots::NO_AUTHORITIES => {
            return TlsCause::NoAuthorities(roots::variables());
        }
        _ => return TlsCause::Other(error.to_string()),
    };
    let words = match problem {
        // A bad signature is that of another authority by the same name.
        UnknownIssuer | BadSignature => "its certificate is not from an authority that this machine trusts",
        Expired | ExpiredContext { .. } => "its certificate has expired, or this machine's clock is wrong",
        NotValidYet | NotValidYetContext { .. } => "its certificate is not valid yet, or this machine's clock is wrong",
        NotValidForName | NotValidForNameContext { .. } => return TlsCause::OtherName,
        _ => return TlsCause::Other(format!("its certificate is not valid ({problem})")),
    };
    TlsCause::Other(words.to_owned())
}

/// What the server calls the request, for its own people to find it again. A text that was sent there is not repeated.
fn request_id<'a>(request: &Request<'_>, reply: &'a Reply) -> Option<&'a str> {
    const LONGEST: usize = 128;
    let id = reply.header("x-request-id").filter(|id| !id.is_empty() && id.len() <= LONGEST)?;
    let holds = |sent: &[u8]| sent.windows(id.len()).any(|part| part == id.as_bytes());
    let is_sent = holds(request.body) || request.bearer.is_some_and(|bearer| holds(bearer.expose().as_bytes()));
    (!is_sent).then_some(id)
}

/// Doubles with each attempt; a random half is taken off, so that many processes do not come back together.
fn backoff(attempt: u32) -> Duration {
    use ring::rand::SecureRandom;
    let mut random = [0xff];
    // Without randomness the pause is merely not jittered.
    let _ = ring::rand::SystemRandom::new().fill(&mut random);
    let full = FIRST_PAUSE * 2u32.pow(attempt - 1);
    full / 2 + full / 2 * u32::from(random[0]) / 255
}

/// `Retry-After` as seconds or as a date (RFC 9110, 10.2.3).
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("retry-after")?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let wait = clock::of_http(text)? - clock::wall();
    Some(Duration::from_secs(wait.try_into().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let wait = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("retry-after", text.parse().unwrap());
            retry_after(&headers)
        };
        assert_eq!(wait("3"), Some(Duration::from_secs(3)));
        for past in ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"] {
            assert_eq!(wait(past), Some(Duration::ZERO), "{past}");
        }
        assert!(wait("Tue, 31 Dec 2999 23:59:59 GMT").unwrap() > Duration::from_secs(1_000_000));
        assert_eq!(wait("soon"), None);
    }
}
