//! Names are looked up once in a process: ureq alone asks again for each request, also where the connection is still open.

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
        let addresses = self.0.resolve(uri, config, limit)?;
        known.push((place, addresses.clone()));
        Ok(addresses)
    }
}

/// Forgets all, so that a host that moved is found again.
pub(super) fn forget() {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner).clear();
}
