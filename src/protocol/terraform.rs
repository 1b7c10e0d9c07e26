//! The credentials helper protocol of Terraform and OpenTofu (developer.hashicorp.com/terraform/internals/credentials-helpers): `get
//! HOST` in argv, a JSON object with a token on stdout.
//!
//! Declining is an empty object. A failure is exit status 1 with the reason on stderr, which Terraform shows.

use std::ffi::OsString;

use serde_json::json;

use super::place::{Carries, Place};
use super::{Call, Failure, Get, Input, Protocol, Refused, Reply, Request, Resolved, is_no_help};
use crate::broker::Token;
use crate::error::Error;
use crate::output::note;
use crate::secret::Secret;

/// The row.
pub static PROTOCOL: Protocol =
    Protocol { link: "terraform-credentials-scalekit", command: "terraform", is_word: is_no_help, call, unwritten: 1 };

const USAGE: &str = "Usage: terraform-credentials-scalekit get HOST";

/// Speak the credentials helper protocol of Terraform and OpenTofu on stdout
// The words of a call are read without clap; this is its help.
#[derive(Debug, clap::Args)]
pub struct Help {
    /// get, and a host; Terraform gives them
    words: Vec<String>,
}

/// Arguments of the user's configuration come before the action.
fn call(words: &[OsString]) -> Call {
    let last: Vec<&str> = words.iter().rev().take(2).filter_map(|word| word.to_str()).collect();
    match last[..] {
        [host, "get"] => Call::Get(Box::new(Question { host: host.to_owned() })),
        [_, "store"] => {
            note("nothing is stored; the vault has the tokens");
            Call::Say(Reply::failed(""))
        }
        [_, "forget"] => Call::Say(Reply::done("")),
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
        Ok(Box::new(decode(&self.host)))
    }

    fn failed(&self, _: Failure, _: &Error) -> Reply {
        Reply::failed("")
    }

    fn not_ours(&self) -> Reply {
        Reply::done("{}\n")
    }
}

/// A host, with its port if that is not 443, as Terraform normalises it.
fn decode(host: &str) -> Place {
    let text = if host.contains("://") { "" } else { host };
    Place::named(text, Carries::Header, encode)
}

fn encode(resolved: &Resolved<'_>, token: &Token) -> Result<Secret<String>, Error> {
    let bearer = resolved.bearer(token)?;
    Ok(Secret::new(format!("{}\n", json!({"token": bearer.expose()}))))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_host_and_its_port_are_a_target() {
        let at = |host: &str| decode(host).targets.first().map(ToString::to_string);
        assert_eq!(at("app.example.io").as_deref(), Some("https://app.example.io"));
        assert_eq!(at("app.example.io:8443").as_deref(), Some("https://app.example.io:8443"));
        for host in ["", "http://app.example.io", "https://app.example.io", "a b", "user@app.example.io", "a.b/c"] {
            assert_eq!(at(host), None, "{host}");
        }
    }

    proptest! {
        #[test]
        fn no_host_makes_it_panic(host in ".{0,40}") {
            let _ = decode(&host);
        }
    }
}
