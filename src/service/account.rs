//! Whose account it is.

/// An identifier and who decided on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The identifier.
    pub identifier: String,
    /// Where it came from, for `which`.
    pub source: &'static str,
    /// Whether the request itself says so, by an option, a user name or a path: a command about this account has to say it again.
    pub was_named: bool,
}
