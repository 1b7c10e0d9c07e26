//! Whose account it is: the order in which identifiers win.

use crate::config::Service;

/// The identifier used where nothing names one; the Python skill's.
const FALLBACK: &str = "agent";

/// What the caller said about the account.
#[derive(Debug, Default)]
pub struct Chosen<'a> {
    /// `--identifier`.
    pub explicit: Option<&'a str>,
    /// `SCALEKIT_IDENTIFIER`, else `TOOL_IDENTIFIER`.
    pub from_environment: Option<&'a str>,
    /// `default_identifier` of config.json.
    pub default: Option<&'a str>,
}

/// An identifier and who decided on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The identifier.
    pub identifier: String,
    /// Where it came from, for `which`.
    pub source: &'static str,
}

/// The account of `service`. A user name in the request was matched against the services' identifiers before, so the
/// service's own identifier stands for it.
pub fn account(service: &Service, chosen: &Chosen<'_>) -> Account {
    let candidates = [
        (chosen.explicit, "--identifier"),
        (service.identifier.as_deref(), "the service"),
        (chosen.from_environment, "the environment variables"),
        (chosen.default, "config.json"),
    ];
    let (identifier, source) = candidates
        .into_iter()
        .find_map(|(identifier, source)| Some((identifier?, source)))
        .unwrap_or((FALLBACK, "the built-in default"));
    Account { identifier: identifier.to_owned(), source }
}
