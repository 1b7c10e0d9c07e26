//! `exec`: a command with fresh tokens in its environment variables, for tools that take a token no other way.
//!
//! This process becomes the command, so that exit status, signals and terminal are the command's own, and nothing of us is
//! left beside it.

mod variable;

use std::ffi::OsString;
use std::io::ErrorKind;
use std::process::Command;
use std::time::Instant;

use clap::error::{ContextKind, ContextValue};

use super::found::{AccountToken, outcome};
use super::request::{AccountSelector, ServiceOrTarget};
use crate::audit::Origin;
use crate::broker::{Asked, Broker, Token};
use crate::clock;
use crate::consent::Failure;
use crate::error::{Error, Kind};
use crate::secret::Secret;
use crate::service::{Account, Service};
use crate::store::credential_variables;
use crate::suggest;
use crate::system;
use crate::target::Target;
use crate::trace::step;
use variable::Destination;

/// Run a command with fresh tokens in its environment variables
///
/// The command takes the place of this program, so that exit status and signals are its own; 127 if it is not there, 126 if
/// it cannot be run. The variables that hold client credentials are kept from it. A token that runs out while the command runs is
/// not replaced: what runs for hours asks a helper protocol instead, see `scalekit-auth setup`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Whose token, a service, host or URL; and the variable for it, where it is not the one that the service's own tools read
    #[arg(long = "with", value_name = "SERVICE[=VARIABLE]", required = true)]
    with: Vec<String>,
    /// The environment to ask, whatever the services say
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// The variable for the seconds until the first of the tokens runs out; it is left out where the vault does not say
    #[arg(long, value_name = "VARIABLE")]
    expires_in: Option<String>,
    /// The command and its arguments
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

/// The line that was meant, where `--` is missing before the command. `exec` itself takes no other words.
pub(super) fn with_dashes(args: &[OsString], error: &clap::Error) -> Option<String> {
    let ContextValue::String(stray) = error.get(ContextKind::InvalidArg)? else { return None };
    let words: Vec<&str> = args.iter().map(|word| word.to_str()).collect::<Option<_>>()?;
    let at = words.iter().position(|word| word == stray)?;
    let is_meant = words.get(1) == Some(&"exec") && !stray.starts_with('-') && !words.contains(&"--");
    let line = [&words[1..at], &["--"], &words[at..]].concat();
    is_meant.then(|| suggest::typed(&line).line())
}

/// One `--with`, before its token is there.
struct Wanted<'a> {
    service: &'a Service,
    account: Account,
    target: Option<Target>,
    destination: Destination,
}

pub(super) fn run(arguments: &Arguments, deadline: Instant) -> Result<(), Error> {
    let broker = super::load(arguments.environment.as_deref(), deadline)?;
    let wanted = wanted(arguments, &broker)?;
    let host = gh_host(&wanted)?;
    if let Some(name) = &arguments.expires_in {
        variable::check(name, "--expires-in NAME")?;
        if wanted.iter().any(|one| one.destination.variable == *name) {
            return Err(Error::new(Kind::Usage, format!("{name} cannot hold a token and its expiry"))
                .next("give --expires-in a name of its own"));
        }
    }
    let accounts: Vec<_> = wanted.iter().map(|one| (one.service, &one.account)).collect();
    let secrets = hand_out(&broker, &wanted, broker.tokens(&accounts))?;

    let Some((program, rest)) = arguments.command.split_first() else {
        return Err(Error::new(Kind::Usage, "there is no command to run"));
    };
    let mut command = Command::new(program);
    command.args(rest);
    credential_variables().for_each(|name| _ = command.env_remove(name));
    let first = secrets.iter().filter_map(|secret| secret.expires_at).min();
    if let Some(name) = &arguments.expires_in {
        match first {
            Some(at) => command.env(name, at.saturating_sub(clock::wall()).max(0).to_string()),
            None => command.env_remove(name),
        };
    }
    for (one, secret) in wanted.into_iter().zip(secrets) {
        command.env(one.destination.variable, secret.token.expose());
    }
    if let Some(host) = host {
        command.env(variable::GH_HOST, host);
    }
    step!("run: becomes {}", program.display());
    let error = system::become_command(command);
    let (kind, next) = match error.kind() {
        ErrorKind::NotFound => (Kind::CommandNotFound, "check its spelling and PATH"),
        _ => (Kind::CommandNotRun, "check that it is a program that you may run"),
    };
    let what = format!("the command {} cannot be run", program.display());
    Err(Error::new(kind, what).why(error).next(next))
}

/// What goes into a variable.
struct Given {
    token: Secret<String>,
    expires_at: Option<i64>,
    origin: Origin,
}

/// All tokens, or none: a command does not run with a part of what it was meant to have.
fn hand_out(
    broker: &Broker,
    wanted: &[Wanted<'_>],
    tokens: Vec<Result<Token, Failure>>,
) -> Result<Vec<Given>, Failure> {
    let given = |(one, token): (&Wanted<'_>, Result<Token, Failure>)| {
        let token = token?;
        let (expires_at, origin) = (token.known_expiry(), token.origin());
        let found = AccountToken::new(broker, one.service, one.account.clone(), token)?;
        Ok(Given { token: found.token()?.1.clone(), expires_at, origin })
    };
    let outcomes: Vec<Result<Given, Failure>> = wanted.iter().zip(tokens).map(given).collect();
    let is_complete = outcomes.iter().all(Result::is_ok);
    for (Wanted { service, account, target, .. }, made) in wanted.iter().zip(&outcomes) {
        if is_complete || made.is_err() {
            let asked = Asked { command: "exec", target: target.as_ref(), service, account };
            broker.record(asked, outcome(made.as_ref().map(|given| given.origin)));
        }
    }
    outcomes.into_iter().collect()
}

fn wanted<'a>(arguments: &Arguments, broker: &'a Broker) -> Result<Vec<Wanted<'a>>, Error> {
    let one = |text: &String| {
        let (place, name) = variable::split(text)?;
        // The environment is the broker's matter already.
        let asked = AccountSelector::default().request(place, false);
        let target = match asked.place()? {
            ServiceOrTarget::Target(target, _) => Some(target),
            ServiceOrTarget::Service(_) => None,
        };
        let host = target.as_ref().map(|target| target.authority.clone());
        let (service, account) = asked.find(broker)?;
        broker.must_serve(Asked { command: "exec", target: target.as_ref(), service, account: &account })?;
        let destination = match name {
            Some(name) => Destination::named(name),
            None => Destination::usual(service, &account, host)?,
        };
        Ok(Wanted { service, account, target, destination })
    };
    arguments.with.iter().map(one).collect()
}

/// The value of GH_HOST, if it is needed; an error where two tokens want one variable.
fn gh_host(wanted: &[Wanted<'_>]) -> Result<Option<String>, Error> {
    // With a token for github.com beside it, gh's usual host stays github.com.
    let mut of_gh = wanted.iter().filter(|one| one.destination.is_for_gh);
    let host = match (of_gh.next(), of_gh.next()) {
        (Some(only), None) => only.destination.host.clone(),
        _ => None,
    };
    let mut seen: Vec<&str> = host.iter().map(|_| variable::GH_HOST).collect();
    for Wanted { service, destination: Destination { variable, .. }, .. } in wanted {
        if seen.contains(&variable.as_str()) {
            let what = format!("{variable} cannot hold two values");
            return Err(Error::new(Kind::Usage, what)
                .next(format!("`--with {}=NAME` gives the second one a name of its own", service.name)));
        }
        seen.push(variable);
    }
    Ok(host)
}
