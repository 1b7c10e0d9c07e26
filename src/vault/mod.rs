//! Scalekit's REST API over one connection: a client token, then what it opens.

mod accounts;
mod clients;
mod connections;
mod consent;
mod credential;
mod error;
mod http;
mod mcp;
mod probe;
mod proxy;
mod text;
mod wire;

use std::borrow::Cow;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use ::url::form_urlencoded;
use ureq::http::Method;

pub use accounts::{ConnectedAccount, Details, Facts, Selector, SharedAccount, Status, read_account};
pub use clients::{ApiClientRecord, ClientSecret, NewClient};
pub use connections::{Connection, Provider};
pub use consent::{MagicLink, Return};
pub use credential::NoCredential;
pub use error::{Error, Proxied, ProxyProblem, TlsCause};
pub use mcp::SessionToken;
pub use probe::Probe;
pub use proxy::{PROXY_HEADERS, ProxyCall};

use crate::clock;
use crate::error::plain;
use crate::secret::Secret;
use crate::shown;
// Programs that check tokens were told this path first.
use crate::service::ClientCredentials;
pub use crate::service::EnvironmentUrl;
pub(crate) use http::{Http, authorities, way_to};
pub use http::{Limit, MOST_AT_ONCE};
use http::{Reply, Request};
use wire::{ErrorReply, TokenReply};

/// For how long threads share the failure to get a client token, rather than fail one after another.
const FAILURE_HOLDS: Duration = Duration::from_secs(1);

/// What opens a vault, at the moment it is needed.
pub trait CredentialsSource: Send + Sync {
    /// The client credentials, which may have to be read from their home first.
    ///
    /// # Errors
    /// [`Error::Closed`] where they cannot be read.
    fn credentials(&self) -> Result<ClientCredentials, Error>;

    /// Whether reading them takes about as long as a connection does.
    fn takes_time(&self) -> bool {
        false
    }

    /// A client token: one that is cached and is not `refused`, else what `grant` gives.
    ///
    /// # Errors
    /// That of `grant`.
    fn client_token(
        &self,
        refused: Option<&Secret<String>>,
        grant: &dyn Fn() -> Result<Grant, Error>,
    ) -> Result<Secret<String>, Error>;
}

/// Client credentials at hand, and no place where a client token could rest.
impl CredentialsSource for ClientCredentials {
    fn credentials(&self) -> Result<ClientCredentials, Error> {
        Ok(self.clone())
    }

    fn client_token(
        &self,
        _: Option<&Secret<String>>,
        grant: &dyn Fn() -> Result<Grant, Error>,
    ) -> Result<Secret<String>, Error> {
        Ok(grant()?.token)
    }
}

/// One environment. Threads share the client token and the open connections.
pub struct Vault {
    http: Http,
    url: EnvironmentUrl,
    keys: Box<dyn CredentialsSource>,
    credentials: OnceLock<Result<ClientCredentials, Error>>,
    token: Mutex<Option<Granted>>,
}

/// What came of asking for a client token, and when.
struct Granted {
    outcome: Result<Secret<String>, Error>,
    at: Instant,
}

impl Granted {
    fn now(outcome: Result<Secret<String>, Error>) -> Self {
        Self { outcome, at: Instant::now() }
    }
}

/// What `/oauth/token` gave.
#[derive(Debug)]
pub struct Grant {
    /// The token, a JWT of Scalekit's.
    pub token: Secret<String>,
    /// How long it is good, in seconds, if that was said.
    pub lifetime: Option<i64>,
    /// What it may be used for, if that was said.
    pub scopes: Option<Vec<String>>,
}

impl Grant {
    /// When the token expires, in seconds since 1970, if that is known.
    pub fn expires_at(&self) -> Option<i64> {
        self.lifetime.map(|lifetime| clock::wall().saturating_add(lifetime))
    }
}

/// One call of the API.
struct Call<'a> {
    /// Method and path, for messages.
    route: &'static str,
    method: Method,
    path: Cow<'a, str>,
    query: &'a [(&'a str, &'a str)],
    body: Vec<u8>,
    repeatable: bool,
}

impl Call<'_> {
    fn new(route: &'static str, method: Method, path: &'static str) -> Self {
        Self { route, method, path: Cow::Borrowed(path), query: &[], body: Vec::new(), repeatable: true }
    }
}

impl Vault {
    /// Prepares to talk to the environment of `credentials`, within `limit`. Nothing is sent yet.
    pub fn new(credentials: ClientCredentials, limit: Limit) -> Result<Self, Error> {
        Self::opened_by(credentials.url.clone(), Box::new(credentials), limit)
    }

    /// Prepares to talk to the environment at `url`, which `keys` open, within `limit`. Nothing is read or sent yet.
    pub fn opened_by(url: EnvironmentUrl, keys: Box<dyn CredentialsSource>, limit: Limit) -> Result<Self, Error> {
        let http = Http::new(&url, limit)?;
        Ok(Self { http, url, keys, credentials: OnceLock::new(), token: Mutex::new(None) })
    }

    /// The same environment with other client credentials of it.
    pub fn reopened(&self, credentials: ClientCredentials) -> Result<Self, Error> {
        Ok(Self {
            http: self.http.again(&credentials.url)?,
            url: credentials.url.clone(),
            keys: Box::new(credentials),
            credentials: OnceLock::new(),
            token: Mutex::new(None),
        })
    }

    /// Whether it was opened with this client secret.
    pub fn has_secret(&self, secret: &Secret<String>) -> bool {
        self.credentials().is_ok_and(|known| known.client_secret.expose() == secret.expose())
    }

    fn credentials(&self) -> Result<&ClientCredentials, Error> {
        self.credentials.get_or_init(|| self.keys.credentials()).as_ref().map_err(Clone::clone)
    }

    /// Proves the client credentials. A refusal is final.
    pub fn prove(&self) -> Result<(), Error> {
        let token = self.grant(&[])?.token;
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = Some(Granted::now(Ok(token)));
        Ok(())
    }

    /// The client token that is there and not `refused`, or another one, which one thread asks for while the others wait.
    fn client_token(&self, refused: Option<&Secret<String>>) -> Result<Secret<String>, Error> {
        let mut known = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        match &*known {
            Some(Granted { outcome: Ok(token), .. })
                if refused.is_none_or(|refused| refused.expose() != token.expose()) =>
            {
                return Ok(token.clone());
            }
            Some(Granted { outcome: Err(error), at }) if at.elapsed() < FAILURE_HOLDS => return Err(error.clone()),
            _ => {}
        }
        let token = self.keys.client_token(refused, &|| self.grant(&[]));
        *known = Some(Granted::now(token.clone()));
        token
    }

    /// A token by client credentials: `POST /oauth/token` (RFC 6749, 4.4), the secret in the form body as in Scalekit's
    /// SDKs. Without scopes it has all that the client has.
    pub fn grant(&self, scopes: &[String]) -> Result<Grant, Error> {
        self.granted(&self.ask_for_grant(scopes)?)
    }

    fn ask_for_grant(&self, scopes: &[String]) -> Result<Reply, Error> {
        if self.credentials.get().is_none() && self.keys.takes_time() {
            self.http.connect_early(&self.url);
        }
        let credentials = self.credentials()?;
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials")
            .append_pair("client_id", &credentials.client_id)
            .append_pair("client_secret", credentials.client_secret.expose());
        if !scopes.is_empty() {
            form.append_pair("scope", &scopes.join(" "));
        }
        let body = Secret::new(form.finish());
        self.http.send(&Request {
            route: "POST /oauth/token",
            method: Method::POST,
            url: format!("{}/oauth/token", self.url),
            bearer: None,
            content_type: "application/x-www-form-urlencoded",
            body: body.expose().as_bytes(),
            repeatable: true,
        })
    }

    fn granted(&self, reply: &Reply) -> Result<Grant, Error> {
        if reply.status != 200 {
            let credentials = self.credentials()?;
            let (status, reason) = (reply.status, self.reason(&error_reply(reply), None));
            return Err(match status {
                400 | 401 | 403 => Error::Credentials { status, reason, origin: Box::new(credentials.origin.clone()) },
                _ => Error::Refused { route: "POST /oauth/token", status, reason },
            });
        }
        let unreadable = Error::Unreadable("POST /oauth/token");
        let reply: TokenReply = serde_json::from_slice(reply.body.expose()).map_err(|_| unreadable.clone())?;
        let granted = reply.scope.get().map(|scope| scope.split(' ').map(str::to_owned).collect());
        let token = credential::bearer(reply.access_token).ok_or(unreadable)?;
        Ok(Grant { token, lifetime: reply.expires_in, scopes: granted })
    }

    /// Sends `call` with the client token. A 401 that is about this token gets one new token and one repeat.
    fn call(&self, call: &Call<'_>) -> Result<Secret<Vec<u8>>, Error> {
        let mut token = self.client_token(None)?;
        let mut reply = self.send(call, &token)?;
        if reply.status == 401 && call.repeatable && is_about_client_token(&error_reply(&reply)) {
            token = self.client_token(Some(&token))?;
            reply = self.send(call, &token)?;
        }
        match reply.status {
            200..=299 => Ok(reply.body),
            status => Err(self.refusal(call.route, status, &error_reply(&reply), &token)),
        }
    }

    fn send(&self, call: &Call<'_>, token: &Secret<String>) -> Result<Reply, Error> {
        let mut url = format!("{}{}", self.url, call.path);
        if !call.query.is_empty() {
            let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(call.query).finish();
            url.push('?');
            url.push_str(&query);
        }
        self.http.send(&Request {
            route: call.route,
            method: call.method.clone(),
            url,
            bearer: Some(token),
            content_type: "application/json",
            body: &call.body,
            repeatable: call.repeatable,
        })
    }

    fn refusal(&self, route: &'static str, status: u16, reply: &ErrorReply, token: &Secret<String>) -> Error {
        match (status, reply.error_code()) {
            // INTERNAL_ERROR: Scalekit's Java client documents this spelling of a missing account.
            (404, Some("RESOURCE_NOT_FOUND" | "INTERNAL_ERROR")) => Error::NotFound,
            (409, _) | (400, Some("RESOURCE_ALREADY_EXISTS")) => Error::Exists,
            (403, Some("CONNECTION_NOT_ENABLED")) => Error::NotEnabled,
            _ => Error::Refused { route, status, reason: self.reason(reply, Some(token)) },
        }
    }

    /// What the reply says, as `, code: message`. Cut out are our own secrets, should a server have echoed them, what the reply calls
    /// a credential, and what looks like a token.
    fn reason(&self, reply: &ErrorReply, token: Option<&Secret<String>>) -> String {
        let code = reply.error_code().or(reply.error.get());
        let message = reply.message.get().or(reply.error_description.get());
        let mut text = String::new();
        for part in [code, message].into_iter().flatten() {
            text.push_str(if text.is_empty() { ", " } else { ": " });
            text.push_str(part);
        }
        let own = self.credentials.get().and_then(|read| read.as_ref().ok());
        let secrets = [own.map(|credentials| &credentials.client_secret), token].into_iter().flatten();
        let secrets = secrets.chain(&reply.secrets).map(Secret::expose);
        for secret in secrets.filter(|secret| !secret.is_empty()) {
            text = text.replace(secret, "[secret]");
        }
        plain(&shown::foreign(&text))
    }
}

/// The error in a reply; an empty one where the body is something else, such as a proxy's page.
fn error_reply(reply: &Reply) -> ErrorReply {
    ErrorReply::read(reply.body.expose())
}

/// Scalekit's own client does the same: other codes on a 401 are about the connected account.
fn is_about_client_token(reply: &ErrorReply) -> bool {
    matches!(reply.error_code(), None | Some("UNAUTHENTICATED"))
}
