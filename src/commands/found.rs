//! The road that `token`, `header` and `exec` share: from what was asked to a credential, and what JSON says of a failure.

use serde_json::{Value, json};

use super::request::Request;
use super::{note, print, print_json, warn_of_expiry};
use crate::audit::{Origin, Outcome};
use crate::broker::{Asked, Broker, Token, refused};
use crate::consent::{Failure, rfc3339};
use crate::error::{Error, Kind};
use crate::header::{self, Header};
use crate::refusals;
use crate::secret::Secret;
use crate::service::{Account, CredentialKind, Service};
use crate::suggest::Subject;

/// A credential, and whose it is.
pub(super) struct AccountToken {
    pub(super) service: Service,
    pub(super) account: Account,
    pub(super) token: Token,
    subject: Subject,
}

/// What `make` makes of the credential of the service and account asked for, by the command of this name.
pub(super) fn find<T>(
    broker: &Broker,
    asked: &Request,
    command: &'static str,
    make: impl FnOnce(AccountToken) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let (service, account) = asked.find_token(broker)?;
    let target = asked.target();
    let asked = Asked { command, target: target.as_ref(), service: &service, account: &account };
    broker.must_serve(asked)?;
    hand_out(broker, asked, broker.token(&service, &account), make)
}

/// What `make` makes of a credential. What becomes of it is written down before it leaves the program.
pub(super) fn hand_out<T>(
    broker: &Broker,
    asked: Asked<'_>,
    token: Result<Token, Failure>,
    make: impl FnOnce(AccountToken) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let made = token.and_then(|token| {
        let origin = token.origin();
        let found = AccountToken::new(broker, asked.service, asked.account.clone(), token)?;
        Ok((make(found)?, origin))
    });
    broker.record(asked, outcome(made.as_ref().map(|(_, origin)| *origin)));
    made.map(|(made, _)| made)
}

/// As the audit tells it.
pub(super) fn outcome(made: Result<Origin, &Failure>) -> Outcome {
    made.map_or_else(|failure| Outcome::Refused(failure.kind()), Outcome::Given)
}

impl AccountToken {
    /// Tells on stderr what is remarkable about the token, and keeps what the account says about its tenant. A token that
    /// a server refused a moment ago is not handed out.
    pub(super) fn new(broker: &Broker, service: &Service, account: Account, token: Token) -> Result<Self, Failure> {
        if refusals::is_refused(token.credential.secret().expose()) {
            return Err(refused(service, &broker.subject(service, &account)).into());
        }
        if token.is_past_expiry {
            warn_of_expiry(service);
        }
        if !token.refused_scopes.is_empty() {
            note(format!("the token of {} lacks the scopes {}", service.name, token.refused_scopes.join(", ")));
        }
        // Only a convenience for later: the token is as good where nothing can be written.
        for host in broker.learn(service, &account, &token.facts).unwrap_or_default() {
            note(format!("{host} is known as the host of {} from now on", account.identifier));
        }
        let subject = broker.subject(service, &account);
        Ok(Self { service: service.clone(), account, token, subject })
    }

    /// The token's type and the token; user name and password are none, and several headers are more than one.
    pub(super) fn token(&self) -> Result<(&'static str, &Secret<String>), Error> {
        let credential = &self.token.credential;
        if credential.is_pair() {
            return Err(Error::new(
                Kind::Usage,
                format!("{} has a user name and a password, not a token", self.service.name),
            )
            .next("let git use them: `git config --global credential.helper scalekit`"));
        }
        header::login(&self.service, credential).map_err(|error| self.shown(error))?;
        let token_type = if credential.kind == CredentialKind::Bearer { "Bearer" } else { "ApiKey" };
        Ok((token_type, credential.secret()))
    }

    /// The headers of a request.
    pub(super) fn headers(&self) -> Result<Vec<Header>, Error> {
        header::headers(&self.service, &self.token.credential).map_err(|error| self.shown(error))
    }

    /// The value of the one header `Authorization`.
    pub(super) fn authorization(&self) -> Result<Secret<String>, Error> {
        header::authorization(&self.service, &self.token.credential).map_err(|error| self.shown(error))
    }

    /// Whose token it is, as a command says it.
    pub(super) fn subject(&self) -> &Subject {
        &self.subject
    }

    fn shown(&self, error: header::Error) -> Error {
        error.shown(&self.service, &self.subject)
    }

    /// The object of `--json`: what every command says, with `own` in its place.
    pub(super) fn to_json(&self, own: &[(&str, Value)]) -> Secret<String> {
        let mut object = json!({
            "version": 1,
            "status": "ok",
            "service": self.service.name,
            "connection": self.service.connection,
            "identifier": self.account.identifier,
        });
        for (key, value) in own {
            object[*key] = value.clone();
        }
        object["expires_at"] = self.token.expires_at.map(rfc3339).into();
        Secret::new(object.to_string())
    }
}

/// Prints the answer and a newline. A failure is on stdout only as JSON, and an error in any case.
pub(super) fn print_answer(answer: Result<Secret<String>, Failure>, json: bool) -> Result<(), Error> {
    match answer {
        Ok(text) => print(&format!("{}\n", text.expose())),
        Err(failure) => {
            if json {
                print_json(failure.to_json())?;
            }
            Err(failure.into())
        }
    }
}

/// The object `headers`: each name with its value.
pub(super) fn to_json(headers: &[Header]) -> Value {
    headers.iter().map(|header| (header.name.clone(), Value::from(header.value.expose().as_str()))).collect()
}
