//! What the helper protocols share on the road from stdin to the broker: reading a request, and finding who answers it.

use std::io::Read;

use crate::broker::{Broker, Token, checked};
use crate::cache::Entry;
use crate::error::{Error, Kind};
use crate::refusals::{Refusals, Sent};
use crate::resolve::{self, Account, Answer, Rule, Target};
use crate::secret::Secret;
use crate::suggest::Subject;

/// All of stdin, up to one byte more than a request of `longest` bytes may have.
pub(super) fn read_stdin(longest: usize) -> Result<Secret<Vec<u8>>, Error> {
    let mut input = Vec::new();
    let read = std::io::stdin().lock().take(longest as u64 + 1).read_to_end(&mut input);
    let input = Secret::new(input);
    read.map_err(|error| Error::new(Kind::Failed, "the request cannot be read").why(error))?;
    Ok(input)
}

/// Who answers a request, and where.
pub(super) struct Answering<'a> {
    pub(super) rule: Rule<'a>,
    /// The user name that the host expects beside a token.
    pub(super) username: String,
    pub(super) account: Account,
    /// Host and port.
    pub(super) origin: String,
    /// Whose token it is, as a command says it.
    pub(super) subject: Subject,
}

impl<'a> Answering<'a> {
    /// `None` is a host of somebody else's, or one for which `username` says that it does not serve this protocol.
    pub(super) fn find(
        broker: &'a Broker,
        target: &Target,
        selector: Option<&str>,
        username: impl Fn(&Rule<'_>, &Account) -> Option<String>,
    ) -> Result<Option<Self>, Error> {
        let Answer { rule, account } = match broker.resolve(target, selector) {
            Ok(answer) => answer,
            Err(resolve::Error::Nobody(_) | resolve::Error::OwnHost(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let account = checked(account)?;
        let Some(username) = username(&rule, &account) else { return Ok(None) };
        let subject = broker.subject(rule.service, &account);
        Ok(Some(Self { rule, username, account, origin: target.authority.to_string(), subject }))
    }

    /// What answers and refusals are remembered by, in every protocol.
    pub(super) fn key(&self) -> [&str; 3] {
        [&self.origin, &self.rule.service.connection, &self.account.identifier]
    }

    /// Where a token goes, and how; the token is filled in.
    pub(super) fn sent<'t>(&'t self, path: Option<&'t [u8]>, scheme: &'static str) -> Sent<'t> {
        Sent { origin: &self.origin, path, scheme, token: "" }
    }

    /// A credential: the one that rests in the cache, if `is_fit` takes its token, with `refusals` still locked; else what
    /// the vault gives, before which they are unlocked, and opened anew after it.
    pub(super) fn token(
        &self,
        broker: &Broker,
        refusals: Option<Refusals>,
        is_fit: impl Fn(&str, &Refusals) -> bool,
    ) -> Result<(Token, Option<Refusals>), Error> {
        let service = self.rule.service;
        let is_taken =
            |entry: &Entry| refusals.as_ref().is_none_or(|refusals| is_fit(entry.secret().expose(), refusals));
        if let Some(token) = broker.cached(service, &self.account, is_taken) {
            return Ok((token, refusals));
        }
        drop(refusals);
        Ok((broker.fetched(service, &self.account)?, Refusals::open()))
    }

    /// The error for a token that the server refused.
    pub(super) fn refused(&self, why: &str) -> Error {
        let name = &self.rule.service.name;
        Error::new(Kind::NeedsAuthorization, format!("{} refused the token of {name}", self.origin))
            .why(why)
            .next(self.subject.after_refusal())
    }
}
