//! The commands that people are told to type. They are spelled here alone, from what was decided: whose account, which
//! environment. So they keep both, are quoted for the shell, and are commands that the program takes.

#[cfg(test)]
mod tests;

use std::fmt;

use crate::service::{Account, CLIENT_PREFIX, CredentialsOrigin, DEFAULT_ENVIRONMENT, HomeChoice, Origin, Service};
use crate::system::System;

/// A command to type. Words in capitals stand for what the person knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    words: Vec<String>,
}

impl Suggestion {
    fn new(words: &[&str]) -> Self {
        Self { words: words.iter().map(|word| (*word).to_owned()).collect() }
    }

    /// With a word more.
    #[must_use]
    pub fn word(mut self, word: impl Into<String>) -> Self {
        self.words.push(word.into());
        self
    }

    /// With an option and its value.
    #[must_use]
    pub fn option(self, name: &str, value: impl Into<String>) -> Self {
        self.word(name).word(value)
    }

    /// With the environment, where it has to be named.
    #[must_use]
    fn environment(self, name: Option<&str>) -> Self {
        match name {
            Some(name) => self.option("--environment", name),
            None => self,
        }
    }

    /// As it is typed.
    pub fn line(&self) -> String {
        self.words.iter().fold("scalekit-auth".to_owned(), |line, word| line + " " + &quoted(word))
    }

    /// With a file on stdin.
    pub fn with_stdin(&self) -> String {
        format!("`{} < FILE`", self.line())
    }
}

impl fmt::Display for Suggestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.line())
    }
}

/// A word as the user's shell takes it.
pub fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._/:@%+=,-".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else if System::HERE == System::Windows {
        format!("\"{}\"", word.replace('"', "\"\""))
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

fn quoted_always(text: &str) -> String {
    match quoted(text) {
        plain if plain == text => format!("'{text}'"),
        quoted => quoted,
    }
}

/// Whose token was asked for, as far as a command has to say it again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    service: String,
    /// An API client, which needs nobody's consent.
    is_client: bool,
    /// `--as` or `--identifier`, and its value.
    account: Option<(&'static str, String)>,
    environment: Option<String>,
}

impl Subject {
    /// `environment` is the one that was asked for in place of the service's own.
    pub fn new(service: &Service, account: &Account, environment: Option<&str>) -> Self {
        let identifier = &account.identifier;
        let named = service.accounts.iter().find(|named| named.identifier == *identifier);
        let is_usual = service.identifier.as_ref() == Some(identifier) || !account.was_named;
        let selector = || match named {
            Some(named) => ("--as", named.name.clone()),
            None => ("--identifier", identifier.clone()),
        };
        Self {
            service: service.name.clone(),
            is_client: service.client.is_some(),
            account: (!is_usual).then(selector),
            environment: environment.map(str::to_owned),
        }
    }

    /// The command `name` for it.
    pub fn command(&self, name: &str) -> Suggestion {
        let command = Suggestion::new(&[name]).word(&self.service);
        let command = match &self.account {
            Some((option, value)) => command.option(option, value),
            None => command,
        };
        command.environment(self.environment.as_deref())
    }

    /// The first step to a consent, and to a new link.
    pub fn connect(&self) -> Suggestion {
        self.command("connect")
    }

    /// What may help after a server refused the token.
    pub fn after_refusal(&self) -> String {
        match self.is_client {
            true => format!(
                "{} shows its scopes and audience; the server may want others",
                client("get").word(&self.service)
            ),
            false => format!("{} gives a link to renew the consent", self.renew()),
        }
    }

    /// All the headers of its requests.
    pub fn header(&self) -> Suggestion {
        self.command("header")
    }

    /// The start of a call with its credential; the URL follows.
    pub fn curl(&self) -> Suggestion {
        let command = Suggestion::new(&["curl"]);
        let command = match &self.account {
            Some((option, value)) => command.option(option, value),
            None => command,
        };
        command.environment(self.environment.as_deref())
    }

    /// A call that the vault makes with its credential.
    pub fn call_by_vault(&self) -> Suggestion {
        self.curl().word("--via-vault").word("URL")
    }

    /// A new consent for an account that is ACTIVE.
    pub fn renew(&self) -> Suggestion {
        self.connect().word("--renew")
    }
}

/// `login` to the environment of this name.
pub fn login(environment: &str) -> Suggestion {
    Suggestion::new(&["login"]).environment(Some(environment).filter(|name| *name != DEFAULT_ENVIRONMENT))
}

/// What puts the client credentials of this environment into a home: for an API client, whose credentials are kept under a
/// name of their own, `config`.
pub fn credentials_of(environment: &str) -> Suggestion {
    match environment.strip_prefix(CLIENT_PREFIX) {
        Some(client_id) => Suggestion::new(&["config", "SERVICE", "--client-id"]).word(client_id),
        None => login(environment),
    }
}

/// The same with a home that is not the keyring.
pub fn credentials_in_file(environment: &str) -> Suggestion {
    credentials_of(environment).option("--home", "file:PATH")
}

/// `login` to one more environment, at this URL.
pub fn login_to(url: &str) -> Suggestion {
    login("NAME").option("--env-url", url)
}

/// `login` with what a command prints.
pub fn login_command(environment: &str) -> Suggestion {
    credentials_of(environment).option("--home", "command").word("--").word("PROGRAM").word("ARGUMENT...")
}

/// `logout` of the environment of this name.
pub fn logout(environment: &str) -> Suggestion {
    Suggestion::new(&["logout"]).environment(Some(environment).filter(|name| *name != DEFAULT_ENVIRONMENT))
}

/// `status`, which asks nobody.
pub fn status() -> Suggestion {
    Suggestion::new(&["status"])
}

/// `status` that asks the vault.
pub fn status_check() -> Suggestion {
    Suggestion::new(&["status", "--check"])
}

/// `doctor`, for all that depends on no URL.
pub fn doctor() -> Suggestion {
    Suggestion::new(&["doctor"])
}

/// `which`, for a URL.
pub fn which(target: &str) -> Suggestion {
    Suggestion::new(&["which"]).word(target)
}

/// `token` of a service, or for a URL.
pub fn token(place: &str) -> Suggestion {
    Suggestion::new(&["token"]).word(place)
}

/// `remove` of a service.
pub fn remove(service: &str) -> Suggestion {
    Suggestion::new(&["remove"]).word(service)
}

/// `setup` of a tool, for all its hosts.
pub fn setup(tool: &str) -> Suggestion {
    Suggestion::new(&["setup"]).word(tool)
}

/// `setup` without a tool, which makes the protocol names.
pub fn setup_alone() -> Suggestion {
    Suggestion::new(&["setup"])
}

/// `client` and one of its actions.
pub fn client(action: &str) -> Suggestion {
    Suggestion::new(&["client"]).word(action)
}

/// The API clients of one organization, in the environment that has it.
#[derive(Debug, Clone, Copy)]
pub struct Clients<'a> {
    /// `org_...`.
    pub organization: &'a str,
    /// The environment, where it is not the one that would be asked anyhow.
    pub environment: Option<&'a str>,
}

impl Clients<'_> {
    /// All of them are listed.
    pub fn list(self) -> Suggestion {
        client("list").option("--org", self.organization).environment(self.environment)
    }

    /// One of them is deleted.
    pub fn delete(self, client_id: &str) -> Suggestion {
        client("delete").word(client_id).option("--org", self.organization).environment(self.environment)
    }
}

/// `verify`, whose token is on stdin.
pub fn verify() -> Suggestion {
    Suggestion::new(&["verify"])
}

/// `curl`, for one URL.
pub fn curl() -> Suggestion {
    Suggestion::new(&["curl"]).word("URL")
}

/// curl itself with the header that we print.
pub fn header_to_curl() -> String {
    format!("`{} | curl -H @- URL`", Suggestion::new(&["header"]).word("URL").line())
}

/// The alias that lets gh have a token of `source`, a service and perhaps a variable.
pub fn gh_alias(source: &str) -> String {
    let exec = Suggestion::new(&["exec"]).option("--with", source).word("--").word("gh");
    format!("alias gh={}", quoted_always(&exec.line()))
}

/// The command that was typed, with the dashes that were missing.
pub fn typed(words: &[&str]) -> Suggestion {
    Suggestion::new(words)
}

/// `use` for the places where another service is as good.
pub fn use_for(service: &str, host: &str) -> Suggestion {
    Suggestion::new(&["use", service, "--for", host])
}

/// `sync` of the environment of this name.
pub fn sync(environment: &str) -> Suggestion {
    Suggestion::new(&["sync"]).environment(Some(environment).filter(|name| *name != DEFAULT_ENVIRONMENT))
}

/// `list` of what belongs to the environment of this name.
pub fn list(environment: Option<&str>) -> Suggestion {
    Suggestion::new(&["list"]).environment(environment)
}

/// `config` that changes `service`, or writes down what `sync` found; options may follow.
pub fn config(service: &Service) -> Suggestion {
    if service.client.is_some() {
        return Suggestion::new(&["config"]).word(&service.name).option("--client-id", &service.connection);
    }
    let found = service.environment.as_deref().filter(|_| service.origin == Origin::Sync);
    Suggestion::new(&["config"]).word(&service.name).word(&service.connection).environment(found)
}

/// `config` of a new service for a connection, or of another connection, at this host.
pub fn config_host(host: &str) -> Suggestion {
    config_new("SERVICE").option("--host", host)
}

/// `config` that makes a service of an API client, or changes it.
pub fn config_client(service: &str, client_id: &str) -> Suggestion {
    Suggestion::new(&["config"]).word(service).option("--client-id", client_id)
}

/// `config` of a service that is not there yet, for a connection that the person knows.
pub fn config_new(service: &str) -> Suggestion {
    Suggestion::new(&["config"]).word(service).word("CONNECTION")
}

/// The same in the environment of this name.
pub fn config_in(service: &str, environment: &str) -> Suggestion {
    config_new(service).environment(Some(environment).filter(|name| *name != DEFAULT_ENVIRONMENT))
}

/// What a person does about client credentials that were refused.
pub fn correction(origin: &CredentialsOrigin) -> String {
    const PLACE: &str = "Scalekit dashboard, Settings > API credentials";
    match origin {
        CredentialsOrigin::Given => format!("compare URL, client id and client secret with {PLACE}, and try again"),
        CredentialsOrigin::Variable(secret) => {
            let login = login(DEFAULT_ENVIRONMENT);
            format!("correct {secret} ({PLACE}), or unset the variables and use {login}")
        }
        CredentialsOrigin::Home { home: HomeChoice::File { path, written: false, .. }, .. } => {
            format!("correct what {} holds ({PLACE})", path.display())
        }
        CredentialsOrigin::Home { home: home @ HomeChoice::Command(_), .. } => {
            format!("correct what comes {home} ({PLACE})")
        }
        CredentialsOrigin::Home { environment, .. } => {
            let again = credentials_of(environment);
            let again = if environment.starts_with(CLIENT_PREFIX) { again.word("--secret-stdin") } else { again };
            format!("run {again} with the client id and secret of {PLACE}")
        }
    }
}
