//! git's credential helper protocol (git-credential(1), gitcredentials(7)): decoding what git writes, encoding what it
//! reads.
//!
//! Lines end at byte 0x0A and nowhere else: taking CR for a line end is how other helpers were tricked into answering
//! for the wrong host (CVE-2024-52006 and its kin). CR, NUL, a key that stands twice, a line without `=`, and input that
//! is too long are refused as a whole. All else is bytes: what a server or a file system says need not be UTF-8.

#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use zeroize::Zeroizing;

use crate::secret::Secret;
use crate::target;
use crate::target::Target;

/// The longest line git promises to handle, newline included.
const LONGEST_LINE: usize = 65_535;
/// The longest request.
pub const LONGEST_INPUT: usize = 1024 * 1024;
/// Marks our value among the `state[]` of several helpers.
const STATE_PREFIX: &str = "scalekit:";

/// Why a request gets no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A line or the whole is longer than any real request.
    #[error("it is too long")]
    Length,
    /// CR or NUL, which no honest request holds.
    #[error("it holds a CR or NUL byte")]
    Byte,
    /// A line that is no `key=value`.
    #[error("a line is not key=value")]
    Line,
    /// A key that may stand once stands twice.
    #[error("a key stands twice")]
    Duplicate,
}

/// What git says about itself, the target and an earlier answer.
#[derive(Debug, Default)]
pub struct Request {
    protocol: Option<String>,
    host: Option<String>,
    path: Option<Vec<u8>>,
    /// From the URL, git's configuration or an earlier answer.
    pub username: Option<String>,
    /// With `store` and `erase`.
    pub password: Option<Secret<String>>,
    /// With `store` and `erase`: what was sent as `authtype`.
    pub credential: Option<Secret<String>>,
    authtype: Option<String>,
    /// Whether git understands `authtype` and `credential` (2.46).
    pub knows_authtype: bool,
    /// Whether git understands `state[]` and `continue` (2.46).
    pub knows_state: bool,
    /// The id that an earlier answer of ours carried.
    pub state: Option<String>,
    /// The server's `WWW-Authenticate` offers Basic.
    pub offers_basic: bool,
    /// The server's `WWW-Authenticate` offers Bearer.
    pub offers_bearer: bool,
}

impl Request {
    /// Decodes all that git wrote, up to the blank line or the end.
    pub fn decode(input: &[u8]) -> Result<Self, Error> {
        if input.len() > LONGEST_INPUT {
            return Err(Error::Length);
        }
        if input.iter().any(|byte| matches!(byte, b'\r' | 0)) {
            return Err(Error::Byte);
        }
        let mut request = Self::default();
        let mut seen = Vec::new();
        for line in input.split(|byte| *byte == b'\n') {
            if line.is_empty() {
                break;
            }
            if line.len() >= LONGEST_LINE {
                return Err(Error::Length);
            }
            let (key, value) = split(line).ok_or(Error::Line)?;
            if !key.ends_with(b"[]") {
                if seen.contains(&key) {
                    return Err(Error::Duplicate);
                }
                seen.push(key);
            }
            request.take(key, value);
        }
        Ok(request)
    }

    fn take(&mut self, key: &[u8], value: &[u8]) {
        // A host or password that is not UTF-8 is none of ours.
        let text = || str::from_utf8(value).ok().map(str::to_owned);
        match key {
            b"protocol" => self.protocol = text(),
            b"host" => self.host = text(),
            b"path" => self.path = Some(value.to_owned()),
            // One that is not UTF-8 stays a name, of an account that nobody has.
            b"username" => self.username = Some(String::from_utf8_lossy(value).into_owned()),
            b"password" => self.password = text().map(Secret::new),
            b"credential" => self.credential = text().map(Secret::new),
            b"authtype" => self.authtype = text(),
            // An empty value resets the list that was built so far.
            b"capability[]" if value.is_empty() => (self.knows_authtype, self.knows_state) = (false, false),
            b"capability[]" => {
                self.knows_authtype |= value == b"authtype";
                self.knows_state |= value == b"state";
            }
            b"state[]" if value.is_empty() => self.state = None,
            b"state[]" => {
                if let Some(id) = text().as_deref().and_then(|value| value.strip_prefix(STATE_PREFIX)) {
                    self.state = Some(id.to_owned());
                }
            }
            b"wwwauth[]" if value.is_empty() => (self.offers_basic, self.offers_bearer) = (false, false),
            b"wwwauth[]" => {
                self.offers_basic |= offers(value, "basic");
                self.offers_bearer |= offers(value, "bearer");
            }
            // Attributes of later versions are none of our business.
            _ => {}
        }
    }

    /// The path, where git sends it (`credential.useHttpPath`).
    pub fn path(&self) -> Option<&[u8]> {
        self.path.as_deref()
    }

    /// Whether the server offers Bearer and not Basic.
    pub fn is_bearer_only(&self) -> bool {
        self.offers_bearer && !self.offers_basic
    }

    /// With `store` and `erase`: the tokens that were sent, each with the scheme, `basic` or `bearer`.
    pub fn sent(&self) -> Vec<(&'static str, Secret<String>)> {
        let is = |scheme| self.authtype.as_deref().is_some_and(|given| given.eq_ignore_ascii_case(scheme));
        let header = self.credential.as_ref().and_then(|credential| match () {
            () if is("basic") => Some(("basic", password_in(credential)?)),
            () if is("bearer") || self.authtype.is_none() => Some(("bearer", credential.clone())),
            () => None,
        });
        header.into_iter().chain(self.password.clone().map(|password| ("basic", password))).collect()
    }

    /// What git wants to talk to; `None` unless protocol and host are there and well formed.
    pub fn target(&self) -> Option<Target> {
        self.target_at(self.host.as_deref()?).ok()
    }

    /// The same place with the ASCII form of a host that has other letters.
    pub fn target_in_ascii(&self) -> Option<Target> {
        match self.target_at(self.host.as_deref()?) {
            Err(target::Error::Letters(host)) => self.target_at(&host).ok(),
            _ => None,
        }
    }

    fn target_at(&self, host: &str) -> Result<Target, target::Error> {
        let protocol = self.protocol.as_deref().ok_or(target::Error::Scheme)?;
        Target::from_git(protocol, host, self.path.as_deref())
    }
}

fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = line.iter().position(|byte| *byte == b'=')?;
    Some((&line[..at], &line[at + 1..]))
}

/// The password in a credential for Basic (RFC 7617).
fn password_in(credential: &Secret<String>) -> Option<Secret<String>> {
    let pair = Zeroizing::new(BASE64_STANDARD.decode(credential.expose()).ok()?);
    let (_, password) = str::from_utf8(&pair).ok()?.split_once(':')?;
    Some(Secret::new(password.to_owned()))
}

/// Whether a `WWW-Authenticate` value (RFC 9110, 11.6.1) holds a challenge of `scheme`. A scheme stands at the beginning
/// or after a comma outside quotes, and is followed by a space or by nothing.
fn offers(value: &[u8], scheme: &str) -> bool {
    let mut quoted = false;
    let mut parts = value.split(move |byte| {
        quoted ^= *byte == b'"';
        *byte == b',' && !quoted
    });
    parts.any(|part| {
        let word = part.trim_ascii_start().split(|byte| *byte == b' ').next().unwrap_or_default();
        word.eq_ignore_ascii_case(scheme.as_bytes())
    })
}

/// What git gets to read.
#[derive(Debug)]
pub enum Answer {
    /// `Authorization: Basic`, the default everywhere.
    Basic {
        /// The user name that the host expects.
        username: String,
        /// The token, or a password.
        password: Secret<String>,
    },
    /// `Authorization: AUTHTYPE CREDENTIAL`, which no helper stores.
    Ephemeral {
        /// `Bearer`, where a server offers nothing else, or `Basic`.
        authtype: &'static str,
        /// What follows it.
        credential: Secret<String>,
    },
    /// No other helper is asked and nobody is prompted.
    Quit,
}

/// What stands beside a credential.
#[derive(Debug, Default)]
pub struct Extras {
    /// Seconds since 1970.
    pub expires_at: Option<i64>,
    /// The id of this answer, for a git that knows `state[]`.
    pub state: Option<String>,
    /// Whether git shall ask again, within the same command, should the server refuse.
    pub again: bool,
}

impl Answer {
    /// Basic, as a header that no helper stores.
    pub fn ephemeral_basic(username: &str, password: &Secret<String>) -> Self {
        let pair = Zeroizing::new(format!("{username}:{}", password.expose()));
        Self::Ephemeral { authtype: "Basic", credential: Secret::new(BASE64_STANDARD.encode(pair.as_bytes())) }
    }

    /// The complete answer, ending with a blank line.
    pub fn encode(&self, extras: &Extras) -> Secret<String> {
        let mut text = String::new();
        let Extras { expires_at, state, again } = extras;
        let mut line = |key: &str, value: &str| {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{key}={value}");
        };
        match self {
            Self::Quit => line("quit", "1"),
            Self::Basic { .. } | Self::Ephemeral { .. } => {
                if let Self::Ephemeral { .. } = self {
                    line("capability[]", "authtype");
                }
                if state.is_some() {
                    line("capability[]", "state");
                }
            }
        }
        match self {
            Self::Quit => {}
            Self::Basic { username, password } => {
                line("username", username);
                line("password", password.expose());
            }
            Self::Ephemeral { authtype, credential } => {
                line("authtype", authtype);
                line("credential", credential.expose());
                line("ephemeral", "1");
            }
        }
        if let Some(expires_at) = expires_at {
            line("password_expiry_utc", &expires_at.to_string());
        }
        if let Some(id) = state {
            line("state[]", &format!("{STATE_PREFIX}{id}"));
            if *again {
                line("continue", "1");
            }
        }
        text.push('\n');
        Secret::new(text)
    }
}

/// The answer to `capability`.
pub const CAPABILITIES: &str = "version 0\ncapability authtype\ncapability state\n";
