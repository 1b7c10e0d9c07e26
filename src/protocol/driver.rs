//! The one road of every helper protocol, from argv and stdin to stdout and the exit status.

use std::ffi::OsString;
use std::io::{BufRead, Read};
use std::time::Instant;

use super::{Call, Failure, Get, Input, Protocol, Refused, Reply, Request, Resolved};
use crate::broker::Broker;
use crate::error::{Error, Kind};
use crate::output::{error_line, print, warn_of_expiry};
use crate::refusals::{Refusals, Sent};
use crate::secret::Secret;
use crate::suggest;
use crate::target::Target;

/// After this many different tokens of an account were refused within a minute, the tool is told to stop asking.
const ENOUGH: usize = 2;

/// Serves one call, and returns the exit status.
pub fn serve(protocol: &Protocol, words: &[OsString], deadline: Instant) -> u8 {
    let reply = match (protocol.call)(words) {
        Call::Get(get) => answer(&*get, deadline),
        Call::Own(run) => run(deadline),
        Call::Say(reply) => reply,
    };
    match print(reply.text.expose()) {
        Ok(()) => reply.status,
        Err(error) => {
            error_line(&error);
            protocol.unwritten
        }
    }
}

/// All of stdin, up to one byte more than a request of `longest` bytes may have.
pub fn read_stdin(longest: usize) -> Result<Secret<Vec<u8>>, Error> {
    read(Input::All(longest))
}

fn read(input: Input) -> Result<Secret<Vec<u8>>, Error> {
    let mut bytes = Vec::new();
    let stdin = std::io::stdin().lock();
    let read = match input {
        Input::Nothing => Ok(0),
        Input::All(longest) => stdin.take(longest as u64 + 1).read_to_end(&mut bytes),
        Input::Line(longest) => stdin.take(longest as u64 + 1).read_until(b'\n', &mut bytes),
    };
    let bytes = Secret::new(bytes);
    read.map_err(|error| Error::new(Kind::Failed, "the request cannot be read").why(error))?;
    Ok(bytes)
}

/// What a call for a credential gets.
pub(super) fn answer(get: &dyn Get, deadline: Instant) -> Reply {
    let mut failure = Failure::Request;
    let asked = print(get.greeting()).and_then(|()| read(get.input()));
    let outcome = asked.and_then(|input| match get.decode(input.expose()) {
        Ok(request) => credential(&*request, deadline, &mut failure),
        Err(Refused { reply, error }) => {
            if let Some(error) = error {
                error_line(&error);
            }
            Ok(Some(reply))
        }
    });
    match outcome {
        Ok(Some(reply)) => reply,
        Ok(None) => get.not_ours(),
        Err(error) => {
            error_line(&error);
            get.failed(failure, &error)
        }
    }
}

/// The answer to a request; `None` if it is about nothing of ours.
fn credential(request: &dyn Request, deadline: Instant, failure: &mut Failure) -> Result<Option<Reply>, Error> {
    if request.targets().is_empty() {
        return Ok(None);
    }
    let broker = Broker::load(deadline)?;
    match (find(&broker, request)?, request.objection()) {
        (None, _) => Ok(None),
        (Some(_), Some(error)) => Err(error),
        (Some((target, resolved)), None) => token(&broker, request, target, resolved, failure),
    }
}

/// Who answers: for the first of the request's targets that is one of ours.
pub(super) fn find<'a, 'r>(
    broker: &'a Broker,
    request: &'r dyn Request,
) -> Result<Option<(&'r Target, Resolved<'a>)>, Error> {
    for target in request.targets() {
        if let Some(resolved) = find_at(broker, request, target, request.username())? {
            return Ok(Some((target, resolved)));
        }
    }
    Ok(None)
}

fn find_at<'a>(
    broker: &'a Broker,
    request: &dyn Request,
    target: &Target,
    username: Option<&str>,
) -> Result<Option<Resolved<'a>>, Error> {
    Resolved::find(broker, target, username, |rule, account| request.serves(rule, target, account))
}

/// A token that no server refused within the last minute, encoded.
fn token<'a>(
    broker: &'a Broker,
    request: &dyn Request,
    target: &Target,
    mut resolved: Resolved<'a>,
    failure: &mut Failure,
) -> Result<Option<Reply>, Error> {
    *failure = Failure::Token;
    let (path, scheme) = request.sent();
    let mut refusals = Refusals::open();
    if let Some(refusals) = &mut refusals {
        if let Some(id) = request.earlier() {
            refusals.refused_id(id, path);
            resolved = account_of_before(broker, request, target, resolved, |key| refusals.is_about(id, key))?;
        }
        if refusals.count(&resolved.key()) >= ENOUGH {
            *failure = Failure::Repeated;
            return Err(resolved.refused("several tokens of this account within a minute"));
        }
    }
    let is_known_bad = |refusals: &Refusals, token: &str| {
        let sent = Sent { token, ..resolved.sent(path, scheme) };
        refusals.is_refused(&sent) || request.earlier().is_some_and(|id| refusals.was(id, &sent))
    };
    let is_usable =
        |token: &str, refusals: &Refusals| !refusals.is_refused_anywhere(token) && !is_known_bad(refusals, token);
    let (token, refusals) = resolved.token(broker, refusals, is_usable)?;
    if token.is_past_expiry {
        warn_of_expiry(resolved.rule.service);
    }
    let sent = Sent { token: token.credential.secret().expose(), ..resolved.sent(path, scheme) };
    let is_refused = refusals.as_ref().is_some_and(|refusals| is_known_bad(refusals, sent.token));
    // Before the note that it was answered: what cannot be encoded is not.
    let Some(answer) = request.encode(&resolved, &token)? else { return Ok(None) };
    let id = match refusals {
        Some(refusals) if is_refused => {
            return Err(match refusals.is_accepted(&sent) {
                true => no_access(&resolved, target, request.limit()),
                false => resolved.refused(&request.why_refused()),
            });
        }
        Some(mut refusals) => refusals.answered(&resolved.key(), &sent),
        None => None,
    };
    Ok(Some(answer(id)))
}

/// A second question within one command carries our own user name, which names no account; `is_about`, the id of the first
/// answer, does.
fn account_of_before<'a>(
    broker: &'a Broker,
    request: &dyn Request,
    target: &Target,
    resolved: Resolved<'a>,
    is_about: impl Fn(&[&str]) -> Option<bool>,
) -> Result<Resolved<'a>, Error> {
    if is_about(&resolved.key()) != Some(false) {
        return Ok(resolved);
    }
    for identifier in broker.identifiers_at(target) {
        match find_at(broker, request, target, Some(&identifier))? {
            Some(other) if is_about(&other.key()) == Some(true) => return Ok(other),
            _ => {}
        }
    }
    Ok(resolved)
}

/// The error for a token that the server takes elsewhere.
fn no_access(resolved: &Resolved<'_>, target: &Target, limit: Option<String>) -> Error {
    let (name, who) = (&resolved.rule.service.name, &resolved.account.identifier);
    let next = format!("{} shows why this account was taken", suggest::which(&target.to_string()));
    Error::new(Kind::NeedsAuthorization, format!("{target} refused the token of {name} ({who})"))
        .why(format!("{} took the same token a moment ago, so this account may have no access here", resolved.origin))
        .next(match limit {
            Some(limit) => format!("{next}; {limit}"),
            None => next,
        })
}
