//! Asking for what is missing, on the terminal alone.

use std::io::{BufRead, IsTerminal};

use crate::error::{Error, Kind};
use crate::secret::Secret;
use crate::system;

/// How often something is asked for that was not understood.
const ATTEMPTS: usize = 3;

/// Asks until `read` takes the answer, a few times. Enter alone takes `known`, where something is.
pub(super) fn ask<T>(
    what: &str,
    option: &str,
    known: Option<&str>,
    read: impl Fn(&str) -> Result<T, Error>,
) -> Result<T, Error> {
    if !is_there() {
        return Err(no_terminal(option));
    }
    for attempt in 1.. {
        match known {
            Some(known) => eprint!("{what} [{known}]: "),
            None => eprint!("{what}: "),
        }
        let line = read_line()?;
        let outcome = match (line.expose().as_str(), known) {
            ("", Some(known)) => read(known),
            (answer, _) => read(answer),
        };
        match outcome {
            Err(error) if attempt < ATTEMPTS => super::note(error.line()),
            outcome => return outcome,
        }
    }
    unreachable!("the last attempt returns")
}

/// Whether somebody sits at stdin.
pub(super) fn is_there() -> bool {
    std::io::stdin().is_terminal()
}

/// Whether the answer begins with y; `None` where there is nobody to ask.
pub(super) fn confirms(question: &str) -> Option<bool> {
    if !is_there() {
        return None;
    }
    eprint!("{question}");
    let answer = read_line().ok()?;
    Some(answer.expose().to_ascii_lowercase().starts_with('y'))
}

/// Yes unless the answer begins with n; `None` where there is nobody to ask.
pub(super) fn ask_yes(question: &str) -> Option<bool> {
    if !is_there() {
        return None;
    }
    eprint!("{question}");
    let answer = read_line().ok()?;
    Some(!answer.expose().to_ascii_lowercase().starts_with('n'))
}

/// A secret: asked for with echo off where somebody sits at the terminal, else one line of stdin.
pub(super) fn read_secret(what: &str) -> Result<Secret<String>, Error> {
    if is_there() { ask_hidden(&format!("{what}: ")) } else { read_line() }
}

/// One line of stdin without blanks, line end and byte order mark, which some shells add.
pub(super) fn read_line() -> Result<Secret<String>, Error> {
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    let line = Secret::new(line);
    read.map_err(|error| Error::new(Kind::Failed, "stdin cannot be read").why(error))?;
    Ok(Secret::new(line.expose().trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}').to_owned()))
}

pub(super) fn no_terminal(what: &str) -> Error {
    Error::new(Kind::Usage, format!("{what} is missing and there is no terminal to ask on"))
}

/// Asks on the terminal with echo off.
pub(super) fn ask_hidden(prompt: &str) -> Result<Secret<String>, Error> {
    if !is_there() {
        return Err(no_terminal("the client secret"));
    }
    let secret = system::read_hidden(prompt).map(Secret::new);
    secret
        .map(|secret| Secret::new(secret.expose().trim().to_owned()))
        .map_err(|error| Error::new(Kind::Failed, "the client secret was not read").why(error))
}
