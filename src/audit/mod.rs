//! Which credentials were handed out, to whom, and which were not: one line of JSON each in a file of the user's own, where the
//! user switched that on. Whatever goes wrong here stops no answer.

mod file;
mod follow;
mod record;

use std::path::PathBuf;

use jiff::Timestamp;

pub use follow::Reader;
pub use record::{Asker, Origin, Outcome, Record};

use crate::error::Error;
use crate::output::note;
use crate::system::{self, places::Places};

/// A question for a credential, as far as it is told.
#[derive(Debug)]
pub struct Question<'a> {
    /// The command or helper protocol.
    pub command: &'a str,
    /// The place, if one was named.
    pub target: Option<String>,
    /// The service.
    pub service: &'a str,
    /// Its connection, or client.
    pub connection: &'a str,
    /// Whose account.
    pub identifier: &'a str,
    /// The environment's name.
    pub environment: &'a str,
}

/// Where the files are: `$XDG_STATE_HOME/scalekit-auth`, by default `~/.local/state/scalekit-auth`.
///
/// # Errors
/// There is no home directory.
pub fn directory() -> Result<PathBuf, Error> {
    Ok(Places::here()?.state().join("scalekit-auth"))
}

/// The file that is written.
///
/// # Errors
/// As [`directory`].
pub fn path() -> Result<PathBuf, Error> {
    Ok(file::path(&directory()?))
}

/// Writes down what became of a question, before the answer goes out.
pub fn write(question: Question<'_>, outcome: Outcome) {
    let Question { command, target, service, connection, identifier, environment } = question;
    let record = Record {
        time: format!("{:.3}", Timestamp::now()),
        command: command.to_owned(),
        target,
        service: service.to_owned(),
        connection: connection.to_owned(),
        identifier: identifier.to_owned(),
        environment: environment.to_owned(),
        from: outcome.origin(),
        result: outcome.word().to_owned(),
        asked_by: system::asker().map(Asker::from),
    };
    let written = directory().and_then(|directory| {
        file::append(&directory, &record.encode()).map_err(|error| {
            Error::new(crate::error::Kind::Failed, format!("{} cannot be written", file::path(&directory).display()))
                .why(error)
        })
    });
    match written {
        Ok(None) => {}
        Ok(Some(trouble)) => note(format!("this answer is in the audit, but {trouble}")),
        Err(error) => note(format!("this answer is missing in the audit: {}", error.line())),
    }
}
