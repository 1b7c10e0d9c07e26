//! Scalekit's REST API over one connection: a client token, then what it opens.

mod accounts;
mod clients;
mod connections;
mod consent;
mod credential;
mod error;
mod http;
mod text;
mod url;
mod wire;

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

use ::url::form_urlencoded;
use ureq::http::Method;

pub use accounts::{ConnectedAccount, Details, Facts, Selector, Status, read_account};
pub use clients::{ApiClient, ClientSecret, NewClient};
pub use connections::{Connection, Provider};
pub use consent::{MagicLink, Return};
pub use credential::{Credential, NoCredential};
pub use error::Error;
pub use url::{EnvironmentUrl, UrlError};

use crate::error::plain;
use crate::secret::Secret;
use crate::store::ClientCredentials;
pub(crate) use http::Http;
pub use http::Limit;
use http::{Reply, Request};
use wire::{ErrorReply, TokenReply};

/// One environment, opened with its client credentials. Threads share the client token and the open connections.
pub struct Vault {
    http: Http,
    credentials: ClientCredentials,
    token: Mutex<Option<Secret<String>>>,
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
        Ok(Self { http: Http::new(&credentials.url, limit)?, credentials, token: Mutex::new(None) })
    }

    /// The same environment with other client credentials of it.
    pub fn reopened(&self, credentials: ClientCredentials) -> Result<Self, Error> {
        Ok(Self { http: self.http.again(&credentials.url)?, credentials, token: Mutex::new(None) })
    }

    /// Whether it was opened with this client secret.
    pub fn has_secret(&self, secret: &Secret<String>) -> bool {
        self.credentials.client_secret.expose() == secret.expose()
    }

    /// Proves the client credentials. A refusal is final.
    pub fn prove(&self) -> Result<(), Error> {
        self.client_token().map(drop)
    }

    fn client_token(&self) -> Result<Secret<String>, Error> {
        let token = self.grant(&[])?.token;
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = Some(token.clone());
        Ok(token)
    }

    /// A token by client credentials: `POST /oauth/token` (RFC 6749, 4.4), the secret in the form body as in Scalekit's
    /// SDKs. Without scopes it has all that the client has.
    pub fn grant(&self, scopes: &[String]) -> Result<Grant, Error> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials")
            .append_pair("client_id", &self.credentials.client_id)
            .append_pair("client_secret", self.credentials.client_secret.expose());
        if !scopes.is_empty() {
            form.append_pair("scope", &scopes.join(" "));
        }
        let body = Secret::new(form.finish());
        let reply = self.http.send(&Request {
            method: Method::POST,
            url: format!("{}/oauth/token", self.credentials.url),
            bearer: None,
            content_type: "application/x-www-form-urlencoded",
            body: body.expose().as_bytes(),
            repeatable: true,
        })?;
        if reply.status != 200 {
            let (status, reason) = (reply.status, self.reason(&error_reply(&reply), None));
            return Err(match status {
                400 | 401 | 403 => Error::Credentials { status, reason },
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
        let known = self.token.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut token = known.map_or_else(|| self.client_token(), Ok)?;
        let mut reply = self.send(call, &token)?;
        if reply.status == 401 && call.repeatable && is_about_client_token(&error_reply(&reply)) {
            token = self.client_token()?;
            reply = self.send(call, &token)?;
        }
        match reply.status {
            200..=299 => Ok(reply.body),
            status => Err(self.refusal(call.route, status, &error_reply(&reply), &token)),
        }
    }

    fn send(&self, call: &Call<'_>, token: &Secret<String>) -> Result<Reply, Error> {
        let mut url = format!("{}{}", self.credentials.url, call.path);
        if !call.query.is_empty() {
            let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(call.query).finish();
            url.push('?');
            url.push_str(&query);
        }
        self.http.send(&Request {
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

    /// What the reply says, as `, code: message`; our own secrets are cut out, should a server have echoed them.
    fn reason(&self, reply: &ErrorReply, token: Option<&Secret<String>>) -> String {
        let code = reply.error_code().or(reply.error.get());
        let message = reply.message.get().or(reply.error_description.get());
        let mut text = String::new();
        for part in [code, message].into_iter().flatten() {
            text.push_str(if text.is_empty() { ", " } else { ": " });
            text.push_str(part);
        }
        let secrets = [Some(&self.credentials.client_secret), token];
        for secret in secrets.into_iter().flatten().map(Secret::expose).filter(|secret| !secret.is_empty()) {
            text = text.replace(secret, "[secret]");
        }
        plain(&text)
    }
}

/// The error in a reply; an empty one where the body is something else, such as a proxy's page.
fn error_reply(reply: &Reply) -> ErrorReply {
    serde_json::from_slice(reply.body.expose()).unwrap_or_default()
}

/// Scalekit's own client does the same: other codes on a 401 are about the connected account.
fn is_about_client_token(reply: &ErrorReply) -> bool {
    matches!(reply.error_code(), None | Some("UNAUTHENTICATED"))
}
