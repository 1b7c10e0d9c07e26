//! `login`: proves client credentials against the vault, then stores them.

use std::io::{BufRead, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::note;
use crate::config::{self, DEFAULT_ENVIRONMENT, Environment, Environments, HomeName, SERVICE_RULE};
use crate::error::{Error, Kind};
use crate::secret::Secret;
use crate::store::{self, ClientCredentials, Home, Keyring, SECRET_VARIABLES};
use crate::vault::{EnvironmentUrl, Vault};

/// Prove client credentials and store them in the OS keyring
///
/// Environment URL, client id and client secret are shown in the Scalekit dashboard under Settings > API credentials.
/// What is not given as an option is asked for; the secret is never shown and never an argument.
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
}

pub(super) fn run(arguments: Arguments) -> Result<(), Error> {
    let name = arguments.environment.clone();
    if !config::is_service_name(&name) {
        return Err(Error::new(Kind::Usage, format!("{name:?} is not a name for an environment")).why(SERVICE_RULE));
    }
    let directory = config::directory()?;
    // A configuration that cannot be changed is found out before anything else is.
    Environments::load(&directory)?;
    let credentials = match &arguments.import {
        Some(file) => store::from_dotenv(file)?,
        None => ask(&arguments)?,
    };
    Vault::new(credentials.clone(), Instant::now() + crate::TIME_LIMIT)?.prove()?;
    Keyring::new(&name).write(&credentials)?;
    let environment = Environment {
        name,
        url: credentials.url.to_string(),
        client_id: credentials.client_id.clone(),
        home: HomeName::Keyring,
    };
    Environments::put(&directory, &environment)?;
    note(format!(
        "logged in to {} as {}; the client secret is in the OS keyring (environment {})",
        environment.url, environment.client_id, environment.name
    ));
    if let Some(file) = &arguments.import {
        clean_source(file, &credentials, arguments.delete_source)?;
    }
    Ok(())
}

fn ask(arguments: &Arguments) -> Result<ClientCredentials, Error> {
    let url = match &arguments.env_url {
        Some(url) => url.clone(),
        None => ask_line("Environment URL (https://...): ", "--env-url")?,
    };
    let url = EnvironmentUrl::parse(&url).map_err(store::Error::Url)?;
    let client_id = match &arguments.client_id {
        Some(id) => id.clone(),
        None => ask_line("Client id (skc_...): ", "--client-id")?,
    };
    let client_secret = if arguments.client_secret_stdin { read_line()? } else { ask_hidden("Client secret: ")? };
    if client_id.is_empty() || client_secret.expose().is_empty() {
        return Err(Error::new(Kind::Usage, "client id and client secret may not be empty"));
    }
    Ok(ClientCredentials { url, client_id, client_secret })
}

fn ask_line(prompt: &str, option: &str) -> Result<String, Error> {
    if !std::io::stdin().is_terminal() {
        return Err(no_terminal(option));
    }
    eprint!("{prompt}");
    read_line().map(|line| line.expose().trim().to_owned())
}

/// One line of stdin without its line end.
fn read_line() -> Result<Secret<String>, Error> {
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    let line = Secret::new(line);
    read.map_err(|error| Error::new(Kind::Failed, "stdin cannot be read").why(error))?;
    Ok(Secret::new(line.expose().trim_end_matches(['\r', '\n']).to_owned()))
}

fn no_terminal(option: &str) -> Error {
    Error::new(Kind::Usage, format!("{option} is missing and there is no terminal to ask on"))
        .next("scalekit-auth login --env-url URL --client-id ID --client-secret-stdin < FILE")
}

/// Asks on the terminal with echo off. The echo is off before the prompt appears: somebody who pastes at once is not
/// faster than we are.
fn ask_hidden(prompt: &str) -> Result<Secret<String>, Error> {
    if !std::io::stdin().is_terminal() {
        return Err(no_terminal("--client-secret-stdin"));
    }
    let quiet = EchoOff::new().map_err(|error| Error::new(Kind::Failed, "the echo cannot be turned off").why(error))?;
    eprint!("{prompt}");
    let config = rpassword::ConfigBuilder::new().input_reader(Keys(quiet.before.clone())).output_discard().build();
    let secret = rpassword::read_password_with_config(config).map(Secret::new);
    eprintln!();
    secret
        .map(|secret| Secret::new(secret.expose().trim().to_owned()))
        .map_err(|error| Error::new(Kind::Failed, "the client secret was not read").why(error))
}

/// The terminal without echo, and with keys instead of lines and signals, until dropped.
struct EchoOff {
    before: rustix::termios::Termios,
}

impl EchoOff {
    fn new() -> std::io::Result<Self> {
        use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr};
        let before = tcgetattr(std::io::stdin())?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG);
        quiet.special_codes[SpecialCodeIndex::VMIN] = 1;
        quiet.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(std::io::stdin(), OptionalActions::Now, &quiet)?;
        Ok(Self { before })
    }
}

impl Drop for EchoOff {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};
        // The terminal is gone if this fails.
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &self.before);
    }
}

/// What is typed. Ctrl-C ends the program as it does elsewhere, but the terminal is put back first: a signal leaves no
/// time for that.
struct Keys(rustix::termios::Termios);

impl Read for Keys {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        use rustix::process::{Signal, getpid, kill_process};
        use rustix::termios::{OptionalActions, tcsetattr};
        const CTRL_C: u8 = 3;
        let read = std::io::stdin().read(buffer)?;
        if buffer[..read].contains(&CTRL_C) {
            tcsetattr(std::io::stdin(), OptionalActions::Now, &self.0)?;
            eprintln!();
            kill_process(getpid(), Signal::INT)?;
        }
        Ok(read)
    }
}

/// Offers to take the secret out of the file it came from, now that it lives in the keyring.
fn clean_source(file: &Path, credentials: &ClientCredentials, without_asking: bool) -> Result<(), Error> {
    let shown = file.display();
    if !without_asking {
        if !std::io::stdin().is_terminal() {
            note(format!("{shown} still holds the client secret; --delete-source removes it"));
            return Ok(());
        }
        eprint!("Remove the client secret from {shown}? [y/N] ");
        let answer = read_line()?;
        if !matches!(answer.expose().trim(), "y" | "Y" | "yes") {
            note(format!("{shown} still holds the client secret"));
            return Ok(());
        }
    }
    remove_secret(file, credentials.client_secret.expose()).map_err(|error| {
        Error::new(Kind::Failed, format!("the client secret could not be removed from {shown}"))
            .why(error)
            .next("delete the line yourself; the login itself is done")
    })?;
    note(format!("the client secret is removed from {shown}"));
    Ok(())
}

/// Rewrites `file` without the lines that set a client secret; all or nothing.
fn remove_secret(file: &Path, secret: &str) -> std::io::Result<()> {
    let text = Secret::new(std::fs::read_to_string(file)?);
    let kept: Secret<String> =
        Secret::new(text.expose().split_inclusive('\n').filter(|line| !sets_secret(line)).collect());
    if kept.expose().contains(secret) {
        return Err(std::io::Error::other("it stands there in a way that cannot be taken out line by line"));
    }
    let target = std::fs::canonicalize(file)?;
    let mut new = tempfile::NamedTempFile::new_in(target.parent().unwrap_or(Path::new("/")))?;
    new.write_all(kept.expose().as_bytes())?;
    new.as_file().set_permissions(std::fs::metadata(&target)?.permissions())?;
    new.as_file().sync_all()?;
    new.persist(&target)?;
    Ok(())
}

fn sets_secret(line: &str) -> bool {
    let line = line.trim_start();
    let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
    SECRET_VARIABLES.iter().any(|name| line.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('=')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_goes_and_the_rest_of_the_file_stays() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(".env");
        std::fs::write(&file, "# mine\nA=1\nexport SCALEKIT_CLIENT_SECRET = \"abc\"\nB=2").unwrap();
        remove_secret(&file, "abc").unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "# mine\nA=1\nB=2");
    }

    #[test]
    fn a_file_that_would_still_hold_it_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(".env");
        let text = "SCALEKIT_CLIENT_SECRET=abc\n# was abc\n";
        std::fs::write(&file, text).unwrap();
        assert!(remove_secret(&file, "abc").is_err());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    }
}
