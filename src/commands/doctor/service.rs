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
    /// The user name beside a token, where docker asks.
    pub(super) registry_username: Option<String>,
}

impl Answering {
    /// Whether a tool that starts this protocol name may ask there. Those besides git and docker are for places where neither does.
    pub(super) fn is_asked_by(&self, name: &str) -> bool {
        if self.target.is_none() {
            return true;
        }
        match name {
            "git-credential-scalekit" => self.has_git,
            "docker-credential-scalekit" => self.registry_username.is_some(),
            _ => !self.has_git && self.registry_username.is_none(),
        }
    }
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
    let Answering { service, target, has_git, registry_username, .. } = found;
    if service.only.is_empty() {
        return Check::ok(NAME, words);
    }
    let only = service.only.join(",");
    let all = suggest::config(service).option("--only", "all");
    let asks_there = |name: &String| match name.as_str() {
        "git" => *has_git,
        "docker" => registry_username.is_some(),
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
            let registry_username = None;
            Ok((Answering { service, account, target: None, has_git: true, registry_username }, None))
        }
        ServiceOrTarget::Target(target, username) => {
            let chosen = Chosen { username: username.as_deref(), ..Chosen::default() };
            let target = target.clone();
            if let Some((service, account)) = broker.mcp_server(&target, &chosen, false)? {
                let target = Some(target);
                let answering = Answering { service, account, target, has_git: false, registry_username: None };
                return Ok((answering, None));
            }
            let decision = broker.decide(&target, &chosen);
            let Ok(answer) = decision.outcome else { return Err(explained(broker, decision, &target)) };
            let (service, account) = (answer.rule.service.clone(), checked(answer.account)?);
            let registry_username = answer.rule.registry_username.filter(|_| !answer.rule.pattern.has_path());
            let registry_username = registry_username.map(str::to_owned);
            let has_git = answer.rule.git_username.is_some();
            let rule = answer.rule.to_string();
            Ok((Answering { service, account, target: Some(target), has_git, registry_username }, Some(rule)))
        }
    }
}
