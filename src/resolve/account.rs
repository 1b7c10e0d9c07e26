//! Whose account it is: the order in which identifiers win.

use crate::catalogue;
use crate::service::{Account, Service};

/// The identifier used where nothing names one; the Python skill's.
const FALLBACK: &str = "agent";

/// What the caller said about the account.
#[derive(Debug, Clone, Copy, Default)]
pub struct Chosen<'a> {
    /// `--as`: the short name of an account.
    pub name: Option<&'a str>,
    /// `--identifier`.
    pub identifier: Option<&'a str>,
    /// The user name in the URL or request: a short name or an identifier, if any account goes by it.
    pub username: Option<&'a str>,
    /// `SCALEKIT_IDENTIFIER`, else `TOOL_IDENTIFIER`.
    pub from_environment: Option<&'a str>,
    /// `default_identifier` of config.json.
    pub default: Option<&'a str>,
}

impl<'a> Chosen<'a> {
    /// The user name, unless it is one that we answer ourselves.
    pub fn telling_username(&self) -> Option<&'a str> {
        self.username.filter(|name| !catalogue::is_magic_username(name))
    }
}

/// The account of `service`, where a path rule of `by_path` was what led there; `None` if `--as` names no account of it.
pub fn account(service: &Service, by_path: Option<&str>, chosen: &Chosen<'_>) -> Option<Account> {
    let named = match chosen.name {
        Some(name) => Some(service.accounts.iter().find(|account| account.name == name)?.identifier.as_str()),
        None => None,
    };
    let by_username = chosen.username.and_then(|name| service.account_called(name));
    let candidates = [
        (named, "--as", true),
        (chosen.identifier, "--identifier", true),
        (by_username, "the user name", true),
        (by_path, "the rule", true),
        (service.identifier.as_deref(), "the service", false),
        (chosen.from_environment, "the environment variables", false),
        (chosen.default, "config.json", false),
        (Some(FALLBACK), Account::BUILT_IN, false),
    ];
    let found =
        candidates.into_iter().find_map(|(identifier, source, was_named)| Some((identifier?, source, was_named)));
    found.map(|(identifier, source, was_named)| Account { identifier: identifier.to_owned(), source, was_named })
}
