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
    /// The port in the proxy variable cannot be one.
    #[error("the port in {0} is not a number from 1 to 65535")]
    ProxyPort(&'static str),
    /// The proxy took the connection, and leads nowhere.
    #[error("the proxy {} {}", .0.proxy, .0.problem)]
    Proxied(Box<Proxied>),
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
    #[error("no trusted TLS connection to {host}: {}", cause.words(host))]
    Tls {
        /// Which host.
        host: String,
        /// Why.
        cause: TlsCause,
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

/// A proxy that took a connection, and leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxied {
    /// Which proxy, and of which variable.
    pub proxy: String,
    /// The variable.
    pub variable: &'static str,
    /// How the variable names a user and a password.
    pub login: String,
    /// What it does.
    pub problem: ProxyProblem,
}

/// What a proxy does in the place of its task.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProxyProblem {
    /// It says nothing.
    #[error("did not answer in time")]
    Silent,
    /// It speaks something else.
    #[error("does not answer as such a proxy does")]
    Foreign,
    /// It does not want to, or cannot.
    #[error("does not lead there ({0})")]
    Refused(String),
    /// It wants to know who asks, or does not know this user.
    #[error("wants a user name and a password that it knows ({0})")]
    Login(String),
}

/// Why a handshake was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsCause {
    /// There are no authorities to hold a certificate against; these variables name them, if any does.
    NoAuthorities(&'static str),
    /// The certificate is another host's.
    OtherName,
    /// Anything else, in words.
    Other(String),
}

impl TlsCause {
    fn words(&self, host: &str) -> String {
        match self {
            Self::NoAuthorities(_) => "no certificate of any authority can be read".to_owned(),
            Self::OtherName => format!("its certificate is for another host, and not valid for name {host}"),
            Self::Other(words) => words.clone(),
        }
    }

    /// What a person does about it.
    fn next(&self) -> String {
        match self {
            Self::NoAuthorities("") => "install the CA certificates of this system (ca-certificates)".to_owned(),
            Self::NoAuthorities(named) => format!("correct {named}, or unset it"),
            Self::OtherName => format!("check the environment URL: {} shows it", suggest::status()),
            Self::Other(_) => {
                "if a company proxy opens TLS, point SSL_CERT_FILE to its CA certificates; else check the environment URL"
                    .to_owned()
            }
        }
    }
}

impl From<Error> for Shown {
    fn from(error: Error) -> Self {
        let unreachable = || Shown::new(Kind::VaultUnreachable, "the vault cannot be reached").why(&error);
        let refused = || Shown::new(Kind::VaultRefused, "the vault refused").why(&error);
        let is_silent = matches!(error, Error::Lookup { .. } | Error::Connect { .. } | Error::Timeout(_));
        match &error {
            Error::Url(error) => error.clone().into(),
            Error::Proxy(_) | Error::ProxyPort(_) => unreachable().next("correct or unset it"),
            Error::Proxied(proxied) => {
                let Proxied { variable, login, problem, .. } = &**proxied;
                let next = match problem {
                    ProxyProblem::Login(_) => format!("set {login}"),
                    _ => format!("correct {variable} or unset it, then {}", suggest::status_check()),
                };
                unreachable().next(next).marked(Mark::OutOfReach)
            }
            Error::Lookup { .. }
            | Error::Connect { .. }
            | Error::Timeout(_)
            | Error::Cut(_)
            | Error::Unavailable { .. } => {
                let error = unreachable().next(format!(
                    "check the network, HTTPS_PROXY and the environment URL, then {}",
                    suggest::status_check()
                ));
                match is_silent {
                    true => error.marked(Mark::OutOfReach),
                    false => error,
                }
            }
            Error::Tls { cause, .. } => unreachable().next(cause.next()),
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
