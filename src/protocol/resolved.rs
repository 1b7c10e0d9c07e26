//! Who answers a request, and with which credential.

use crate::broker::{Asked, Broker, Token, checked};
use crate::cache::Entry;
use crate::error::{Error, Kind};
use crate::header::{self, Header};
use crate::refusals::{Refusals, Sent};
use crate::resolve::{self, Answer, Rule};
use crate::secret::Secret;
use crate::service::Account;
use crate::suggest::Subject;
use crate::target::Target;

/// Who answers a request, and where.
pub struct Resolved<'a> {
    /// By which rule.
    pub rule: Rule<'a>,
    /// The user name that the host expects beside a token.
    pub username: String,
    /// With whose token.
    pub account: Account,
    /// Host and port.
    pub origin: String,
    /// Whose token it is, as a command says it.
    pub subject: Subject,
}

impl<'a> Resolved<'a> {
    /// `None` is a host of somebody else's, or one for which `username` says that it does not serve this protocol.
    pub fn find(
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
    pub fn key(&self) -> [&str; 3] {
        [&self.origin, &self.rule.service.connection, &self.account.identifier]
    }

    /// The question as the audit has it.
    pub fn asked<'t>(&'t self, command: &'static str, target: &'t Target) -> Asked<'t> {
        Asked { command, target: Some(target), service: self.rule.service, account: &self.account }
    }

    /// Where a token goes, and how; the token is filled in.
    pub fn sent<'t>(&'t self, path: Option<&'t [u8]>, scheme: &'static str) -> Sent<'t> {
        Sent { origin: &self.origin, path, scheme, token: "" }
    }

    /// A credential: the cached one, if `is_usable` takes its token, with `refusals` still locked; else what
    /// the vault gives, before which they are unlocked, and opened anew after it.
    pub fn token(
        &self,
        broker: &Broker,
        refusals: Option<Refusals>,
        is_usable: impl Fn(&str, &Refusals) -> bool,
    ) -> Result<(Token, Option<Refusals>), Error> {
        let service = self.rule.service;
        let is_taken =
            |entry: &Entry| refusals.as_ref().is_none_or(|refusals| is_usable(entry.secret().expose(), refusals));
        if let Some(token) = broker.cached(service, &self.account, is_taken) {
            return Ok((token, refusals));
        }
        drop(refusals);
        Ok((broker.fetched(service, &self.account)?, Refusals::open()))
    }

    /// The headers of a request with this credential.
    pub fn headers(&self, token: &Token) -> Result<Vec<Header>, Error> {
        header::headers(self.rule.service, &token.credential).map_err(|error| self.shown(error))
    }

    /// The value of `Authorization`, for protocols that carry no other header.
    pub fn authorization(&self, token: &Token) -> Result<Secret<String>, Error> {
        header::authorization(self.rule.service, &token.credential).map_err(|error| self.shown(error))
    }

    /// The bearer token, for protocols that put `Bearer` before it.
    pub fn bearer(&self, token: &Token) -> Result<Secret<String>, Error> {
        let value = self.authorization(token)?;
        match value.expose().split_once(' ') {
            Some((scheme, bearer)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Secret::new(bearer.to_owned())),
            _ => {
                let name = &self.rule.service.name;
                Err(Error::new(Kind::Usage, format!("the token of {name} is none that travels as Bearer"))
                    .next(format!("{} prints its header", self.subject.header())))
            }
        }
    }

    /// User name and password, for protocols that carry these; without a name where the host's own is meant.
    pub fn login(&self, token: &Token) -> Result<(Option<String>, Secret<String>), Error> {
        header::login(self.rule.service, &token.credential).map_err(|error| self.shown(error))
    }

    /// User name and password, with the name that the host wants where the credential has none.
    pub fn username_and_secret(&self, token: &Token) -> Result<(String, Secret<String>), Error> {
        let (username, secret) = self.login(token)?;
        Ok((username.unwrap_or_else(|| self.username.clone()), secret))
    }

    fn shown(&self, error: header::Error) -> Error {
        error.shown(self.rule.service, &self.subject)
    }

    /// The error for a token that the server refused.
    pub fn refused(&self, why: &str) -> Error {
        let name = &self.rule.service.name;
        Error::new(Kind::NeedsAuthorization, format!("{} refused the token of {name}", self.origin))
            .why(why)
            .next(self.subject.after_refusal())
    }
}
