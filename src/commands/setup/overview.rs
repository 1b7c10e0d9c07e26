//! All tools at once: which are here, which ask us, and what would be done to let them.

use clap::ValueEnum;

use super::lines::{How, Text};
use super::tool::{Tool, Way};
use super::{docker, edit::Edit, git, links, mcp, note, print, reach};
use crate::broker::Broker;
use crate::commands::list::table as columns;
use crate::error::{Error, Kind};
use crate::programs;
use crate::suggest;

/// A line for each tool: its name, whether it is here, whether it asks us.
pub(super) fn table(broker: &Broker) -> String {
    let mut rows = vec![["TOOL", "INSTALLED", "ASKS US"].map(str::to_owned)];
    let lines = reach::lines(broker);
    for tool in Tool::value_variants() {
        let is_here = is_installed(*tool);
        let asks = |tool: &str| lines.iter().any(|line| line.starts_with(&format!("{tool} asks us for")));
        let asks_us = match tool.way() {
            Way::Git => yes(asks("git")),
            Way::Docker => yes(asks("docker")),
            Way::Client(client) => yes(asks(client.title())),
            Way::Text(text) => yes(text.asks_us()),
            Way::Gh | Way::Hint(_) => "prints what to type",
        };
        rows.push([tool.name(), yes(is_here).to_owned(), asks_us.to_owned()]);
    }
    columns(&rows)
}

fn yes(is: bool) -> &'static str {
    if is { "yes" } else { "no" }
}

fn is_installed(tool: Tool) -> bool {
    let is_on_path = || programs::on_path(&tool.program()).next().is_some();
    match tool.way() {
        Way::Client(client) => client.is_installed(),
        _ => is_on_path(),
    }
}

/// A change that is shown before any is made.
enum Change {
    Git(git::Plan),
    Docker(docker::Plan),
    Client(mcp::Plan),
    Text(Text, super::lines::Plan),
}

/// Sets up every tool that is here and has a host of ours. Where one cannot be, that is said, and the others are set up all the same.
pub(super) fn set_up_all(broker: &Broker, is_dry_run: bool) -> Result<(), Error> {
    let links = links::make(is_dry_run)?;
    let (mut changes, mut failed) = (Vec::new(), Vec::new());
    for tool in Tool::value_variants().iter().filter(|tool| is_installed(**tool)) {
        match change(broker, &links, *tool) {
            Ok(Some(change)) => changes.push((tool.name(), change)),
            Ok(None) => {}
            // It has no host of ours.
            Err(error) if error.kind() == Kind::NotConfigured => {}
            Err(error) => {
                note(format!("{} is left as it is: {}", tool.name(), error.line()));
                failed.push(tool.name());
            }
        }
    }
    for (_, change) in &changes {
        let (edit, after): (&Edit, &str) = match change {
            Change::Git(plan) => (&plan.edit, &plan.after),
            Change::Docker(plan) => (&plan.edit, &plan.after),
            Change::Client(plan) => (&plan.edit, &plan.after),
            Change::Text(_, plan) => (&plan.edit, &plan.after),
        };
        if edit.before() != after {
            print(&edit.describe(Some(after)))?;
        }
    }
    if changes.is_empty() && failed.is_empty() {
        return Err(Error::new(Kind::NotConfigured, "no tool here has a host of your services")
            .next(format!("{} finds your services", suggest::sync(broker.active_environment()))));
    }
    if is_dry_run {
        changes.clear();
    }
    for (name, change) in changes {
        let done = match change {
            Change::Git(plan) => plan.carry_out(),
            Change::Docker(plan) => plan.carry_out(broker),
            Change::Client(plan) => plan.carry_out(broker),
            Change::Text(text, plan) => plan.carry_out().map(drop).and_then(|()| text.make_link(&links)),
        };
        match done {
            Ok(()) => note(format!("{name} asks us now")),
            Err(error) => {
                note(format!("{name} is left as it is: {}", error.line()));
                failed.push(name);
            }
        }
    }
    match failed.is_empty() {
        true => Ok(()),
        false => Err(Error::new(Kind::Partial, format!("not set up: {}", failed.join(", ")))
            .next(format!("{} says more about one", suggest::setup("TOOL")))),
    }
}

/// The change for one tool; none where something has to be named first, or a file is nothing to it.
fn change(broker: &Broker, links: &links::Links, tool: Tool) -> Result<Option<Change>, Error> {
    Ok(Some(match tool.way() {
        Way::Git => Change::Git(git::plan(broker, &[], &git::helper(links), false)?),
        Way::Docker => Change::Docker(docker::plan(broker, &[], false)?),
        Way::Client(client) => Change::Client(mcp::plan(broker, client, links.program(), &[], false, note)?),
        // Whoever has indexes, registries or modules of their own says so by naming the tool.
        Way::Text(text @ (Text::Bazel | Text::Pnpm)) => {
            let how = How { broker, links, places: &[], user: None, replace: false };
            Change::Text(text, text.plan(&how)?)
        }
        Way::Text(_) | Way::Gh | Way::Hint(_) => return Ok(None),
    }))
}
