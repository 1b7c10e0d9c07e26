//! `complete KIND [PREFIX [WORD]...]`: the names with which a shell completes a word of a command line, one a line. The completion
//! scripts of a release run it at every Tab, so it reads the configuration alone, and whatever goes wrong is said to nobody: the
//! person is in the middle of a line.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::time::Instant;

use super::print;
use super::request::ServiceOrTarget;
use crate::broker::Broker;
use crate::error::plain;
use crate::resolve::rules;
use crate::service::Service;

/// The words after `complete`, if that is the command. It is none of those that people type, and does not wait for their tree.
pub(super) fn select(args: &[OsString]) -> Option<&[OsString]> {
    let (command, words) = args.get(1..)?.split_first()?;
    (command == "complete").then_some(words)
}

/// A kind that only a later version knows has no names.
pub(super) fn run(words: &[OsString]) -> u8 {
    // A word that is not UTF-8 is no name of ours.
    let words: Vec<&str> = words.iter().map(|word| word.to_str().unwrap_or_default()).collect();
    let (kind, prefix) = (words.first().unwrap_or(&""), words.get(1).unwrap_or(&""));
    let mut lines = String::new();
    for name in names(kind, prefix, words.get(2..).unwrap_or_default()).unwrap_or_default() {
        // One that would not be shown as it is, or not on one line, cannot be completed.
        if name.starts_with(prefix) && plain(&name) == name && !name.starts_with('-') {
            lines.push_str(&name);
            lines.push('\n');
        }
    }
    // The shell may be gone.
    let _ = print(&lines);
    0
}

/// All names of this kind; `line` is the command line before the word.
fn names(kind: &str, prefix: &str, line: &[&str]) -> Option<BTreeSet<String>> {
    let broker = Broker::load_in(environment(line), Instant::now()).ok()?;
    let services = || broker.services.iter().map(|service| service.name.clone());
    let about = about(&broker, line);
    Some(match kind {
        "services" => services().collect(),
        "accounts" => about.iter().flat_map(|service| &service.accounts).map(|account| account.name.clone()).collect(),
        "identifiers" => about.iter().flat_map(|service| service.identifiers()).map(str::to_owned).collect(),
        "environments" => broker.environments.iter().map(|environment| environment.name.clone()).collect(),
        "hosts" => about.iter().flat_map(|service| hosts(service)).collect(),
        "urls" => urls(&broker).collect(),
        "places" if prefix.contains("://") => urls(&broker).collect(),
        // Services are what people mean; the many hosts of one would only be in their way.
        "places" if services().any(|name| name.starts_with(prefix)) => services().collect(),
        "places" => broker.services.iter().flat_map(hosts).collect(),
        _ => return None,
    })
}

/// What the line says about the environment.
fn environment<'a>(line: &[&'a str]) -> Option<&'a str> {
    let mut words = line.iter().take_while(|word| **word != "--");
    while let Some(word) = words.next() {
        match word.strip_prefix("--environment") {
            Some("") => return words.next().copied(),
            Some(rest) => return rest.strip_prefix('='),
            None => {}
        }
    }
    None
}

/// The services that the line names, or whose hosts it names; all, if it does neither.
fn about<'a>(broker: &'a Broker, line: &[&str]) -> Vec<&'a Service> {
    let is_named = |service: &&Service| {
        line.iter().any(|word| match ServiceOrTarget::parse(word) {
            Ok(ServiceOrTarget::Service(name)) => name == service.name,
            Ok(ServiceOrTarget::Target(target, _)) => rules(service).iter().any(|rule| rule.matches(&target)),
            Err(_) => false,
        })
    };
    let named: Vec<&Service> = broker.services.iter().filter(is_named).collect();
    if named.is_empty() { broker.services.iter().collect() } else { named }
}

/// Without those that have a star in their place.
fn hosts(service: &Service) -> impl Iterator<Item = String> {
    let rules = rules(service).into_iter().map(|rule| rule.pattern);
    rules.filter(|pattern| pattern.is_exact() && !pattern.is_mail()).map(|pattern| pattern.authority().to_string())
}

fn urls(broker: &Broker) -> impl Iterator<Item = String> {
    let rules = broker.services.iter().flat_map(rules).map(|rule| rule.pattern);
    rules.filter(|pattern| !pattern.is_mail()).filter_map(|pattern| Some(format!("{}/", pattern.origin()?)))
}
