//! A command as a home: whatever secret manager's program prints the client secret, or all three as JSON.
//!
//! No shell, no terminal to prompt on, and a deadline that neither the command nor what it leaves behind can stretch.

use std::io::{self, ErrorKind, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::content::{Buffer, Content, ContentError, LARGEST};
use super::{ClientCredentials, DEADLINE, Error, Home, SECRET_VARIABLES, Undo};
use crate::output::note;
use crate::shown;
use crate::system::{self, GRACE, Waitless};

/// How long to sleep before looking again. Waiting on the pipes themselves would not tell when the command ends while
/// something that it started keeps them open.
const PAUSE: Duration = Duration::from_millis(2);
/// How much of its stderr is shown, in characters.
const SHOWN: usize = 600;

/// The command of one environment.
#[derive(Debug)]
pub struct CommandHome {
    argv: Vec<String>,
}

/// Why a command is not used as a home.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// The operating system did not start it.
    #[error("it cannot be run: {0}")]
    Start(io::Error),
    /// Its output could not be read.
    #[error("its output cannot be read: {0}")]
    Output(io::Error),
    /// It reported a failure.
    #[error("it failed ({0})")]
    Failed(ExitStatus),
    /// It ran for too long.
    #[error("it did not end within {} seconds", DEADLINE.as_secs())]
    Hangs,
    /// What it printed is neither a secret nor a set of client credentials.
    #[error("its output cannot be used: {0}")]
    Content(#[from] ContentError),
    /// Nothing can be stored there.
    #[error("its output can be read, and nothing can be written to it")]
    ReadOnly,
}

impl CommandHome {
    /// The command of this argument vector.
    pub fn new(argv: &[String]) -> Self {
        Self { argv: argv.to_owned() }
    }

    fn program(&self) -> &str {
        self.argv.first().map_or("", String::as_str)
    }

    fn explain(&self, problem: CommandError) -> Error {
        Error::HomeCommand { program: self.program().to_owned(), problem }
    }

    /// Runs it to its end.
    fn run(&self) -> Result<Content, Error> {
        let deadline = Instant::now() + DEADLINE;
        let mut command = Command::new(self.program());
        command.args(self.argv.iter().skip(1)).current_dir("/");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        SECRET_VARIABLES.iter().for_each(|name| _ = command.env_remove(name));
        // gpg would ask for a passphrase on the terminal that this names.
        command.env_remove("GPG_TTY");
        // Outside the terminal's foreground nothing of it can read what a person types.
        system::detach(&mut command);
        let child = command.spawn().map_err(|error| self.explain(CommandError::Start(error)))?;
        let (mut stdout, mut stderr) = (Buffer::new(), Buffer::new());
        let ended = Running(child).end(&mut stdout, &mut stderr, deadline);
        let content = match ended {
            Ok(status) if status.success() => Content::parse(stdout.content()).map_err(CommandError::Content),
            Ok(status) => Err(CommandError::Failed(status)),
            Err(error) => Err(error),
        };
        content.map_err(|error| {
            // Its words go where git and docker let those of their helpers go, to whoever watches. An error would take them along
            // into JSON, into reports that people paste, and to other processes.
            if let Some(said) = said(stderr.content(), stdout.content()) {
                note(format!("{} says: {said}", self.program()));
            }
            self.explain(error)
        })
    }
}

impl Home for CommandHome {
    fn read(&self) -> Result<Content, Error> {
        self.run()
    }

    fn write(&self, _: &ClientCredentials, _: bool) -> Result<Undo, Error> {
        Err(self.explain(CommandError::ReadOnly))
    }

    fn remove(&self) -> Result<bool, Error> {
        Err(self.explain(CommandError::ReadOnly))
    }
}

/// A child that does not outlive its owner.
struct Running(Child);

impl Running {
    /// Waits for the child and takes what it printed until then. What is still to come from others that hold its pipes
    /// is not waited for: the child's own output is in the pipes when it ends.
    fn end(mut self, stdout: &mut Buffer, stderr: &mut Buffer, deadline: Instant) -> Result<ExitStatus, CommandError> {
        let out = self.0.stdout.take().ok_or(CommandError::Hangs)?;
        let err = self.0.stderr.take().ok_or(CommandError::Hangs)?;
        let mut out = Waitless::new(out).map_err(CommandError::Output)?;
        let mut err = Waitless::new(err).map_err(CommandError::Output)?;
        let mut ended = None;
        loop {
            let status = self.0.try_wait().map_err(CommandError::Output)?;
            let is_all = drain(&mut out, stdout).map_err(CommandError::Output)?;
            if stdout.content().len() > LARGEST {
                return Err(ContentError::TooLarge.into());
            }
            drain(&mut err, stderr).map_err(CommandError::Output)?;
            // Beyond what could ever be shown it is read only so that the command does not wait for us.
            if stderr.content().len() > LARGEST {
                let _ = err.read(&mut [0; LARGEST]);
            }
            if let Some(status) = status {
                let ended: &mut Instant = ended.get_or_insert_with(Instant::now);
                if is_all || ended.elapsed() >= GRACE {
                    return Ok(status);
                }
            }
            if Instant::now() >= deadline {
                return Err(CommandError::Hangs);
            }
            std::thread::sleep(PAUSE);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !matches!(self.0.try_wait(), Ok(None)) {
            return;
        }
        // Not reaped yet, so that the id is still the child's own.
        system::kill_with_helpers(&mut self.0);
    }
}

/// Takes what is there; whether that was the end.
fn drain(pipe: &mut impl Read, buffer: &mut Buffer) -> io::Result<bool> {
    loop {
        match buffer.fill(pipe) {
            Ok(true) => {}
            Ok(false) => return Ok(true),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The first and the last line of what a command said on stderr, fit to be shown: bounded, without control characters, without anything of what
/// it printed on stdout, and without what looks like another secret.
fn said(stderr: &[u8], stdout: &[u8]) -> Option<String> {
    // Of what was cut off nobody would know what it is.
    let whole =
        if stderr.len() > LARGEST { stderr.iter().rposition(|byte| *byte == b'\n').unwrap_or(0) } else { stderr.len() };
    let lines = plain_lines(&stderr[..whole]);
    let mut text = match lines.as_slice() {
        [] => return None,
        [only] => only.clone(),
        [first, last] => format!("{first}; {last}"),
        // gpg warns first, and a stack trace ends with what went wrong.
        [first, .., last] => format!("{first}; ...; {last}"),
    };
    let printed = plain_lines(stdout);
    let mut pieces: Vec<&str> = printed.iter().map(String::as_str).collect();
    // JSON, NAME=VALUE and the like: the secret alone may be quoted as well.
    for line in &printed {
        pieces
            .extend(line.split(|c: char| c.is_whitespace() || "\"'`,;:={}[]()<>".contains(c)).filter(|p| p.len() > 3));
    }
    pieces.sort_unstable_by_key(|piece| std::cmp::Reverse(piece.len()));
    pieces.dedup();
    for piece in pieces {
        text = text.replace(piece, "[output]");
    }
    let text = shown::foreign(&text);
    Some(match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    })
}

fn plain_lines(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let lines = text.lines().map(|line| line.chars().filter(|c| !c.is_control()).collect::<String>().trim().to_owned());
    lines.filter(|line| !line.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_of_stderr_is_two_lines_with_nothing_of_stdout() {
        let said = |stderr: &[u8], stdout: &[u8]| super::said(stderr, stdout).unwrap_or_default();
        assert_eq!(said(b"\n\x1b[31merror: no item\x1b[0m\nred\n", b""), "[31merror: no item[0m; red");
        assert_eq!(said(b"a\nb\nc\nd\n", b""), "a; ...; d");
        assert_eq!(said(b"\n", b"x"), "");
        assert_eq!(said(b"refused token=hunter2 (ghp_hunter2)", b""), "refused token=[...] ([...])");
        assert_eq!(said(b"cannot use hunter2hunter2!", b"hunter2hunter2\n"), "cannot use [output]!");
        assert_eq!(said(b"bad: hunt\x07er2", b"hunter2"), "bad: [output]");
        let object = br#"{"client_id": "skc_1", "client_secret": "hunter2"}"#;
        assert_eq!(said(b"hunter2 for skc_1?", object), "[output] for [output]?");
        assert_eq!(said("\u{fc}".repeat(5000).as_bytes(), b"x").chars().count(), SHOWN + 3);
    }
}
