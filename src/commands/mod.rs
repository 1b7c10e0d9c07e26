//! The commands that people type. Each file parses nothing itself: it calls, and prints.

mod cache;
mod client;
mod config;
mod confirm;
mod connect;
pub mod curl;
mod disconnect;
mod exec;
mod found;
mod groups;
mod header;
mod homes;
mod list;
mod login;
mod logout;
mod reach;
mod remove;
mod setup;
mod status;
mod sync;
mod terminal;
mod token;
mod use_account;
mod verify;
mod which;

use std::borrow::Cow;
use std::ffi::OsString;
use std::time::Instant;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::broker::{Broker, checked};
use crate::error::{Error, Kind, without_userinfo};
use crate::output::{note, print, warn_of_expiry};
use crate::protocol::{bazel, docker, git};
use crate::resolve::{self, Chosen, Decision, Verdict, decide::hint};
use crate::service::{Account, Service, is_service_name};
use crate::suggest::Suggestion;
use crate::target::{Scheme, Target};

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
    /// Check client credentials with Scalekit, and store them in the OS keyring or where --home says
    Login(login::Arguments),
    /// Remove stored client credentials
    Logout(logout::Arguments),
    /// Show each environment, where its client credentials live, and whether they can be read
    Status(status::Arguments),
    /// Name a connection as a service, and say which hosts are its own
    Config(config::Arguments),
    /// Create, list, change and delete API clients of an organization, and replace their secrets
    Client(client::Arguments),
    /// Choose which account of a service is its usual one, or where it comes before others
    Use(use_account::Arguments),
    /// Read the environment's connections, so that they are services without `config`
    Sync(sync::Arguments),
    /// List the services, their accounts and hosts
    List(list::Arguments),
    /// Remove a service
    Remove(remove::Arguments),
    /// Print a fresh token for a service, URL or host
    Token(token::Arguments),
    /// Print the request header with a fresh token, as the provider wants it
    Header(header::Arguments),
    /// Run a command with fresh tokens in its environment variables
    Exec(exec::Arguments),
    /// Call a URL with curl and a fresh token
    Curl(curl::Arguments),
    /// Get a person's consent for an account: show the link, open the browser, wait until the account is ACTIVE
    Connect(connect::Arguments),
    /// Remove a connected account in the vault, with the tokens it holds
    Disconnect(disconnect::Arguments),
    /// Explain which service and account would answer for a URL, or why none would
    Which(which::Arguments),
    /// Check a token that Scalekit issued, as an HTTP API does: the token on stdin
    Verify(verify::Arguments),
    /// Show or forget the tokens that are cached in memory, or set for how long they may be
    Cache(cache::Arguments),
    /// Let git or docker ask the program for the hosts of your services, or undo that
    Setup(setup::Arguments),
    /// Speak git's credential helper protocol on stdin and stdout
    GitCredential(git::Help),
    /// Speak docker's credential helper protocol on stdin and stdout
    DockerCredential(docker::Help),
    /// Speak the credential helper protocol of Bazel and EngFlow on stdin and stdout
    Bazel(bazel::Help),
}

/// How many of the places that come near are named in an error.
const MOST_NEAR: usize = 4;

/// Parses `args` and runs the command. Errors go to stderr, and to stdout as JSON where `--json` was given.
pub fn run(args: Vec<OsString>, deadline: Instant) -> u8 {
    let command = groups::grouped(Arguments::command());
    let parsed = command.try_get_matches_from(&args).and_then(|matches| Arguments::from_arg_matches(&matches));
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
        Command::Cache(arguments) => cache::run(&arguments, deadline),
        Command::Setup(arguments) => setup::run(&arguments, deadline),
        // A call never comes this far, only the question for its help, which clap has answered.
        Command::GitCredential(_) | Command::DockerCredential(_) | Command::Bazel(_) => return Kind::Usage.exit_code(),
    };
    match result {
        Ok(()) => 0,
        Err(error) => {
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

/// What is asked about: the arguments that several commands share.
#[derive(Debug, clap::Args)]
struct Request {
    /// A service (gmail), a host (api.github.com) or a URL (https://api.github.com/user)
    place: String,
    #[command(flatten)]
    whose: AccountSelector,
    /// For the environment's own MCP servers: whether the session's tools may change nothing.
    #[arg(skip)]
    is_read_only: bool,
}

/// What a session with one of the environment's own MCP servers may do.
#[derive(Debug, Clone, Default, clap::Args)]
struct Access {
    /// For the environment's own MCP servers: a token whose tools change nothing
    #[arg(long)]
    read_only: bool,
}

/// Whose account it is, and in which environment.
#[derive(Debug, Clone, Default, clap::Args)]
struct AccountSelector {
    /// The account of this short name (`config SERVICE CONNECTION --identifier ID --as NAME`)
    #[arg(long = "as", value_name = "NAME")]
    name: Option<String>,
    /// Whose account inside the connection
    #[arg(long, value_name = "ID", conflicts_with = "name")]
    identifier: Option<String>,
    /// The environment to ask, whatever the service says
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
}

impl AccountSelector {
    /// The question for the token of `place`.
    fn request(&self, place: &str, is_read_only: bool) -> Request {
        Request { place: place.to_owned(), whose: self.clone(), is_read_only }
    }

    /// `command` with these options.
    fn options(&self, command: Suggestion) -> Suggestion {
        let Self { name, identifier, environment } = self;
        let options = [("--as", name), ("--identifier", identifier), ("--environment", environment)];
        let given = options.into_iter().filter_map(|(option, value)| Some((option, value.as_ref()?)));
        given.fold(command, |command, (option, value)| command.option(option, value))
    }
}

impl Request {
    fn place(&self) -> Result<ServiceOrTarget, Error> {
        ServiceOrTarget::parse(&self.place)
    }

    fn broker(&self, deadline: Instant) -> Result<Broker, Error> {
        load(self.whose.environment.as_deref(), deadline)
    }

    fn chosen<'a>(&'a self, username: Option<&'a str>) -> Chosen<'a> {
        let AccountSelector { name, identifier, .. } = &self.whose;
        Chosen { name: name.as_deref(), identifier: identifier.as_deref(), username, ..Chosen::default() }
    }

    /// The service and account whose token is asked for.
    fn find_token<'a>(&self, broker: &'a Broker) -> Result<(Cow<'a, Service>, Account), Error> {
        match self.place()? {
            ServiceOrTarget::Service(_) => {
                self.must_not_be_read_only()?;
                self.find(broker).map(|(service, account)| (Cow::Borrowed(service), account))
            }
            ServiceOrTarget::Target(target, username) => self
                .find_at(broker, &target, username.as_deref())?
                .map_err(|decision| explained(broker, decision, &target)),
        }
    }

    /// The same for a target, which may be one of the environment's own MCP servers; else the decision that found nobody.
    fn find_at<'a>(
        &self,
        broker: &'a Broker,
        target: &Target,
        username: Option<&str>,
    ) -> Result<Result<(Cow<'a, Service>, Account), Decision<'a>>, Error> {
        let chosen = self.chosen(username);
        if let Some((service, account)) = broker.mcp_server(target, &chosen, self.is_read_only)? {
            return Ok(Ok((Cow::Owned(service), account)));
        }
        self.must_not_be_read_only()?;
        let decision = broker.decide(target, &chosen);
        Ok(match decision.outcome {
            Ok(answer) => Ok((Cow::Borrowed(answer.rule.service), checked(answer.account)?)),
            Err(_) => Err(decision),
        })
    }

    fn must_not_be_read_only(&self) -> Result<(), Error> {
        match self.is_read_only {
            false => Ok(()),
            true => Err(Error::new(Kind::Usage, format!("{} is none of the environment's MCP servers", self.place))
                .why("what a token may do elsewhere is decided at its provider")
                .next("leave out --read-only")),
        }
    }

    /// The service and account asked for.
    fn find<'a>(&self, broker: &'a Broker) -> Result<(&'a Service, Account), Error> {
        match self.place()? {
            ServiceOrTarget::Service(name) => {
                let service = broker.service(&name)?;
                Ok((service, broker.account(service, &self.chosen(None))?))
            }
            ServiceOrTarget::Target(target, username) => {
                let decision = broker.decide(&target, &self.chosen(username.as_deref()));
                match decision.outcome {
                    Ok(answer) => Ok((answer.rule.service, checked(answer.account)?)),
                    Err(_) => Err(explained(broker, decision, &target)),
                }
            }
        }
    }
}

/// The error of a decision, with what comes near the target.
fn explained(broker: &Broker, decision: Decision<'_>, target: &Target) -> Error {
    let error = match decision.outcome {
        Err(error @ resolve::Error::Nobody(_)) => error,
        Err(error) => return error.into(),
        Ok(_) => resolve::Error::Nobody(target.to_string()),
    };
    let error = Error::from(error);
    let mut near: Vec<String> = Vec::new();
    for (rule, verdict) in &decision.considered {
        let (name, pattern) = (&rule.service.name, &rule.pattern);
        let line = match verdict {
            Verdict::OtherProvider => format!("{name} claims {pattern}, but another provider has this path"),
            Verdict::OtherScheme if pattern.is_https() => format!("{name} claims {pattern} over https alone"),
            _ => format!("{name} claims only {pattern}"),
        };
        if !near.contains(&line) {
            near.push(line);
        }
    }
    if !near.is_empty() {
        let others = near.len().saturating_sub(MOST_NEAR);
        near.truncate(MOST_NEAR);
        let more = if others > 0 { format!(" and {others} more") } else { String::new() };
        let error = error.why(near.join(", ") + &more);
        let wants_https = decision
            .considered
            .iter()
            .any(|(rule, verdict)| *verdict == Verdict::OtherScheme && rule.pattern.is_https());
        let is_http = target.scheme == Scheme::Http;
        return if is_http && wants_https { error.next("use https") } else { error };
    }
    // Before all else, where there was nothing that could have been learned.
    let reason = broker.why_nothing_is_synced().or_else(|| {
        let (why, next) = hint(&broker.services, target)?;
        let next = match broker.never_synced() {
            Some(sync) => format!("{sync} finds the connections of your environment; or {next}"),
            None => next,
        };
        Some((why, next))
    });
    match reason {
        Some((why, next)) => error.why(why).next(next),
        None => error,
    }
}

/// An argument that may be a service or a place: with `://`, or with a host and a path, a URL; with `.` or `:` a host; else a
/// service.
enum ServiceOrTarget {
    Target(Target, Option<String>),
    Service(String),
}

impl ServiceOrTarget {
    fn parse(text: &str) -> Result<Self, Error> {
        let wrong = |why: &dyn std::fmt::Display| {
            Error::new(Kind::Usage, format!("{:?} is neither a service, a host nor a URL", without_userinfo(text)))
                .why(why)
        };
        if text.contains("://") {
            let (target, user) = Target::from_url(text).map_err(|error| wrong(&error))?;
            Ok(Self::Target(target, user))
        } else if let Some((host, path)) = text.split_once('/')
            && host.contains(['.', ':'])
            && !path.is_empty()
        {
            // As people copy it out of a browser, and nothing that only looks like a host.
            Target::from_host(host).map_err(|error| wrong(&error))?;
            Self::parse(&format!("https://{text}"))
        } else if text.contains(['.', ':']) {
            Target::from_host(text).map(|target| Self::Target(target, None)).map_err(|error| wrong(&error))
        } else if is_service_name(&text.to_ascii_lowercase()) {
            // What is there in lower case is suggested where the configuration is known.
            Ok(Self::Service(text.to_owned()))
        } else {
            Err(wrong(&crate::service::SERVICE_RULE))
        }
    }
}
