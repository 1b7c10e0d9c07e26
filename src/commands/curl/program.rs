//! The curl on PATH: where it is, what its version may do, and how we become it.

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::{FdFlags, fcntl_setfd};

use crate::error::{Error, Kind};
use crate::programs;
use crate::secret::Secret;
use crate::store::credential_variables;
use crate::target::{Scheme, Target};

/// Since then a redirect to another host or port loses the header (CVE-2018-1000007, CVE-2022-27774).
const KEEPS_CREDENTIALS: (u32, u32) = (7, 83);

/// Longer than any server takes, and what a pipe holds before anybody reads it.
const LONGEST: usize = 64 * 1024;

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
    pub(super) fn become_it(
        &self,
        target: &Target,
        url: &str,
        header: Option<&Secret<String>>,
        own: &[OsString],
    ) -> Error {
        let mut command = Command::new(&self.path);
        // From https no redirect leads back to plain http.
        let schemes = if target.scheme == Scheme::Http { "=http,https" } else { "=https" };
        // -q has to be the first.
        command.arg0("curl").args(["-q", "--globoff", "--proto", schemes, "--proto-redir", schemes]);
        if target.scheme == Scheme::Http && header.is_some() {
            // A proxy for plain http would read the credential, and reach another loopback than ours. How a proxy's
            // exceptions name an IPv6 address differs from curl to curl; the star does not.
            command.args(["--noproxy", "*"]);
        }
        let pipe = match header.map(pipe_with).transpose() {
            Ok(pipe) => pipe,
            Err(error) => return Error::new(Kind::Failed, "curl cannot be given the credential").why(error),
        };
        if let Some(pipe) = &pipe {
            // Before the user's options: none of them finds anything left in the pipe.
            command.args(["-H", &format!("@/dev/fd/{}", pipe.as_raw_fd())]);
        }
        command.args(["--url", url]).args(own);
        credential_variables().for_each(|name| _ = command.env_remove(name));
        // curl would write the keys of the connection to the file that this names.
        command.env_remove("SSLKEYLOGFILE");
        let error = command.exec();
        Error::new(Kind::Failed, format!("{} cannot be run", self.path.display())).why(error)
    }
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
        use std::io::Read;
        let line = |length: usize| Secret::new("x".repeat(length));
        let mut text = String::new();
        pipe_with(&line(LONGEST - 1)).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text.len(), LONGEST);
        assert!(pipe_with(&line(LONGEST)).is_err());
        assert!(pipe_with(&Secret::new("A: b\r\nHost: c".into())).is_err());
    }
}
