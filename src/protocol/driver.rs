//! The one road of every helper protocol, from argv and stdin to stdout and the exit status.

use std::ffi::OsString;
use std::io::{BufRead, Read};
use std::time::Instant;

use super::{Call, Failure, Get, Input, Protocol, Refused, Reply, Request, Resolved};
use crate::audit::{Origin, Outcome};
use crate::broker::Broker;
use crate::error::{Error, Kind};
use crate::output::{error_line, print, warn_of_expiry};
use crate::refusals::{Refusals, Sent};
use crate::secret::Secret;
use crate::suggest;
use crate::target::Target;
use crate::trace::step;

/// After this many different tokens of an account were refused within a minute, the tool is told to stop asking.
const ENOUGH: usize = 2;

/// The words that name an action. Others are a tool's text, which may hold a user name.
const ACTIONS: [&str; 7] = ["get", "store", "erase", "capability", "list", "version", "forget"];

/// Serves one call, and returns the exit status.
pub fn serve(protocol: &Protocol, words: &[OsString], deadline: Instant) -> u8 {
    let is_named = |action: &&&str| words.iter().any(|word| word == **action);
    step!("call: {} {}", protocol.command, ACTIONS.iter().find(is_named).unwrap_or(&"without an action"));
    let reply = match (protocol.call)(words) {
        Call::Get(get) => answer(protocol.command, &*get, deadline),
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

/// What a call for a credential gets, in the protocol that `command` names.
pub(super) fn answer(command: &'static str, get: &dyn Get, deadline: Instant) -> Reply {
    let mut failure = Failure::Request;
    let greeted = if get.greeting().is_empty() { Ok(()) } else { print(get.greeting()) };
    let asked = greeted.and_then(|()| read(get.input()));
    let outcome = asked.and_then(|input| match get.decode(input.expose()) {
        Ok(request) => credential(command, &*request, deadline, &mut failure),
        Err(Refused { reply, error }) => {
            step!("asked: {command} for what is no request");
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
            // Its words may hold the link where a person consents.
            step!("failed: {}", error.kind().code());
            error_line(&error);
            get.failed(failure, &error)
        }
    }
}

/// The answer to a request; `None` if it is about nothing of ours.
fn credential(
    command: &'static str,
    request: &dyn Request,
    deadline: Instant,
    failure: &mut Failure,
) -> Result<Option<Reply>, Error> {
    match request.targets() {
        [] => {
            step!("asked: {command} for what cannot be ours");
            return Ok(None);
        }
        targets => targets.iter().for_each(|target| step!("asked: {command} for {target}")),
    }
    let broker = Broker::load(deadline)?;
    let Some((target, mut resolved)) = find(&broker, request)? else {
        step!("declined: nobody answers {command} there");
        return Ok(None);
    };
    if let Err(error) = broker.must_serve(resolved.asked(command, target)) {
        error_line(&error);
        step!("declined: {}", error.line());
        return Ok(None);
    }
    let outcome = match request.objection() {
        Some(error) => Err(error),
        None => token(&broker, request, target, &mut resolved, failure),
    };
    broker.record(
        resolved.asked(command, target),
        match &outcome {
            Ok(Some((_, origin))) => Outcome::Given(*origin),
            Ok(None) => Outcome::Declined,
            Err(error) => Outcome::Refused(error.kind()),
        },
    );
    outcome.map(|answered| answered.map(|(reply, _)| reply))
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

/// A token that no server refused within the last minute, encoded, and where it came from.
fn token<'a>(
    broker: &'a Broker,
    request: &dyn Request,
    target: &Target,
    resolved: &mut Resolved<'a>,
    failure: &mut Failure,
) -> Result<Option<(Reply, Origin)>, Error> {
    *failure = Failure::Token;
    let (path, scheme) = request.sent();
    let mut refusals = Refusals::open();
    if let Some(refusals) = &mut refusals {
        if let Some(id) = request.earlier() {
            refusals.refused_id(id, path);
            let is_about = |key: &[&str]| refusals.is_about(id, key);
            if let Some(other) = account_of_before(broker, request, target, resolved, is_about)? {
                *resolved = other;
            }
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
    let Some(answer) = request.encode(resolved, &token)? else { return Ok(None) };
    let id = match refusals {
        Some(refusals) if is_refused => {
            return Err(match refusals.is_accepted(&sent) {
                true => no_access(resolved, target, request.limit()),
                false => resolved.refused(&request.why_refused()),
            });
        }
        Some(mut refusals) => refusals.answered(&resolved.key(), &sent),
        None => None,
    };
    Ok(Some((answer(id), token.origin())))
}

/// A second question within one command carries our own user name, which names no account; `is_about`, the id of the first
/// answer, does. `None` where that is the account that was found.
fn account_of_before<'a>(
    broker: &'a Broker,
    request: &dyn Request,
    target: &Target,
    resolved: &Resolved<'_>,
    is_about: impl Fn(&[&str]) -> Option<bool>,
) -> Result<Option<Resolved<'a>>, Error> {
    if is_about(&resolved.key()) != Some(false) {
        return Ok(None);
    }
    for identifier in broker.identifiers_at(target) {
        match find_at(broker, request, target, Some(&identifier))? {
            Some(other) if is_about(&other.key()) == Some(true) => return Ok(Some(other)),
            _ => {}
        }
    }
    Ok(None)
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
