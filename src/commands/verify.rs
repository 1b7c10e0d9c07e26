//! `verify`: whether a token that somebody brought is valid here, as an HTTP API would answer.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use serde_json::json;

use super::{note, print, print_json};
use crate::broker::not_logged_in;
use crate::consent::Failure;
use crate::consent::rfc3339;
use crate::error::{Error, Kind};
use crate::protocol::read_stdin;
use crate::service::EnvironmentUrl;
use crate::suggest;
use crate::vault::{self, Limit};
use crate::verify::{self, Claims, LONGEST_TOKEN, MOST_LEEWAY, USUAL_LEEWAY, Verifier};

/// Check a token that Scalekit issued: its signature, times, issuer, and what else you name
///
/// The token is read from stdin. The exit code is 0 where it is valid, 41 where an HTTP API would answer 401 (missing,
/// malformed, expired, of another issuer, not signed by the environment's keys) and 43 where it would answer 403 (valid, but
/// without the scope or of another organization).
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The environment that must have issued it
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// The URL that must have issued it, where no environment is configured
    #[arg(long, value_name = "URL", conflicts_with = "environment")]
    issuer: Option<String>,
    /// For whom it must be (`aud`); of several, one is enough
    #[arg(long, value_name = "A")]
    audience: Vec<String>,
    /// A scope that it must have; of several, all
    #[arg(long, value_name = "S")]
    scope: Vec<String>,
    /// The organization that it must belong to (`oid`)
    #[arg(long, value_name = "ORG")]
    org: Option<String>,
    /// By how many seconds clocks may differ
    #[arg(long, value_name = "SECONDS", default_value_t = USUAL_LEEWAY.as_secs(),
          value_parser = clap::value_parser!(u64).range(..=MOST_LEEWAY.as_secs()))]
    leeway: u64,
    /// Print a JSON object with all claims; refusals too
    #[arg(long)]
    json: bool,
    /// Every other process could read a token here; it is taken so that the message does not repeat it.
    #[arg(hide = true, value_name = "TOKEN")]
    token: Vec<std::ffi::OsString>,
}

pub(super) fn run(arguments: &Arguments, deadline: Instant) -> Result<(), Error> {
    match check(arguments, deadline) {
        Ok(claims) if arguments.json => print_json(json!({"version": 1, "status": "ok", "claims": claims.as_object()})),
        Ok(claims) => print(&in_words(&claims)),
        Err(error) => {
            if arguments.json {
                print_json(Failure::from(error.clone()).to_json())?;
            }
            Err(error)
        }
    }
}

fn check(arguments: &Arguments, deadline: Instant) -> Result<Claims, Error> {
    if !arguments.token.is_empty() {
        return Err(Error::new(Kind::Usage, "the token is no argument")
            .why("every process can read the arguments of every other one")
            .next(format!("hand it over on stdin: {}", suggest::verify().with_stdin())));
    }
    // The time that a person takes to paste a token is not the vault's.
    let mut verifier = verifier(arguments, deadline)?.limit(Limit::Each(crate::TIME_LIMIT)).keep_keys();
    verifier = verifier.leeway(Duration::from_secs(arguments.leeway));
    for audience in &arguments.audience {
        verifier = verifier.audience(audience);
    }
    if std::io::stdin().is_terminal() {
        note("waiting for the token on stdin; end it with Ctrl-D");
    }
    // Room for the newline that comes with most tokens.
    let input = read_stdin(LONGEST_TOKEN + 16)?;
    let token = std::str::from_utf8(input.expose()).map_err(|_| verify::Error::Malformed("it is not text"))?;
    let claims = verifier.verify(token.trim())?;
    for scope in &arguments.scope {
        claims.require(scope)?;
    }
    if let Some(organization) = &arguments.org {
        claims.require_organization(organization)?;
    }
    Ok(claims)
}

fn verifier(arguments: &Arguments, deadline: Instant) -> Result<Verifier, Error> {
    if let Some(issuer) = &arguments.issuer {
        let url = EnvironmentUrl::parse(issuer)
            .map_err(|error| Error::new(Kind::Usage, "the issuer is not the URL of an environment").why(error))?;
        return Ok(Verifier::new(url).issuer(issuer));
    }
    let broker = super::load(arguments.environment.as_deref(), deadline)?;
    // Half a set of variables is an error here as everywhere.
    broker.variables()?;
    let name = broker.active_environment();
    let url = broker.url_of(name).ok_or_else(|| {
        let error = not_logged_in(name);
        let verify = suggest::verify().option("--issuer", "URL");
        error.next(format!("{verify} needs no login; else {}", suggest::login(name)))
    })?;
    Ok(Verifier::new(EnvironmentUrl::parse(&url).map_err(vault::Error::from)?))
}

fn in_words(claims: &Claims) -> String {
    let mut text = format!("valid until {}", rfc3339(claims.expires_at()));
    let scopes = claims.scopes().join(" ");
    for (name, value) in [("subject", claims.subject()), ("organization", claims.organization())] {
        if let Some(value) = value {
            text.push_str(&format!(", {name} {value}"));
        }
    }
    if !scopes.is_empty() {
        text.push_str(&format!(", scopes {scopes}"));
    }
    format!("{}\n", crate::error::plain(&text))
}
