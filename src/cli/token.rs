//! `token`: a fresh token and a newline on stdout, nothing else.

use std::time::Instant;

use serde_json::{Value, json};

use super::{Asked, note, print, warn_of_expiry};
use crate::broker::Token;
use crate::config::Service;
use crate::consent::{Consent, Failure, rfc3339};
use crate::error::{Error, Kind};
use crate::resolve::Account;
use crate::secret::Secret;
use crate::vault::Credential;

/// Print a fresh token for a service, URL or host
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    asked: Asked,
    /// Print a JSON object with token, type and expiry; failures too
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, deadline: Instant) -> Result<(), Error> {
    let outcome = find(arguments, deadline);
    match outcome {
        Ok(found) if arguments.json => print(&format!("{}\n", found.to_json()?.expose())),
        Ok(found) => print(&format!("{}\n", found.token()?.1.expose())),
        Err(failure) => {
            let description = failure_to_json(&failure);
            if arguments.json {
                print(&format!("{description}\n"))?;
            }
            Err(failure.into())
        }
    }
}

struct Found {
    service: Service,
    account: Account,
    token: Token,
}

fn find(arguments: &Arguments, deadline: Instant) -> Result<Found, Failure> {
    let broker = arguments.asked.broker(deadline)?;
    let (service, account) = arguments.asked.find(&broker)?;
    let token = broker.token(service, &account)?;
    if token.looks_expired {
        warn_of_expiry(service);
    }
    // Only a convenience for later: the token is as good where nothing can be written.
    for host in broker.learn(service, &account, &token.facts).unwrap_or_default() {
        note(format!("{host} is known as the host of {} from now on", account.identifier));
    }
    let found = Found { service: service.clone(), account, token };
    // A failure to print is a failure of the whole, also for --json.
    found.token()?;
    Ok(found)
}

impl Found {
    /// The token's type and the token; user name and password are none.
    fn token(&self) -> Result<(&'static str, &Secret<String>), Error> {
        match &self.token.credential {
            Credential::Bearer(token) => Ok(("Bearer", token)),
            Credential::ApiKey(key) => Ok(("ApiKey", key)),
            Credential::Basic { .. } => Err(Error::new(
                Kind::Usage,
                format!("{} has a user name and a password, not a token", self.service.name),
            )
            .next("let git use them: `git config --global credential.helper scalekit`")),
        }
    }

    fn to_json(&self) -> Result<Secret<String>, Error> {
        let (token_type, token) = self.token()?;
        let object = json!({
            "version": 1,
            "status": "ok",
            "service": self.service.name,
            "connection": self.service.connection,
            "identifier": self.account.identifier,
            "token": token.expose(),
            "token_type": token_type,
            "expires_at": self.token.expires_at.map(rfc3339),
        });
        Ok(Secret::new(object.to_string()))
    }
}

fn failure_to_json(failure: &Failure) -> Value {
    match failure {
        Failure::Error(error) => json!({
            "version": 1, "status": "error", "code": error.kind().code(), "message": error.line(),
        }),
        Failure::Consent(consent) => consent_to_json(consent),
    }
}

/// The object for an account that a person must grant or renew; protocol.md describes it.
pub(super) fn consent_to_json(consent: &Consent) -> Value {
    let Consent { service, connection, identifier, status, link } = consent;
    json!({
        "version": 1,
        "status": "needs_authorization",
        "service": service,
        "connection": connection,
        "identifier": identifier,
        "account_status": status.word(),
        "link": link.as_ref().ok().map(|link| link.link.as_str()),
        "expires_at": link.as_ref().ok().and_then(|link| link.expires_at).map(rfc3339),
        "message": crate::error::plain(&consent.message()),
    })
}
