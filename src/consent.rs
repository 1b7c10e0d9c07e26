//! When there is no token until a person acts: what they must do, in their words.

use serde_json::{Value, json};

use crate::clock;
use crate::error::{Error, Kind, plain};
use crate::service::Service;
use crate::suggest::Subject;
use crate::vault::{self, MagicLink, Status};

/// What a person must do before there is a token.
#[derive(Debug, Clone)]
pub struct Consent {
    /// The service asked for.
    pub service: String,
    /// Its connection name.
    pub connection: String,
    /// Whose account.
    pub identifier: String,
    /// The account's status.
    pub status: Status,
    /// The link, or why there is none.
    pub link: Result<MagicLink, NoLink>,
    /// Whose consent, as a command says it.
    pub subject: Subject,
}

/// Why there is no link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoLink {
    /// None was asked for: there is one from before.
    NotAsked,
    /// The vault gave none.
    Refused(vault::Error),
}

impl Consent {
    /// For the account of `service` in this state.
    pub fn new(
        service: &Service,
        identifier: &str,
        subject: Subject,
        status: Status,
        link: Result<MagicLink, NoLink>,
    ) -> Self {
        let (name, connection, identifier) = (service.name.clone(), service.connection.clone(), identifier.to_owned());
        Self { service: name, connection, identifier, status, link, subject }
    }

    /// The object for an account that a person must grant or renew; protocol.md describes it.
    pub fn to_json(&self) -> Value {
        let Self { service, connection, identifier, status, link, subject: _ } = self;
        json!({
            "version": 1,
            "status": "needs_authorization",
            "service": service,
            "connection": connection,
            "identifier": identifier,
            "account_status": status.word(),
            "link": link.as_ref().ok().map(|link| link.link.as_str()),
            "expires_at": link.as_ref().ok().and_then(|link| link.expires_at).map(rfc3339),
            "message": plain(&self.message_at(rfc3339)),
        })
    }

    /// One sentence for the person at the terminal.
    pub fn message(&self) -> String {
        self.message_at(clock::local)
    }

    /// The same for an agent to pass on, with the time as `time` writes it.
    fn message_at(&self, time: fn(i64) -> String) -> String {
        let Self { service, identifier, status, link, .. } = self;
        let state = match status {
            Status::Active => "it is ACTIVE and its consent can be renewed".to_owned(),
            Status::PendingAuth => "nobody has granted access yet".to_owned(),
            Status::Expired => "the consent has ended or could not be refreshed".to_owned(),
            Status::PendingVerification => "access was granted, but who granted it is not verified yet".to_owned(),
            Status::Disconnected => "the account was disconnected".to_owned(),
            Status::Other(word) => format!("the vault reports the status {word}"),
        };
        let ask = match link {
            Ok(MagicLink { link, expires_at }) => {
                let until = expires_at.map(|at| format!(" (valid until {})", time(at))).unwrap_or_default();
                format!("open {link}{until}")
            }
            Err(NoLink::NotAsked) => {
                format!("open the link from before, or ask for a new one: {}", self.subject.connect())
            }
            Err(NoLink::Refused(error)) => format!("the vault gave no link for it ({error})"),
        };
        format!("authorization needed for {service} (identifier {identifier}): {state}; {ask}")
    }
}

/// Why there is no token.
#[derive(Debug, Clone)]
pub enum Failure {
    /// A person must act.
    Consent(Box<Consent>),
    /// Anything else.
    Error(Error),
}

impl Failure {
    /// Which kind of failure it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Consent(_) => Kind::NeedsAuthorization,
            Self::Error(error) => error.kind(),
        }
    }

    /// The object that `--json` prints; protocol.md describes it.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Error(error) => {
                json!({"version": 1, "status": "error", "code": error.kind().code(), "message": error.line()})
            }
            Self::Consent(consent) => consent.to_json(),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<vault::Error> for Failure {
    fn from(error: vault::Error) -> Self {
        Self::Error(error.into())
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Error(error) => error,
            Failure::Consent(consent) => {
                let connect = consent.subject.connect();
                let next = match consent.link {
                    Ok(_) => format!("open the link, then try again (a new link: {connect})"),
                    Err(NoLink::NotAsked) => {
                        format!("{} goes on waiting", consent.subject.connect().word("--wait-only"))
                    }
                    Err(NoLink::Refused(_)) => format!("{connect} asks for a link and waits"),
                };
                Error::new(Kind::NeedsAuthorization, consent.message()).next(next)
            }
        }
    }
}

/// Seconds since 1970 as RFC 3339 in UTC.
pub fn rfc3339(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |time| time.to_string())
}
