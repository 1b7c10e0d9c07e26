//! Many accounts at once: one client token for each environment, and a few connections that the requests share.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::{Broker, Token, is_usable};
use crate::consent::Failure;
use crate::error::Error;
use crate::service::{Account, Service};
use crate::vault::{MOST_AT_ONCE, Vault};

impl Broker {
    /// As [`Broker::token`] for several, in their order. One that fails does not stop the others.
    pub fn tokens(&self, wanted: &[(&Service, &Account)]) -> Vec<Result<Token, Failure>> {
        let mut found: Vec<Option<Result<Token, Failure>>> =
            wanted.iter().map(|(service, account)| self.cached(service, account, is_usable).map(Ok)).collect();
        let is_missing = |(one, found): (&(_, _), &Option<_>)| found.is_none().then_some(*one);
        let missing: Vec<_> = wanted.iter().zip(&found).filter_map(is_missing).collect();
        let mut asked = self
            .each(
                &missing,
                |service| self.vault(service),
                |vault, service, account| {
                    self.fetch_once(service, account, || match vault {
                        Ok(vault) => self.token_of(vault, service, account),
                        Err(error) => Err(error.clone().into()),
                    })
                },
            )
            .into_iter();
        found.iter_mut().filter(|one| one.is_none()).for_each(|one| *one = asked.next());
        found.into_iter().flatten().collect()
    }

    /// Asks for each of `wanted`, up to [`MOST_AT_ONCE`] at a time, and gives the answers in their order. A vault is opened
    /// once for each environment.
    pub fn each<T: Send>(
        &self,
        wanted: &[(&Service, &Account)],
        open: impl Fn(&Service) -> Result<Vault, Error>,
        ask: impl Fn(Result<&Vault, &Error>, &Service, &Account) -> T + Sync,
    ) -> Vec<T> {
        // A service that names no environment may have its client credentials from the environment variables.
        let key = |service: &Service| match &service.client {
            Some(client) => (client.environment().name, false),
            None => (self.environment_name(service).to_owned(), service.environment.is_none()),
        };
        let mut vaults: BTreeMap<_, Result<Vault, Error>> = BTreeMap::new();
        for (service, _) in wanted {
            vaults.entry(key(service)).or_insert_with(|| open(service));
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
