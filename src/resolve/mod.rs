//! From a target to the one service and account that answer for it, or the reason why none does. No I/O.

pub mod account;
pub mod decide;
mod hint;
pub mod learn;
pub mod rule;
#[cfg(test)]
mod tests;

pub use account::{Chosen, account};
pub use decide::{Answer, Decision, Verdict, decide};
pub use hint::{hint, why_no_hosts};
pub use rule::{Rule, Source, has_hosts_of_its_own, hosts, hosts_in_short, rules};

use crate::error::{Error as Shown, Kind};
use crate::service::Unusable;
use crate::suggest::{self, Suggestion};

/// Why no service answers for a target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No rule matches.
    #[error("no configured service answers for {0}")]
    Nobody(String),
    /// A Scalekit environment itself; its token endpoint is not a place for account tokens.
    #[error("{0} is the environment's own host, which never gets an account's token")]
    OwnHost(String),
    /// The best rule is of an entry of connections.json that cannot be used.
    #[error("the service {service} cannot be used")]
    Unusable {
        /// The service's name.
        service: String,
        /// Why.
        reason: String,
    },
    /// Equally good rules of several services, or of several accounts of one.
    #[error("{target} belongs equally to {what}")]
    Ambiguous {
        /// The target.
        target: String,
        /// The services' or accounts' names.
        what: String,
        /// A command that decides.
        command: Suggestion,
        /// One that settles it for the host and changes nothing else.
        settled: Option<Suggestion>,
    },
    /// The host has several accounts and none is of this name.
    #[error("no account {username} among those configured for {target} ({services})")]
    NoSuchAccount {
        /// The target.
        target: String,
        /// The user name in the URL or request, or what `--as` and `--identifier` said.
        username: String,
        /// The services' names.
        services: String,
        /// The command that adds it.
        command: Suggestion,
    },
}

impl Error {
    /// The error for an entry that cannot be used.
    pub fn unusable(unusable: &Unusable) -> Self {
        Self::Unusable { service: unusable.claim.name.clone(), reason: unusable.reason.clone() }
    }
}

impl From<Error> for Shown {
    fn from(error: Error) -> Self {
        match &error {
            Error::Nobody(_) => Shown::new(Kind::NotConfigured, &error).next(format!(
                "{} if one should; {} shows what is there",
                suggest::config_new("SERVICE").option("--host", "HOST"),
                suggest::list(None)
            )),
            Error::Unusable { service, reason } => Shown::new(Kind::NotConfigured, &error)
                .why(format!("its entry in connections.json: {reason}"))
                .next(format!("correct it, or {} sets it again", suggest::config_new(service))),
            Error::OwnHost(_) => Shown::new(Kind::NotConfigured, &error),
            Error::Ambiguous { command, settled, .. } => {
                let settled = settled
                    .as_ref()
                    .map(|settled| format!("; {settled} settles it for this host once, and it keeps its other hosts"));
                Shown::new(Kind::Ambiguous, &error).next(format!(
                    "{command} decides for the first of them; a path after the host decides for that path alone{}",
                    settled.unwrap_or_default()
                ))
            }
            Error::NoSuchAccount { command, .. } => Shown::new(Kind::Ambiguous, &error)
                .next(format!("{command} adds it; or leave the user name out of the URL")),
        }
    }
}
