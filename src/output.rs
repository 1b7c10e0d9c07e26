//! What goes to stdout and stderr: an answer in one write, and lines that are no error.

use std::io::Write;

use crate::error::{Error, Kind, plain};
use crate::service::Service;
use crate::shown;
use crate::trace::step;

/// Writes all of `text` to stdout at once.
pub fn print(text: &str) -> Result<(), Error> {
    let mut stdout = std::io::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(|error| Error::new(Kind::Failed, "the output cannot be written").why(error))?;
    step!("answer: {} bytes", text.len());
    Ok(())
}

/// Prints a JSON object on one line.
pub fn print_json(object: impl std::fmt::Display) -> Result<(), Error> {
    print(&json_line(object))
}

/// A JSON object as a line, which does nothing to a terminal.
pub fn json_line(object: impl std::fmt::Display) -> String {
    format!("{}\n", shown::json(&object.to_string()))
}

/// One line on stderr that is no error. A program that does not listen must not cost the answer.
pub fn note(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "scalekit-auth: {}", plain(&text.to_string()));
}

/// The error on one line of stderr, as the helper protocols tell it.
pub fn error_line(error: &Error) {
    let _ = writeln!(std::io::stderr(), "scalekit-auth: {}", error.line());
}

/// The vault calls the account ACTIVE, yet its token's expiry has passed.
pub fn warn_of_expiry(service: &Service) {
    note(format!("the token of {} is past its expiry, though its account is ACTIVE", service.name));
}
