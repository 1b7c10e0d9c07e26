//! Which service and account answer for what was asked about.

use super::check::Check;
use crate::broker::{Broker, checked};
use crate::commands::request::{ServiceOrTarget, explained};
use crate::error::{Error, Kind};
use crate::resolve::Chosen;
use crate::service::{Account, Service};
use crate::suggest;
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
            (with_limit(words, &found), Some(found))
        }
        Err(error) => (Check::broken(NAME, &error), None),
    }
}

/// What `config --only` makes of it: nobody may be left who would ask there.
fn with_limit(words: String, found: &Answering) -> Check {
    let Answering { service, target, has_git, has_registry, .. } = found;
    if service.only.is_empty() {
        return Check::ok(NAME, words);
    }
    let only = service.only.join(",");
    let all = suggest::config(service).option("--only", "all");
    let asks_there = |name: &String| match name.as_str() {
        "git" => *has_git,
        "docker" => *has_registry,
        _ => true,
    };
    match target {
        Some(target) if !service.only.iter().any(asks_there) => {
            let what = format!("{} is for {only} alone, and none of that asks for {target}", service.name);
            Check::broken(NAME, &Error::new(Kind::NotConfigured, what).why("it was configured so").next(all))
        }
        _ => Check::note(NAME, format!("{words}; for {only} alone"), format!("{all} if others should have the token")),
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
