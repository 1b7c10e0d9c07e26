//! pnpm's `tokenHelper` (pnpm.io/npmrc): a program without arguments whose stdout is the value of `Authorization`. So the host is in
//! the name of a link, `scalekit-token@HOST`.
//!
//! There is no declining: pnpm asks for the registry that the user wrote the helper for. A failure is exit status 1 with the reason on
//! stderr, which pnpm shows.

use std::ffi::OsString;

use super::place::{Carries, Place};
use super::{Call, Failure, Get, Input, Protocol, Refused, Reply, Request, Resolved, is_no_help};
use crate::broker::Token;
use crate::error::Error;
use crate::output::note;
use crate::secret::Secret;
use crate::suggest;

/// The row.
pub static PROTOCOL: Protocol =
    Protocol { link: "scalekit-token", command: "pnpm", is_word: is_no_help, call, unwritten: 1 };

const USAGE: &str = "Usage: scalekit-token@HOST, a link to scalekit-auth";

/// Print the value of Authorization for a registry, as pnpm's tokenHelper
// The words of a call are read without clap; this is its help.
#[derive(Debug, clap::Args)]
pub struct Help {
    /// The registry; in the link's name after an @
    host: String,
}

fn call(words: &[OsString]) -> Call {
    match words {
        [host] if host.to_str().is_some() => {
            Call::Get(Box::new(Question { host: host.to_string_lossy().into_owned() }))
        }
        _ => {
            note(USAGE);
            Call::Say(Reply::failed(""))
        }
    }
}

struct Question {
    host: String,
}

impl Get for Question {
    fn input(&self) -> Input {
        Input::Nothing
    }

    fn decode(&self, _: &[u8]) -> Result<Box<dyn Request>, Refused> {
        let mut place = Place::named(&self.host, Carries::Header, encode);
        // A name has no scheme; a registry on this machine may speak plain http, where the user listed it so.
        let plain = Place::named(&format!("http://{}", self.host), Carries::Header, encode);
        place.targets.extend(plain.targets.into_iter().filter(|target| target.authority.is_loopback()));
        Ok(Box::new(place))
    }

    fn failed(&self, _: Failure, _: &Error) -> Reply {
        Reply::failed("")
    }

    fn not_ours(&self) -> Reply {
        note(format!("no configured service answers for {}; {} says why", self.host, suggest::which(&self.host)));
        Reply::failed("")
    }
}

fn encode(resolved: &Resolved<'_>, token: &Token) -> Result<Secret<String>, Error> {
    Ok(Secret::new(format!("{}\n", resolved.authorization(token)?.expose())))
}
