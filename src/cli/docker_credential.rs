//! docker's credential helper: the road from stdin to stdout.
//!
//! Declining is the protocol's not-found text on stdout and exit status 1; clients then go on without credentials. So is
//! every failure, because podman, skopeo and crane give up on anything else, even for public images: what went wrong
//! with a registry of ours is one line on stderr, which clients pass on. No client reports a refused token.

use std::ffi::OsString;
use std::io::Write;
use std::time::Instant;

use subtle::ConstantTimeEq;

use super::answering::{Answering, read_stdin};
use super::print;
use crate::broker::Broker;
use crate::error::{Error, Kind};
use crate::helper::docker::{self, Answer, Key, LONGEST_INPUT, Login, NO_SERVER_URL, NO_USERNAME, NOT_FOUND, key_of};
use crate::refusals::{Refusals, Sent};
use crate::resolve::rules;
use crate::secret::Secret;
use crate::suggest;
use crate::vault::Credential;

/// Makes `store` of what is not the account's own token succeed, storing nothing all the same.
const IGNORE_STORE: &str = "SCALEKIT_AUTH_IGNORE_STORE";

/// Speak docker's credential helper protocol on stdin and stdout
// The word of a call is read without clap; this is its help.
#[derive(Debug, clap::Args)]
pub struct Help {
    /// get, store, erase, list or version; the client gives it
    action: String,
}

/// Runs the one action that `actions` names, and returns the exit status.
pub fn run(actions: &[OsString], deadline: Instant) -> u8 {
    let action = match actions {
        [action] => action.to_str().unwrap_or_default(),
        _ => "",
    };
    let reply = match action {
        "get" => get(deadline).unwrap_or_else(|error| {
            tell(&error);
            Reply::failed(NOT_FOUND)
        }),
        "store" => match store(deadline) {
            Err(refusal) if !ignores_store() => Reply::failed(refusal),
            _ => Reply::done(""),
        },
        "erase" => {
            // A failure to forget is no failure of the client's.
            let _ = erase(deadline);
            Reply::done("")
        }
        "list" => {
            drain();
            Reply::done(list(deadline))
        }
        "version" | "--version" | "-v" => Reply::done(docker::VERSION),
        "--help" | "-h" => Reply::done(docker::USAGE),
        _ => Reply::failed(docker::USAGE),
    };
    match print(reply.text.expose()) {
        Ok(()) => reply.status,
        Err(error) => {
            tell(&error);
            1
        }
    }
}

/// All that goes to stdout, and the exit status.
struct Reply {
    text: Secret<String>,
    status: u8,
}

impl Reply {
    fn done(text: impl Into<String>) -> Self {
        Self { text: Secret::new(text.into()), status: 0 }
    }

    fn failed(text: impl Into<String>) -> Self {
        Self { text: Secret::new(text.into()), status: 1 }
    }
}

/// One line on stderr. A client that does not listen must not cost the answer.
fn tell(error: &Error) {
    let _ = writeln!(std::io::stderr(), "scalekit-auth: {}", error.line());
}

fn get(deadline: Instant) -> Result<Reply, Error> {
    let key = match Key::decode(read()?.expose()) {
        Ok(key) => key,
        Err(docker::Error::NoServerUrl) => return Ok(Reply::failed(NO_SERVER_URL)),
        Err(_) => return Ok(Reply::failed(NOT_FOUND)),
    };
    let broker = Broker::load(deadline)?;
    let Some(asked) = find(&broker, &key)? else { return Ok(Reply::failed(NOT_FOUND)) };
    let service = asked.rule.service;
    let is_fit = |token: &str, refusals: &Refusals| !refusals.is_refused_anywhere(token);
    let (token, refusals) = asked.token(&broker, Refusals::open(), is_fit)?;
    let (username, secret) = match token.credential {
        Credential::Bearer(token) | Credential::ApiKey(token) => (asked.username.clone(), token),
        Credential::Basic { username, password } => (username, password),
    };
    let answer = Answer { server_url: &key.text, username: &username, secret: &secret };
    let text = answer.encode().map_err(|error| {
        Error::new(Kind::Failed, format!("the account of {} cannot be answered to docker", service.name))
            .why(error)
            .next(format!("{} to enter it again", asked.subject.renew()))
    })?;
    if let Some(mut refusals) = refusals {
        let sent = Sent { token: secret.expose(), ..asked.sent(None, "basic") };
        if refusals.is_refused(&sent) {
            return Err(
                asked.refused("git reported it within the last minute, and the vault gives the same token again")
            );
        }
        // Remembered for `store` alone; without it the answer is as good.
        let _ = refusals.answered(&asked.key(), &sent);
    }
    if token.looks_expired {
        super::warn_of_expiry(service);
    }
    Ok(Reply { text, status: 0 })
}

/// `docker logout`, or a client whose token was refused: the cache's copy is forgotten.
fn erase(deadline: Instant) -> Result<(), Error> {
    let Ok(key) = Key::decode(read()?.expose()) else { return Ok(()) };
    let broker = Broker::load(deadline)?;
    if let Some(asked) = find(&broker, &key)? {
        broker.evict(asked.rule.service, |_| true);
    }
    Ok(())
}

/// Nothing is ever stored. What we answered a moment ago is acknowledged, because `docker login` brings it back; the
/// error is all that stdout gets otherwise.
fn store(deadline: Instant) -> Result<(), String> {
    let refused = |error: docker::Error| match error {
        docker::Error::NoServerUrl => NO_SERVER_URL.to_owned(),
        docker::Error::NoUsername => NO_USERNAME.to_owned(),
        error => line(&nothing_stored(Kind::Usage).why(format!("the request is refused because {error}"))),
    };
    let login =
        read().map_err(|error| line(&error)).and_then(|input| Login::decode(input.expose()).map_err(refused))?;
    let key = Key::decode(login.server_url.as_bytes()).map_err(refused)?;
    let broker = Broker::load(deadline).map_err(|error| line(&error))?;
    let place = key_of(&key.targets[0].authority.to_string()).to_owned();
    let Some(asked) = find(&broker, &key).map_err(|error| line(&error))? else {
        let error = nothing_stored(Kind::NotConfigured)
            .why(format!("scalekit-auth keeps no passwords, and no configured service answers for {place}"))
            .next(format!(
                "{} lets one; to store a password elsewhere, remove {place} from credHelpers in docker's config.json",
                suggest::config_host(&place)
            ));
        return Err(line(&error));
    };
    let sent = Sent { token: login.secret.expose(), ..asked.sent(None, "basic") };
    if Refusals::open().is_some_and(|refusals| refusals.was_answered(&sent)) {
        return Ok(());
    }
    // A token that another command of ours gave, such as `token`, is as much the account's own.
    let own = asked.token(&broker, None, |_, _| true).map(|(token, _)| token.credential.secret().clone());
    match own {
        Ok(own) if bool::from(own.expose().as_bytes().ct_eq(login.secret.expose().as_bytes())) => return Ok(()),
        Ok(_) => {}
        Err(error) => return Err(line(&nothing_stored(error.kind()).why(error.line()))),
    }
    let name = &asked.rule.service.name;
    let error = nothing_stored(Kind::Usage)
        .why(format!(
            "scalekit-auth keeps no passwords, and the token for {place} comes from the vault (service {name})"
        ))
        .next(format!(
            "{} chooses another account; to use a password, remove {place} from credHelpers in docker's config.json",
            suggest::config_new(name)
        ));
    Err(line(&error))
}

/// Whether a `store` that stores nothing shall be no failure, for scripts whose `docker login` cannot be left out.
fn ignores_store() -> bool {
    std::env::var_os(IGNORE_STORE).is_some_and(|value| !["", "0", "false"].contains(&value.to_string_lossy().trim()))
}

fn nothing_stored(kind: Kind) -> Error {
    Error::new(kind, "nothing was stored")
}

fn line(error: &Error) -> String {
    format!("scalekit-auth: {}\n", error.line())
}

/// The configured registries. Network and keyring are left alone, and a broken configuration is an empty one here,
/// because a failure would stop `docker build` as a whole.
fn list(deadline: Instant) -> String {
    let broker = match Broker::load(deadline) {
        Ok(broker) => broker,
        Err(error) => {
            tell(&error);
            return docker::encode_list([]);
        }
    };
    let registries = broker.services.iter().flat_map(rules);
    docker::encode_list(registries.filter_map(|rule| {
        let key = match docker::key_of(&rule.pattern.authority().to_string()) {
            docker::HUB_KEY => docker::HUB_KEY.to_owned(),
            _ => rule.pattern.origin()?,
        };
        Some((key, rule.registry_username?))
    }))
}

fn read() -> Result<Secret<Vec<u8>>, Error> {
    read_stdin(LONGEST_INPUT)
}

/// A client may take it for a failure if nobody reads what it writes.
fn drain() {
    let _ = read();
}

/// Who answers for a registry: for the first spelling of its key that is one of ours.
fn find<'a>(broker: &'a Broker, key: &Key) -> Result<Option<Answering<'a>>, Error> {
    for target in &key.targets {
        if let Some(asked) = Answering::find(broker, target, None, |rule, _| rule.registry_username.map(str::to_owned))?
        {
            return Ok(Some(asked));
        }
    }
    Ok(None)
}
