//! Calls that the vault makes itself, for accounts whose credential stays there.

use super::{Broker, selector};
use crate::cache::{self, Holder};
use crate::consent::Failure;
use crate::error::{Error, Kind};
use crate::resolve::learn;
use crate::service::{Account, Pattern, Service};
use crate::vault::{self, ProxyCall, Status};

impl Broker {
    /// Where the vault's calls for this connection begin: as `sync` found it, else as the vault says now. `None` where it does not
    /// say.
    pub fn proxy_url(&self, service: &Service) -> Result<Option<String>, Error> {
        if service.learned.proxy_url.is_some() {
            return Ok(service.learned.proxy_url.clone());
        }
        let Ok(Some(provider)) = service.provider() else { return Ok(None) };
        match self.vault(service)?.provider(&provider) {
            Ok(found) => Ok(found.and_then(|found| found.proxy_url)),
            // The list is a preview of Scalekit's.
            Err(vault::Error::NotFound | vault::Error::Refused { status: 403 | 404 | 501, .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Refuses an account that the vault's proxy would not know again: its identifier travels in a header.
    pub fn must_travel(&self, service: &Service, account: &Account) -> Result<(), Error> {
        let asked = selector(service, account);
        let is_exact = |text: &str| text.trim() == text && text.bytes().all(|b| (0x20..=0x7e).contains(&b));
        if is_exact(asked.connection) && asked.identifier.is_none_or(is_exact) {
            return Ok(());
        }
        let what = format!("the identifier {:?} cannot be told to the vault's proxy", account.identifier);
        Err(Error::new(Kind::Usage, what).why("it travels in a header: visible ASCII, and no spaces at its ends"))
    }

    /// The call of `path` through the vault's proxy. Where `is_active` does not say so already, the account is asked whether it can
    /// be used; if not, the failure is that of [`Broker::token`].
    pub fn proxy_call(
        &self,
        service: &Service,
        account: &Account,
        path: &str,
        is_active: bool,
    ) -> Result<ProxyCall, Failure> {
        let vault = self.vault(service)?;
        let asked = selector(service, account);
        let is_usable = is_active
            || match vault.details(asked) {
                Ok(details) => details.status == Status::Active,
                Err(vault::Error::NotFound) => false,
                Err(error) => return Err(error.into()),
            };
        if !is_usable {
            self.token_of(&vault, service, account)?;
        }
        Ok(vault.proxy_call(asked, path)?)
    }

    /// The host that an account's own values make of a provider's address with blanks; `None` where they do not.
    pub fn host_of(&self, service: &Service, account: &Account, template: &str) -> Result<Option<Pattern>, Error> {
        let details = self.vault(service)?.details(selector(service, account))?;
        Ok(learn::host_of(template, &details.facts.0))
    }

    /// Forgets the client token of `service`'s environment, which the vault refused.
    pub fn forget_client_token(&self, service: &Service) {
        let Ok(source) = self.source(service) else { return };
        let own = source.key(Holder::Client { scopes: Vec::new() });
        cache::evict(|key, _| *key == own);
    }
}
