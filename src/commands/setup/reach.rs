//! Whether git, docker and MCP clients would really ask us for the hosts of the configured services, and who else would see our
//! tokens. Each line that names a problem names its fix.

use super::finding::Finding;
use super::{docker, mcp};
use crate::broker::Broker;
use crate::programs;
use crate::protocol::git::chain::{self, KEEPS_EPHEMERAL, Setting, Settings, has_option, unstartable};
use crate::resolve::rules;
use crate::service::Service;
use crate::suggest;
use crate::target::Target;

/// One line for each host and tool.
pub fn lines(broker: &Broker) -> Vec<String> {
    let origins = git_origins(broker.services.iter());
    let mut found = git(&origins, |setting| setting.to_string());
    found.extend(docker::registries(broker.services.iter()).iter().map(|registry| docker(registry)));
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

/// What git would do for each of `targets`; helpers are named as `shown` does it.
pub(in crate::commands) fn git(targets: &[Target], shown: impl Fn(&Setting) -> String) -> Vec<Finding> {
    if targets.is_empty() {
        return Vec::new();
    }
    let version = chain::version();
    match Settings::here() {
        Ok(settings) => targets.iter().map(|target| git_at(&settings, target, version, &shown)).collect(),
        Err(error) => vec![Finding::unreadable(error.line())],
    }
}

fn git_at(
    settings: &Settings,
    target: &Target,
    version: Option<(u32, u32)>,
    shown: &impl Fn(&Setting) -> String,
) -> Finding {
    let origin = format!("{}://{}", target.scheme.name(), target.authority);
    let set_up = suggest::setup("git").word(origin.strip_prefix("https://").unwrap_or(&origin));
    // What stands for this very host is not replaced unasked.
    let is_taken = !settings.helpers_of_this_host(target).is_empty();
    let fix = if is_taken { set_up.word("--replace") } else { set_up }.line();
    let chain = settings.chain(target);
    let (ours, others): (Vec<&Setting>, Vec<&Setting>) = chain.into_iter().partition(|setting| setting.is_ours());
    if let Some(program) = ours.iter().find_map(|setting| unstartable(&setting.helper)) {
        return Finding::wrong(format!("git is set up for {origin}, but {program} cannot be started"), fix);
    }
    if ours.is_empty() {
        let is_asked = settings.chain_everywhere(target).iter().any(|setting| setting.is_ours());
        return match settings.last_reset(target).filter(|_| is_asked) {
            Some(reset) => Finding::missing(
                format!("git asks us for {origin}, but not in this directory"),
                format!("remove {}", shown(reset)),
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
            _ => Finding::good(format!("git asks us for {origin}")),
        };
    }
    let mut fixes: Vec<&str> = others.iter().map(|setting| setting.remedy().unwrap_or(&fix)).collect();
    fixes.dedup();
    let others: Vec<String> = others.iter().map(|setting| shown(setting)).collect();
    Finding::wrong(
        format!("git asks us for {origin}, but also hands our token to: {}", others.join(", ")),
        fixes.join(", "),
    )
}

/// What docker would do for a registry, as docker spells it.
pub(in crate::commands) fn docker(registry: &str) -> Finding {
    let set_up = suggest::setup("docker").word(registry);
    match docker::helper_of(registry).as_deref() {
        Some("scalekit") if programs::on_path("docker-credential-scalekit").next().is_some() => {
            Finding::good(format!("docker asks us for {registry}"))
        }
        // It makes the name anew, or says which directory has to be on PATH.
        Some("scalekit") => Finding::wrong(
            format!("docker is set up for {registry}, but no docker-credential-scalekit on PATH can be started"),
            set_up.line(),
        ),
        Some(other) => Finding::wrong(format!("docker asks {other} for {registry}"), set_up.word("--replace").line()),
        None => Finding::missing(format!("docker does not ask us for {registry}"), set_up.line()),
    }
}

/// What each MCP client would do for these servers; nothing about a client that is not here.
pub(in crate::commands) fn clients(broker: &Broker, servers: &[String]) -> Vec<Finding> {
    mcp::CLIENTS.into_iter().filter_map(|client| mcp::line(broker, client, servers)).collect()
}
