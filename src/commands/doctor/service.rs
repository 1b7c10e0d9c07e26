//! Which service and account answer for what was asked about.

use super::check::Check;
use crate::broker::{Broker, checked};
use crate::commands::request::{ServiceOrTarget, explained};
use crate::error::Error;
use crate::resolve::Chosen;
use crate::service::{Account, Service};
use crate::target::Target;

/// The link.
pub(super) const NAME: &str = "service";

/// Who answers, and which tools would ask there.
pub(super) struct Answering {
    pub(super) service: Service,
    pub(super) account: Account,
    /// The place that was asked about; `None` for a service by its name.
    pub(super) target: Option<Target>,
    pub(super) has_git: bool,
    pub(super) has_registry: bool,
}

pub(super) fn look(broker: &Broker, place: &ServiceOrTarget) -> (Check, Option<Answering>) {
    match find(broker, place) {
        Ok((found, rule)) => {
            let Answering { service, account, .. } = &found;
            let mut words = format!(
                "{} (connection {}), account {} ({})",
                service.name, service.connection, account.identifier, account.source
            );
            if let Some(rule) = rule {
                words += &format!(", by the rule {rule}");
            }
            (Check::ok(NAME, words), Some(found))
        }
        Err(error) => (Check::broken(NAME, &error), None),
    }
}

fn find(broker: &Broker, place: &ServiceOrTarget) -> Result<(Answering, Option<String>), Error> {
    match place {
        ServiceOrTarget::Service(name) => {
            let service = broker.service(name)?.clone();
            let account = broker.account(&service, &Chosen::default())?;
            Ok((Answering { service, account, target: None, has_git: true, has_registry: true }, None))
        }
        ServiceOrTarget::Target(target, username) => {
            let chosen = Chosen { username: username.as_deref(), ..Chosen::default() };
            let target = target.clone();
            if let Some((service, account)) = broker.mcp_server(&target, &chosen, false)? {
                let answering =
                    Answering { service, account, target: Some(target), has_git: false, has_registry: false };
                return Ok((answering, None));
            }
            let decision = broker.decide(&target, &chosen);
            let Ok(answer) = decision.outcome else { return Err(explained(broker, decision, &target)) };
            let (service, account) = (answer.rule.service.clone(), checked(answer.account)?);
            let has_registry = answer.rule.registry_username.is_some() && !answer.rule.pattern.has_path();
            let has_git = answer.rule.git_username.is_some();
            let rule = answer.rule.to_string();
            Ok((Answering { service, account, target: Some(target), has_git, has_registry }, Some(rule)))
        }
    }
}
