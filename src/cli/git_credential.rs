//! git's credential helper: the road from stdin to stdout, and what is remembered about refused tokens on the way.
//!
//! Declining is silence on stdout and exit status 0, so that the next helper gets its turn. Problems with a host of ours
//! are one line on stderr.

use std::io::Read;
use std::time::Instant;

use super::print;
use crate::broker::{Broker, Token};
use crate::error::{Error, Kind};
use crate::helper::git::{Answer, CAPABILITIES, Extras, LONGEST_INPUT, Request};
use crate::refusals::{self, Refusals};
use crate::resolve::{self, Rule, Target};
use crate::secret::Secret;
use crate::vault::Credential;

/// After this many different tokens of an account were refused within a minute, the tool is told to stop asking.
const ENOUGH: usize = 2;

/// Speak git's credential helper protocol on stdin and stdout
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// get, store, erase or capability; git gives it
    pub action: Option<String>,
}

/// Runs one action of git's; what git may invent later is ignored, as gitcredentials(7) asks.
pub fn run(action: Option<&str>, deadline: Instant) -> u8 {
    let outcome = match action {
        Some("get") => get(deadline),
        Some("store" | "erase") => {
            // They have no answer, and a failure to take note is no failure of git's.
            let _ = take_note(action == Some("store"), deadline);
            Ok(())
        }
        Some("capability") => print(CAPABILITIES),
        _ => Ok(()),
    };
    if let Err(error) = outcome {
        eprintln!("scalekit-auth: {}", error.line());
    }
    0
}

fn get(deadline: Instant) -> Result<(), Error> {
    let request = read()?;
    let Some(target) = request.target() else { return Ok(()) };
    let broker = Broker::load(deadline)?;
    let Some((rule, username)) = find(&broker, &request, &target)? else { return Ok(()) };
    let account = broker.account(rule.service, None)?;
    let origin = target.authority.to_string();
    let key = [origin.as_str(), &rule.service.connection, &account.identifier];
    if let Some(mut refusals) = Refusals::open() {
        if let Some(id) = &request.state {
            refusals.refused_id(id);
        }
        if refusals.count(&key) >= ENOUGH {
            print(Answer::Quit.encode(&Extras::default()).expose())?;
            return Err(refused(&rule, &origin, "several tokens of this account within a minute"));
        }
    }
    let token = broker.token(rule.service, &account).map_err(Error::from)?;
    if token.looks_expired {
        super::note(format!("the token of {} is past its expiry, though its account is ACTIVE", rule.service.name));
    }
    let (answer, expires_at) = answer(&request, &rule, username, token)?;
    let (scheme, secret) = match &answer {
        Answer::Bearer(token) => ("bearer", token.expose()),
        Answer::Basic { password, .. } => ("basic", password.expose()),
        Answer::Quit => unreachable!("a token is answered as Basic or Bearer"),
    };
    let given = refusals::Answer { account: &key, scheme, token: secret };
    let state = match Refusals::open() {
        Some(refusals)
            if refusals.is_refused(&given) || request.state.as_ref().is_some_and(|id| refusals.was(id, &given)) =>
        {
            return Err(refused(&rule, &origin, hint(&request, scheme)));
        }
        Some(mut refusals) => refusals.answered(&given),
        None => None,
    };
    // The answer to a second question within one git command is the last one.
    let extras = Extras { expires_at, again: request.state.is_none(), state: state.filter(|_| request.knows_state) };
    print(answer.encode(&extras).expose())
}

/// `store` says that a server took the credential, `erase` that it refused it. Nothing is stored or erased: tokens come
/// from the vault alone.
fn take_note(accepted: bool, deadline: Instant) -> Result<(), Error> {
    let request = read()?;
    let Some(target) = request.target() else { return Ok(()) };
    // Only a Bearer token's acceptance matters later; most `store`s end here.
    if accepted && request.credential.is_none() {
        return Ok(());
    }
    let broker = Broker::load(deadline)?;
    let Some((rule, _)) = find(&broker, &request, &target)? else { return Ok(()) };
    let account = broker.account(rule.service, None)?;
    let origin = target.authority.to_string();
    let key = [origin.as_str(), &rule.service.connection, &account.identifier];
    let sent = [("bearer", &request.credential), ("basic", &request.password)];
    let Some(mut refusals) = Refusals::open() else { return Ok(()) };
    for (scheme, token) in sent {
        let Some(token) = token else { continue };
        let answer = refusals::Answer { account: &key, scheme, token: token.expose() };
        if accepted {
            refusals.accepted(&answer);
        } else {
            refusals.refused(&answer);
        }
    }
    Ok(())
}

/// All of stdin, decoded.
fn read() -> Result<Request, Error> {
    let mut input = Vec::new();
    let read = std::io::stdin().lock().take(LONGEST_INPUT as u64 + 1).read_to_end(&mut input);
    let input = Secret::new(input);
    read.map_err(|error| Error::new(Kind::Failed, "the request cannot be read").why(error))?;
    Request::decode(input.expose())
        .map_err(|error| Error::new(Kind::Usage, "the request is refused and gets no answer").why(error))
}

/// The rule and git user name for a host of ours that serves repositories; `None` is a host of somebody else's.
fn find<'a>(broker: &'a Broker, request: &Request, target: &Target) -> Result<Option<(Rule<'a>, &'static str)>, Error> {
    match broker.resolve(target, request.username.as_deref()) {
        Ok(rule) => Ok(rule.git_username.map(|username| (rule, username))),
        Err(resolve::Error::Nobody(_) | resolve::Error::OwnHost(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Basic, unless the server offers Bearer and not Basic.
fn answer(request: &Request, rule: &Rule<'_>, username: &str, token: Token) -> Result<(Answer, Option<i64>), Error> {
    let Token { credential, expires_at, looks_expired: _ } = token;
    let only_bearer = request.offers_bearer && !request.offers_basic;
    let answer = match credential {
        Credential::Bearer(token) if only_bearer && request.knows_authtype => Answer::Bearer(token),
        Credential::Bearer(_) if only_bearer => {
            return Err(Error::new(
                Kind::Failed,
                format!("{} takes Bearer only, which this git cannot send", rule.pattern),
            )
            .next("use git 2.46 or later"));
        }
        _ if only_bearer => {
            return Err(Error::new(
                Kind::Failed,
                format!("{} takes Bearer only, and {} holds no bearer token", rule.pattern, rule.service.name),
            ));
        }
        Credential::Bearer(password) | Credential::ApiKey(password) => {
            Answer::Basic { username: username.to_owned(), password }
        }
        Credential::Basic { username, password } => Answer::Basic { username, password },
    };
    Ok((answer, expires_at))
}

fn refused(rule: &Rule<'_>, origin: &str, why: &str) -> Error {
    let name = &rule.service.name;
    Error::new(Kind::NeedsAuthorization, format!("{origin} refused the token of {name}"))
        .why(why)
        .next(format!("`scalekit-auth connect {name} --renew` gives a link to renew the consent"))
}

/// Besides a revoked consent, the limits of git itself that end in the same refusal.
fn hint(request: &Request, scheme: &str) -> &'static str {
    if scheme == "bearer" {
        "the vault gives the same token again; if this was a push over 1 MiB, git before 2.54 does not send a Bearer \
         token with it: try `git -c http.postBuffer=1g push`"
    } else if request.knows_authtype {
        "the vault gives the same token again"
    } else {
        "the vault gives the same token again; if the server takes Bearer only, use git 2.46 or later"
    }
}
