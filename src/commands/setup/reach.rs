//! Whether git, docker and MCP clients would really ask us for the hosts of the configured services, and who else would see our
//! tokens. Each line that names a problem names its fix.

use std::path::Path;

use super::cred_helpers::HELPER;
use super::finding::{Asks, Finding, Fix, together};
use super::links::Standing;
use super::{docker, links, mcp};
use crate::broker::{Broker, may_have};
use crate::error::Error;
use crate::protocol::docker::wire::Key;
use crate::protocol::git::chain::{self, KEEPS_EPHEMERAL, Setting, Settings, has_option, stray_word, unstartable};
use crate::resolve::{Chosen, rules};
use crate::service::Service;
use crate::suggest;
use crate::target::Target;

/// One line for each host and tool.
pub fn lines(broker: &Broker) -> Vec<String> {
    let origins = git_origins(broker.services.iter());
    let mut found = git(broker, &origins);
    found.extend(docker::registries(broker.services.iter()).iter().filter_map(|registry| docker(broker, registry)));
    found.extend(clients(broker, &mcp::known_servers(broker)));
    found.iter().map(ToString::to_string).collect()
}

/// The places of `services` where git would ask for a token.
pub(in crate::commands) fn git_origins<'a>(services: impl Iterator<Item = &'a Service>) -> Vec<Target> {
    let mut origins: Vec<String> = Vec::new();
    for rule in services.flat_map(rules).filter(|rule| rule.git_username.is_some()) {
        origins.extend(rule.pattern.origin().filter(|origin| !origins.contains(origin)));
    }
    origins.iter().filter_map(|origin| Target::from_url(origin).ok()).map(|(target, _)| target).collect()
}

/// What git would do for each of `targets`; nothing where it does not ask, and the service is not for it.
pub(in crate::commands) fn git(broker: &Broker, targets: &[Target]) -> Vec<Finding> {
    if targets.is_empty() {
        return Vec::new();
    }
    // Otherwise git would be held up by it, or go on as if it were not there.
    if let Some(error) = super::git::unusable_file() {
        return vec![Finding::unreadable(&error)];
    }
    let version = chain::version();
    let at = |settings: &Settings, target: &Target| {
        let refusal = refusal(broker, target, "git");
        as_served(git_at(settings, target, version), refusal, "git", &origin(target))
    };
    match Settings::here() {
        Ok(settings) => targets.iter().filter_map(|target| at(&settings, target)).collect(),
        Err(error) => vec![Finding::unreadable(&error)],
    }
}

fn origin(target: &Target) -> String {
    format!("{}://{}", target.scheme.name(), target.authority)
}

/// Why a tool gets no token for a target of ours: its service was configured for others alone.
fn refusal(broker: &Broker, target: &Target, tool: &str) -> Option<Error> {
    let answer = broker.decide(target, &Chosen::default()).outcome.ok()?;
    may_have(tool, answer.rule.service).err()
}

/// What was found, with the refusal that a tool meets which asks us.
fn as_served(found: Finding, refusal: Option<Error>, tool: &str, place: &str) -> Option<Finding> {
    let Some(error) = refusal else { return Some(found) };
    match found.asks {
        Asks::Us => Some(Finding::declined(tool, place, &error)),
        Asks::NotUs => None,
        Asks::Wrongly => Some(found),
    }
}

fn git_at(settings: &Settings, target: &Target, version: Option<(u32, u32)>) -> Finding {
    let origin = origin(target);
    // What stands for this very host is not replaced unasked.
    let is_taken = !settings.helpers_of_this_host(target).is_empty();
    let fix = Fix::SetUp {
        command: suggest::setup("git"),
        place: origin.strip_prefix("https://").unwrap_or(&origin).to_owned(),
        option: is_taken.then_some("--replace"),
    };
    let chain = settings.chain(target);
    let (ours, others): (Vec<&Setting>, Vec<&Setting>) = chain.into_iter().partition(|setting| setting.is_ours());
    if let Some(program) = ours.iter().find_map(|setting| unstartable(&setting.helper)) {
        return Finding::wrong(format!("git is set up for {origin}, but {program} cannot be started"), fix);
    }
    if let Some(what) = ours.iter().find_map(|setting| stray_word(&setting.helper)) {
        return Finding::wrong(format!("git is set up for {origin} with {what}, which the program does not have"), fix);
    }
    if ours.is_empty() {
        let is_asked = settings.chain_everywhere(target).iter().any(|setting| setting.is_ours());
        return match settings.last_reset(target).filter(|_| is_asked) {
            Some(reset) => Finding::missing(
                format!("git asks us for {origin}, but not in this directory"),
                format!("remove {reset}"),
            ),
            None => Finding::missing(format!("git does not ask us for {origin}"), fix),
        };
    }
    if others.is_empty() {
        return match version.filter(|version| *version < KEEPS_EPHEMERAL) {
            Some((major, minor)) if ours.iter().any(|setting| has_option(&setting.helper, "--ephemeral")) => {
                Finding::wrong(
                    format!(
                        "git asks us for {origin} with --ephemeral, but git {major}.{minor} loses such a token on a push over 1 MiB"
                    ),
                    fix,
                )
            }
            _ if chain::is_rewritten(target) => Finding::noted(
                format!(
                    "git asks us for {origin}, but its configuration (insteadOf) leads {target} to where nobody asks us"
                ),
                "git config --show-origin --get-regexp 'insteadof$'".to_owned(),
            ),
            _ => Finding::good(format!("git asks us for {origin}")),
        };
    }
    let of = |setting: &&Setting| setting.remedy().map_or_else(|| fix.clone(), |words| words.to_owned().into());
    let fixes = others.iter().map(of).collect();
    let others: Vec<String> = others.iter().map(|setting| setting.to_string()).collect();
    Finding::wrong_in(format!("git asks us for {origin}, but also hands our token to: {}", others.join(", ")), fixes)
}

/// What docker would do for a registry, as docker spells it; nothing where it does not ask, and the service is not for it.
pub(in crate::commands) fn docker(broker: &Broker, registry: &str) -> Option<Finding> {
    let targets = Key::decode(registry.as_bytes()).map(|key| key.targets).unwrap_or_default();
    let refusal = targets.iter().find_map(|target| refusal(broker, target, "docker"));
    as_served(docker_at(registry), refusal, "docker", registry)
}

fn docker_at(registry: &str) -> Finding {
    let set_up = |option| Fix::SetUp { command: suggest::setup("docker"), place: registry.to_owned(), option };
    match docker::helper_of(registry) {
        Err(error) => Finding::unreadable(&error),
        Ok(Some(helper)) if helper == HELPER => match helper_of_docker(set_up(None)) {
            Ok(()) => Finding::good(format!("docker asks us for {registry}")),
            Err((problem, fixes)) => {
                Finding::wrong_in(format!("docker is set up for {registry}, but {problem}"), fixes)
            }
        },
        Ok(Some(other)) => Finding::wrong(format!("docker asks {other} for {registry}"), set_up(Some("--replace"))),
        Ok(None) => Finding::missing(format!("docker does not ask us for {registry}"), set_up(None)),
    }
}

/// Whether the helper that docker would start is this program; else what it is, and what to do. `set_up` makes the name anew.
fn helper_of_docker(set_up: Fix) -> Result<(), (String, Vec<Fix>)> {
    const NAME: &str = "docker-credential-scalekit";
    let Ok(links) = links::here() else { return Ok(()) };
    let unstartable = || format!("no {NAME} on PATH can be started");
    let remove = |place: &Path| vec![links::remove_from_path(place).into()];
    match links.standing(NAME) {
        Standing::Ours => Ok(()),
        Standing::Foreign(place) => Err((format!("{} does not lead to this program", place.display()), remove(&place))),
        Standing::Unstartable(place) => Err((unstartable(), remove(&place))),
        Standing::Missing => {
            let path = (!links.is_on_path()).then(|| Fix::from(links.put_on_path()));
            let name = links.path_of(NAME).is_none().then_some(set_up);
            Err((unstartable(), path.into_iter().chain(name).collect()))
        }
    }
}

/// What keeps docker from starting this program, and what to do.
pub(super) fn problem_of_docker() -> Option<String> {
    let (problem, fixes) = helper_of_docker(suggest::setup_alone().into()).err()?;
    Some(format!("{problem}: {}", together(&fixes)))
}

/// What each MCP client would do for these servers; nothing about a client that is not here.
pub(in crate::commands) fn clients(broker: &Broker, servers: &[String]) -> Vec<Finding> {
    mcp::CLIENTS.into_iter().filter_map(|client| mcp::line(broker, client, servers)).collect()
}
