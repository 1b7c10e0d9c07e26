//! docker's credential helper: what its calls ask for, and what is said to it.
//!
//! Declining is the protocol's not-found text on stdout and exit status 1; clients then go on without credentials. So is
//! every failure, because podman, skopeo and crane give up on anything else, even for public images: what went wrong
//! with a registry of ours is one line on stderr, which clients pass on. No client reports a refused token.

mod store;
pub mod wire;

use std::ffi::OsString;
use std::time::Instant;

use super::driver::find;
use super::{Call, Failure, Get, Input, Protocol, Refused, Reply, Request, Resolved, is_no_help, read_stdin};
use crate::broker::{Broker, Token};
use crate::error::{Error, Kind};
use crate::output::error_line;
use crate::resolve::{Rule, rules};
use crate::secret::Secret;
use crate::service::{Account, Service};
use crate::suggest::Subject;
use crate::target::Target;
use wire::{Answer, Key, LONGEST_INPUT, NO_SERVER_URL, NOT_FOUND};

/// The row.
pub static PROTOCOL: Protocol = Protocol {
    link: "docker-credential-scalekit",
    command: "docker-credential",
    // `--version` is an action.
    is_word: is_no_help,
    call,
    unwritten: 1,
};

/// Speak docker's credential helper protocol on stdin and stdout
// The word of a call is read without clap; this is its help.
#[derive(Debug, clap::Args)]
pub struct Help {
    /// get, store, erase, list or version; the client gives it
    action: String,
}

/// The one action that `actions` names.
fn call(actions: &[OsString]) -> Call {
    let action = match actions {
        [action] => action.to_str().unwrap_or_default(),
        _ => "",
    };
    match action {
        "get" => Call::Get(Box::new(Question)),
        "store" => Call::Own(store::store),
        "erase" => Call::Own(|deadline| {
            // A failure to forget is no failure of the client's.
            let _ = erase(deadline);
            Reply::done("")
        }),
        "list" => Call::Own(|deadline| {
            // A client may take it for a failure if nobody reads what it writes.
            let _ = read();
            Reply::done(list(deadline))
        }),
        "version" | "--version" | "-v" => Call::Say(Reply::done(wire::VERSION)),
        "--help" | "-h" => Call::Say(Reply::done(wire::USAGE)),
        _ => Call::Say(Reply::failed(wire::USAGE)),
    }
}

/// A `get`.
struct Question;

impl Get for Question {
    fn input(&self) -> Input {
        Input::All(LONGEST_INPUT)
    }

    fn decode(&self, input: &[u8]) -> Result<Box<dyn Request>, Refused> {
        match Key::decode(input) {
            Ok(key) => Ok(Box::new(key)),
            Err(wire::Error::NoServerUrl) => Err(Refused { reply: Reply::failed(NO_SERVER_URL), error: None }),
            Err(_) => Err(Refused { reply: self.not_ours(), error: None }),
        }
    }

    fn failed(&self, _: Failure, _: &Error) -> Reply {
        self.not_ours()
    }

    fn not_ours(&self) -> Reply {
        Reply::failed(NOT_FOUND)
    }
}

impl Request for Key {
    fn targets(&self) -> &[Target] {
        &self.targets
    }

    fn serves(&self, rule: &Rule<'_>, _: &Target, _: &Account) -> Option<String> {
        rule.registry_username.map(str::to_owned)
    }

    fn sent(&self) -> (Option<&[u8]>, &'static str) {
        (None, "basic")
    }

    fn encode(&self, resolved: &Resolved<'_>, token: &Token) -> Result<Option<super::Answer<'_>>, Error> {
        let (username, secret) = resolved.login(token)?;
        let username = username.as_ref().unwrap_or(&resolved.username);
        let text = Answer { server_url: &self.text, username, secret: &secret }
            .encode()
            .map_err(|error| unanswerable(error, resolved.rule.service, &resolved.subject))?;
        Ok(Some(Box::new(|_| Reply { text, status: 0 })))
    }
}

/// Why the account's credential makes no answer.
pub fn unanswerable(error: wire::Error, service: &Service, subject: &Subject) -> Error {
    Error::new(Kind::Failed, format!("the account of {} cannot be answered to docker", service.name))
        .why(error)
        .next(format!("{} to enter it again", subject.renew()))
}

/// `docker logout`, or a client whose token was refused: the cache's copy is forgotten.
fn erase(deadline: Instant) -> Result<(), Error> {
    let Ok(key) = Key::decode(read()?.expose()) else { return Ok(()) };
    let broker = Broker::load(deadline)?;
    if let Some((_, resolved)) = find(&broker, &key)? {
        broker.evict(resolved.rule.service, |_| true);
    }
    Ok(())
}

/// The configured registries. Network and keyring are left alone, and a broken configuration is an empty one here,
/// because a failure would stop `docker build` as a whole.
fn list(deadline: Instant) -> String {
    let broker = match Broker::load(deadline) {
        Ok(broker) => broker,
        Err(error) => {
            error_line(&error);
            return wire::encode_list([]);
        }
    };
    let registries = broker.services.iter().flat_map(rules);
    wire::encode_list(registries.filter_map(|rule| {
        let key = match wire::key_of(&rule.pattern.authority().to_string()) {
            wire::HUB_KEY => wire::HUB_KEY.to_owned(),
            _ => rule.pattern.origin()?,
        };
        Some((key, rule.registry_username?))
    }))
}

fn read() -> Result<Secret<Vec<u8>>, Error> {
    read_stdin(LONGEST_INPUT)
}
