//! The remote server's address: each request is one of its own, with a fresh token.

use std::borrow::Cow;
use std::time::Instant;

use ureq::Body;
use ureq::http::{Method, Response, StatusCode};

use crate::commands::found::{self, AccountToken};
use crate::commands::request::Request;
use crate::consent::Failure;
use crate::error::{Error, Kind};
use crate::header::Header;
use crate::refusals::{Refusals, Sent};
use crate::service::EnvironmentUrl;
use crate::target::Target;
use crate::vault::{Http, Limit};

/// A header of the transport's.
pub(super) type Field = (Cow<'static, str>, String);

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

/// Where the server is, and whose account is used there.
pub(super) struct Endpoint {
    url: String,
    origin: String,
    asked: Request,
    http: Http,
}

impl Endpoint {
    /// The server at `url`, which is `target`'s.
    pub(super) fn new(url: String, target: &Target, asked: Request) -> Result<Self, Error> {
        let origin = format!("{}://{}", target.scheme.name(), target.authority);
        let http = EnvironmentUrl::parse(&origin)
            .map_err(Error::from)
            .and_then(|origin| Ok(Http::new(&origin, Limit::Each(crate::TIME_LIMIT))?))?;
        Ok(Self { url, origin: target.authority.to_string(), asked, http })
    }

    /// Host and port.
    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    /// One request with a token. One that the server refuses is forgotten, and the request repeated once with another.
    pub(super) fn exchange(&self, method: &Method, own: &[Field], body: &[u8]) -> Result<Response<Body>, Problem> {
        let mut is_repeated = false;
        loop {
            let credential = self.credential()?;
            let headers: Vec<(&str, &str)> = own
                .iter()
                .map(|(name, value)| (name.as_ref(), value.as_str()))
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
            return Ok(response);
        }
    }

    fn credential(&self) -> Result<Credential, Failure> {
        let find = || {
            let broker = self.asked.broker(Instant::now() + crate::TIME_LIMIT)?;
            found::find(&broker, &self.asked, "mcp", |found| {
                let headers = found.headers()?;
                Ok(Credential { found, headers })
            })
        };
        // Another request may have learned, between the cache and us, that this token is refused. There is a newer one then.
        match find() {
            Err(Failure::Error(error)) if error.kind() == Kind::NeedsAuthorization => find(),
            found => found,
        }
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
}

/// A token, whose it is, and how it travels.
struct Credential {
    found: AccountToken,
    headers: Vec<Header>,
}

/// Whether the server wants another token: 401, or 403 that says so (RFC 6750, 3.1). Any other 403 is about what may be done.
fn is_refusal(status: StatusCode, response: &Response<Body>) -> bool {
    let mut challenges = response.headers().get_all("www-authenticate").iter().filter_map(|value| value.to_str().ok());
    status == StatusCode::UNAUTHORIZED
        || (status == StatusCode::FORBIDDEN && challenges.any(|challenge| challenge.contains("invalid_token")))
}
