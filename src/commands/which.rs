//! `which`: who would answer for a place, and why, without network or keyring.

use std::time::Instant;

use serde_json::{Value, json};

use super::request::{Request, ServiceOrTarget, explained};
use super::{print, print_json};
use crate::broker::{Broker, checked};
use crate::catalogue::{Authentication, HeaderTemplate};
use crate::error::{Error, plain};
use crate::resolve::{Answer, Decision, Rule, hosts, hosts_in_short, why_no_hosts};
use crate::service::{Account, Owner, Service};
use crate::target::Target;

/// Explain which service and account would answer for a URL, or why none would
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    asked: Request,
    /// Print a JSON object; failures too
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, deadline: Instant) -> Result<(), Error> {
    let broker = arguments.asked.broker(deadline)?;
    let reasons = match arguments.asked.place()? {
        ServiceOrTarget::Service(name) => {
            let service = broker.service(&name)?;
            let account = broker.account(service, &arguments.asked.chosen(None))?;
            Reasons { target: None, considered: Vec::new(), outcome: winner(&broker, service, None, account) }
        }
        ServiceOrTarget::Target(target, username) => {
            let chosen = arguments.asked.chosen(username.as_deref());
            if let Some((service, account)) = broker.mcp_server(&target, &chosen, false)? {
                return Reasons {
                    target: Some(target),
                    considered: Vec::new(),
                    outcome: winner(&broker, &service, None, account),
                }
                .told(arguments.json);
            }
            let decision = broker.decide(&target, &chosen);
            Reasons::of(&broker, target, decision)
        }
    };
    reasons.told(arguments.json)
}

/// All that is said about a place.
struct Reasons<'a> {
    target: Option<Target>,
    /// Each rule that names the host: its service, what it is, what became of it.
    considered: Vec<(String, &'a str, String, String)>,
    outcome: Result<Winner, Error>,
}

/// Who answers, in words.
struct Winner {
    rule: Option<String>,
    service: String,
    connection: String,
    identifier: String,
    identifier_from: &'static str,
    environment: String,
    credentials: String,
    authorization: String,
    only: Vec<String>,
    /// Whether one account holds the credential for everybody.
    is_org_wide: bool,
    /// By what else the account is told apart.
    owner: Owner,
    variables: &'static [&'static str],
    /// What the service claims, or why it claims nothing.
    hosts: Result<Vec<String>, String>,
    hosts_in_short: Vec<String>,
    git: Option<String>,
    docker: Option<String>,
}

impl<'a> Reasons<'a> {
    fn told(self, json: bool) -> Result<(), Error> {
        if json {
            print_json(self.to_json())?
        } else {
            print(&self.to_text())?
        }
        self.outcome.map(drop)
    }

    fn of(broker: &Broker, target: Target, decision: Decision<'a>) -> Self {
        let considered = decision.considered.iter().map(|(rule, verdict)| {
            (rule.service.name.clone(), rule.source.word(), rule.pattern.to_string(), verdict.to_string())
        });
        let considered = considered.collect();
        let outcome = match decision.outcome {
            Ok(Answer { rule, account }) => winner(broker, rule.service, Some((&rule, &target)), account),
            Err(_) => Err(explained(broker, decision, &target)),
        };
        Self { target: Some(target), considered, outcome }
    }

    fn to_text(&self) -> String {
        let mut lines: Vec<(&str, String)> = Vec::new();
        lines.extend(self.target.as_ref().map(|target| ("target", target.to_string())));
        for (service, source, pattern, verdict) in &self.considered {
            lines.push(("considered", format!("{pattern} of {service} ({source}): {verdict}")));
        }
        if let Ok(winner) = &self.outcome {
            lines.extend(winner.rule.as_ref().map(|rule| ("rule", rule.clone())));
            lines.push(("service", winner.service.clone()));
            lines.push(("connection", winner.connection.clone()));
            lines.push(("identifier", format!("{} (from {})", winner.identifier, winner.identifier_from)));
            if winner.is_org_wide {
                lines.push(("account", "the one that the connection shares with everybody".to_owned()));
            }
            let ids = [("organization", &winner.owner.organization_id), ("user", &winner.owner.user_id)];
            lines.extend(ids.into_iter().filter_map(|(what, id)| Some((what, id.clone()?))));
            lines.push(("environment", winner.environment.clone()));
            lines.push(("credentials", winner.credentials.clone()));
            lines.push(("sent as", winner.authorization.clone()));
            if !winner.only.is_empty() {
                lines.push(("only for", winner.only.join(", ")));
            }
            if self.target.is_none() {
                lines.push((
                    "hosts",
                    winner.hosts.as_ref().map_or_else(Clone::clone, |_| winner.hosts_in_short.join(" ")),
                ));
            } else {
                for (tool, username) in [("git", winner.git.as_deref()), ("docker", winner.docker.as_deref())] {
                    let answer = match username {
                        None => "not answered here".into(),
                        Some("") => "answered with Bearer alone".into(),
                        Some(name) => format!("answered with the user name {name}"),
                    };
                    lines.push((tool, answer));
                }
            }
        }
        lines.iter().map(|(key, value)| format!("{key:<12} {}\n", plain(value))).collect()
    }

    fn to_json(&self) -> Value {
        let considered: Vec<Value> = self
            .considered
            .iter()
            .map(|(service, source, rule, verdict)| json!({"service": service, "source": source, "rule": rule, "verdict": verdict}))
            .collect();
        let target = self.target.as_ref().map(ToString::to_string);
        let mut object = json!({"version": 1, "status": "ok", "target": target, "considered": considered});
        match &self.outcome {
            Ok(winner) => {
                let basic = |username: &str| match username {
                    "" => json!({"username": null, "scheme": "bearer"}),
                    username => json!({"username": username, "scheme": "basic"}),
                };
                object["answer"] = json!({
                    "rule": winner.rule,
                    "service": winner.service,
                    "connection": winner.connection,
                    "identifier": winner.identifier,
                    "identifier_from": winner.identifier_from,
                    "environment": winner.environment,
                    "credentials": winner.credentials,
                    "authorization": winner.authorization,
                    "variables": winner.variables,
                    "hosts": winner.hosts.as_ref().map_or(&[][..], Vec::as_slice),
                    "git": winner.git.as_deref().map(basic),
                    "docker": winner.docker.as_deref().map(basic),
                });
                // What few accounts have stands there for them alone.
                if !winner.only.is_empty() {
                    object["answer"]["only"] = winner.only.as_slice().into();
                }
                if winner.is_org_wide {
                    object["answer"]["org_wide"] = true.into();
                }
                for (key, id) in winner.owner.fields() {
                    if let Some(id) = id {
                        object["answer"][key] = id.into();
                    }
                }
            }
            Err(error) => {
                object["status"] = "error".into();
                object["code"] = error.kind().code().into();
                object["message"] = error.line().into();
            }
        }
        object
    }
}

fn winner(
    broker: &Broker,
    service: &Service,
    place: Option<(&Rule<'_>, &Target)>,
    account: Account,
) -> Result<Winner, Error> {
    let account = checked(account)?;
    let hosts = hosts(service);
    let rule = place.map(|(rule, _)| rule);
    let is_mail = place.is_some_and(|(_, target)| target.scheme.is_mail());
    let mailbox = is_mail.then(|| if account.identifier.contains('@') { &account.identifier } else { "MAILBOX" });
    Ok(Winner {
        rule: match &service.mcp {
            Some(_) => Some("an MCP server of the environment's own, for which a session token is made".to_owned()),
            None => rule.map(ToString::to_string),
        },
        service: service.name.clone(),
        connection: service.connection.clone(),
        identifier_from: account.source,
        environment: broker.environment_name(service).to_owned(),
        credentials: broker.credentials_source(service)?,
        authorization: authorization(service),
        only: service.only.clone(),
        is_org_wide: service.learned.is_org_wide,
        owner: service.owner_of(&account.identifier).clone(),
        variables: service.row().map_or(&[], |row| row.variables),
        hosts: if hosts.is_empty() { Err(why_no_hosts(service)) } else { Ok(hosts) },
        hosts_in_short: hosts_in_short(service),
        git: mailbox.or(rule.and_then(|rule| rule.git_username)).map(str::to_owned),
        docker: rule.and_then(|rule| rule.registry_username).map(str::to_owned),
        identifier: account.identifier,
    })
}

/// The headers of a request, with the fields' names in the places of their values.
fn authorization(service: &Service) -> String {
    match service.authentication() {
        Authentication::SignIn => "a token that a sign-in call gives first".to_owned(),
        Authentication::Headers(headers) => headers.iter().map(HeaderTemplate::sketch).collect::<Vec<_>>().join(", "),
    }
}
