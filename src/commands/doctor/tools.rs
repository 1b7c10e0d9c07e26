//! Whether git, docker and MCP clients ask us.

use std::sync::Arc;
use std::time::Instant;

use super::check::{Check, LOCAL, Pending, too_slow};
use super::service::Answering;
use super::versions::said;
use crate::broker::Broker;
use crate::commands::setup::{
    Asks, Finding, clients_ask, docker_asks, git_asks, git_origins, known_servers, registries, spelled_by_docker,
    together, unusable_file_of_git,
};
use crate::error::{Error, Kind};
use crate::programs::on_path;
use crate::target::Target;

/// The links, in the order in which they are told.
pub(super) const NAMES: [&str; 3] = ["git", "docker", "mcp"];

/// What is asked of each tool: these places, or what is told instead.
struct Asked {
    git: Result<Vec<Target>, Check>,
    docker: Result<Vec<String>, Check>,
    mcp: Result<Vec<String>, Check>,
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
        Err(check) => check,
        Ok(None) => Check::broken(name, &too_slow("looking at its configuration")),
        Ok(Some(found)) => told(name, &found, is_needed),
    });
    checks.collect()
}

fn asked(broker: &Broker, answering: Option<&Answering>) -> Asked {
    let is_here = |programs: &[&str]| programs.iter().any(|program| on_path(program).next().is_some());
    let nothing = |tool: &str| match answering {
        Some(one) => format!("{} has no place there that {tool} asks for", one.service.name),
        None => format!("no service has a place that {tool} asks for"),
    };
    let (git, docker) = match answering {
        None => (git_origins(broker.services.iter()), registries(broker.services.iter())),
        Some(Answering { service, target: None, .. }) => {
            (git_origins(std::iter::once(service)), registries(std::iter::once(service)))
        }
        Some(Answering { target: Some(target), has_git, registry_username, .. }) => (
            if *has_git { vec![target.clone()] } else { Vec::new() },
            if registry_username.is_some() {
                vec![spelled_by_docker(&target.authority.to_string())]
            } else {
                Vec::new()
            },
        ),
    };
    let mut mcp = known_servers(broker);
    mcp.retain(|name| answering.is_none_or(|one| one.service.name == *name));
    let [for_git, for_docker, for_mcp] = NAMES;
    let nothing = |name, tool| Check::skipped(name, nothing(tool));
    Asked {
        git: match git {
            _ if !is_here(&["git"]) => Err(Check::skipped(for_git, "there is no git on PATH")),
            git if git.is_empty() => Err(nothing(for_git, "git")),
            // One that hangs would be left behind each time that it is asked.
            git => git_is_stuck().map_or(Ok(git), |error| Err(Check::broken(for_git, &error))),
        },
        docker: match docker {
            _ if !is_here(&["docker", "podman", "skopeo", "buildah", "nerdctl", "helm"]) => {
                Err(Check::skipped(for_docker, "no program on PATH reads docker's configuration"))
            }
            docker if docker.is_empty() => Err(nothing(for_docker, "docker")),
            docker => Ok(docker),
        },
        mcp: if mcp.is_empty() { Err(nothing(for_mcp, "an MCP client")) } else { Ok(mcp) },
    }
}

/// What holds git up, if something does.
fn git_is_stuck() -> Option<Error> {
    if let Some(error) = unusable_file_of_git() {
        return Some(error);
    }
    let git = on_path("git").next()?;
    if said(&git, &["--version"]).is_some_and(|text| !text.is_empty()) {
        return None;
    }
    let shown = git.display();
    let why = "it hangs, cannot be started, or waits for a file of its configuration";
    Some(
        Error::new(Kind::Failed, format!("{shown} does not answer"))
            .why(why)
            .next(format!("`{shown} --version` shows what it says")),
    )
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
