//! What can go wrong between us and the vault.

use crate::error::{Error as Shown, Kind, Mark};
use crate::service::{CredentialsOrigin, UrlError};
use crate::suggest;

/// Why the vault gave no answer that can be used. The texts hold no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The environment URL cannot be used.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// The proxy variable is not the URL of a proxy that we can use.
    #[error("{0} is not the URL of an http or https proxy, nor of a SOCKS one")]
    Proxy(&'static str),
    /// There is no such host, or it could not be looked up.
    #[error("{}", match reason { Some(reason) => format!("cannot look up {host}: {reason}"), None => format!("no such host: {host}") })]
    Lookup {
        /// Which host, which may be a proxy's.
        host: String,
        /// What the system said, unless it was that there is no such host.
        reason: Option<String>,
    },
    /// The host, or the proxy before it, took no connection.
    #[error("no connection to {host}: {reason}")]
    Connect {
        /// Which host.
        host: String,
        /// What the system said.
        reason: String,
    },
    /// The certificate or the handshake was refused.
    #[error("no trusted TLS connection to {host}: {reason}")]
    Tls {
        /// Which host.
        host: String,
        /// What the TLS library said.
        reason: String,
    },
    /// The time limit passed.
    #[error("{0} did not answer in time")]
    Timeout(String),
    /// The connection broke before the reply was complete.
    #[error("{0} broke off the connection in mid-reply")]
    Cut(String),
    /// 502, 503 or 504, also after retries.
    #[error("{host} is unavailable (status {status})")]
    Unavailable {
        /// Which host.
        host: String,
        /// The HTTP status.
        status: u16,
    },
    /// 429 and no time left to wait.
    #[error("the vault limits the rate of requests{}", .0.map(|s| format!(" and asks to wait {s} s")).unwrap_or_default())]
    RateLimited(Option<u64>),
    /// More bytes than any real reply has.
    #[error("the reply is larger than {0} bytes")]
    TooLarge(u64),
    /// Not the JSON that was asked for.
    #[error("the reply to {0} cannot be read")]
    Unreadable(&'static str),
    /// A redirect, which is never followed.
    #[error("the vault answered with a redirect, which is not followed")]
    Redirect,
    /// There is no client token, for a reason that lies before the vault: the client credentials cannot be read, or another
    /// process has just been refused one.
    #[error("{}", .0.line())]
    Closed(Box<Shown>),
    /// `/oauth/token` refused.
    #[error("the client credentials were refused (status {status}{reason})")]
    Credentials {
        /// The HTTP status.
        status: u16,
        /// `, error: description` as far as the reply gave them.
        reason: String,
        /// Where they came from.
        origin: Box<CredentialsOrigin>,
    },
    /// 404 with `RESOURCE_NOT_FOUND`: no such account, or no such connection.
    #[error("the vault knows no such resource")]
    NotFound,
    /// 409, or 400 with `RESOURCE_ALREADY_EXISTS`.
    #[error("the resource exists already")]
    Exists,
    /// 403 with `CONNECTION_NOT_ENABLED`.
    #[error("the connection is not enabled in this environment")]
    NotEnabled,
    /// Any other refusal.
    #[error("the vault refused {route} (status {status}{reason})")]
    Refused {
        /// Method and path.
        route: &'static str,
        /// The HTTP status.
        status: u16,
        /// `, error_code: message` as far as the reply gave them.
        reason: String,
    },
}

impl From<Error> for Shown {
    fn from(error: Error) -> Self {
        let unreachable = || Shown::new(Kind::VaultUnreachable, "the vault cannot be reached").why(&error);
        let refused = || Shown::new(Kind::VaultRefused, "the vault refused").why(&error);
        let is_silent = matches!(error, Error::Lookup { .. } | Error::Connect { .. } | Error::Timeout(_));
        match &error {
            Error::Url(error) => error.clone().into(),
            Error::Proxy(_) => unreachable().next("correct or unset it"),
            Error::Lookup { .. }
            | Error::Connect { .. }
            | Error::Timeout(_)
            | Error::Cut(_)
            | Error::Unavailable { .. } => {
                let error = unreachable()
                    .next(format!("check the network, HTTPS_PROXY and the environment URL, then {}", suggest::status_check()));
                match is_silent {
                    true => error.marked(Mark::OutOfReach),
                    false => error,
                }
            }
            Error::Tls { .. } => unreachable().next(
                "if a company proxy opens TLS, point SSL_CERT_FILE to its CA certificates; else check the environment URL",
            ),
            Error::TooLarge(_) | Error::Unreadable(_) | Error::Redirect => {
                refused().next(format!("check that the environment URL is Scalekit's: {}", suggest::status()))
            }
            Error::RateLimited(_) => refused().next("wait, then try again"),
            Error::Credentials { origin, .. } => refused().next(suggest::correction(origin)),
            Error::NotEnabled => refused().next("enable it in the Scalekit dashboard, AgentKit > Connections"),
            Error::NotFound => {
                refused().next("compare the connection name with Scalekit dashboard, AgentKit > Connections")
            }
            Error::Exists | Error::Refused { .. } => refused(),
            Error::Closed(error) => (**error).clone(),
        }
    }
}
