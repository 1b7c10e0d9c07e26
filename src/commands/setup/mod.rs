//! `setup`: points git, docker and MCP clients to us, and takes that back; for gh it says what to type.

mod block;
mod cred_helpers;
mod docker;
mod edit;
mod gh;
mod git;
mod links;
mod mcp;
mod member;
mod skill;

use std::time::Instant;

use super::{note, print};
use crate::broker::Broker;
use crate::error::{Error, Kind};
use crate::programs;
use crate::service::DEFAULT_ENVIRONMENT;
use crate::suggest;
use edit::Edit;

pub(super) use mcp::{CLIENTS, Client, known_servers, line as client_line};

pub use docker::{helper_of as docker_helper_of, registries as docker_registries};

/// Let git, docker or an MCP client ask the program for your services, or say how gh gets its token
///
/// Without a tool it only puts the protocol names, such as git-credential-scalekit, beside the program.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Which tool; with --undo, none means all
    tool: Option<Tool>,
    /// Hosts, registries or, for MCP clients, services (NAME or NAME=URL); those of all services, if none is named
    #[arg(value_name = "HOST|SERVICE")]
    hosts: Vec<String>,
    /// Show the change and make none
    #[arg(long)]
    dry_run: bool,
    /// Take the place of another tool's helper for the same host, or of another server of the same name
    #[arg(long, conflicts_with = "undo")]
    replace: bool,
    /// For claude: put the agent skill into its folder of skills, too
    #[arg(long, conflicts_with = "undo")]
    skill: bool,
    /// Remove what setup put there, and bring back what it replaced
    #[arg(long, conflicts_with = "hosts")]
    undo: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Tool {
    /// The user's git configuration
    Git,
    /// Docker's config.json, which podman, skopeo and others read, too
    Docker,
    /// GitHub's command line: no file is changed, the alias to type is printed
    Gh,
    /// MCP servers of Claude Code, with the helper for headers
    Claude,
    /// MCP servers of Codex, with the helper for headers
    Codex,
    /// MCP servers of VS Code, by the bridge
    Vscode,
    /// MCP servers of Cursor, by the bridge
    Cursor,
    /// MCP servers of Gemini CLI, by the bridge
    Gemini,
    /// MCP servers of Zed, by the bridge
    Zed,
    /// MCP servers of opencode, by the bridge
    Opencode,
}

impl Tool {
    /// The MCP client that it is.
    fn client(self) -> Option<Client> {
        Some(match self {
            Self::Git | Self::Docker | Self::Gh => return None,
            Self::Claude => Client::Claude,
            Self::Codex => Client::Codex,
            Self::Vscode => Client::Vscode,
            Self::Cursor => Client::Cursor,
            Self::Gemini => Client::Gemini,
            Self::Zed => Client::Zed,
            Self::Opencode => Client::Opencode,
        })
    }
}

pub(super) fn run(arguments: &Arguments, deadline: Instant) -> Result<(), Error> {
    let broker = super::load(None, deadline)?;
    if arguments.undo {
        let wants = |tool| arguments.tool.is_none_or(|asked| asked == tool);
        let mut found = wants(Tool::Git) && undo(git::undo()?, arguments.dry_run, |_| Ok(()))?;
        if wants(Tool::Docker) {
            found |= undo(docker::undo(&broker)?, arguments.dry_run, |edit| docker::forget(&broker, edit))?;
        }
        for client in CLIENTS {
            if arguments.tool.is_none_or(|tool| tool.client() == Some(client)) {
                found |= undo(mcp::undo(&broker, client)?, arguments.dry_run, |edit| mcp::forget(&broker, edit))?;
            }
        }
        if wants(Tool::Claude) {
            let folder = skill::folder()?;
            if skill::remove(&folder, arguments.dry_run)? {
                note(format!(
                    "the skill {} {}",
                    if arguments.dry_run { "would go from" } else { "is gone from" },
                    folder.display()
                ));
                found = true;
            }
        }
        if !found {
            note("there is nothing of ours to undo");
        }
        return Ok(());
    }
    if arguments.skill {
        set_up_skill(arguments)?;
        // Who has no MCP server may want the skill all the same.
        if arguments.hosts.is_empty() && known_servers(&broker).is_empty() {
            return Ok(());
        }
    }
    match arguments.tool {
        None => links::make(arguments.dry_run).map(drop),
        Some(Tool::Git) => set_up_git(&broker, arguments),
        Some(Tool::Docker) => set_up_docker(&broker, arguments),
        Some(Tool::Gh) if !arguments.hosts.is_empty() => {
            Err(Error::new(Kind::Usage, "setup gh takes no hosts").next(suggest::setup("gh")))
        }
        Some(Tool::Gh) => print(&format!("{}\n", gh::alias(&broker)?)),
        Some(tool) => match tool.client() {
            Some(client) => set_up_client(&broker, client, arguments),
            None => Ok(()),
        },
    }
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
    let options = git::options(crate::protocol::git::chain::version());
    let helper = git::helper_value(links.path_of("git-credential-scalekit").as_deref(), links.program(), options);
    let plan = git::plan(broker, &arguments.hosts, &helper, arguments.replace)?;
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
    let links = links::make(arguments.dry_run)?;
    let plan = docker::plan(broker, &arguments.hosts, arguments.replace)?;
    if arguments.dry_run {
        return print(&plan.edit.describe(Some(&plan.after)));
    }
    plan.carry_out(broker)?;
    note(format!("docker asks us for {}", plan.registries.join(", ")));
    if programs::on_path("docker-credential-scalekit").next().is_none() {
        note(format!(
            "docker finds its helpers by PATH, and docker-credential-scalekit is not there: add {} to PATH",
            links.directory().display()
        ));
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
