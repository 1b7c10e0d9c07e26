//! Many accounts at once: one client token for each environment, and a few connections that the requests share.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::{Broker, Token, token_of};
use crate::config::Service;
use crate::consent::Failure;
use crate::error::Error;
use crate::resolve::Account;
use crate::vault::Vault;

/// Requests under way at once, each on a connection of its own.
pub const MOST_AT_ONCE: usize = 8;

impl Broker {
    /// As [`Broker::token`] for several, in their order. One that fails does not stop the others.
    pub fn tokens(&self, wanted: &[(&Service, &Account)]) -> Vec<Result<Token, Failure>> {
        self.each(wanted, |vault, service, account| match vault {
            Ok(vault) => token_of(vault, service, account),
            Err(error) => Err(error.clone().into()),
        })
    }

    /// Asks for each of `wanted`, up to [`MOST_AT_ONCE`] at a time, and gives the answers in their order.
    pub fn each<T: Send>(
        &self,
        wanted: &[(&Service, &Account)],
        ask: impl Fn(Result<&Vault, &Error>, &Service, &Account) -> T + Sync,
    ) -> Vec<T> {
        // A service that names no environment may have its client credentials from the environment variables.
        let key = |service: &Service| match &service.client {
            Some(client) => (client.environment().name, false),
            None => (self.environment_name(service).to_owned(), service.environment.is_none()),
        };
        let mut vaults: BTreeMap<_, Result<Vault, Error>> = BTreeMap::new();
        for (service, _) in wanted {
            // The client token is asked for once, before the others would all ask for it.
            let proven = |vault: Vault| vault.prove().map(|()| vault).map_err(Error::from);
            let opened = || self.vault(service).and_then(if service.client.is_some() { Ok } else { proven });
            vaults.entry(key(service)).or_insert_with(opened);
        }
        let next = AtomicUsize::new(0);
        let answers: Vec<Mutex<Option<T>>> = wanted.iter().map(|_| Mutex::new(None)).collect();
        let work = || {
            while let Some((at, (service, account))) = {
                let at = next.fetch_add(1, Ordering::Relaxed);
                wanted.get(at).map(|one| (at, one))
            } {
                let answer = ask(vaults[&key(service)].as_ref(), service, account);
                *answers[at].lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..wanted.len().min(MOST_AT_ONCE) {
                scope.spawn(work);
            }
            work();
        });
        answers.into_iter().filter_map(|answer| answer.into_inner().unwrap_or_else(PoisonError::into_inner)).collect()
    }
}
