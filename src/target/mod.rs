//! What a tool wants to talk to, normalised: scheme, host, port, path.
//!
//! A host is checked as bytes before the URL library sees it, and afterwards both must agree, because the library alone
//! turns `GITHUB%2ecom`, a tab or full-width letters into `github.com`.

mod scheme;
pub(crate) mod suffix;

use std::fmt;

use url::Url;

pub use scheme::Scheme;

/// Any one segment of a path.
const ANY: &str = "{}";
/// At the end of a path that nothing is below of.
const ALONE: char = '$';

/// Longest URL or host we look at, in bytes.
const LONGEST: usize = 8 * 1024;

/// Why a text is not a target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A host with letters outside ASCII, which is compared in its ASCII form alone (RFC 3492).
    #[error("its host has letters outside ASCII; write it as {0}")]
    Letters(String),
    /// A byte that no URL may hold unescaped.
    #[error("it holds a space, a control character, a backslash or a letter outside ASCII")]
    Byte,
    /// None of [`Scheme`]'s.
    #[error("only https is answered (smtp, smtps and imaps for mail, http for a loopback host that the user listed)")]
    Scheme,
    /// A password in the URL is never ours to use.
    #[error("it carries a password")]
    Password,
    /// The host is not spelled as we accept it.
    #[error("its host is not a plain host name")]
    Host,
    /// The port is not a number from 1 to 65535.
    #[error("its port is not a number from 1 to 65535")]
    Port,
    /// Longer than any real URL.
    #[error("it is too long")]
    Length,
}

/// A host and, where it is not the scheme's own, a port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Authority {
    /// ASCII lower case; an IPv6 address keeps its brackets.
    pub host: String,
    /// `None` is the scheme's default port.
    pub port: Option<u16>,
}

impl Authority {
    /// Checks `host` or `host:port` as bytes, then against the URL library.
    pub fn parse(scheme: Scheme, text: &str) -> Result<Self, Error> {
        if text.len() > LONGEST {
            return Err(Error::Length);
        }
        if let Some(letters) = in_ascii(text) {
            return Err(Error::Letters(letters));
        }
        let (host, port) = match text.rfind(':') {
            Some(at) if !text[at..].contains(']') => (&text[..at], Some(&text[at + 1..])),
            _ => (text, None),
        };
        let host = host.to_ascii_lowercase();
        if !is_spelled_as_host(&host) || url::Host::parse(&host).map(|h| h.to_string()) != Ok(host.clone()) {
            return Err(Error::Host);
        }
        let port = port.map(parse_port).transpose()?;
        Ok(Self { host, port: port.filter(|port| *port != scheme.default_port()) })
    }

    /// Whether the host is this machine: `localhost`, 127.0.0.0/8, `[::1]`.
    pub fn is_loopback(&self) -> bool {
        match url::Host::parse(&self.host) {
            Ok(url::Host::Ipv4(address)) => address.is_loopback(),
            Ok(url::Host::Ipv6(address)) => address.is_loopback(),
            _ => self.host == "localhost",
        }
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)?;
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

fn is_spelled_as_host(host: &str) -> bool {
    if let Some(inside) = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        return inside.bytes().all(|b| b.is_ascii_hexdigit() || b == b':' || b == b'.');
    }
    host.len() <= 253
        && host.split('.').all(|label| {
            (1..=63).contains(&label.len())
                // Neither git nor curl minds an underscore.
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
}

fn parse_port(text: &str) -> Result<u16, Error> {
    let plain = !text.is_empty() && !text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit());
    match text.parse() {
        Ok(port) if plain => Ok(port),
        _ => Err(Error::Port),
    }
}

/// How the paths of a place are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// Byte by byte.
    Exact,
    /// Without the case of ASCII letters, as git hosts compare the owners of repositories.
    Ignored,
}

/// Scheme, host, port and path that a credential is asked for. User names are never part of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    /// Scheme.
    pub scheme: Scheme,
    /// Host and port.
    pub authority: Authority,
    /// The path as it was spelled, beginning with `/`; just `/` where none was given. Bytes: git's need not be UTF-8.
    path: Vec<u8>,
}

impl Target {
    /// A URL, and the user name in it, decoded. Query and fragment are dropped.
    pub fn from_url(text: &str) -> Result<(Self, Option<String>), Error> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
        let (place, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (user, authority) = match place.rsplit_once('@') {
            Some((user, authority)) => (Some(user), authority),
            None => (None, place),
        };
        check_bytes(text, authority)?;
        let scheme = Scheme::parse(scheme).ok_or(Error::Scheme)?;
        if user.is_some_and(|user| user.contains(':')) {
            return Err(Error::Password);
        }
        let authority = Authority::parse(scheme, authority)?;
        let parsed = Url::parse(text).map_err(|_| Error::Host)?;
        // Of schemes that are not the web's the library leaves upper case and default ports as they are.
        let host = parsed.host_str().map(str::to_ascii_lowercase);
        let port = parsed.port().filter(|port| *port != scheme.default_port());
        if host.as_deref() != Some(&authority.host) || port != authority.port {
            return Err(Error::Host);
        }
        let user = user
            .filter(|user| !user.is_empty())
            .map(|user| percent_encoding::percent_decode_str(user).decode_utf8_lossy().into_owned());
        let path = path.split(['?', '#']).next().unwrap_or_default();
        Ok((Self::new(scheme, authority, path.as_bytes()), user))
    }

    /// `host` or `host:port`, meant as https.
    pub fn from_host(text: &str) -> Result<Self, Error> {
        check_bytes(text, text)?;
        let authority = Authority::parse(Scheme::Https, text)?;
        Ok(Self::new(Scheme::Https, authority, b""))
    }

    /// The attributes `protocol`, `host` and `path` of git's helper protocol (git-credential(1)).
    pub fn from_git(protocol: &str, host: &str, path: Option<&[u8]>) -> Result<Self, Error> {
        let scheme = Scheme::parse(protocol).ok_or(Error::Scheme)?;
        check_bytes(host, host)?;
        let authority = Authority::parse(scheme, host)?;
        Ok(Self::new(scheme, authority, path.unwrap_or_default()))
    }

    fn new(scheme: Scheme, authority: Authority, path: &[u8]) -> Self {
        let path = if path.starts_with(b"/") { path.to_owned() } else { [b"/", path].concat() };
        Self { scheme, authority, path }
    }

    /// The path as it was spelled, if it is text.
    pub fn path(&self) -> Option<&str> {
        str::from_utf8(&self.path).ok()
    }

    /// Whether the path is `prefix` or below it, on segment boundaries. The empty prefix holds for every path; a path
    /// that a server could read in two ways (dot segments, `//`, `\`, encoded dots and slashes) is below no other one. A segment
    /// `{}` of the prefix stands for any one, and with a `$` at its end nothing is below it.
    pub fn is_below(&self, prefix: &str, case: Case) -> bool {
        if prefix.is_empty() {
            return true;
        }
        let is_alone = prefix.ends_with(ALONE);
        let mut given = self.path.split(|byte| *byte == b'/');
        let starts = prefix.strip_suffix(ALONE).unwrap_or(prefix).split('/').all(|wanted| match given.next() {
            Some(segment) if wanted == ANY => !segment.is_empty(),
            Some(segment) if case == Case::Ignored => segment.eq_ignore_ascii_case(wanted.as_bytes()),
            Some(segment) => segment == wanted.as_bytes(),
            None => false,
        });
        // A slash at the end is nothing below it.
        starts && (!is_alone || given.all(<[u8]>::is_empty)) && is_plain_path(&self.path)
    }
}

/// As it may be shown and written down: a query, which git leaves in the path, may hold what opens something.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.name(), self.authority)?;
        let path = self.path.split(|byte| b"?#".contains(byte)).next().unwrap_or_default();
        match path {
            b"/" => Ok(()),
            path => f.write_str(&String::from_utf8_lossy(path)),
        }
    }
}

/// Whether every reader of `path` sees the same segments in it.
pub fn is_plain_path(path: &[u8]) -> bool {
    let Ok(path) = str::from_utf8(path) else { return false };
    let lower = path.to_ascii_lowercase();
    path.bytes().all(|b| (0x21..=0x7e).contains(&b) && b != b'\\')
        && !["//", "%2e", "%2f", "%5c", "?", "#"].iter().any(|trick| lower.contains(trick))
        && !path.split('/').any(|segment| segment == "." || segment == "..")
}

/// Whether `text`, which names the host and perhaps the port `authority`, holds only bytes that a URL may.
fn check_bytes(text: &str, authority: &str) -> Result<(), Error> {
    if text.len() > LONGEST {
        return Err(Error::Length);
    }
    if text.bytes().all(|b| (0x21..=0x7e).contains(&b) && b != b'\\') {
        return Ok(());
    }
    Err(in_ascii(authority).map_or(Error::Byte, Error::Letters))
}

/// The ASCII form of a host name of letters in other scripts; `None` for what has no such letters, or more than letters,
/// or letters that only look different.
fn in_ascii(authority: &str) -> Option<String> {
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(parse_port(port).ok()?)),
        None => (authority, None),
    };
    let is_letter = |c: char| c.is_alphabetic() && !('\u{f900}'..='\u{ffff}').contains(&c);
    let is_plain = |c: char| if c.is_ascii() { c.is_ascii_alphanumeric() || "-_.".contains(c) } else { is_letter(c) };
    if host.is_ascii() || !host.chars().all(is_plain) {
        return None;
    }
    let label = |label: &str| match label.to_lowercase() {
        label if label.is_ascii() => Some(label),
        label => Some(format!("xn--{}", idna::punycode::encode_str(&label)?)),
    };
    let host = host.split('.').map(label).collect::<Option<Vec<_>>>()?.join(".");
    let authority = Authority::parse(Scheme::Https, &host).ok()?;
    Some(Authority { port, ..authority }.to_string())
}

#[cfg(test)]
mod tests;
