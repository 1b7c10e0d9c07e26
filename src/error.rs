//! The one error a person sees: what happened, why, the next command to type, and an exit code.

use std::fmt;

/// What kind of failure it was; each kind has its documented exit code and its `code` in JSON output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Something local went wrong that no other kind describes, such as a full disk.
    Failed,
    /// The command line or an argument's form is wrong.
    Usage,
    /// A service, host or environment is not configured, or a configuration file cannot be used.
    NotConfigured,
    /// No home of the client credentials can be read.
    NoKeyring,
    /// A person must grant or renew consent for the connected account.
    NeedsAuthorization,
    /// The vault answered and refused.
    VaultRefused,
    /// The vault could not be reached or did not answer in time.
    VaultUnreachable,
    /// Two configured answers are equally good.
    Ambiguous,
    /// The command that `exec` was given is there, but cannot be run.
    CommandNotRun,
    /// The command that `exec` was given is not there.
    CommandNotFound,
    /// Some of several failed.
    Partial,
    /// The token that was to be checked is not valid: 401 in HTTP.
    InvalidToken,
    /// The token that was checked is valid and does not allow this: 403 in HTTP.
    InsufficientScope,
    /// Ctrl-C.
    Interrupted,
}

impl Kind {
    /// The exit code of our own commands for this kind; helper modes use their protocol's status instead.
    pub fn exit_code(self) -> u8 {
        match self {
            Kind::Failed => 1,
            Kind::Usage => 2,
            Kind::NotConfigured => 3,
            Kind::NoKeyring => 4,
            Kind::NeedsAuthorization => 5,
            Kind::VaultRefused => 6,
            Kind::VaultUnreachable => 7,
            Kind::Ambiguous => 8,
            // As env(1) and every shell report it.
            Kind::CommandNotRun => 126,
            Kind::CommandNotFound => 127,
            Kind::Partial => 10,
            // 401 and 403 do not fit into a byte.
            Kind::InvalidToken => 41,
            Kind::InsufficientScope => 43,
            Kind::Interrupted => 130,
        }
    }

    /// The kind that a failed call for a token can be of and that has this code.
    pub(crate) fn from_code(code: &str) -> Option<Self> {
        let all = [
            Self::Failed,
            Self::Usage,
            Self::NotConfigured,
            Self::NoKeyring,
            Self::NeedsAuthorization,
            Self::VaultRefused,
            Self::VaultUnreachable,
        ];
        all.into_iter().find(|kind| kind.code() == code)
    }

    /// The stable word for this kind in JSON output.
    pub fn code(self) -> &'static str {
        match self {
            Kind::Failed => "failed",
            Kind::Usage => "usage",
            Kind::NotConfigured => "not_configured",
            Kind::NoKeyring => "no_keyring",
            Kind::NeedsAuthorization => "needs_authorization",
            Kind::VaultRefused => "vault_refused",
            Kind::VaultUnreachable => "vault_unreachable",
            Kind::Ambiguous => "ambiguous",
            Kind::CommandNotRun => "command_not_run",
            Kind::CommandNotFound => "command_not_found",
            Kind::Partial => "partial",
            // As RFC 6750 calls them.
            Kind::InvalidToken => "invalid_token",
            Kind::InsufficientScope => "insufficient_scope",
            Kind::Interrupted => "interrupted",
        }
    }
}

/// An error in a person's words. Every part is free of secrets and of control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    kind: Kind,
    what: String,
    why: Option<String>,
    next: Option<String>,
    mark: Option<Mark>,
}

/// What a program has to know of an error besides its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Nothing answered, so that the next attempt would take as long and end the same.
    OutOfReach,
    /// The vault has the account's credential and does not hand it out.
    Withheld,
}

impl Error {
    /// An error that says what happened.
    pub fn new(kind: Kind, what: impl fmt::Display) -> Self {
        Self { kind, what: plain(&what.to_string()), why: None, next: None, mark: None }
    }

    /// Adds the reason.
    #[must_use]
    pub fn why(mut self, why: impl fmt::Display) -> Self {
        self.why = Some(plain(&why.to_string()));
        self
    }

    /// Adds what the person does next, usually a command to type.
    #[must_use]
    pub fn next(mut self, next: impl fmt::Display) -> Self {
        self.next = Some(plain(&next.to_string()));
        self
    }

    /// What happened, why, and what to do next, each on one line; what is not said is empty.
    pub(crate) fn parts(&self) -> [&str; 3] {
        [Some(&self.what), self.why.as_ref(), self.next.as_ref()].map(|part| part.map_or("", String::as_str))
    }

    /// The error of these parts.
    pub(crate) fn of_parts(kind: Kind, parts: [&str; 3]) -> Self {
        let [what, why, next] = parts.map(|part| Some(plain(part)).filter(|part| !part.is_empty()));
        Self { kind, what: what.unwrap_or_default(), why, next, mark: None }
    }

    /// Adds what a program has to know.
    #[must_use]
    pub(crate) fn marked(self, mark: Mark) -> Self {
        Self { mark: Some(mark), ..self }
    }

    /// Whether it has this mark.
    pub(crate) fn has(&self, mark: Mark) -> bool {
        self.mark == Some(mark)
    }

    /// Which kind of failure it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// All parts in one line, for the helper modes and for JSON messages.
    pub fn line(&self) -> String {
        let mut line = self.what.clone();
        if let Some(why) = &self.why {
            line.push_str(": ");
            line.push_str(why);
        }
        if let Some(next) = &self.next {
            line.push_str("; ");
            line.push_str(next);
        }
        line
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.what)?;
        if let Some(why) = &self.why {
            write!(f, "\n  why:  {why}")?;
        }
        if let Some(next) = &self.next {
            write!(f, "\n  next: {next}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// Text from outside made fit for a terminal: control characters (C0, DEL, C1, and the invisible marks that reorder
/// text) become `?`, and the length is bounded.
pub fn plain(text: &str) -> String {
    const LONGEST: usize = 2000;
    text.chars().take(LONGEST).map(|c| if is_unsafe_on_screen(c) { '?' } else { c }).collect()
}

/// A URL as it may be shown: what stands before the host could be a password, and a query or fragment could hold a token.
pub fn without_secrets(url: &str) -> String {
    let (shown, rest) = url.split_at(url.find(['?', '#']).unwrap_or(url.len()));
    let hidden = || {
        let scheme = shown.split_once("://").map_or("", |(scheme, _)| scheme);
        format!("{scheme}://[...]")
    };
    match shown.rsplit_once('@') {
        // The sign that ends a password may as well be a part of it.
        _ if rest.contains('@') => hidden(),
        Some((_, host)) => format!("{}@{host}", hidden()),
        None => shown.to_owned(),
    }
}

fn is_unsafe_on_screen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_loses_its_control_characters() {
        assert_eq!(plain("a\x1b[31mb\r\nc\u{9b}d\u{202e}e"), "a?[31mb??c?d?e");
    }

    #[test]
    fn a_password_in_a_url_is_not_shown() {
        assert_eq!(without_secrets("https://ada:hunter2@x@github.com/a"), "https://[...]@github.com/a");
        assert_eq!(without_secrets("https://github.com/a"), "https://github.com/a");
    }

    #[test]
    fn a_query_is_not_shown() {
        assert_eq!(without_secrets("https://a:b@github.com/a?access_token=t"), "https://[...]@github.com/a");
        assert_eq!(without_secrets("https://github.com/a#t"), "https://github.com/a");
        // What of it is the query nobody knows.
        assert_eq!(without_secrets("https://a:b?t@github.com/a"), "https://[...]");
        assert_eq!(without_secrets("https://github.com/a?mail=a@b&access_token=t"), "https://[...]");
    }

    #[test]
    fn a_line_holds_every_part() {
        let error = Error::new(Kind::Usage, "it broke").why("a\nb").next("run it again");
        assert_eq!(error.line(), "it broke: a?b; run it again");
        assert_eq!(error.to_string(), "it broke\n  why:  a?b\n  next: run it again");
    }
}
