//! Cargo's credential provider protocol (doc.rust-lang.org/cargo/reference/credential-provider-protocol): a greeting, then one JSON
//! object on a line for each question.
//!
//! Another registry is `url-not-supported`, on which cargo asks its next provider; a failure is `other` with the reason, which cargo
//! shows. The exit status is 0 in each case, since cargo drops the answer otherwise.

use std::ffi::OsString;

use serde::Deserialize;
use serde_json::{Value, json};

use super::place::{Carries, Place};
use super::{Call, Failure, Get, Input, Protocol, Refused, Reply, Request, Resolved, is_no_help};
use crate::broker::Token;
use crate::error::Error;
use crate::output::note;
use crate::secret::Secret;

/// The row.
pub static PROTOCOL: Protocol =
    Protocol { link: "cargo-credential-scalekit", command: "cargo", is_word: is_no_help, call, unwritten: 1 };

/// The headers of a registry's answer are in a request as well.
pub const LONGEST_INPUT: usize = 256 * 1024;

const USAGE: &str = "Usage: cargo-credential-scalekit --cargo-plugin";

/// Speak cargo's credential provider protocol on stdin and stdout
// The words of a call are read without clap; this is its help.
#[derive(Debug, clap::Args)]
pub struct Help {
    /// Cargo gives it
    #[arg(long)]
    cargo_plugin: bool,
}

fn call(words: &[OsString]) -> Call {
    match words.first() {
        Some(word) if word == "--cargo-plugin" => Call::Get(Box::new(Question)),
        _ => {
            note(USAGE);
            Call::Say(Reply::failed(""))
        }
    }
}

struct Question;

impl Get for Question {
    fn input(&self) -> Input {
        Input::Line(LONGEST_INPUT)
    }

    fn greeting(&self) -> &'static str {
        "{\"v\":[1]}\n"
    }

    fn decode(&self, input: &[u8]) -> Result<Box<dyn Request>, Refused> {
        let refused = |object: Value| Refused { reply: reply(&object), error: None };
        match decode(input) {
            // Cargo closes stdin when it has nothing to ask.
            Ok(None) => Err(Refused { reply: Reply::done(""), error: None }),
            Ok(Some(Asked::Get(place))) => Ok(Box::new(place)),
            Ok(Some(Asked::Other)) => Err(refused(json!({"Err": {"kind": "operation-not-supported"}}))),
            Err(why) => Err(refused(other(&format!("the request is refused: {why}")))),
        }
    }

    fn failed(&self, _: Failure, error: &Error) -> Reply {
        reply(&other(&error.line()))
    }

    fn not_ours(&self) -> Reply {
        reply(&json!({"Err": {"kind": "url-not-supported"}}))
    }
}

fn reply(object: &Value) -> Reply {
    Reply::done(format!("{object}\n"))
}

fn other(message: &str) -> Value {
    json!({"Err": {"kind": "other", "message": message, "caused-by": []}})
}

/// What a request asks for.
enum Asked {
    Get(Place),
    /// `login`, `logout`, and what later versions may have.
    Other,
}

/// Why input is no request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// Longer than any real request.
    #[error("it is too long")]
    Length,
    /// Not one JSON object with a registry and a kind.
    #[error("it is no request of version 1")]
    Json,
}

#[derive(Deserialize)]
struct Wire {
    v: u64,
    registry: Registry,
    kind: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Registry {
    index_url: String,
}

fn decode(input: &[u8]) -> Result<Option<Asked>, InputError> {
    if input.len() > LONGEST_INPUT {
        return Err(InputError::Length);
    }
    if input.trim_ascii().is_empty() {
        return Ok(None);
    }
    if !input.trim_ascii_start().starts_with(b"{") {
        return Err(InputError::Json);
    }
    let wire: Wire = serde_json::from_slice(input).map_err(|_| InputError::Json)?;
    if wire.v != 1 {
        return Err(InputError::Json);
    }
    if wire.kind != "get" {
        return Ok(Some(Asked::Other));
    }
    let url = wire.registry.index_url.strip_prefix("sparse+").unwrap_or(&wire.registry.index_url);
    Ok(Some(Asked::Get(Place::of_url(url, Carries::Header, encode))))
}

/// The place that a request is about, if it is a request for a token.
pub fn target(input: &[u8]) -> Result<Option<String>, InputError> {
    Ok(match decode(input)? {
        Some(Asked::Get(place)) => place.targets.first().map(ToString::to_string),
        _ => None,
    })
}

/// The token is the whole value of `Authorization`. It is good for every operation, since the vault knows none of them.
fn encode(resolved: &Resolved<'_>, token: &Token) -> Result<Secret<String>, Error> {
    let value = resolved.authorization(token)?;
    let mut object = json!({"kind": "get", "token": value.expose(), "cache": "session", "operation_independent": true});
    if let Some(at) = token.known_expiry() {
        object["cache"] = "expires".into();
        object["expiration"] = at.into();
    }
    Ok(Secret::new(format!("{}\n", json!({"Ok": object}))))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request(url: &str, kind: &str) -> String {
        json!({"v": 1, "registry": {"index-url": url, "name": "my", "headers": []}, "kind": kind, "operation": "read"})
            .to_string()
    }

    #[test]
    fn an_index_is_a_target() {
        let at = |url: &str| target(request(url, "get").as_bytes());
        assert_eq!(at("sparse+https://a.b/index/"), Ok(Some("https://a.b/index/".into())));
        assert_eq!(at("https://github.com/o/index"), Ok(Some("https://github.com/o/index".into())));
        for url in ["a.b", "", "sparse+", "sparse+https://u:p@a.b/", "ssh://git@a.b/i"] {
            assert_eq!(at(url), Ok(None), "{url}");
        }
        assert!(matches!(decode(request("sparse+https://a.b/", "logout").as_bytes()), Ok(Some(Asked::Other))));
        assert!(matches!(decode(b"\n"), Ok(None)));
    }

    #[test]
    fn what_is_no_request_is_refused() {
        let twice = request("https://a.b", "get").replacen("\"kind\"", "\"kind\":\"login\",\"kind\"", 1);
        for input in
            ["{}", "[1]", "get", "{\"v\":2,\"registry\":{\"index-url\":\"https://a.b\"},\"kind\":\"get\"}", &twice]
        {
            assert_eq!(target(input.as_bytes()), Err(InputError::Json), "{input}");
        }
        assert_eq!(target(&vec![b' '; LONGEST_INPUT + 1]), Err(InputError::Length));
    }

    proptest! {
        #[test]
        fn no_input_makes_it_panic(input in proptest::collection::vec(any::<u8>(), 0..200), url in "\\PC{0,40}") {
            let _ = target(&input);
            let _ = target(request(&url, "get").as_bytes());
        }
    }
}
