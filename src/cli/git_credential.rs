//! git's credential helper: the road from stdin to stdout, and what is remembered about refused tokens on the way.
//!
//! Declining is silence on stdout and exit status 0, so that the next helper gets its turn. Problems with a host of ours
//! are one line on stderr.

use std::ffi::{OsStr, OsString};
use std::time::Instant;

use super::answering::{Answering, read_stdin};
use super::print;
use crate::broker::Broker;
use crate::cache::Entry;
use crate::error::{Error, Kind};
use crate::helper::git::{Answer, CAPABILITIES, Extras, LONGEST_INPUT, Request};
use crate::refusals::{Refusals, Sent};
use crate::resolve::{Account, Target};
use crate::secret::Secret;
use crate::suggest;
use crate::vault::Credential;

/// After this many different tokens of an account were refused within a minute, the tool is told to stop asking.
const ENOUGH: usize = 2;

/// Speak git's credential helper protocol on stdin and stdout
// The words of a call are read without clap; this is its help.
#[derive(Debug, clap::Args)]
pub struct Help {
    #[command(flatten)]
    options: Options,
    /// get, store, erase or capability; git gives it
    action: Option<String>,
}

/// What may stand before the action, in the `helper =` line of git's configuration.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
struct Options {
    /// No other helper is configured: where a token cannot be had, git shall not ask the person for a password
    #[arg(long)]
    only_helper: bool,
    /// Give Basic in a form that no other helper stores; git before 2.54 loses it on a push over 1 MiB
    #[arg(long)]
    ephemeral: bool,
}

/// Whether `word` is an option of this version.
pub fn is_option(word: &OsStr) -> bool {
    ["--only-helper", "--ephemeral"].iter().any(|option| word == *option)
}

/// Runs what git's words ask for, and returns the exit status. An option of a later version gets no answer, since it may say
/// how the answer has to be.
pub fn run(words: &[OsString], deadline: Instant) -> u8 {
    let mut options = Options::default();
    let mut words = words.iter().map(|word| word.to_string_lossy());
    let action = words.find(|word| {
        match &**word {
            "--only-helper" => options.only_helper = true,
            "--ephemeral" => options.ephemeral = true,
            _ => return true,
        }
        false
    });
    match action {
        Some(option) if option.starts_with('-') => {
            super::note(format!(
                "git-credential-scalekit has no option {option}; it knows --only-helper and --ephemeral"
            ));
            0
        }
        action => run_action(options, action.as_deref(), deadline),
    }
}

/// Runs one action of git's; what git may invent later is ignored, as gitcredentials(7) asks.
fn run_action(options: Options, action: Option<&str>, deadline: Instant) -> u8 {
    let outcome = match action {
        Some("get") => get(options, deadline),
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

fn get(options: Options, deadline: Instant) -> Result<(), Error> {
    let request = read()?;
    let in_ascii = request.target_in_ascii();
    let Some(target) = request.target().or(in_ascii.clone()) else { return Ok(()) };
    let broker = Broker::load(deadline)?;
    let Some(asked) = find(&broker, request.username.as_deref(), &target)? else { return Ok(()) };
    if let Some(target) = in_ascii {
        return Err(Error::new(Kind::Usage, "a host with letters outside ASCII gets no token")
            .why("hosts are compared in their ASCII form alone")
            .next(format!("use the URL {target}")));
    }
    let mut quits = options.only_helper;
    let is_ephemeral = options.ephemeral && request.knows_authtype;
    let given = give(&broker, asked, &request, &target, is_ephemeral, &mut quits);
    if given.is_err() && quits {
        print(Answer::Quit.encode(&Extras::default()).expose())?;
    }
    given
}

/// Answers a `get` about a host of ours. An error `quits` where git shall ask nobody else.
fn give<'a>(
    broker: &'a Broker,
    mut asked: Answering<'a>,
    request: &Request,
    target: &Target,
    is_ephemeral: bool,
    quits: &mut bool,
) -> Result<(), Error> {
    let mut refusals = Refusals::open();
    if let Some(refusals) = &mut refusals {
        if let Some(id) = &request.state {
            refusals.refused_id(id, request.path());
            asked = account_of_before(broker, target, asked, |key| refusals.is_about(id, key))?;
        }
        if refusals.count(&asked.key()) >= ENOUGH {
            *quits = true;
            return Err(asked.refused("several tokens of this account within a minute"));
        }
    }
    let key = asked.key();
    let scheme = if request.is_bearer_only() { "bearer" } else { "basic" };
    let is_known_bad = |refusals: &Refusals, token: &str| {
        let sent = Sent { token, ..asked.sent(request.path(), scheme) };
        refusals.is_refused(&sent) || request.state.as_ref().is_some_and(|id| refusals.was(id, &sent))
    };
    let is_fit =
        |token: &str, refusals: &Refusals| !refusals.is_refused_anywhere(token) && !is_known_bad(refusals, token);
    let (token, refusals) = asked.token(broker, refusals, is_fit)?;
    if token.looks_expired {
        super::warn_of_expiry(asked.rule.service);
    }
    let (expires_at, secret) = (token.expires_at, token.credential.secret().clone());
    let Some(answer) = answer(&asked, request, token.credential, is_ephemeral)? else { return Ok(()) };
    let sent = Sent { token: secret.expose(), ..asked.sent(request.path(), scheme) };
    let state = match refusals {
        Some(refusals) if is_known_bad(&refusals, secret.expose()) => {
            return Err(match refusals.is_accepted(&sent) {
                true => no_access(&asked, target, scheme, is_ephemeral),
                false => asked.refused(&hint(request, scheme, is_ephemeral)),
            });
        }
        Some(mut refusals) => refusals.answered(&key, &sent),
        None => None,
    };
    // The answer to a second question within one git command is the last one.
    let extras = Extras { expires_at, again: request.state.is_none(), state: state.filter(|_| request.knows_state) };
    print(answer.encode(&extras).expose())
}

/// `store` says that a server took the credential, `erase` that it refused it. Nothing is stored; what is erased is the
/// cache's copy of this very token, if there is one.
fn take_note(accepted: bool, deadline: Instant) -> Result<(), Error> {
    let request = read()?;
    let Some(target) = request.target() else { return Ok(()) };
    let origin = target.authority.to_string();
    let tokens = request.sent();
    let sent: Vec<Sent<'_>> = tokens
        .iter()
        .map(|(scheme, token)| Sent { origin: &origin, path: request.path(), scheme, token: token.expose() })
        .collect();
    // Its fingerprints tell what is ours, so a `store` needs no configuration.
    if let Some(mut refusals) = Refusals::open() {
        for sent in &sent {
            if accepted {
                refusals.accepted(sent);
            } else {
                refusals.refused(sent);
            }
        }
    }
    if !accepted {
        // After the note, which keeps others from putting it back.
        let broker = Broker::load(deadline)?;
        let Some(asked) = find(&broker, request.username.as_deref(), &target)? else { return Ok(()) };
        let is_named = |entry: &Entry| sent.iter().any(|sent| sent.token == entry.secret().expose());
        broker.evict(asked.rule.service, is_named);
    }
    Ok(())
}

/// All of stdin, decoded.
fn read() -> Result<Request, Error> {
    Request::decode(read_stdin(LONGEST_INPUT)?.expose())
        .map_err(|error| Error::new(Kind::Usage, "the request is refused and gets no answer").why(error))
}

/// Who answers with this user name, if the target's host is one of ours that serves repositories.
fn find<'a>(broker: &'a Broker, username: Option<&str>, target: &Target) -> Result<Option<Answering<'a>>, Error> {
    Answering::find(broker, target, username, |rule, account| {
        if target.scheme.is_mail() { mailbox(username, account) } else { rule.git_username.map(str::to_owned) }
    })
}

/// git's second question within one command carries our own user name, which names no account; `is_about`, the id of the
/// first answer, does.
fn account_of_before<'a>(
    broker: &'a Broker,
    target: &Target,
    asked: Answering<'a>,
    is_about: impl Fn(&[&str]) -> Option<bool>,
) -> Result<Answering<'a>, Error> {
    if is_about(&asked.key()) != Some(false) {
        return Ok(asked);
    }
    for identifier in broker.identifiers_at(target) {
        match find(broker, Some(&identifier), target)? {
            Some(other) if is_about(&other.key()) == Some(true) => return Ok(other),
            _ => {}
        }
    }
    Ok(asked)
}

/// Mail servers take a token beside the name of its mailbox and no other name (git-send-email(1), git-imap-send(1)).
fn mailbox(asked: Option<&str>, account: &Account) -> Option<String> {
    let mut names = asked.into_iter().chain([account.identifier.as_str()]);
    names.find(|name| name.contains('@')).map(str::to_owned)
}

/// Basic, unless the server offers Bearer and not Basic. `None` where the token is for Bearer alone and the server is not.
fn answer(
    asked: &Answering<'_>,
    request: &Request,
    credential: Credential,
    is_ephemeral: bool,
) -> Result<Option<Answer>, Error> {
    let bearer_only = || Error::new(Kind::Failed, format!("{} takes Bearer only", asked.origin));
    let is_bearer_only = request.is_bearer_only();
    let basic = |username: String, password: Secret<String>| {
        if is_ephemeral { Answer::ephemeral_basic(&username, &password) } else { Answer::Basic { username, password } }
    };
    Ok(Some(match credential {
        Credential::Bearer(credential) if is_bearer_only && request.knows_authtype => {
            Answer::Ephemeral { authtype: "Bearer", credential }
        }
        Credential::Bearer(_) if is_bearer_only => {
            return Err(bearer_only().why("this git cannot send it").next("use git 2.46 or later"));
        }
        _ if is_bearer_only => {
            return Err(bearer_only().why(format!("{} holds no bearer token", asked.rule.service.name)));
        }
        _ if asked.username.is_empty() => return Ok(None),
        Credential::Bearer(password) | Credential::ApiKey(password) => basic(asked.username.clone(), password),
        Credential::Basic { username, password } => basic(username, password),
    }))
}

/// The error for a token that the server takes elsewhere.
fn no_access(asked: &Answering<'_>, target: &Target, scheme: &str, is_ephemeral: bool) -> Error {
    let name = &asked.rule.service.name;
    let next = format!("{} shows why this account was taken", suggest::which(&target.to_string()));
    Error::new(Kind::NeedsAuthorization, format!("{target} refused the token of {name} ({})", asked.account.identifier))
        .why(format!("{} took the same token a moment ago, so this account may have no access here", asked.origin))
        .next(match large_push(scheme, is_ephemeral) {
            Some(limit) => format!("{next}; {limit}"),
            None => next,
        })
}

/// Besides a revoked consent, the limits of git itself that end in the same refusal.
fn hint(request: &Request, scheme: &str, is_ephemeral: bool) -> String {
    let same = "the vault gives the same token again";
    match large_push(scheme, is_ephemeral) {
        Some(limit) => format!("{same}; {limit}"),
        None if request.knows_authtype => same.to_owned(),
        None => format!("{same}; if the server takes Bearer only, use git 2.46 or later"),
    }
}

/// Where git gets the header itself instead of a password, it may lose it on the way.
fn large_push(scheme: &str, is_ephemeral: bool) -> Option<String> {
    let what = match scheme {
        "bearer" => "a Bearer token",
        _ if is_ephemeral => "a token of --ephemeral",
        _ => return None,
    };
    Some(format!(
        "if this was a push over 1 MiB, git before 2.54 does not send {what} with it: try `git -c http.postBuffer=1g push`"
    ))
}
