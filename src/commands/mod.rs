//! The commands that people type. Each file parses nothing itself: it calls, and prints.

mod audit;
mod cache;
mod client;
mod complete;
mod config;
mod confirm;
mod connect;
pub mod curl;
mod disconnect;
mod doctor;
mod exec;
mod found;
mod groups;
mod header;
mod homes;
mod list;
mod login;
mod logout;
pub mod mcp;
mod mcp_headers;
mod remove;
mod request;
mod setup;
mod status;
mod sync;
mod terminal;
mod token;
mod use_account;
mod verify;
mod which;

use std::ffi::OsString;
use std::time::Instant;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::broker::Broker;
use crate::error::{Error, Kind};
use crate::output::{note, print, print_json, warn_of_expiry};
use crate::protocol::{askpass, bazel, cargo, docker, git, goauth, keyring, kubernetes, nuget, pnpm, terraform};
use crate::trace::step;

const AFTER_HELP: &str = "\
First steps:
  scalekit-auth login                               store the client credentials in the OS keyring
  scalekit-auth sync                                read which connections your Scalekit environment has
  scalekit-auth setup git                           let git ask for tokens

Exit codes: 0 done, 1 failed, 2 usage, 3 not configured, 4 no readable keyring, 5 needs authorization,
6 the vault refused, 7 the vault cannot be reached, 8 ambiguous, 10 some of several failed,
41 the token checked is not valid, 43 it is valid and not enough.";

/// Give git, docker, curl and other programs a fresh token for the service they talk to
///
/// Scalekit keeps your sign-ins to GitHub, Gmail, Slack and some 350 other services in its cloud, and refreshes them. This
/// program fetches the token that belongs to a host when a tool asks for it, and stores it in no file.
#[derive(Debug, Parser)]
#[command(name = "scalekit-auth", version, after_help = AFTER_HELP, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Login(login::Arguments),
    Logout(logout::Arguments),
    Status(status::Arguments),
    Doctor(doctor::Arguments),
    Config(config::Arguments),
    Client(client::Arguments),
    Use(use_account::Arguments),
    Sync(sync::Arguments),
    List(list::Arguments),
    Remove(remove::Arguments),
    Token(token::Arguments),
    Header(header::Arguments),
    Exec(exec::Arguments),
    Curl(curl::Arguments),
    Connect(connect::Arguments),
    Disconnect(disconnect::Arguments),
    Which(which::Arguments),
    Verify(verify::Arguments),
    Audit(audit::Arguments),
    Cache(cache::Arguments),
    Setup(setup::Arguments),
    GitCredential(git::Help),
    DockerCredential(docker::Help),
    McpHeaders(mcp_headers::Arguments),
    Mcp(mcp::Arguments),
    Bazel(bazel::Help),
    Cargo(cargo::Help),
    Terraform(terraform::Help),
    Keyring(keyring::Help),
    Pnpm(pnpm::Help),
    Goauth(goauth::Help),
    Kubernetes(kubernetes::Help),
    Nuget(nuget::Help),
    Askpass(askpass::Help),
}

/// The tree of all commands, for what a release says about them: completions and manual pages.
#[doc(hidden)]
pub fn tree() -> clap::Command {
    Arguments::command()
}

/// Parses `args` and runs the command. Errors go to stderr, and to stdout as JSON where `--json` was given.
pub fn run(args: Vec<OsString>, deadline: Instant) -> u8 {
    if let Some(words) = complete::select(&args) {
        return complete::run(words);
    }
    let command = groups::grouped(Arguments::command());
    let parsed = command.try_get_matches_from(&args).and_then(|matches| {
        step!("call: {}", matches.subcommand_name().unwrap_or_default());
        Arguments::from_arg_matches(&matches)
    });
    let arguments = match parsed {
        Ok(arguments) => arguments,
        Err(error) => {
            // Nothing sensible is left to do when the terminal is gone.
            let _ = error.print();
            if let Some(line) = exec::with_dashes(&args, &error) {
                eprintln!("\n  tip: put -- before the command: {line}");
            }
            return error.exit_code().try_into().unwrap_or(1);
        }
    };
    let result = match arguments.command {
        Command::Login(arguments) => login::run(arguments),
        Command::Logout(arguments) => logout::run(&arguments),
        Command::Status(arguments) => status::run(&arguments, deadline),
        Command::Doctor(arguments) => doctor::run(&arguments, deadline),
        Command::Config(arguments) => config::run(arguments),
        Command::Client(arguments) => client::run(&arguments),
        Command::Use(arguments) => use_account::run(&arguments),
        Command::Sync(arguments) => sync::run(&arguments),
        Command::List(arguments) => list::run(&arguments, deadline),
        Command::Remove(arguments) => remove::run(&arguments),
        Command::Token(arguments) => token::run(&arguments, deadline),
        Command::Header(arguments) => header::run(&arguments, deadline),
        Command::Exec(arguments) => exec::run(&arguments, deadline),
        Command::Curl(arguments) => curl::run(&arguments, deadline),
        Command::Connect(arguments) => connect::run(&arguments, deadline),
        Command::Disconnect(arguments) => disconnect::run(&arguments, deadline),
        Command::Which(arguments) => which::run(&arguments, deadline),
        Command::Verify(arguments) => verify::run(&arguments, deadline),
        Command::Audit(arguments) => audit::run(&arguments),
        Command::Cache(arguments) => cache::run(&arguments, deadline),
        Command::Setup(arguments) => setup::run(&arguments, deadline),
        Command::McpHeaders(arguments) => mcp_headers::run(&arguments, deadline),
        Command::Mcp(arguments) => mcp::run(&arguments, deadline),
        // A call never comes this far, only the question for its help, which clap has answered.
        Command::GitCredential(_)
        | Command::DockerCredential(_)
        | Command::Bazel(_)
        | Command::Cargo(_)
        | Command::Terraform(_)
        | Command::Keyring(_)
        | Command::Pnpm(_)
        | Command::Goauth(_)
        | Command::Kubernetes(_)
        | Command::Nuget(_)
        | Command::Askpass(_) => return Kind::Usage.exit_code(),
    };
    match result {
        Ok(()) => 0,
        Err(error) => {
            // Its words may hold the link where a person consents.
            step!("failed: {}", error.kind().code());
            eprintln!("scalekit-auth: {error}");
            error.kind().exit_code()
        }
    }
}

/// Whether these are a command's words.
#[cfg(test)]
pub fn parses(args: Vec<OsString>) -> Result<(), clap::Error> {
    Arguments::try_parse_from(args).map(drop)
}

/// The configuration; what looks misspelled in it is told on stderr, which the helper protocols do not.
fn load(environment: Option<&str>, deadline: Instant) -> Result<Broker, Error> {
    let broker = Broker::load_in(environment, deadline)?;
    broker.services.misspelled.iter().chain(&broker.environments.misspelled).for_each(note);
    Ok(broker)
}
