//! `setup`: points tools to us, and takes that back; where a tool has nothing to be pointed, it says what to type.

mod block;
mod cred_helpers;
mod docker;
mod edit;
mod finding;
mod gh;
mod git;
mod hints;
mod kubeconfig;
mod launcher;
mod lines;
mod links;
mod mcp;
mod member;
mod overview;
mod reach;
mod skill;
mod toml_line;
mod tool;

use std::time::Instant;

use clap::ValueEnum;

use super::{note, print};
use crate::broker::Broker;
use crate::error::{Error, Kind};
use crate::service::DEFAULT_ENVIRONMENT;
use crate::suggest;
use edit::Edit;
use lines::{How, Text};
use mcp::Client;
use tool::{Tool, Way};

pub(super) use docker::{registries, spelled as spelled_by_docker};
pub(super) use finding::{Asks, Finding, together};
pub(super) use git::unusable_file as unusable_file_of_git;
pub(super) use links::{Links, Standing, here as links, remove_from_path};
pub(super) use mcp::known_servers;
pub(super) use reach::{clients as clients_ask, docker as docker_asks, git as git_asks, git_origins, lines as reach};

/// Let a tool ask the program for your services, or undo that
///
/// Without a tool it puts the protocol names, such as git-credential-scalekit, beside the program, and lists the tools: which of
/// them are here, and which ask us.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Which tool; with --undo, none means all
    tool: Option<Tool>,
    /// Hosts, registries or, for MCP clients, services (NAME or NAME=URL); those of all services, if none is named
    #[arg(value_name = "HOST|SERVICE")]
    hosts: Vec<String>,
    /// Set up every tool that is here and has a host of yours, after showing the whole change
    #[arg(long, conflicts_with_all = ["tool", "undo", "replace", "skill", "user"])]
    all: bool,
    /// Show the change and make none
    #[arg(long)]
    dry_run: bool,
    /// Take the place of another tool's helper for the same host, or of another server of the same name
    #[arg(long, conflicts_with = "undo")]
    replace: bool,
    /// For claude: put the agent skill into its folder of skills, too
    #[arg(long, conflicts_with = "undo")]
    skill: bool,
    /// For kubectl: the name of the user whose credentials come from us
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Remove what setup put there, and bring back what it replaced
    #[arg(long, conflicts_with = "hosts")]
    undo: bool,
}

pub(super) fn run(arguments: &Arguments, deadline: Instant) -> Result<(), Error> {
    let broker = super::load(None, deadline)?;
    if arguments.undo {
        return undo_all(&broker, arguments);
    }
    if arguments.all {
        return overview::set_up_all(&broker, arguments.dry_run);
    }
    if arguments.skill {
        set_up_skill(arguments)?;
        // Who has no MCP server may want the skill all the same.
        if arguments.hosts.is_empty() && known_servers(&broker).is_empty() {
            return Ok(());
        }
    }
    let Some(tool) = arguments.tool else {
        links::make(arguments.dry_run)?;
        return print(&overview::table(&broker));
    };
    if arguments.user.is_some() && tool != Tool::Kubectl {
        return Err(Error::new(Kind::Usage, "--user is for kubectl alone"));
    }
    match tool.way() {
        Way::Git => set_up_git(&broker, arguments),
        Way::Docker => set_up_docker(&broker, arguments),
        Way::Client(client) => set_up_client(&broker, client, arguments),
        Way::Text(text) => set_up_text(&broker, text, arguments),
        _ if !arguments.hosts.is_empty() => {
            Err(Error::new(Kind::Usage, format!("setup {} takes no hosts", tool.name()))
                .next(suggest::setup(&tool.name())))
        }
        Way::Gh => print(&format!("{}\n", gh::alias(&broker)?)),
        Way::Hint(hint) => {
            let links = links::make(arguments.dry_run)?;
            let askpass = links.path_of("scalekit-askpass").unwrap_or_else(|| "scalekit-askpass".into());
            // GitHub's registry is the example.
            let github = broker.services.iter().find(|service| service.provider() == Ok(Some("GITHUB".into())));
            let github = github.map_or("github", |service| &service.name);
            print(&hint.lines(&links.program().display().to_string(), &askpass.display().to_string(), github))
        }
    }
}

fn undo_all(broker: &Broker, arguments: &Arguments) -> Result<(), Error> {
    let is_dry = arguments.dry_run;
    let (mut found, mut errors) = (false, Vec::new());
    for tool in Tool::value_variants().iter().filter(|tool| arguments.tool.is_none_or(|asked| asked == **tool)) {
        let undone = match tool.way() {
            Way::Git => git::undo().and_then(|change| undo(change, is_dry, |_| Ok(()))),
            Way::Docker => {
                docker::undo(broker).and_then(|change| undo(change, is_dry, |edit| docker::forget(broker, edit)))
            }
            Way::Client(client) => undo_client(broker, client, is_dry),
            Way::Text(text) => undo_text(text, is_dry),
            Way::Gh | Way::Hint(_) => Ok(false),
        };
        match undone {
            Ok(undone) => found |= undone,
            // The others are undone all the same.
            Err(error) => errors.push(error),
        }
    }
    match errors.len() {
        0 if !found => {
            note("there is nothing of ours to undo");
            Ok(())
        }
        0 => Ok(()),
        1 => Err(errors.remove(0)),
        many => {
            errors.iter().for_each(|error| note(error.line()));
            Err(Error::new(Kind::Partial, format!("{many} tools are left as they are")))
        }
    }
}

fn undo_client(broker: &Broker, client: Client, is_dry: bool) -> Result<bool, Error> {
    let mut found = false;
    for change in mcp::undo(broker, client, note)? {
        found |= undo(Some(change), is_dry, |edit| mcp::forget(broker, edit))?;
    }
    if client == Client::Claude {
        let folder = skill::folder()?;
        if skill::remove(&folder, is_dry)? {
            note(format!("the skill {} {}", if is_dry { "would go from" } else { "is gone from" }, folder.display()));
            found = true;
        }
    }
    Ok(found)
}

fn undo_text(text: Text, is_dry: bool) -> Result<bool, Error> {
    if undo(text.undo()?, is_dry, |_| Ok(()))? {
        if !is_dry {
            text.remove_links()?;
        }
        return Ok(true);
    }
    let Some(file) = text.left_behind() else { return Ok(false) };
    note(format!(
        "{} sends {} to us without the remarks of setup, since another program wrote it anew; remove those lines yourself",
        file.display(),
        text.name()
    ));
    Ok(true)
}

fn undo(
    change: Option<(Edit, Option<String>)>,
    dry_run: bool,
    then: impl FnOnce(&Edit) -> Result<(), Error>,
) -> Result<bool, Error> {
    let Some((edit, after)) = change else { return Ok(false) };
    if dry_run {
        print(&edit.describe(after.as_deref()))?;
    } else {
        edit.write(after.as_deref())?;
        then(&edit)?;
        note(format!("{} is as it was without us", edit.path().display()));
    }
    Ok(true)
}

fn set_up_git(broker: &Broker, arguments: &Arguments) -> Result<(), Error> {
    let links = links::make(arguments.dry_run)?;
    let plan = git::plan(broker, &arguments.hosts, &git::helper(&links), arguments.replace)?;
    if arguments.dry_run {
        print(&plan.edit.describe(Some(&plan.after)))?;
    } else {
        plan.carry_out()?;
        note(format!("git asks us for {}", plan.hosts()));
    }
    plan.warnings().into_iter().for_each(note);
    Ok(())
}

fn set_up_docker(broker: &Broker, arguments: &Arguments) -> Result<(), Error> {
    links::make(arguments.dry_run)?;
    let plan = docker::plan(broker, &arguments.hosts, arguments.replace)?;
    if arguments.dry_run {
        return print(&plan.edit.describe(Some(&plan.after)));
    }
    plan.carry_out(broker)?;
    note(format!("docker asks us for {}", plan.registries.join(", ")));
    if let Some(problem) = reach::problem_of_docker() {
        note(format!("docker finds its helpers by PATH, but {problem}"));
    }
    Ok(())
}

fn set_up_client(broker: &Broker, client: Client, arguments: &Arguments) -> Result<(), Error> {
    let program = links::program()?;
    let plan = mcp::plan(broker, client, &program, &arguments.hosts, arguments.replace, note)?;
    if arguments.dry_run {
        return print(&plan.edit.describe(Some(&plan.after)));
    }
    // Before its directory is made for it.
    if !client.is_installed() {
        note(format!(
            "{} does not seem to be installed here; what it would read is written all the same",
            client.title()
        ));
    }
    plan.carry_out(broker)?;
    note(format!("{} asks us for {}, from its next start on", client.title(), plan.names.join(", ")));
    if client.hides_secrets() && broker.variables()?.is_some() {
        note(format!(
            "{} hides SCALEKIT_CLIENT_SECRET from what it starts; {} stores the client credentials",
            client.title(),
            suggest::login(DEFAULT_ENVIRONMENT)
        ));
    }
    Ok(())
}

fn set_up_text(broker: &Broker, text: Text, arguments: &Arguments) -> Result<(), Error> {
    let links = links::make(arguments.dry_run)?;
    let user = arguments.user.as_deref();
    let how = How { broker, links: &links, places: &arguments.hosts, user, replace: arguments.replace };
    let plan = text.plan(&how)?;
    if arguments.dry_run {
        return print(&plan.edit.describe(Some(&plan.after)));
    }
    let what = plan.carry_out()?;
    text.make_link(&links)?;
    note(what);
    Ok(())
}

fn set_up_skill(arguments: &Arguments) -> Result<(), Error> {
    if arguments.tool != Some(Tool::Claude) {
        return Err(Error::new(Kind::Usage, "--skill is for claude alone")
            .next("`./install.sh --skill DIR` of the sources puts the skill into the folder of another agent"));
    }
    let folder = skill::folder()?;
    if arguments.dry_run {
        return print(&skill::describe(&folder)?);
    }
    skill::put(&folder)?;
    note(format!("the skill is in {}", folder.display()));
    Ok(())
}

fn failed(what: impl std::fmt::Display, why: impl std::fmt::Display) -> Error {
    Error::new(Kind::Failed, what).why(why)
}
