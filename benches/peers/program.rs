//! A program that is run again and again, and what one such run shows.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Command line, environment and stdin, and how a good answer is told from a bad one.
#[derive(Clone)]
pub struct Program {
    line: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
    directory: Option<PathBuf>,
    input: String,
    answer: &'static str,
}

impl Program {
    /// `command` as it stands, whose environment has to be its own altogether. A good answer contains `answer` on stdout; an
    /// empty `answer` means that stdout has to stay empty.
    pub fn new(command: &Command, input: impl Into<String>, answer: &'static str) -> Self {
        let line = std::iter::once(command.get_program()).chain(command.get_args()).map(OsStr::to_owned).collect();
        let set = command.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
        let directory = command.get_current_dir().map(PathBuf::from);
        Self { line, variables: set.collect(), directory, input: input.into(), answer }
    }

    /// The command, run by the program that `before` names with its arguments.
    fn command(&self, before: &[&OsStr]) -> Command {
        let mut line = before.iter().copied().chain(self.line.iter().map(OsString::as_os_str));
        let mut command = Command::new(line.next().expect("there is a program"));
        command.args(line).env_clear().envs(self.variables.iter().cloned());
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        command
    }

    fn start(&self, command: &mut Command) -> Result<Child, String> {
        let mut child = command.spawn().map_err(|error| format!("{}: {error}", self.line[0].display()))?;
        // A program that reads nothing may have ended by now.
        let _ = child.stdin.take().expect("it is piped").write_all(self.input.as_bytes());
        Ok(child)
    }

    /// The time from the first start to the last end of so many at once, and how many of them failed.
    pub fn time(&self, at_once: usize) -> (Duration, usize) {
        let mut commands: Vec<Command> = (0..at_once).map(|_| self.command(&[])).collect();
        let start = Instant::now();
        let children: Vec<Child> = commands.iter_mut().map(|command| self.start(command).unwrap()).collect();
        let outputs: Vec<Output> = children.into_iter().map(|child| child.wait_with_output().unwrap()).collect();
        let time = start.elapsed();
        (time, outputs.iter().filter(|output| !self.is_good(output)).count())
    }

    /// Runs it once below another program, such as strace, and returns whether all went well.
    pub fn below(&self, before: &[&OsStr]) -> bool {
        let child = self.start(&mut self.command(before));
        child.is_ok_and(|child| self.is_good(&child.wait_with_output().unwrap()))
    }

    /// Whether it does what it should, and otherwise what it says about that.
    pub fn check(&self) -> Result<(), String> {
        let output = self.start(self.command(&[]).stderr(Stdio::piped()))?.wait_with_output().unwrap();
        if self.is_good(&output) {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&output.stderr);
        let last = text.lines().last().unwrap_or("it does not answer as it should");
        Err(format!("{}: {last}", output.status))
    }

    fn is_good(&self, output: &Output) -> bool {
        let answer = self.answer.as_bytes();
        let found = if answer.is_empty() {
            output.stdout.is_empty()
        } else {
            output.stdout.windows(answer.len()).any(|part| part == answer)
        };
        output.status.success() && found
    }
}
