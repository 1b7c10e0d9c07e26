//! `token`: a fresh token and a newline on stdout, nothing else; or, with `--json`, all there is to know of one or several.

use std::time::Instant;

use serde_json::value::RawValue;

use super::found::{AccountToken, find, hand_out, print_answer};
use super::print;
use super::request::{Access, AccountSelector, Request};
use crate::broker::Asked;
use crate::consent::Failure;
use crate::error::{Error, Kind};
use crate::secret::Secret;
use crate::service::{Account, Service};
use crate::suggest::{self, Suggestion};

/// How the audit calls it.
const COMMAND: &str = "token";

/// Print a fresh token for a service, URL or host
///
/// Several need --json: a failure would shift the lines otherwise. They are asked for in one run, and the results stand in
/// the order asked.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A service (gmail), a host (api.github.com) or a URL (https://api.github.com/user)
    #[arg(required = true, value_name = "PLACE")]
    places: Vec<String>,
    #[command(flatten)]
    whose: AccountSelector,
    #[command(flatten)]
    access: Access,
    /// Print a JSON object with token, type and expiry; failures too
    #[arg(long)]
    json: bool,
}

impl Arguments {
    /// The command that was given.
    fn again(&self) -> Suggestion {
        let command = self.places.iter().fold(suggest::typed(&["token"]), |command, place| command.word(place));
        let command = if self.access.read_only { command.word("--read-only") } else { command };
        self.whose.options(command)
    }
}

pub(super) fn run(arguments: &Arguments, deadline: Instant) -> Result<(), Error> {
    let all: Vec<Request> =
        arguments.places.iter().map(|place| arguments.whose.request(place, arguments.access.read_only)).collect();
    match &all[..] {
        [asked] => print_answer(answer(asked, arguments.json, deadline), arguments.json),
        _ if !arguments.json => Err(Error::new(Kind::Usage, "several tokens at once are JSON only")
            .why("a token that is missing would shift the lines of the others")
            .next(arguments.again().word("--json"))),
        all => several(all, deadline),
    }
}

fn answer(asked: &Request, json: bool, deadline: Instant) -> Result<Secret<String>, Failure> {
    let make = |found: AccountToken| if json { object(&found) } else { Ok(found.token()?.1.clone()) };
    find(&asked.broker(deadline)?, asked, COMMAND, make)
}

fn object(found: &AccountToken) -> Result<Secret<String>, Failure> {
    let (token_type, token) = found.token()?;
    Ok(found.to_json(&[("token", token.expose().as_str().into()), ("token_type", token_type.into())]))
}

/// One object with `results`, whatever became of each; the exit code says whether all, some or none worked.
fn several(all: &[Request], deadline: Instant) -> Result<(), Error> {
    let broker = all[0].broker(deadline)?;
    let found: Vec<Result<_, Error>> = all
        .iter()
        .map(|asked| {
            let (service, account) = asked.find_token(&broker)?;
            let target = asked.target();
            broker.must_serve(Asked {
                command: COMMAND,
                target: target.as_ref(),
                service: &service,
                account: &account,
            })?;
            Ok((service, account))
        })
        .collect();
    let wanted: Vec<(&Service, &Account)> =
        found.iter().flatten().map(|(service, account)| (&**service, account)).collect();
    let mut tokens = broker.tokens(&wanted).into_iter();
    let mut failures = Vec::new();
    let mut results: Vec<Secret<String>> = Vec::new();
    for (one, asked) in found.iter().zip(all) {
        let outcome = one.as_ref().map_err(|error| error.clone().into()).and_then(|(service, account)| {
            // There is one for each place that was found.
            let token = tokens.next().unwrap_or_else(|| Err(Error::new(Kind::Failed, "no answer").into()));
            let target = asked.target();
            let asked = Asked { command: COMMAND, target: target.as_ref(), service, account };
            hand_out(&broker, asked, token, |found| object(&found))
        });
        results.push(outcome.unwrap_or_else(|failure| {
            let object = failure.to_json().to_string();
            failures.push(Error::from(failure));
            Secret::new(object)
        }));
    }
    let status = match failures.len() {
        0 => "ok",
        some if some < all.len() => "partial",
        _ => "error",
    };
    let results: Vec<&str> = results.iter().map(|result| result.expose().as_str()).collect();
    let text = Secret::new(format!("{{\"version\":1,\"status\":\"{status}\",\"results\":[{}]}}\n", results.join(",")));
    debug_assert!(serde_json::from_str::<&RawValue>(text.expose()).is_ok());
    print(text.expose())?;
    failures_as_one(failures, all.len())
}

/// Each failure is told. Where nothing worked, the first one's kind stands for all.
fn failures_as_one(failures: Vec<Error>, asked: usize) -> Result<(), Error> {
    let Some(first) = failures.first() else { return Ok(()) };
    let kind = if failures.len() == asked { first.kind() } else { Kind::Partial };
    let lines: Vec<String> = failures.iter().map(Error::line).collect();
    Err(Error::new(kind, format!("{} of {asked} failed", failures.len())).why(lines.join("; ")))
}
