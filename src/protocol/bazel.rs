//! The credential helper protocol of Bazel and EngFlow (EngFlow/credential-helper-spec), which buck2 and uv speak as well:
//! `get`, a JSON object with a `uri` on stdin, a JSON object with headers on stdout.
//!
//! Declining is an answer without headers and exit status 0. A failure is exit status 1 with nothing on stdout: the tool
//! shows stderr, and does not go on as if the host wanted no credential.

use std::ffi::OsString;

use serde::Deserialize;
use serde_json::{Map, json};

use super::{Answer, Call, Failure, Get, Input, Protocol, Refused, Reply, Request, Resolved, is_no_help};
use crate::broker::Token;
use crate::consent::rfc3339;
use crate::error::{Error, Kind};
use crate::output::note;
use crate::resolve::Rule;
use crate::service::Account;
use crate::target::Target;

/// The row.
pub static PROTOCOL: Protocol =
    Protocol { link: "bazel-scalekit", command: "bazel", is_word: is_no_help, call, unwritten: 1 };

/// A URI and its JSON are far shorter.
pub const LONGEST_INPUT: usize = 64 * 1024;

const NO_HEADERS: &str = "{\"headers\":{}}\n";
const USAGE: &str = "Usage: bazel-scalekit get";

/// Speak the credential helper protocol of Bazel and EngFlow on stdin and stdout
// The word of a call is read without clap; this is its help.
#[derive(Debug, clap::Args)]
pub struct Help {
    /// get; the tool gives it
    action: String,
}

/// There is no other action; what follows it is left to later versions.
fn call(words: &[OsString]) -> Call {
    match words.first() {
        Some(action) if action == "get" => Call::Get(Box::new(Question)),
        _ => {
            note(USAGE);
            Call::Say(Reply::failed(""))
        }
    }
}

struct Question;

impl Get for Question {
    fn input(&self) -> Input {
        Input::All(LONGEST_INPUT)
    }

    fn decode(&self, input: &[u8]) -> Result<Box<dyn Request>, Refused> {
        match decode(input) {
            Ok(targets) => Ok(Box::new(Uri { targets })),
            Err(error) => {
                let error = Error::new(Kind::Usage, "the request is refused and gets no answer").why(error);
                Err(Refused { reply: Reply::failed(""), error: Some(error) })
            }
        }
    }

    fn failed(&self, _: Failure, _: &Error) -> Reply {
        Reply::failed("")
    }

    fn not_ours(&self) -> Reply {
        Reply::done(NO_HEADERS)
    }
}

/// Why input is no request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// Longer than any real request.
    #[error("it is too long")]
    Length,
    /// Not one JSON object with one `uri` that is text.
    #[error("it is not one JSON object with a uri")]
    Json,
    /// A control character in the URI.
    #[error("its uri holds a control character")]
    Byte,
}

#[derive(Deserialize)]
struct Wire {
    uri: String,
}

/// The target of a request; none for a URI that is not one of https or http with a plain host, or that names a user.
pub fn decode(input: &[u8]) -> Result<Vec<Target>, InputError> {
    if input.len() > LONGEST_INPUT {
        return Err(InputError::Length);
    }
    // The library takes a list of one text for the object, too.
    if !input.trim_ascii_start().starts_with(b"{") {
        return Err(InputError::Json);
    }
    let Wire { uri } = serde_json::from_slice(input).map_err(|_| InputError::Json)?;
    if uri.chars().any(char::is_control) {
        return Err(InputError::Byte);
    }
    Ok(match Target::from_url(&uri) {
        Ok((target, None)) => vec![target],
        _ => Vec::new(),
    })
}

/// A `get` about one URI.
struct Uri {
    targets: Vec<Target>,
}

impl Request for Uri {
    fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// A header has no user name beside it.
    fn serves(&self, _: &Rule<'_>, target: &Target, _: &Account) -> Option<String> {
        (!target.scheme.is_mail()).then(String::new)
    }

    fn sent(&self) -> (Option<&[u8]>, &'static str) {
        (None, "bearer")
    }

    /// The expiry without fractions of a second, which Bazel does not read.
    fn encode(&self, resolved: &Resolved<'_>, token: &Token) -> Result<Option<Answer<'_>>, Error> {
        let headers = resolved.headers(token)?;
        let headers = headers.iter().map(|header| (header.name.clone(), json!([header.value.expose()])));
        let mut object = json!({"headers": headers.collect::<Map<_, _>>()});
        if let Some(at) = token.known_expiry() {
            object["expires"] = rfc3339(at).into();
        }
        Ok(Some(Box::new(move |_| Reply::done(format!("{object}\n")))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn targets(input: &str) -> Result<Vec<String>, InputError> {
        decode(input.as_bytes()).map(|targets| targets.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_uri_is_a_target() {
        let at = |uri: &str| targets(&format!("{{\"uri\":\"{uri}\"}}"));
        assert_eq!(at("https://GitHub.com/o/r/x.tgz"), Ok(vec!["https://github.com/o/r/x.tgz".into()]));
        assert_eq!(targets(" {\"uri\":\"https://a.b\",\"later\":1}\n"), Ok(vec!["https://a.b".into()]));
        for nowhere in ["", "grpcs://a.b", "https://u@a.b", "https://u:p@a.b/", "a.b", "https:\\\\a.b", "file:///etc"] {
            let escaped = nowhere.replace('\\', "\\\\");
            assert_eq!(at(&escaped), Ok(vec![]), "{nowhere}");
        }
    }

    #[test]
    fn what_is_no_request_is_refused() {
        for input in [
            "",
            "{}",
            "[]",
            "[\"https://a.b\"]",
            "{\"uri\":1}",
            "{\"uri\":\"https://a.b\",\"uri\":\"https://c.d\"}",
            "{\"uri\":\"https://a.b\"} {}",
            "{\"uri\":\"https://a.b\",\"ur\\u0069\":\"https://c.d\"}",
        ] {
            assert_eq!(targets(input), Err(InputError::Json), "{input}");
        }
        for input in ["{\"uri\":\"https://a.b\\r\\n\"}", "{\"uri\":\"https://a.b\\u0000\"}"] {
            assert_eq!(targets(input), Err(InputError::Byte), "{input}");
        }
        assert_eq!(decode(&vec![b' '; LONGEST_INPUT + 1]), Err(InputError::Length));
    }

    proptest! {
        #[test]
        fn no_input_makes_it_panic(input in proptest::collection::vec(any::<u8>(), 0..200), uri in "\\PC{0,40}") {
            let _ = decode(&input);
            let _ = decode(serde_json::json!({"uri": uri}).to_string().as_bytes());
        }
    }
}
