//! The curl on PATH: where it is, what its version may do, and how we become it.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::{FdFlags, fcntl_setfd};

use crate::error::{Error, Kind};
use crate::programs;
use crate::secret::Secret;
use crate::store::credential_variables;
use crate::target::Scheme;

/// Since then a redirect to another host or port loses the header (CVE-2018-1000007, CVE-2022-27774).
const KEEPS_CREDENTIALS: (u32, u32) = (7, 83);

/// Longer than any server takes, and what a pipe holds before anybody reads it.
const LONGEST: usize = 64 * 1024;

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
        match self.command(call, &[]) {
            Ok((mut command, _pipe)) => self.cannot_be_run(command.exec()),
            Err(error) => error,
        }
    }

    /// Runs curl and passes on what it prints, as it comes; tells what could be seen of the answer.
    pub(super) fn watch(&self, call: &Call<'_>) -> Result<Watched, Error> {
        let (heads, heads_in) = io::pipe().map_err(|error| self.cannot_be_run(error))?;
        fcntl_setfd(&heads_in, FdFlags::empty()).map_err(|error| self.cannot_be_run(error))?;
        let mut early = vec!["-D".to_owned(), format!("/dev/fd/{}", heads_in.as_raw_fd())];
        if io::stdout().is_terminal() {
            // As it is where curl writes to a terminal itself.
            early.push("-sS".to_owned());
        }
        let (mut command, pipe) = self.command(call, &early)?;
        let mut child = command.stdout(Stdio::piped()).spawn().map_err(|error| self.cannot_be_run(error))?;
        // Only curl's own end may keep the pipe open.
        drop((heads_in, pipe));
        let heads = std::thread::spawn(move || beginning(heads, &mut io::sink()));
        let body = child.stdout.take().map(|from| beginning(from, &mut io::stdout().lock())).unwrap_or_default();
        let status = child.wait().map_err(|error| self.cannot_be_run(error))?;
        let code = status.code().or_else(|| Some(128 + status.signal()?)).unwrap_or(1);
        Ok(Watched { code, heads: heads.join().unwrap_or_default(), body })
    }

    /// curl with `early` options before the user's; what holds the headers must live until it runs.
    fn command(&self, call: &Call<'_>, early: &[String]) -> Result<(Command, Option<io::PipeReader>), Error> {
        let mut command = Command::new(&self.path);
        // From https no redirect leads back to plain http.
        let schemes = if call.scheme == Scheme::Http { "=http,https" } else { "=https" };
        // -q has to be the first.
        command.arg0("curl").args(["-q", "--globoff", "--proto", schemes, "--proto-redir", schemes]);
        if call.scheme == Scheme::Http && call.headers.is_some() {
            // A proxy for plain http would read the credential, and reach another loopback than ours. How a proxy's
            // exceptions name an IPv6 address differs from curl to curl; the star does not.
            command.args(["--noproxy", "*"]);
        }
        let pipe = call.headers.map(pipe_with).transpose();
        let pipe = pipe.map_err(|error| Error::new(Kind::Failed, "curl cannot be given the credential").why(error))?;
        if let Some(pipe) = &pipe {
            // Before the user's options: none of them finds anything left in the pipe.
            command.args(["-H", &format!("@/dev/fd/{}", pipe.as_raw_fd())]);
        }
        command.args(early).args(["--url", call.url]).args(call.own);
        credential_variables().for_each(|name| _ = command.env_remove(name));
        // curl would write the keys of the connection to the file that this names.
        command.env_remove("SSLKEYLOGFILE");
        Ok((command, pipe))
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

/// A pipe that holds `header` and its end, and that a program run by us inherits.
fn pipe_with(header: &Secret<String>) -> io::Result<io::PipeReader> {
    let line = header.expose();
    // Where it came from was checked; this is where a line end would become another header.
    if line.len() >= LONGEST || line.bytes().any(|byte| byte.is_ascii_control() && byte != b'\n') {
        return Err(io::Error::other("it does not fit into a header"));
    }
    let (reader, mut writer) = io::pipe()?;
    // Nobody reads yet: what does not fit has to fail.
    fcntl_setfl(&writer, fcntl_getfl(&writer)? | OFlags::NONBLOCK)?;
    writer.write_all(line.as_bytes()).and_then(|()| writer.write_all(b"\n"))?;
    fcntl_setfd(&reader, FdFlags::empty())?;
    Ok(reader)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_the_pipe_cannot_hold_is_an_error_instead_of_a_wait() {
        let line = |length: usize| Secret::new("x".repeat(length));
        let mut text = String::new();
        pipe_with(&line(LONGEST - 1)).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text.len(), LONGEST);
        assert!(pipe_with(&line(LONGEST)).is_err());
        assert!(pipe_with(&Secret::new("A: b\r\nHost: c".into())).is_err());
    }
}
