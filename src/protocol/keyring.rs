//! The command `keyring`, as pip, uv and their kin call it for a package index: `get URL USER`, or `get URL` with `--mode creds` for
//! both, in JSON with `--output json` (pip 26.2 and later).
//!
//! Not found is exit status 1 with nothing on stdout, and so is every failure, with the reason on stderr. What is not ours, and every
//! other action, is left to the next `keyring` on PATH.

use std::ffi::OsString;
use std::process::Command;

use serde_json::json;

use super::place::{Carries, Encode, Place};
use super::{Call, Failure, Get, Input, Protocol, Refused, Reply, Request, Resolved, is_no_help};
use crate::broker::Token;
use crate::error::Error;
use crate::output::note;
use crate::programs::{is_same_file, on_path};
use crate::secret::Secret;
use crate::store::credential_variables;

/// The row.
pub static PROTOCOL: Protocol =
    Protocol { link: "keyring", command: "keyring", is_word: is_no_help, call, unwritten: 1 };

/// Set for the next `keyring`, so that two of ours do not call each other for ever.
const PASSED_ON: &str = "SCALEKIT_AUTH_KEYRING";

/// Answer as the command keyring does for pip, uv and their kin
// The words of a call are read without clap; this is its help.
#[derive(Debug, clap::Args)]
pub struct Help {
    /// get, a URL, and a user name; pip and uv give them
    words: Vec<String>,
}

fn call(words: &[OsString]) -> Call {
    Call::Get(Box::new(Question { words: words.to_vec() }))
}

struct Question {
    words: Vec<OsString>,
}

impl Get for Question {
    fn input(&self) -> Input {
        Input::Nothing
    }

    fn decode(&self, _: &[u8]) -> Result<Box<dyn Request>, Refused> {
        let words: Option<Vec<&str>> = self.words.iter().map(|word| word.to_str()).collect();
        match words.as_deref().and_then(decode) {
            Some(place) => Ok(Box::new(place)),
            None => Err(Refused { reply: self.not_ours(), error: None }),
        }
    }

    fn failed(&self, _: Failure, _: &Error) -> Reply {
        Reply::failed("")
    }

    fn not_ours(&self) -> Reply {
        passed_on(&self.words).unwrap_or_else(|| Reply::failed(""))
    }
}

/// What the next `keyring` on PATH says to the same words.
fn passed_on(words: &[OsString]) -> Option<Reply> {
    if std::env::var_os(PASSED_ON).is_some() {
        return None;
    }
    let own = std::env::current_exe().ok()?;
    let next = on_path("keyring").find(|program| !is_same_file(program, &own))?;
    let mut command = Command::new(&next);
    credential_variables().for_each(|name| _ = command.env_remove(name));
    match command.args(words).env(PASSED_ON, "1").status() {
        Ok(status) => {
            let status = status.code().and_then(|code| code.try_into().ok()).unwrap_or(1);
            Some(Reply { text: Secret::new(String::new()), status })
        }
        Err(error) => {
            note(format!("{} cannot be started: {error}", next.display()));
            None
        }
    }
}

/// `None` for another action than `get`, and for options that nobody told us about.
fn decode(words: &[&str]) -> Option<Place> {
    let (mut plain, mut mode, mut output) = (Vec::new(), "password", "plain");
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        match word.split_once('=').unwrap_or((word, "")) {
            ("--mode", "") => mode = rest.next()?,
            ("--mode", value) => mode = value,
            ("--output", "") => output = rest.next()?,
            ("--output", value) => output = value,
            _ if word.starts_with('-') => return None,
            _ => plain.push(*word),
        }
    }
    let encode: Encode = match (mode, output) {
        ("password", "plain") => password,
        ("password", "json") => password_json,
        ("creds", "plain") => creds,
        ("creds", "json") => creds_json,
        _ => return None,
    };
    let (url, user) = match plain[..] {
        ["get", url] if mode == "creds" => (url, None),
        ["get", url, user] => (url, Some(user)),
        _ => return None,
    };
    // A host without a scheme may be one that is asked over plain http: pip falls back to it where a URL was not ours.
    let mut place = Place::of_url(url, Carries::Login, encode);
    if let Some(user) = user.filter(|user| !user.is_empty()) {
        place.username = Some(user.to_owned());
    }
    Some(place)
}

fn password(resolved: &Resolved<'_>, token: &Token) -> Result<Secret<String>, Error> {
    Ok(Secret::new(format!("{}\n", resolved.username_and_secret(token)?.1.expose())))
}

fn password_json(resolved: &Resolved<'_>, token: &Token) -> Result<Secret<String>, Error> {
    Ok(Secret::new(format!("{}\n", json!({"password": resolved.username_and_secret(token)?.1.expose()}))))
}

fn creds(resolved: &Resolved<'_>, token: &Token) -> Result<Secret<String>, Error> {
    let (username, secret) = resolved.username_and_secret(token)?;
    Ok(Secret::new(format!("{username}\n{}\n", secret.expose())))
}

fn creds_json(resolved: &Resolved<'_>, token: &Token) -> Result<Secret<String>, Error> {
    let (username, secret) = resolved.username_and_secret(token)?;
    Ok(Secret::new(format!("{}\n", json!({"username": username, "password": secret.expose()}))))
}

/// The place that words ask about, if they do.
pub fn target(words: &[&str]) -> Option<String> {
    decode(words)?.targets.first().map(ToString::to_string)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_form_of_pip_and_uv_is_understood() {
        let at = |line: &str| {
            let words: Vec<&str> = line.split(' ').collect();
            decode(&words).map(|place| (place.targets.first().map(ToString::to_string), place.username))
        };
        let url = "https://europe-python.pkg.dev/p/r/simple/";
        let target = Some("https://europe-python.pkg.dev/p/r/simple/".to_owned());
        let user = Some("ada".to_owned());
        assert_eq!(at(&format!("get {url} ada")), Some((target.clone(), user.clone())));
        assert_eq!(at(&format!("--mode=creds --output=json get {url}")), Some((target.clone(), None)));
        assert_eq!(at(&format!("--mode=creds --output=json get {url} ada")), Some((target.clone(), user)));
        assert_eq!(at(&format!("get {url} --mode creds")), Some((target, None)));
        assert_eq!(at("get europe-python.pkg.dev ada").unwrap().0, None);
        assert_eq!(
            at("get http://europe-python.pkg.dev ada").unwrap().0.as_deref(),
            Some("http://europe-python.pkg.dev")
        );
        for line in ["", "get", "get x", "set x ada", "del x ada", "diagnose", "--list-backends", "get x y z", "--mode"]
        {
            assert_eq!(at(line), None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_words_make_it_panic(words in proptest::collection::vec("(get|--mode|--mode=creds|--output|json|[a-z:/.@-]{0,12})", 0..6)) {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let _ = decode(&words);
        }
    }
}
