//! A question before something is gone for good.

use std::io::{BufRead, IsTerminal};

use crate::error::{Error, Kind, plain};

/// The usage error where there is nobody to ask; `next` says what does it without a question.
pub(super) fn needs_terminal(next: &str) -> Result<(), Error> {
    if std::io::stdin().is_terminal() && std::io::stderr().is_terminal() {
        return Ok(());
    }
    Err(Error::new(Kind::Usage, "there is no terminal to ask on").next(next))
}

/// Asks `question`; only an answer that begins with y is a yes.
pub(super) fn ask(question: &str) -> Result<bool, Error> {
    eprint!("{} [y/N] ", plain(question));
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    read.map_err(|error| Error::new(Kind::Failed, "stdin cannot be read").why(error))?;
    Ok(answer.trim_start().to_ascii_lowercase().starts_with('y'))
}
