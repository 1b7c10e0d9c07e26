//! Names are looked up once in a process: ureq alone asks again for each request, also where the connection is still open.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// Scheme and authority, and what they led to.
static KNOWN: Mutex<Vec<(String, ResolvedSocketAddrs)>> = Mutex::new(Vec::new());

/// The system's resolver, and what it said before.
#[derive(Debug, Default)]
pub(super) struct RememberingResolver(DefaultResolver);

impl Resolver for RememberingResolver {
    fn resolve(&self, uri: &Uri, config: &Config, limit: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let place = format!("{:?} {:?}", uri.scheme_str(), uri.authority().map(|authority| authority.as_str()));
        // Locked until the answer is there, so that of several that ask at once only the first one does.
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, addresses)) = known.iter().find(|(other, _)| *other == place) {
            return Ok(addresses.clone());
        }
        let addresses = self.0.resolve(uri, config, limit).map_err(|error| match error {
            ureq::Error::Io(error) => not_found(uri, &error.to_string()),
            ureq::Error::HostNotFound => not_found(uri, ""),
            other => other,
        })?;
        known.push((place, addresses.clone()));
        Ok(addresses)
    }
}

/// All that was found so far.
pub(in crate::vault) fn addresses() -> Vec<IpAddr> {
    let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.iter().flat_map(|(_, addresses)| addresses.iter().map(|address| address.ip())).collect()
}

/// A look-up without an address. ureq hands it through as an I/O error, like that of a connection that broke.
#[derive(Debug)]
pub(super) struct NotFound {
    /// Whose address was asked for: the vault's, or a proxy's.
    pub host: String,
    /// What the system said, unless it was that there is no such host.
    pub reason: Option<String>,
}

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} was not found", self.host)
    }
}

impl std::error::Error for NotFound {}

fn not_found(uri: &Uri, text: &str) -> ureq::Error {
    // After getaddrinfo(3)'s own words, which follow those of Rust's library.
    let reason = text.rsplit(": ").next().unwrap_or_default();
    let is_absent = ["", "not known", "does not resolve", "No address", "nodename nor servname", "No such host"]
        .iter()
        .any(|words| reason.contains(words) && words.is_empty() == reason.is_empty());
    let host = uri.host().unwrap_or_default().to_owned();
    ureq::Error::Other(Box::new(NotFound { host, reason: (!is_absent).then(|| reason.to_owned()) }))
}

/// Forgets all, so that a host that moved is found again.
pub(super) fn forget() {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner).clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_is_told_unless_it_is_that_there_is_no_such_host() {
        let reason = |text: &str| match not_found(&"https://a.example".parse().unwrap(), text) {
            ureq::Error::Other(error) => error.downcast::<NotFound>().unwrap().reason,
            other => panic!("{other}"),
        };
        let before = "failed to lookup address information";
        for text in ["", "Name or service not known", "Name does not resolve", "No address associated with hostname"] {
            assert_eq!(reason(&format!("{before}: {text}")), None, "{text}");
        }
        for text in ["Temporary failure in name resolution", "Non-recoverable failure in name resolution"] {
            assert_eq!(reason(&format!("{before}: {text}")).as_deref(), Some(text));
        }
    }
}
