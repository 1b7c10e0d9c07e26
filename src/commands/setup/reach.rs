//! Whether git, docker and MCP clients would really ask us for the hosts of the configured services, and who else would see our
//! tokens. Each line that names a problem names its fix.

use super::{docker, mcp};
use crate::broker::Broker;
use crate::programs;
use crate::protocol::git::chain::{self, KEEPS_EPHEMERAL, Setting, Settings, has_option, unstartable};
use crate::resolve::rules;
use crate::suggest;
use crate::target::Target;

/// One line for each host and tool.
pub fn lines(broker: &Broker) -> Vec<String> {
    let mut lines = git_lines(broker);
    lines.extend(docker::registries(broker).iter().map(|registry| docker_line(registry)));
    let servers = mcp::known_servers(broker);
    lines.extend(mcp::CLIENTS.into_iter().filter_map(|client| mcp::line(broker, client, &servers)));
    lines
}

fn git_lines(broker: &Broker) -> Vec<String> {
    let mut origins: Vec<String> = Vec::new();
    for rule in broker.services.iter().flat_map(rules).filter(|rule| rule.git_username.is_some()) {
        origins.extend(rule.pattern.origin().filter(|origin| !origins.contains(origin)));
    }
    if origins.is_empty() {
        return Vec::new();
    }
    let version = chain::version();
    match Settings::here() {
        Ok(settings) => origins.iter().map(|origin| git_line(&settings, origin, version)).collect(),
        Err(error) => vec![error.line()],
    }
}

fn git_line(settings: &Settings, origin: &str, version: Option<(u32, u32)>) -> String {
    let Ok((target, _)) = Target::from_url(origin) else { return format!("git: {origin} is no URL") };
    let set_up = suggest::setup("git").word(origin.strip_prefix("https://").unwrap_or(origin));
    // What stands for this very host is not replaced unasked.
    let is_taken = !settings.helpers_of_this_host(&target).is_empty();
    let fix = if is_taken { set_up.word("--replace") } else { set_up }.line();
    let chain = settings.chain(&target);
    let (ours, others): (Vec<&Setting>, Vec<&Setting>) = chain.into_iter().partition(|setting| setting.is_ours());
    if let Some(program) = ours.iter().find_map(|setting| unstartable(&setting.helper)) {
        return format!("git is set up for {origin}, but {program} cannot be started; fix: {fix}");
    }
    if ours.is_empty() {
        let is_asked = settings.chain_everywhere(&target).iter().any(|setting| setting.is_ours());
        return match settings.last_reset(&target).filter(|_| is_asked) {
            Some(reset) => format!("git asks us for {origin}, but not in this directory; fix: remove {reset}"),
            None => format!("git does not ask us for {origin}; fix: {fix}"),
        };
    }
    if others.is_empty() {
        return match version.filter(|version| *version < KEEPS_EPHEMERAL) {
            Some((major, minor)) if ours.iter().any(|setting| has_option(&setting.helper, "--ephemeral")) => format!(
                "git asks us for {origin} with --ephemeral, but git {major}.{minor} loses such a token on a push over 1 MiB; \
                 fix: {fix}"
            ),
            _ => format!("git asks us for {origin}"),
        };
    }
    let mut fixes: Vec<&str> = others.iter().map(|setting| setting.remedy().unwrap_or(&fix)).collect();
    fixes.dedup();
    let others: Vec<String> = others.iter().map(ToString::to_string).collect();
    format!("git asks us for {origin}, but also hands our token to: {}; fix: {}", others.join(", "), fixes.join(", "))
}

fn docker_line(registry: &str) -> String {
    let fix = suggest::setup("docker").word(registry).line();
    match docker::helper_of(registry).as_deref() {
        Some("scalekit") if programs::on_path("docker-credential-scalekit").next().is_some() => {
            format!("docker asks us for {registry}")
        }
        // It makes the name anew, or says which directory has to be on PATH.
        Some("scalekit") => format!(
            "docker is set up for {registry}, but no docker-credential-scalekit on PATH can be started; \
             fix: {fix}"
        ),
        Some(other) => {
            format!("docker asks {other} for {registry}; fix: {fix} --replace")
        }
        None => format!("docker does not ask us for {registry}; fix: {fix}"),
    }
}
