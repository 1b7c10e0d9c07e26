//! The commands that people are told to type. They are spelled here alone, from what was decided: whose account, which
//! environment. So they keep both, are quoted for the shell, and are commands that the program takes.

use std::fmt;

use crate::config::{CLIENT_PREFIX, DEFAULT_ENVIRONMENT, Origin, Service};
use crate::resolve::Account;

/// A command to type. Words in capitals stand for what the person knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    words: Vec<String>,
}

impl Suggestion {
    /// The command of these words, the program's name before them.
    pub fn new(words: &[&str]) -> Self {
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
    } else if cfg!(windows) {
        format!("\"{}\"", word.replace('"', "\"\""))
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Whose token was asked for, as far as a command has to say it again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    service: String,
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

    /// A new consent for an account that is ACTIVE.
    pub fn renew(&self) -> Suggestion {
        self.connect().word("--renew")
    }
}

/// `login` to the environment of this name.
pub fn login(environment: &str) -> Suggestion {
    Suggestion::new(&["login"]).environment(Some(environment).filter(|name| *name != DEFAULT_ENVIRONMENT))
}

/// `login` without a terminal.
pub fn login_from_stdin() -> String {
    let words = ["login", "--env-url", "URL", "--client-id", "ID", "--client-secret-stdin"];
    Suggestion::new(&words).with_stdin()
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

/// `config` of a service that is not there yet, for a connection that the person knows.
pub fn config_new(service: &str) -> Suggestion {
    Suggestion::new(&["config"]).word(service).word("CONNECTION")
}

/// The same in the environment of this name.
pub fn config_in(service: &str, environment: &str) -> Suggestion {
    config_new(service).environment(Some(environment).filter(|name| *name != DEFAULT_ENVIRONMENT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_would_take_them_apart() {
        assert_eq!(quoted("a@b.c/d:e"), "a@b.c/d:e");
        assert_eq!(quoted("two words"), "'two words'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
        for word in ["$HOME", "a;b", "*", "~", "a\nb", "`x`", "é"] {
            assert!(quoted(word).starts_with('\''), "{word}");
        }
    }

    #[test]
    fn a_command_keeps_the_account_and_the_environment() {
        let mut service = Service::new("github", "github x", Origin::User);
        service.identifier = Some("usual".into());
        let account = |identifier: &str, was_named| Account { identifier: identifier.into(), source: "x", was_named };
        let connect = |account: &Account, environment| Subject::new(&service, account, environment).connect().line();
        assert_eq!(connect(&account("usual", true), None), "scalekit-auth connect github");
        assert_eq!(connect(&account("bob's", true), None), r"scalekit-auth connect github --identifier 'bob'\''s'");
        assert_eq!(
            connect(&account("bob", true), Some("dev")),
            "scalekit-auth connect github --identifier bob --environment dev"
        );
        assert_eq!(connect(&account("agent", false), None), "scalekit-auth connect github");
        assert_eq!(config(&service).line(), "scalekit-auth config github 'github x'");
        assert_eq!(login("default").to_string(), "`scalekit-auth login`");
        assert_eq!(login("dev").to_string(), "`scalekit-auth login --environment dev`");
    }
}
