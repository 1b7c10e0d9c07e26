//! `GIT_ASKPASS`, `SSH_ASKPASS` and wget's `--use-askpass`: a prompt in argv, the first line of stdout for the answer. Only git's and
//! wget's two questions about an https URL are answered.
//!
//! Declining and failing are exit status 1: git then asks at the terminal.

use std::ffi::OsString;

use super::place::{Carries, Place};
use super::{Call, Failure, Get, Input, Protocol, Refused, Reply, Request, Resolved, is_no_help};
use crate::broker::Token;
use crate::error::Error;
use crate::secret::Secret;
use crate::target::Scheme;

/// The row.
pub static PROTOCOL: Protocol =
    Protocol { link: "scalekit-askpass", command: "askpass", is_word: is_no_help, call, unwritten: 1 };

/// Answer the prompt of GIT_ASKPASS, SSH_ASKPASS or wget's --use-askpass
// The words of a call are read without clap; this is its help.
#[derive(Debug, clap::Args)]
pub struct Help {
    /// The prompt; git gives it
    prompt: String,
}

fn call(words: &[OsString]) -> Call {
    match words {
        [prompt] if prompt.to_str().is_some() => Call::Get(Box::new(Prompt(prompt.to_string_lossy().into_owned()))),
        _ => Call::Say(Reply::failed("")),
    }
}

struct Prompt(String);

impl Get for Prompt {
    fn input(&self) -> Input {
        Input::Nothing
    }

    fn decode(&self, _: &[u8]) -> Result<Box<dyn Request>, Refused> {
        match decode(&self.0) {
            Some(place) => Ok(Box::new(place)),
            None => Err(Refused { reply: Reply::failed(""), error: None }),
        }
    }

    fn failed(&self, _: Failure, _: &Error) -> Reply {
        Reply::failed("")
    }

    fn not_ours(&self) -> Reply {
        Reply::failed("")
    }
}

/// `Username for 'URL': ` or `Password for 'URL': `, where the URL may hold the user name that was answered before.
fn decode(prompt: &str) -> Option<Place> {
    let (what, rest) = prompt.trim_end_matches([' ', ':']).split_once(" for ")?;
    let url = rest.strip_prefix('\'')?.strip_suffix('\'')?;
    let encode = match what {
        "Username" => username,
        "Password" => password,
        _ => return None,
    };
    if url.chars().any(|c| c.is_control() || c == '\'') {
        return None;
    }
    let mut place = Place::of_url(url, Carries::Login, encode);
    place.targets.retain(|target| target.scheme == Scheme::Https);
    Some(place)
}

fn username(resolved: &Resolved<'_>, token: &Token) -> Result<Secret<String>, Error> {
    let (username, _) = resolved.login(token)?;
    Ok(Secret::new(format!("{}\n", username.as_ref().unwrap_or(&resolved.username))))
}

fn password(resolved: &Resolved<'_>, token: &Token) -> Result<Secret<String>, Error> {
    let (_, secret) = resolved.login(token)?;
    Ok(Secret::new(format!("{}\n", secret.expose())))
}

/// The place that a prompt asks about, if it is one of the two.
pub fn target(prompt: &str) -> Option<String> {
    decode(prompt)?.targets.first().map(ToString::to_string)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn two_questions_about_an_https_url_are_understood() {
        let at = |prompt: &str| Some((target(prompt)?, decode(prompt)?.username));
        assert_eq!(at("Username for 'https://github.com': "), Some(("https://github.com".into(), None)));
        assert_eq!(
            at("Password for 'https://x-access-token@github.com/o/r': "),
            Some(("https://github.com/o/r".into(), Some("x-access-token".into())))
        );
        for prompt in [
            "",
            "Username for 'http://github.com': ",
            "Username for 'github.com': ",
            "Password for 'https://a' or 'https://github.com': ",
            "Enter passphrase for key '/home/ada/.ssh/id': ",
            "git@github.com's password: ",
            "Username for 'https://github.com\n.evil.com': ",
            "Password for 'https://u:p@github.com': ",
        ] {
            assert_eq!(at(prompt), None, "{prompt:?}");
        }
    }

    proptest! {
        #[test]
        fn no_prompt_makes_it_panic(prompt in ".{0,80}", url in "(https://)?[a-z@:'./ ]{0,30}") {
            let _ = decode(&prompt);
            let _ = decode(&format!("Password for '{url}': "));
        }
    }
}
