//! `login`: proves client credentials against the vault and puts them into their home, takes them from a home that holds
//! them already, or moves them from one home to another. Whatever fails on the way, the home in use stays as it was.

mod dotenv;
mod source;

use std::path::{Path, PathBuf};

use super::{homes, note, sync, terminal};
use crate::cache;
use crate::config::{self, Environments};
use crate::error::{Error, Kind, Mark};
use crate::service::{ClientCredentials, DEFAULT_ENVIRONMENT, Environment, SERVICE_RULE, is_service_name};
use crate::store;
use crate::suggest;
use crate::vault::{Limit, Vault};
use homes::HomeArgument;
use source::Source;

/// Check client credentials with Scalekit, and store them in the OS keyring or where --home says
///
/// Environment URL, client id and client secret are shown in the Scalekit dashboard under Settings > API credentials.
/// What is not given as an option is asked for; the secret is never shown and never an argument.
///
/// With --home, a file that exists or a command is read and stays the user's: `--home file:$CREDENTIALS_DIRECTORY/scalekit`
/// fits systemd, a secret volume fits Kubernetes. Any other home is written. Without new credentials, an environment that
/// is known moves to the home: this is proven before the old home is emptied.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A name of your own for this environment, to keep several apart
    #[arg(long, value_name = "NAME", default_value = DEFAULT_ENVIRONMENT)]
    environment: String,
    /// The environment's URL, such as https://acme.scalekit.com
    #[arg(long, value_name = "URL", conflicts_with = "import")]
    env_url: Option<String>,
    /// The client id, such as skc_123
    #[arg(long, value_name = "ID", conflicts_with = "import")]
    client_id: Option<String>,
    /// Read the client secret from stdin
    #[arg(long, conflicts_with = "import")]
    client_secret_stdin: bool,
    /// Take all three from a .env file (SCALEKIT_ENV_URL, SCALEKIT_CLIENT_ID, SCALEKIT_CLIENT_SECRET, or TOOL_...)
    #[arg(long, value_name = "FILE")]
    import: Option<PathBuf>,
    /// After the import, remove the client secret from FILE without asking
    #[arg(long, requires = "import")]
    delete_source: bool,
    /// Where the client credentials live: keyring, file:PATH, or command (then: -- PROGRAM ARGUMENT...)
    #[arg(long, value_name = "HOME", value_parser = HomeArgument::parse)]
    home: Option<HomeArgument>,
    /// Use the file although every user of this machine can read it
    #[arg(long, requires = "home")]
    allow_world_readable: bool,
    /// With --home command: what prints the client secret, or all three as JSON; run without a shell
    #[arg(last = true, value_name = "PROGRAM ARGUMENT", requires = "home")]
    command: Vec<String>,
}

pub(super) fn run(arguments: Arguments) -> Result<(), Error> {
    let name = arguments.environment.as_str();
    if !is_service_name(name) {
        return Err(Error::new(Kind::Usage, format!("{name:?} is not a name for an environment")).why(SERVICE_RULE));
    }
    let directory = config::directory()?;
    // A configuration that cannot be changed is found out before anything else is.
    let environments = Environments::load(&directory)?;
    let old = environments.get(name);
    let mut home = source::home(&arguments, old)?;
    let source = Source::of(&arguments, old, &home);
    let credentials = source.credentials(&arguments, old, &home)?;
    if let Some(old) = old.filter(|old| old.url != credentials.url.as_str()) {
        replace(old, &credentials)?;
    }
    if source != Source::Found {
        homes::mark_as_written(&mut home);
    }
    let environment = Environment {
        name: name.to_owned(),
        url: credentials.url.to_string(),
        client_id: credentials.client_id.clone(),
        home,
    };
    match source {
        Source::Found => {
            prove(&credentials)?;
            Environments::put(&directory, &environment)?;
        }
        Source::Given => {
            prove(&credentials)?;
            write(&directory, &environment, old, &credentials, |_| Ok(()))?;
        }
        Source::Moved => write(&directory, &environment, old, &credentials, prove)?,
    }
    cache::evict(|key, _| key.is_of(&environment.url, &environment.client_id));
    note(format!(
        "logged in to {} as {}; the client secret is {} (environment {name})",
        environment.url, environment.client_id, environment.home
    ));
    if let Some(old) = old.filter(|old| homes::differ(&old.home, &environment.home)) {
        // The login itself is done.
        let left = homes::empty(&environments, old);
        if let Some(left) = left.unwrap_or_else(|error| Some(format!("the old home could not be emptied: {error}"))) {
            note(left);
        }
    }
    if let Some(file) = &arguments.import {
        dotenv::clean_source(file, &credentials, arguments.delete_source)?;
    }
    match source {
        Source::Given => sync::offer(name, || terminal::ask_yes("Read which connections it has? [Y/n] ")),
        Source::Found => sync::offer(name, || None),
        Source::Moved => {}
    }
    Ok(())
}

/// One environment in another's place is perhaps not what was meant; without a terminal it is just told.
fn replace(old: &Environment, new: &ClientCredentials) -> Result<(), Error> {
    let Environment { name, url, .. } = old;
    match terminal::confirms(&format!(
        "The environment {name} is logged in to {url}. Replace it with {}? [y/N] ",
        new.url
    )) {
        Some(false) => Err(Error::new(Kind::Usage, "nothing was changed")
            .next(format!("{} keeps both", suggest::login_to(new.url.as_str())))),
        Some(true) => Ok(()),
        None => {
            note(format!("the environment {name} was logged in to {url} before"));
            Ok(())
        }
    }
}

fn prove(credentials: &ClientCredentials) -> Result<(), Error> {
    Vault::new(credentials.clone(), Limit::Each(crate::TIME_LIMIT))?.prove().map_err(|error| {
        let error = Error::from(error);
        // `status` knows nothing of an environment that is not stored yet.
        match error.has(Mark::OutOfReach) {
            true => error.next("check the network, HTTPS_PROXY and the environment URL, then log in again"),
            false => error,
        }
    })
}

/// Writes the home, checks what can be read back from there, and switches `config.json` to it. If anything of this
/// fails, the home is put back.
fn write(
    directory: &Path,
    environment: &Environment,
    old: Option<&Environment>,
    credentials: &ClientCredentials,
    check: impl FnOnce(&ClientCredentials) -> Result<(), Error>,
) -> Result<(), Error> {
    // config.json is about to be written there; the new home may be beside it.
    if let Err(error) = crate::system::private_directory(directory) {
        return Err(Error::new(Kind::Failed, format!("cannot create {}", directory.display())).why(error));
    }
    let replace = old.is_some_and(|old| !homes::differ(&old.home, &environment.home));
    let undo = store::open(&environment.name, &environment.home).write(credentials, replace);
    let undo = undo.map_err(|error| error.shown(&environment.name))?;
    let switch = || {
        let read = store::credentials(environment).map_err(|error| error.shown(&environment.name))?;
        if read.client_secret.expose() != credentials.client_secret.expose() {
            return Err(Error::new(Kind::Failed, format!("what was stored {} reads back changed", environment.home)));
        }
        check(&read)?;
        Ok(Environments::put(directory, environment)?)
    };
    switch().inspect_err(|_| {
        if let Err(error) = undo() {
            note(format!("what was stored {} could not be taken back: {error}", environment.home));
        }
    })
}
