//! `doctor`: every link from a tool to a token, in the order in which a request walks it, and what to type about the first one
//! that is broken. It changes nothing, and names no secret, so that what it prints can be passed on.

mod audit;
mod check;
mod files;
mod memory;
mod program;
mod road;
mod service;
mod tools;
mod versions;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;

use super::request::ServiceOrTarget;
use super::{print, print_json};
use crate::broker::Broker;
use crate::error::{Error, Kind};
use crate::suggest;
use check::{Check, LOCAL, Pending, too_slow};
use service::Answering;

/// How long it may take, whatever is broken.
const LONGEST: Duration = Duration::from_secs(9);

/// Check every link from a tool to a token, and say what to type about the first one that is broken
///
/// The links: the tools' versions, this program and its names on PATH, the configuration files, who answers for the URL, whether git,
/// docker and MCP clients ask the program, the cache, the client credentials, proxy, DNS, connection, TLS, clock, the vault's answer,
/// the account. What depends on a broken link is skipped. Nothing is changed. The output names no secret and no token, so that it can
/// be pasted into a report.
///
/// The exit status is 0 where nothing is broken, else that of the first broken link's kind: 1 something local, 3 configuration or a
/// tool that does not ask the program, 4 no home of the client credentials can be read, 5 the account needs authorization, 6 the vault
/// refused, 7 the vault cannot be reached, 8 two services are equally good.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A URL, host or service; without one, nothing is checked that depends on it
    #[arg(value_name = "URL")]
    place: Option<String>,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, deadline: Instant) -> Result<(), Error> {
    let place = arguments.place.as_deref().map(ServiceOrTarget::parse).transpose()?;
    let checks = all(place, deadline);
    let first = checks.iter().find_map(Check::error);
    if arguments.json {
        let mut object = json!({"version": 1, "status": if first.is_some() { "error" } else { "ok" }});
        if let Some(error) = &first {
            object["code"] = error.kind().code().into();
        }
        object["checks"] = checks.iter().map(Check::to_json).collect();
        print_json(object)?;
    } else {
        print(&checks.iter().map(Check::to_text).collect::<String>())?;
    }
    first.map_or(Ok(()), Err)
}

fn all(place: Option<ServiceOrTarget>, deadline: Instant) -> Vec<Check> {
    let start = Instant::now();
    let (late, until) = (start + LOCAL + Duration::from_secs(1), start + LONGEST);
    let files = Pending::start(move || files::read(deadline));
    let program = Pending::start(program::look);
    let versions = versions::start();
    let (files, broker) = files
        .by(start + LOCAL)
        .unwrap_or_else(|| (vec![Check::broken(files::NAME, &too_slow("reading the configuration"))], None));
    let (rest, answering) = match broker {
        Some(broker) => with_configuration(&Arc::new(broker), place, until),
        None => (without_configuration(place.is_some()), None),
    };
    let mut checks: Vec<Check> = Vec::new();
    for (name, version) in versions {
        checks.push(version.by(late).unwrap_or_else(|| Check::broken(name, &too_slow("asking for the version"))));
    }
    match program.by(late) {
        Some((program, names)) => {
            let is_asked = |name: &str| answering.as_ref().is_none_or(|one| one.is_asked_by(name));
            checks.extend([program, names.told(is_asked)]);
        }
        None => checks.push(Check::broken("program", &too_slow("looking along PATH"))),
    }
    checks.into_iter().chain(files).chain(rest).collect()
}

fn without_configuration(has_place: bool) -> Vec<Check> {
    let road = if has_place { &road::NAMES[..] } else { &road::NAMES[..road::NAMES.len() - 1] };
    let service = has_place.then_some(&service::NAME);
    let names = service.into_iter().chain(&tools::NAMES).chain(&memory::NAMES).chain(road);
    names.map(|name| Check::behind(name, files::NAME)).collect()
}

/// The links behind the configuration, and who answers.
fn with_configuration(
    broker: &Arc<Broker>,
    place: Option<ServiceOrTarget>,
    until: Instant,
) -> (Vec<Check>, Option<Arc<Answering>>) {
    let Some((service, answering)) = place.map(|place| service::look(broker, &place)) else {
        let road = road::start(broker, None);
        let tools = tools::look(broker, None, until);
        return (tools.into_iter().chain(kept(broker)).chain(road::walked(&road, false, until)).collect(), None);
    };
    let Some(answering) = answering.map(Arc::new) else {
        return (without_service(broker, service, until), None);
    };
    let road = road::start(broker, Some(Arc::clone(&answering)));
    let tools = tools::look(broker, Some(&answering), until);
    let walked = road::walked(&road, true, until);
    (std::iter::once(service).chain(tools).chain(kept(broker)).chain(walked).collect(), Some(answering))
}

/// What is kept besides the configuration.
fn kept(broker: &Broker) -> impl Iterator<Item = Check> {
    memory::look(broker).into_iter().chain(broker.environments.is_audited.then(audit::look))
}

/// Nobody answers, so that nobody can say which tools should ask. Where the connections were never read from this environment, and
/// cannot be, that is the cause.
fn without_service(broker: &Arc<Broker>, service: Check, until: Instant) -> Vec<Check> {
    let walked = road::walked(&road::start(broker, None), false, until);
    let is_unread = service.failure() == Some(Kind::NotConfigured) && broker.never_synced().is_some();
    let interrupted = walked.iter().find(|check| check.failure().is_some() && check.name() != "clock");
    let (service, cause) = match interrupted.filter(|_| is_unread) {
        Some(link) => {
            let why = format!(
                "no service answers, and {} could find none, since the link {} is broken",
                suggest::sync(broker.active_environment()),
                link.name()
            );
            (Check::skipped(service::NAME, why), link.name())
        }
        None => (service, service::NAME),
    };
    let behind = |name| Check::behind(name, cause);
    let account = behind("account");
    let tools = tools::NAMES.map(behind);
    std::iter::once(service).chain(tools).chain(kept(broker)).chain(walked).chain([account]).collect()
}
