//! Why an option of curl's is not passed on, and what to do instead.

use std::fmt;

use crate::suggest;

/// Why an option is not passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// It is, or reads, another credential.
    Credential,
    /// It is part of every call already, or would undo that.
    Given,
    /// The credential is good for one URL.
    OneUrl,
    /// It shows the credential.
    Show,
    /// It makes curl trust others.
    Trust,
    /// It brings in what cannot be checked here.
    Unchecked,
    /// It leads the request to another place.
    Where,
    /// It writes the credential to a file.
    Write,
    /// It stands in no row of the table.
    Unknown,
    /// Its value is missing.
    NoValue,
    /// Its value holds a control character, or is no header, or no method.
    Malformed,
    /// curl takes only `Authorization` off a request that is redirected to another host.
    Redirect,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Credential => "the credential comes from the vault, and this could send another one or replace it",
            Self::Given => "every call has its own setting for this, which keeps the credential where it belongs",
            Self::OneUrl => "the credential is for one URL, the first argument, and curl would send it to others as well",
            Self::Show => "it shows the request with its credential",
            Self::Trust => "it changes whom curl trusts, so that somebody on the way could read the credential",
            Self::Unchecked => "it brings in options or values that are not checked here",
            Self::Where => "it could lead the request, and the credential with it, to another place",
            Self::Write => "it writes the request with its credential to a file",
            Self::Unknown => {
                "it is not among the options that are known to be safe beside a credential (abbreviations are not either)"
            }
            Self::NoValue => "it needs a value",
            Self::Malformed => "its value could change the rest of the request",
            Self::Redirect => {
                "on a redirect to another host curl takes off the header Authorization, and this provider's is another one"
            }
        })
    }
}

impl Why {
    /// What to do instead.
    pub fn next(self) -> String {
        match self {
            Self::Show => "`--show-secrets` before the URL allows it, for your own eyes".into(),
            Self::Unknown => format!("{} takes every option, and nothing is checked", suggest::header_to_curl()),
            Self::OneUrl => format!("{} once for each URL", suggest::curl()),
            Self::Redirect => "call the URL of the answer's Location header in the same way".into(),
            Self::NoValue | Self::Malformed => "`curl --help all` shows what it takes".into(),
            _ => "leave it out".into(),
        }
    }
}
