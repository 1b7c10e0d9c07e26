//! Where `login` takes the client credentials from, and which home they belong into.

use super::super::homes::{self, HomeArgument};
use super::super::terminal;
use super::Arguments;
use crate::error::{Error, Kind};
use crate::service::{ClientCredentials, CredentialsOrigin, Environment, EnvironmentUrl, HomeChoice};
use crate::store::{self, CommandError, Content, FileError};
use crate::suggest::{self, Suggestion};

/// Where the client credentials come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// From options, stdin, a `.env` file or the terminal.
    Given,
    /// The home holds them already.
    Found,
    /// From the environment's present home.
    Moved,
}

/// The home that the arguments name; without `--home` an environment keeps its own.
pub(super) fn home(arguments: &Arguments, old: Option<&Environment>) -> Result<HomeChoice, Error> {
    let usage = |what: &str, next: &str| Err(Error::new(Kind::Usage, what).next(next));
    let is_file = matches!(arguments.home, Some(HomeArgument::File(_)));
    let is_command = matches!(arguments.home, Some(HomeArgument::Command));
    if arguments.allow_world_readable && !is_file {
        return usage("--allow-world-readable is about files", "use it with --home file:PATH");
    }
    if is_command == arguments.command.is_empty() {
        let next = suggest::login_command(&arguments.environment).line();
        return usage("--home command and a command after -- belong together", &next);
    }
    let home = match &arguments.home {
        Some(home) => home.choice(arguments.allow_world_readable, &arguments.command)?,
        None => old.map_or(HomeChoice::Keyring, |old| old.home.clone()),
    };
    // What login wrote once stays ours by whatever path it is named.
    let was_written = old
        .is_some_and(|old| matches!(old.home, HomeChoice::File { written: true, .. }) && old.home.is_same_file(&home));
    Ok(match home {
        HomeChoice::File { path, allow_world_readable, .. } => {
            HomeChoice::File { path, allow_world_readable, written: was_written }
        }
        other => other,
    })
}

impl Source {
    /// Which one the arguments ask for.
    pub fn of(arguments: &Arguments, old: Option<&Environment>, home: &HomeChoice) -> Self {
        if arguments.import.is_some() || arguments.client_secret_stdin {
            return Self::Given;
        }
        let holds_them = match home {
            HomeChoice::Keyring => false,
            // Whatever is wrong with a file that is there is found out by reading it.
            HomeChoice::File { path, written, .. } if arguments.home.is_some() => {
                *written || !matches!(path.try_exists(), Ok(false))
            }
            HomeChoice::File { written, .. } => !written,
            HomeChoice::Command(_) => true,
        };
        let moves = old.is_some_and(|old| homes::differ(&old.home, home));
        if holds_them {
            Self::Found
        } else if moves && arguments.env_url.is_none() && arguments.client_id.is_none() {
            Self::Moved
        } else {
            Self::Given
        }
    }

    /// The client credentials themselves.
    pub fn credentials(
        self,
        arguments: &Arguments,
        old: Option<&Environment>,
        home: &HomeChoice,
    ) -> Result<ClientCredentials, Error> {
        // One that is none appears in no command that is suggested.
        arguments.env_url.as_deref().map(typed_url).transpose()?;
        match (self, old) {
            (Self::Given, _) => {
                check_writable(&arguments.environment, home, old)?;
                match &arguments.import {
                    Some(file) => Ok(store::from_dotenv(file)?),
                    None => ask(arguments, old),
                }
            }
            (Self::Moved, Some(old)) => store::credentials(old).map_err(|error| error.shown(&old.name)),
            _ => {
                let name = &arguments.environment;
                let content = store::open(name, home).read().map_err(|error| error.shown(name))?;
                complete(content, arguments, old, home)
            }
        }
    }
}

/// What can be known before anybody is asked for a secret.
fn check_writable(name: &str, home: &HomeChoice, old: Option<&Environment>) -> Result<(), Error> {
    let is_old = old.is_some_and(|old| !homes::differ(&old.home, home));
    match home {
        HomeChoice::File { path, .. } if !is_old && path.exists() => {
            Err(store::Error::HomeFile(path.clone(), FileError::Exists).shown(name))
        }
        HomeChoice::Command(argv) => {
            let program = argv.first().cloned().unwrap_or_default();
            Err(store::Error::HomeCommand { program, problem: CommandError::ReadOnly }.shown(name))
        }
        _ => Ok(()),
    }
}

/// The same command with all that it needs where nobody can be asked.
fn without_terminal(arguments: &Arguments) -> Suggestion {
    let command = suggest::login(&arguments.environment)
        .option("--env-url", arguments.env_url.as_deref().unwrap_or("URL"))
        .option("--client-id", arguments.client_id.as_deref().unwrap_or("ID"));
    match &arguments.home {
        Some(HomeArgument::File(path)) => command.option("--home", format!("file:{path}")),
        _ => command,
    }
}

/// Everything from options, stdin and the terminal, where Enter takes what is stored.
fn ask(arguments: &Arguments, old: Option<&Environment>) -> Result<ClientCredentials, Error> {
    let given = [
        ("--env-url", arguments.env_url.is_some()),
        ("--client-id", arguments.client_id.is_some()),
        ("--client-secret-stdin", arguments.client_secret_stdin),
    ];
    let missing = given.iter().find(|(_, is_given)| !is_given);
    if let Some((option, _)) = missing.filter(|_| !terminal::is_there()) {
        return Err(
            terminal::no_terminal(option).next(without_terminal(arguments).word("--client-secret-stdin").with_stdin())
        );
    }
    let url = match &arguments.env_url {
        Some(url) => typed_url(url)?,
        None => {
            let known = old.map(|old| old.url.as_str());
            terminal::ask("Environment URL (https://...)", "--env-url", known, typed_url)?
        }
    };
    let client_id = match &arguments.client_id {
        Some(id) => client_id(id)?,
        None => {
            let known = old.filter(|old| old.url == url.as_str()).map(|old| old.client_id.as_str());
            terminal::ask("Client id (skc_...)", "--client-id", known, client_id)?
        }
    };
    let client_secret = match arguments.client_secret_stdin {
        true => terminal::read_secret("Client secret")?,
        false => terminal::ask_hidden("Client secret: ")?,
    };
    if client_secret.expose().is_empty() {
        return Err(Error::new(Kind::Usage, "client id and client secret may not be empty"));
    }
    Ok(ClientCredentials { url, client_id, client_secret, origin: CredentialsOrigin::Given })
}

/// As people type it: without a scheme it is https.
fn typed_url(text: &str) -> Result<EnvironmentUrl, Error> {
    let text = text.trim();
    let text = if text.is_empty() || text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    Ok(EnvironmentUrl::parse(&text).map_err(store::Error::Url)?)
}

fn client_id(text: &str) -> Result<String, Error> {
    match text.trim() {
        "" => Err(Error::new(Kind::Usage, "client id and client secret may not be empty")),
        id => Ok(id.to_owned()),
    }
}

/// URL and client id for what a home holds. Where it holds them itself, they have to be the expected ones.
fn complete(
    content: Content,
    arguments: &Arguments,
    old: Option<&Environment>,
    home: &HomeChoice,
) -> Result<ClientCredentials, Error> {
    let credentials = match content {
        Content::Complete(credentials) => credentials,
        Content::Secret(client_secret) => {
            let is_known = old.is_some() || (arguments.env_url.is_some() && arguments.client_id.is_some());
            if !is_known && !terminal::is_there() {
                let missing = if arguments.env_url.is_none() { "--env-url" } else { "--client-id" };
                return Err(terminal::no_terminal(missing).next(without_terminal(arguments)));
            }
            let url = match (&arguments.env_url, old) {
                (None, Some(old)) => typed_url(&old.url)?,
                (Some(url), _) => typed_url(url)?,
                (None, None) => terminal::ask("Environment URL (https://...)", "--env-url", None, typed_url)?,
            };
            let client_id = match (&arguments.client_id, old) {
                (None, Some(old)) => old.client_id.clone(),
                (Some(id), _) => client_id(id)?,
                (None, None) => terminal::ask("Client id (skc_...)", "--client-id", None, client_id)?,
            };
            return Ok(ClientCredentials { url, client_id, client_secret, origin: CredentialsOrigin::Given });
        }
    };
    let expected_url = match (&arguments.env_url, old) {
        (Some(url), _) => Some(typed_url(url)?.to_string()),
        (None, old) => old.map(|old| old.url.clone()),
    };
    let expected_id = arguments.client_id.as_ref().or(old.map(|old| &old.client_id));
    if expected_url.is_some_and(|url| url != credentials.url.as_str())
        || expected_id.is_some_and(|id| *id != credentials.client_id)
    {
        let ClientCredentials { url, client_id, .. } = &credentials;
        return Err(Error::new(Kind::NotConfigured, "the client credentials are those of another environment")
            .why(format!("what is stored {home} is for {url}, client {client_id}"))
            .next(format!("name it with --environment NAME, or {} first", suggest::logout(&arguments.environment))));
    }
    Ok(credentials)
}
