//! Which targets a service claims: an exact host or the names below one, a port, a path prefix.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::catalogue::{self, ProviderHost};
use crate::target::suffix::{is_address, is_public_suffix};
use crate::target::{self, Authority, Case, Scheme, Target, is_plain_path};

/// Why a text is not a host pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The place itself is misspelled.
    #[error("{0}")]
    Target(#[from] target::Error),
    /// Plain http to another machine would show the token to everyone on the way.
    #[error("http is possible for loopback hosts only")]
    Http,
    /// A star anywhere but in front.
    #[error("`*` may only stand for the first label, as in *.example.com")]
    Star,
    /// The names below this host belong to different owners.
    #[error("the names below {0} belong to whoever registers them; name the exact host")]
    Tenants(String),
    /// The path could be read in two ways.
    #[error("its path has dot segments, empty segments or encoded slashes")]
    Path,
}

/// A pattern as users write it after `--host`: `[scheme://]host[:port][/path]`, the host's first label possibly `*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern {
    scheme: Scheme,
    /// Matches the names below `authority.host` instead of that host.
    below: bool,
    authority: Authority,
    /// Empty, or begins with `/` and does not end with one.
    path: String,
}

impl Pattern {
    /// Reads a pattern of the user's.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (Scheme::parse(scheme).ok_or(target::Error::Scheme)?, rest),
            None => (Scheme::Https, text),
        };
        let (place, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (below, place) = match place.strip_prefix("*.") {
            Some(base) => (true, base),
            None => (false, place),
        };
        if place.contains('*') {
            return Err(Error::Star);
        }
        let authority = Authority::parse(scheme, place)?;
        if scheme == Scheme::Http && !authority.is_loopback() {
            return Err(Error::Http);
        }
        if below && spans_owners(&authority.host) {
            return Err(Error::Tenants(authority.host));
        }
        let path = path.trim_end_matches('/');
        if !is_plain_path(path.as_bytes()) {
            return Err(Error::Path);
        }
        Ok(Self { scheme, below, authority, path: path.to_owned() })
    }

    /// A place of the catalogue, which tests hold to the rules of [`Pattern::parse`].
    pub(crate) fn of_place(place: &ProviderHost) -> Self {
        Self {
            scheme: place.scheme,
            below: false,
            authority: Authority { host: place.host.to_owned(), port: place.port },
            path: place.path.to_owned(),
        }
    }

    /// How far `target` is from what this pattern claims.
    pub fn fit(&self, target: &Target, case: Case) -> Fit {
        let (wanted, asked) = (&self.authority, &target.authority);
        let names_host = match self.below {
            true => catalogue::is_below(&asked.host, &wanted.host),
            false => wanted.host == asked.host,
        };
        if !names_host {
            Fit::OtherHost
        } else if self.scheme != target.scheme {
            Fit::OtherScheme
        } else if wanted.port != asked.port {
            Fit::OtherPort
        } else if !target.is_below(&self.path, case) {
            Fit::OtherPath
        } else {
            Fit::Matches
        }
    }

    /// Whether it claims the target, whose path is compared without case.
    pub fn claims(&self, target: &Target) -> bool {
        self.fit(target, Case::Ignored) == Fit::Matches
    }

    /// Whether it names the target's host, whatever scheme, port and path.
    pub fn names_host_of(&self, target: &Target) -> bool {
        self.fit(target, Case::Exact) != Fit::OtherHost
    }

    /// Whether scheme, host and port fit, whatever the path.
    pub fn claims_host(&self, target: &Target) -> bool {
        matches!(self.fit(target, Case::Exact), Fit::Matches | Fit::OtherPath)
    }

    /// Whether it is a place of mail.
    pub fn is_mail(&self) -> bool {
        self.scheme.is_mail()
    }

    /// Whether it is a place of the web, over TLS.
    pub fn is_https(&self) -> bool {
        self.scheme == Scheme::Https
    }

    /// The same host and port, whatever the path.
    pub fn without_path(self) -> Self {
        Self { path: String::new(), ..self }
    }

    /// Whether it names one host.
    pub fn is_exact(&self) -> bool {
        !self.below
    }

    /// Orders patterns that match `target`: an exact host first, then the longer path, then the very spelling of the path.
    pub fn precision(&self, target: &Target) -> (bool, usize, bool) {
        (!self.below, self.path.len(), target.is_below(&self.path, Case::Exact))
    }

    /// Empty, or begins with `/` and does not end with one.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Whether it tells paths apart.
    pub fn has_path(&self) -> bool {
        !self.path.is_empty()
    }

    /// Host and port; for a pattern with a star, the host below which it matches.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The one place it names, for git's configuration; `None` for a pattern with a star.
    pub fn origin(&self) -> Option<String> {
        (!self.below).then(|| format!("{}://{}", self.scheme.name(), self.authority))
    }
}

impl TryFrom<String> for Pattern {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        Self::parse(&text)
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.to_string()
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.scheme != Scheme::Https {
            write!(f, "{}://", self.scheme.name())?;
        }
        let star = if self.below { "*." } else { "" };
        write!(f, "{star}{}{}", self.authority, self.path)
    }
}

/// How far a target is from a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// The pattern claims it.
    Matches,
    /// Another host.
    OtherHost,
    /// The host, by another scheme.
    OtherScheme,
    /// The host, on another port.
    OtherPort,
    /// The host, outside of the path.
    OtherPath,
    /// The path is one that another provider claims on the same host.
    OtherProvider,
}

/// Whether the names below `host` may have different owners: public suffixes, and the domains where providers put their
/// tenants (tenant hosts are pinned).
fn spans_owners(host: &str) -> bool {
    is_address(host) || is_public_suffix(host) || catalogue::is_shared_domain(host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matches(pattern: &str, url: &str) -> bool {
        let target = Target::from_url(url).unwrap().0;
        Pattern::parse(pattern).unwrap().fit(&target, Case::Exact) == Fit::Matches
    }

    #[test]
    fn exact_hosts_match_themselves_only() {
        assert!(matches("github.com", "https://github.com/a/b"));
        for url in [
            "https://evilgithub.com",
            "https://github.com.evil.net",
            "https://api.github.com",
            "http://github.com",
            "https://github.com:8443",
        ] {
            assert!(!matches("github.com", url), "{url}");
        }
    }

    #[test]
    fn stars_respect_labels_and_never_match_the_apex() {
        assert!(matches("*.acme.com", "https://git.acme.com"));
        assert!(matches("*.acme.com", "https://a.b.acme.com"));
        assert!(!matches("*.acme.com", "https://acme.com"));
        assert!(!matches("*.acme.com", "https://evilacme.com"));
    }

    #[test]
    fn stars_across_owners_and_http_to_others_are_refused() {
        for text in [
            "*.zendesk.com",
            "*.my.salesforce.com",
            "*.salesforce.com",
            "*.com",
            "*.com.cn",
            "*.github.io",
            "*.atlassian.net",
            "*.scalekit.com",
            "*",
            "a.*.com",
            "*.*.com",
            "http://github.com",
            "github.com/a/../b",
            "github.com//a",
            "*.127.0.0.1",
            "https://u@github.com",
        ] {
            assert!(Pattern::parse(text).is_err(), "{text}");
        }
        assert!(Pattern::parse("*.acme.zendesk.com").is_ok());
        assert!(matches("http://127.0.0.1:8080", "http://127.0.0.1:8080/x"));
        assert!(!matches("http://127.0.0.1:8080", "http://127.0.0.1:8081/x"));
    }

    proptest! {
        #[test]
        fn printing_and_reading_again_changes_nothing(text in "(http://)?(\\*\\.)?[a-z0-9.:-]{1,20}(/[a-z/]{0,8})?") {
            if let Ok(pattern) = Pattern::parse(&text) {
                prop_assert_eq!(Pattern::parse(&pattern.to_string()), Ok(pattern));
            }
        }
    }
}
