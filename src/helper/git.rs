//! git's credential helper protocol (git-credential(1), gitcredentials(7)): decoding what git writes, encoding what it
//! reads.
//!
//! Lines end at byte 0x0A and nowhere else: taking CR for a line end is how other helpers were tricked into answering
//! for the wrong host (CVE-2024-52006 and its kin). CR, NUL, a key that stands twice, a line without `=`, and input that
//! is too long are refused as a whole. All else is bytes: what a server or a file system says need not be UTF-8.

use std::fmt::Write as _;

use crate::resolve::Target;
use crate::secret::Secret;

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

    /// What git wants to talk to; `None` unless protocol and host are there and well formed.
    pub fn target(&self) -> Option<Target> {
        Target::from_git(self.protocol.as_deref()?, self.host.as_deref()?, self.path.as_deref()).ok()
    }
}

fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = line.iter().position(|byte| *byte == b'=')?;
    Some((&line[..at], &line[at + 1..]))
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
    /// `Authorization: Bearer`, where a server offers nothing else.
    Bearer(Secret<String>),
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
            Self::Basic { .. } | Self::Bearer(_) => {
                if let Self::Bearer(_) = self {
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
            Self::Bearer(token) => {
                line("authtype", "Bearer");
                line("credential", token.expose());
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve::Case;
    use proptest::prelude::*;

    #[test]
    fn what_git_2_47_writes_is_understood() {
        let request = Request::decode(
            b"capability[]=authtype\ncapability[]=state\nprotocol=https\nhost=github.com:8443\npath=a/b.git\nusername=bob\n\
              wwwauth[]=Bearer realm=\"a, Basic b\", error=\"invalid_token\"\n",
        )
        .unwrap();
        assert_eq!(request.target().unwrap().to_string(), "https://github.com:8443/a/b.git");
        assert!(request.knows_authtype && request.knows_state && request.offers_bearer && !request.offers_basic);
        assert_eq!(request.username.as_deref(), Some("bob"));
    }

    #[test]
    fn challenges_are_told_apart_within_one_header() {
        assert!(offers(b"Bearer realm=\"x\", Basic realm=\"y\"", "basic"));
        assert!(offers(b"NEGOTIATE, basic", "basic"));
        assert!(offers(b"Bearer realm=\"f\xfcr, Bearer\", Basic realm=\"\xff\"", "basic"));
        assert!(!offers(b"Bearer realm=\"Basic\"", "basic"));
        assert!(!offers(b"Basically x", "basic"));
    }

    #[test]
    fn hostile_input_is_refused_as_a_whole() {
        for (input, error) in [
            (&b"protocol=https\nhost=github.com\r\n"[..], Error::Byte),
            (b"protocol=https\rhost=github.com\nhost=evil.net\n", Error::Byte),
            (b"protocol=https\nhost=github.com\0.evil.net\n", Error::Byte),
            (b"protocol=https\nhost=evil.net\nhost=github.com\n", Error::Duplicate),
            (b"protocol=https\nhost\n", Error::Line),
        ] {
            assert_eq!(Request::decode(input).unwrap_err(), error, "{input:?}");
        }
        let long = format!("path={}\n", "x".repeat(LONGEST_LINE));
        assert_eq!(Request::decode(long.as_bytes()).unwrap_err(), Error::Length);
    }

    #[test]
    fn what_is_not_utf_8_matters_only_where_it_is_used() {
        let request = |more: &[u8]| {
            let input =
                [b"protocol=https\nhost=github.com\nwwwauth[]=Basic realm=\"f\xfcr\"\nx\xff=\xff\n", more].concat();
            Request::decode(&input).unwrap()
        };
        let latin = request(b"path=acme/f\xfcr\nstate[]=scalekit:\xff\nusername=f\xfcr\npassword=f\xfcr\n");
        assert!(latin.offers_basic && latin.state.is_none() && latin.password.is_none());
        assert_eq!(latin.username.as_deref(), Some("f\u{fffd}r"), "a name that asks for somebody");
        let target = latin.target().unwrap();
        assert_ne!(target, request(b"path=acme/f\xe9r\n").target().unwrap(), "bytes are compared");
        assert!(
            target.is_below("", Case::Exact) && !target.is_below("/acme", Case::Ignored),
            "a path that is not plain is below no other"
        );
        let strange = Request::decode(b"protocol=https\nhost=github.com\xff\n").unwrap();
        assert!(strange.target().is_none());
    }

    #[test]
    fn missing_protocol_or_host_is_no_target() {
        for input in
            ["protocol=https\n", "host=github.com\n", "protocol=https\nhost=\n", "protocol=ftp\nhost=a.b\n", ""]
        {
            assert!(Request::decode(input.as_bytes()).unwrap().target().is_none(), "{input}");
        }
    }

    #[test]
    fn only_our_own_state_is_ours_and_an_empty_value_resets() {
        let request = Request::decode(b"state[]=other:1\nstate[]=scalekit:abc\n").unwrap();
        assert_eq!(request.state.as_deref(), Some("abc"));
        let request = Request::decode(b"capability[]=state\ncapability[]=\nwwwauth[]=Basic\nwwwauth[]=\n").unwrap();
        assert!(!request.knows_state && !request.offers_basic);
    }

    #[test]
    fn answers_are_complete() {
        let extras = Extras { expires_at: Some(5), state: Some("id".into()), again: true };
        let basic = Answer::Basic { username: "x-access-token".into(), password: Secret::new("t".into()) };
        assert_eq!(
            basic.encode(&extras).expose(),
            "capability[]=state\nusername=x-access-token\npassword=t\npassword_expiry_utc=5\nstate[]=scalekit:id\ncontinue=1\n\n"
        );
        let bearer = Answer::Bearer(Secret::new("t".into()));
        assert_eq!(
            bearer.encode(&Extras::default()).expose(),
            "capability[]=authtype\nauthtype=Bearer\ncredential=t\nephemeral=1\n\n"
        );
        assert_eq!(Answer::Quit.encode(&Extras::default()).expose(), "quit=1\n\n");
    }

    proptest! {
        #[test]
        fn no_input_makes_it_panic(input in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(request) = Request::decode(&input) {
                let _ = request.target();
            }
        }

        #[test]
        fn what_we_answer_reads_back_the_same(username in "[^\r\n\0]{1,10}", password in "[^\r\n\0]{1,20}") {
            let answer = Answer::Basic { username: username.clone(), password: Secret::new(password.clone()) };
            let text = answer.encode(&Extras::default());
            let read = Request::decode(text.expose().as_bytes()).unwrap();
            prop_assert_eq!(read.username, Some(username));
            let secret = read.password.unwrap();
            prop_assert_eq!(secret.expose(), &password);
        }
    }
}
