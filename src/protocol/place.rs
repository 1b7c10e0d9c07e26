//! The request that the smaller protocols share: one place, and how its answer is written.

use super::{Answer, Reply, Request, Resolved};
use crate::broker::Token;
use crate::catalogue;
use crate::error::Error;
use crate::resolve::Rule;
use crate::secret::Secret;
use crate::service::Account;
use crate::target::Target;

/// How an answer is written.
pub(super) type Encode = fn(&Resolved<'_>, &Token) -> Result<Secret<String>, Error>;

/// A question about one place.
pub(super) struct Place {
    pub(super) targets: Vec<Target>,
    /// The user name that stood in it.
    pub(super) username: Option<String>,
    pub(super) carries: Carries,
    pub(super) encode: Encode,
}

/// What an answer carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carries {
    /// Headers, or what stands in one.
    Header,
    /// A user name and a password.
    Login,
}

impl Place {
    /// The place that a text names: a URL, or a host; none where it is neither.
    pub(super) fn named(text: &str, carries: Carries, encode: Encode) -> Self {
        let read = match text.contains("://") {
            true => Target::from_url(text),
            false => Target::from_host(text).map(|target| (target, None)),
        };
        let (targets, username) = match read {
            Ok((target, username)) if !target.scheme.is_mail() => (vec![target], username),
            _ => (Vec::new(), None),
        };
        Self { targets, username, carries, encode }
    }

    /// The place that a URL names; a bare host is none.
    pub(super) fn of_url(url: &str, carries: Carries, encode: Encode) -> Self {
        Self::named(if url.contains("://") { url } else { "" }, carries, encode)
    }
}

impl Request for Place {
    fn targets(&self) -> &[Target] {
        &self.targets
    }

    fn username(&self) -> Option<&str> {
        self.username.as_deref()
    }

    fn serves(&self, rule: &Rule<'_>, target: &Target, _: &Account) -> Option<String> {
        Some(match self.carries {
            Carries::Header => String::new(),
            Carries::Login => username(rule, target).to_owned(),
        })
    }

    fn sent(&self) -> (Option<&[u8]>, &'static str) {
        match self.carries {
            Carries::Header => (None, "bearer"),
            Carries::Login => (None, "basic"),
        }
    }

    fn encode(&self, resolved: &Resolved<'_>, token: &Token) -> Result<Option<Answer<'_>>, Error> {
        let text = (self.encode)(resolved, token)?;
        Ok(Some(Box::new(move |_| Reply { text, status: 0 })))
    }
}

/// The user name beside a token: what the host wants, else the one that the provider's other protocols have there.
fn username<'a>(rule: &Rule<'a>, target: &Target) -> &'a str {
    let named = [rule.registry_username, rule.git_username].into_iter().flatten().find(|name| !name.is_empty());
    let of_row = || rule.service.row().and_then(|row| row.git_username.or(row.registry_username));
    catalogue::username_at(&target.authority.host).or(named).or_else(of_row).unwrap_or(catalogue::DEFAULT_GIT_USERNAME)
}
