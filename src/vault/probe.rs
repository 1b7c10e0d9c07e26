//! The request for a client token, with what its answer tells about the way there.

use std::net::IpAddr;
use std::sync::PoisonError;

use super::http::{Reply, addresses};
use super::{Error, Grant, Granted, Vault};
use crate::clock;

/// What came of it.
pub struct Probe {
    /// For how long the client token is good, in seconds, if that was said.
    pub lifetime: Result<Option<i64>, Error>,
    /// The time at the other end, in seconds since 1970, where there was an answer that told it.
    pub date: Option<i64>,
    /// What the host, or that of the proxy before it, was found to be.
    pub addresses: Vec<IpAddr>,
}

impl Vault {
    /// Proves the client credentials as [`Vault::prove`] does, and tells what it saw.
    pub fn probe(&self) -> Probe {
        let reply = self.ask_for_grant(&[]);
        let date = reply.as_ref().ok().and_then(date);
        let lifetime = reply.and_then(|reply| self.granted(&reply)).map(|Grant { token, lifetime, .. }| {
            *self.token.lock().unwrap_or_else(PoisonError::into_inner) = Some(Granted::now(Ok(token)));
            lifetime
        });
        Probe { lifetime, date, addresses: addresses() }
    }
}

/// RFC 9110, 6.6.1.
fn date(reply: &Reply) -> Option<i64> {
    clock::of_http(reply.header("date")?)
}
