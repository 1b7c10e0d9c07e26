//! What becomes of questions, for the audit.

use super::{Broker, Token};
use crate::audit::{self, Origin, Outcome};
use crate::service::{Account, Service};
use crate::target::Target;
use crate::trace::step;

/// A question for a credential.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// The command or helper protocol.
    pub command: &'static str,
    /// The place, if one was named.
    pub target: Option<&'a Target>,
    /// The service that was found.
    pub service: &'a Service,
    /// Whose account.
    pub account: &'a Account,
}

impl Broker {
    /// Writes down what became of `asked`, where the user wants that.
    pub fn record(&self, asked: Asked<'_>, outcome: Outcome) {
        if !self.environments.is_audited {
            return;
        }
        let Asked { command, target, service, account } = asked;
        let question = audit::Question {
            command,
            target: target.map(Target::to_string),
            service: &service.name,
            connection: service.client.as_ref().map_or(&service.connection, |client| &client.client_id),
            identifier: &account.identifier,
            environment: self.environment_name(service),
        };
        audit::write(question, outcome);
        step!("audit: written");
    }
}

impl Token {
    /// Where it came from.
    pub fn origin(&self) -> Origin {
        if self.is_cached { Origin::Cache } else { Origin::Vault }
    }
}
