//! Go's `GOAUTH` (go help goauth): called without arguments it may say what it knows, which is nothing; after a 4xx it is called with
//! the URL, and prints blocks of a URL prefix, a blank line, headers, and a blank line.
//!
//! Declining is no output and exit status 0. A failure is exit status 1; Go shows stderr with `-x`.

use std::ffi::OsString;

use super::place::{Carries, Place};
use super::{Call, Failure, Get, Input, Protocol, Refused, Reply, Request, Resolved, is_no_help};
use crate::broker::Token;
use crate::error::Error;
use crate::header::lines;
use crate::secret::Secret;
use crate::target::Scheme;

/// The row.
pub static PROTOCOL: Protocol =
    Protocol { link: "scalekit-goauth", command: "goauth", is_word: is_no_help, call, unwritten: 1 };

/// Speak Go's GOAUTH protocol on stdout
// The words of a call are read without clap; this is its help.
#[derive(Debug, clap::Args)]
pub struct Help {
    /// The URL that Go was refused; Go gives it
    url: Option<String>,
}

fn call(words: &[OsString]) -> Call {
    match words {
        [] => Call::Say(Reply::done("")),
        [url, ..] => Call::Get(Box::new(Question { url: url.to_string_lossy().into_owned() })),
    }
}

struct Question {
    url: String,
}

impl Get for Question {
    /// The refusal's status and headers are there, and say nothing that is needed.
    fn input(&self) -> Input {
        Input::Nothing
    }

    fn decode(&self, _: &[u8]) -> Result<Box<dyn Request>, Refused> {
        Ok(Box::new(decode(&self.url)))
    }

    fn failed(&self, _: Failure, _: &Error) -> Reply {
        Reply::failed("")
    }

    fn not_ours(&self) -> Reply {
        Reply::done("")
    }
}

/// Go sends credentials over https alone.
fn decode(url: &str) -> Place {
    let mut place = Place::of_url(url, Carries::Header, encode);
    place.targets.retain(|target| target.scheme == Scheme::Https);
    place
}

/// The prefix is all that the service claims there, so that Go asks once for it. Go compares it letter by letter; one with
/// placeholders would claim nothing.
fn encode(resolved: &Resolved<'_>, token: &Token) -> Result<Secret<String>, Error> {
    let headers = lines(&resolved.headers(token)?);
    let path = resolved.rule.pattern.path();
    Ok(Secret::new(format!("https://{}{path}\n\n{}\n\n", resolved.origin, headers.expose())))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_https_is_asked_about() {
        let at = |url: &str| decode(url).targets.first().map(ToString::to_string);
        assert_eq!(at("https://github.com/o/r?go-get=1").as_deref(), Some("https://github.com/o/r"));
        for url in ["http://github.com/o/r", "http://127.0.0.1/x", "github.com", "", "https://u:p@github.com"] {
            assert_eq!(at(url), None, "{url}");
        }
    }

    proptest! {
        #[test]
        fn no_url_makes_it_panic(url in ".{0,60}") {
            let _ = decode(&url);
        }
    }
}
