//! Whether git, docker and MCP clients ask us.

use std::sync::Arc;
use std::time::Instant;

use super::check::{Check, LOCAL, Pending, too_slow};
use super::service::Answering;
use super::versions::said;
use crate::broker::Broker;
use crate::commands::setup::{
    Asks, Finding, clients_ask, docker_asks, git_asks, git_origins, known_servers, registries, spelled_by_docker,
    together,
};
use crate::error::{Error, Kind};
use crate::programs::on_path;
use crate::target::Target;

/// The links, in the order in which they are told.
pub(super) const NAMES: [&str; 3] = ["git", "docker", "mcp"];

/// What is asked of each tool: these places, or why there is nothing to ask.
struct Asked {
    git: Result<Vec<Target>, String>,
    docker: Result<Vec<String>, String>,
    mcp: Result<Vec<String>, String>,
}

/// Looks at all of them at once.
pub(super) fn look(broker: &Arc<Broker>, answering: Option<&Answering>, last: Instant) -> Vec<Check> {
    let Asked { git, docker, mcp } = asked(broker, answering);
    let until = last.min(Instant::now() + LOCAL);
    let [for_git, for_docker, for_clients] = std::array::from_fn(|_| Arc::clone(broker));
    let pending = [
        git.map(|targets| Pending::start(move || git_asks(&for_git, &targets))),
        docker.map(|names| {
            Pending::start(move || names.iter().filter_map(|name| docker_asks(&for_docker, name)).collect::<Vec<_>>())
        }),
        mcp.map(|servers| Pending::start(move || clients_ask(&for_clients, &servers))),
    ];
    let found = pending.map(|pending| pending.map(|pending| pending.by(until)));
    let is_anybody_asking = found.iter().flatten().flatten().flatten().any(|one| one.asks == Asks::Us);
    // A place that was asked about by its URL is there for some tool.
    let is_needed = answering.is_some_and(|one| one.target.is_some()) && !is_anybody_asking;
    let checks = NAMES.into_iter().zip(found).map(|(name, found)| match found {
        Err(why) => Check::skipped(name, why),
        Ok(None) => Check::broken(name, &too_slow("looking at its configuration")),
        Ok(Some(found)) => told(name, &found, is_needed),
    });
    checks.collect()
}

fn asked(broker: &Broker, answering: Option<&Answering>) -> Asked {
    let is_here = |programs: &[&str]| programs.iter().any(|program| on_path(program).next().is_some());
    let is_answering = |program| on_path(program).next().is_some_and(|path| said(&path, &["--version"]).is_some());
    let nothing = |tool: &str| match answering {
        Some(one) => format!("{} has no place there that {tool} asks for", one.service.name),
        None => format!("no service has a place that {tool} asks for"),
    };
    let (git, docker) = match answering {
        None => (git_origins(broker.services.iter()), registries(broker.services.iter())),
        Some(Answering { service, target: None, .. }) => {
            (git_origins(std::iter::once(service)), registries(std::iter::once(service)))
        }
        Some(Answering { target: Some(target), has_git, has_registry, .. }) => (
            if *has_git { vec![target.clone()] } else { Vec::new() },
            if *has_registry { vec![spelled_by_docker(&target.authority.to_string())] } else { Vec::new() },
        ),
    };
    let mut mcp = known_servers(broker);
    mcp.retain(|name| answering.is_none_or(|one| one.service.name == *name));
    Asked {
        git: match git {
            _ if !is_here(&["git"]) => Err("there is no git on PATH".to_owned()),
            // One that hangs would be left behind each time that it is asked.
            _ if !is_answering("git") => Err("git does not answer, see git_version".to_owned()),
            git if git.is_empty() => Err(nothing("git")),
            git => Ok(git),
        },
        docker: match docker {
            _ if !is_here(&["docker", "podman", "skopeo", "buildah", "nerdctl", "helm"]) => {
                Err("no program on PATH reads docker's configuration".to_owned())
            }
            docker if docker.is_empty() => Err(nothing("docker")),
            docker => Ok(docker),
        },
        mcp: if mcp.is_empty() { Err(nothing("an MCP client")) } else { Ok(mcp) },
    }
}

fn told(name: &'static str, found: &[Finding], is_needed: bool) -> Check {
    let words = |found: &[&Finding]| found.iter().map(|one| one.text.clone()).collect::<Vec<_>>().join("; ");
    let of = |asks: Asks| found.iter().filter(|one| one.asks == asks).collect::<Vec<&Finding>>();
    let fixes = |found: &[&Finding]| together(found.iter().flat_map(|one| &one.fixes));
    let error = |found: &[&Finding]| {
        let error = Error::new(Kind::NotConfigured, words(found));
        let fixes = fixes(found);
        if fixes.is_empty() { error } else { error.next(fixes) }
    };
    let (wrong, missing) = (of(Asks::Wrongly), of(Asks::NotUs));
    if !wrong.is_empty() {
        return Check::broken(name, &error(&wrong));
    }
    match (missing.is_empty(), is_needed) {
        (true, _) if found.is_empty() => Check::skipped(name, nobody(name)),
        (true, _) => {
            let (asking, next) = (of(Asks::Us), fixes(&of(Asks::Us)));
            if next.is_empty() { Check::ok(name, words(&asking)) } else { Check::note(name, words(&asking), next) }
        }
        (false, true) => Check::broken(name, &error(&missing)),
        (false, false) => Check::note(name, words(&missing), fixes(&missing)),
    }
}

/// Why nothing was found about a tool.
fn nobody(name: &str) -> String {
    match name {
        "mcp" => "no client is here".to_owned(),
        _ => format!("{name} does not ask us, and what has a place for it is not for {name}"),
    }
}
