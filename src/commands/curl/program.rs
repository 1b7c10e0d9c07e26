//! The curl on PATH: where it is, what its version may do, and how we become it.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::error::{Error, Kind};
use crate::programs;
use crate::secret::Secret;
use crate::store::credential_variables;
use crate::system::{self, Handed};
use crate::target::Scheme;
use crate::trace::step;

/// Since then a redirect to another host or port loses the header (CVE-2018-1000007, CVE-2022-27774).
pub const KEEPS_CREDENTIALS: (u32, u32) = (7, 83);

/// How much of an answer is looked at; an error of the vault's is far shorter.
const KEPT: usize = 16 * 1024;

/// One call.
pub(super) struct Call<'a> {
    pub(super) url: &'a str,
    pub(super) scheme: Scheme,
    /// The lines that carry the credential.
    pub(super) headers: Option<&'a Secret<String>>,
    /// The user's options.
    pub(super) own: &'a [OsString],
}

/// What a curl did that was watched.
pub(super) struct Watched {
    /// Its exit status.
    pub(super) code: i32,
    /// The beginning of the heads of the answers, unless the user had them written elsewhere.
    pub(super) heads: Vec<u8>,
    /// The beginning of what it printed.
    pub(super) body: Vec<u8>,
}

/// curl on this machine.
pub(super) struct Curl {
    path: PathBuf,
}

impl Curl {
    /// The first one on PATH, directories relative to the current one left out.
    pub(super) fn find() -> Result<Self, Error> {
        match programs::on_path("curl").next() {
            Some(path) => Ok(Self { path }),
            None => Err(Error::new(Kind::Failed, "there is no curl on PATH").next("install curl")),
        }
    }

    /// Refuses a curl that would send the header to wherever a redirect leads.
    pub(super) fn must_keep_credentials_on_redirects(&self) -> Result<(), Error> {
        let output = Command::new(&self.path).args(["-q", "--version"]).stdin(Stdio::null()).output();
        let version =
            output.ok().and_then(|output| programs::version(&String::from_utf8_lossy(&output.stdout), "curl "));
        if version.is_some_and(|version| version >= KEEPS_CREDENTIALS) {
            return Ok(());
        }
        let (major, minor) = KEEPS_CREDENTIALS;
        let found = version.map_or("of unknown version".to_owned(), |(major, minor)| format!("{major}.{minor}"));
        Err(Error::new(Kind::Usage, format!("curl's option -L is refused with this curl ({found})"))
            .why(format!("before {major}.{minor} curl could send the credential on to the place a redirect leads to"))
            .next("call the URL of the answer's Location header in the same way, or install a newer curl"))
    }

    /// Becomes curl; returns why that was impossible.
    pub(super) fn become_it(&self, call: &Call<'_>) -> Error {
        step!("run: becomes curl");
        match self.command(call, &[]) {
            Ok((command, None)) => self.cannot_be_run(system::become_command(command)),
            Ok((command, Some(handed))) => self.cannot_be_run(handed.become_command(command)),
            Err(error) => error,
        }
    }

    /// Runs curl and passes on what it prints, as it comes; tells what could be seen of the answer.
    pub(super) fn watch(&self, call: &Call<'_>) -> Result<Watched, Error> {
        let pipe = system::heads_pipe().map_err(|error| self.cannot_be_run(error))?;
        let mut early = Vec::new();
        if let Some((_, _, name)) = &pipe {
            early.extend(["-D".to_owned(), name.clone()]);
        }
        if io::stdout().is_terminal() {
            // As it is where curl writes to a terminal itself.
            early.push("-sS".to_owned());
        }
        let (mut command, handed) = self.command(call, &early)?;
        command.stdout(Stdio::piped());
        let child = match handed {
            Some(handed) => handed.spawn(&mut command),
            None => command.spawn(),
        };
        let mut child = child.map_err(|error| self.cannot_be_run(error))?;
        // Only curl's own end may keep the pipe open.
        let heads = pipe.map(|(heads, _, _)| std::thread::spawn(move || beginning(heads, &mut io::sink())));
        let body = child.stdout.take().map(|from| beginning(from, &mut io::stdout().lock())).unwrap_or_default();
        let status = child.wait().map_err(|error| self.cannot_be_run(error))?;
        let heads = heads.and_then(|thread| thread.join().ok()).unwrap_or_default();
        Ok(Watched { code: system::exit_code(status), heads, body })
    }

    /// curl with `early` options before the user's; what holds the headers must live until it runs.
    fn command(&self, call: &Call<'_>, early: &[String]) -> Result<(Command, Option<Handed>), Error> {
        let mut command = Command::new(&self.path);
        // From https no redirect leads back to plain http.
        let schemes = if call.scheme == Scheme::Http { "=http,https" } else { "=https" };
        // -q has to be the first.
        command.args(["-q", "--globoff", "--proto", schemes, "--proto-redir", schemes]);
        if call.scheme == Scheme::Http && call.headers.is_some() {
            // A proxy for plain http would read the credential, and reach another loopback than ours. How a proxy's
            // exceptions name an IPv6 address differs from curl to curl; the star does not.
            command.args(["--noproxy", "*"]);
        }
        let handed = call.headers.map(handed).transpose();
        let handed =
            handed.map_err(|error| Error::new(Kind::Failed, "curl cannot be given the credential").why(error))?;
        if let Some(handed) = &handed {
            if Handed::BY_STDIN && call.own.iter().any(reads_stdin) {
                return Err(Error::new(Kind::Usage, "curl cannot read stdin here")
                    .why("on Windows the credential comes by it")
                    .next("write what curl shall send into a file, and give its name"));
            }
            // Before the user's options: none of them finds anything left in the pipe.
            command.args(["-H", &format!("@{}", handed.file())]);
        }
        command.args(early).args(["--url", call.url]).args(call.own);
        credential_variables().for_each(|name| _ = command.env_remove(name));
        // curl would write the keys of the connection to the file that this names.
        command.env_remove("SSLKEYLOGFILE");
        Ok((command, handed))
    }

    fn cannot_be_run(&self, error: impl std::fmt::Display) -> Error {
        Error::new(Kind::Failed, format!("{} cannot be run", self.path.display())).why(error)
    }
}

/// Passes `from` on to `to` until either ends, and keeps its beginning.
fn beginning(mut from: impl Read, to: &mut impl Write) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => {
                kept.extend_from_slice(&buffer[..length.min(KEPT - kept.len())]);
                if to.write_all(&buffer[..length]).and_then(|()| to.flush()).is_err() {
                    break;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    kept
}

/// The header's lines, for a program run by us.
fn handed(header: &Secret<String>) -> io::Result<Handed> {
    let line = header.expose();
    // Where it came from was checked; this is where a line end would become another header.
    if line.bytes().any(|byte| byte.is_ascii_control() && byte != b'\n') {
        return Err(io::Error::other("it does not fit into a header"));
    }
    Handed::new(Secret::new(format!("{line}\n")).expose().as_bytes())
}

/// Whether curl would read its stdin for this argument.
fn reads_stdin(argument: &OsString) -> bool {
    let argument = argument.as_encoded_bytes();
    matches!(argument, b"-" | b"." | b"-T-" | b"-T.") || argument.ends_with(b"@-") || argument.ends_with(b"<-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_cannot_be_handed_over_is_an_error_instead_of_a_wait() {
        const MOST: usize = 64 * 1024;
        let line = |length: usize| Secret::new("x".repeat(length));
        assert!(handed(&line(MOST - 1)).is_ok());
        assert!(handed(&line(MOST)).is_err());
        assert!(handed(&Secret::new("A: b\r\nHost: c".into())).is_err());
    }

    #[test]
    fn arguments_that_read_stdin_are_known() {
        for argument in ["-", ".", "-T-", "-d@-", "@-", "x=@-", "--data=@-", "x=<-"] {
            assert!(reads_stdin(&argument.into()), "{argument}");
        }
        for argument in ["-s", "--", "@file", "a-", "https://x/.", "-T", "-o"] {
            assert!(!reads_stdin(&argument.into()), "{argument}");
        }
    }
}
