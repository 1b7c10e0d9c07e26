//! Why a token is refused, as an HTTP API says it (RFC 6750).

use crate::error::{Error as Shown, Kind, plain};
use crate::suggest;
use crate::vault;

/// Why a token is not accepted. No text quotes the token beyond its key id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The request brought none.
    #[error("there is no token")]
    Missing,
    /// It has not the form of a signed token.
    #[error("{0}")]
    Malformed(&'static str),
    /// Signed with something else than RS256, or not at all.
    #[error("it is not signed with RS256")]
    Algorithm,
    /// None of the environment's keys has this id.
    #[error("the environment has no key {0:?}")]
    UnknownKey(String),
    /// RSA below 2048 bits can be broken, above 8192 it takes too long.
    #[error("its key is not RSA of 2048 to 8192 bits")]
    Key,
    /// It was changed, or signed by somebody else.
    #[error("its signature does not hold")]
    Signature,
    /// `exp` has passed.
    #[error("it has expired")]
    Expired,
    /// `nbf` is to come.
    #[error("it is not valid yet")]
    NotYetValid,
    /// `iss` is another one.
    #[error("its issuer is not {0}")]
    Issuer(String),
    /// `aud` names none of those that were asked for.
    #[error("it is for another audience")]
    Audience,
    /// A claim is missing, or has a form that it cannot have.
    #[error("its claim {0} is missing or malformed")]
    Claim(&'static str),
    /// The token is valid and its scopes do not reach.
    #[error("the scope {0} is needed")]
    Scope(String),
    /// The token is valid and belongs to another organization.
    #[error("it is not of the organization {0}")]
    Organization(String),
    /// The keys could not be fetched, so nothing is known about the token.
    #[error("the keys of the environment cannot be fetched: {0}")]
    Keys(#[from] vault::Error),
    /// The same, less than a minute ago; it was not tried again.
    #[error("the keys of the environment could not be fetched a moment ago")]
    KeysLately,
    /// The discovery document sends us to somebody else for the keys.
    #[error("the environment names keys at another origin ({0})")]
    ForeignKeys(String),
}

impl Error {
    /// The HTTP status to answer with: 401, 403, or 503 where nothing is known about the token.
    pub fn status(&self) -> u16 {
        match self {
            Self::Scope(_) | Self::Organization(_) => 403,
            Self::Keys(_) | Self::KeysLately | Self::ForeignKeys(_) => 503,
            _ => 401,
        }
    }

    /// The value of the header `WWW-Authenticate` for such an answer (RFC 6750, 3); a 503 has none.
    pub fn www_authenticate(&self) -> Option<String> {
        let code = match self.status() {
            401 => "invalid_token",
            403 => "insufficient_scope",
            _ => return None,
        };
        if *self == Self::Missing {
            return Some("Bearer".to_owned());
        }
        let description = quotable(&self.to_string());
        let mut value = format!("Bearer error=\"{code}\", error_description=\"{description}\"");
        if let Self::Scope(scope) = self {
            value.push_str(&format!(", scope=\"{}\"", quotable(scope)));
        }
        Some(value)
    }
}

/// What may stand between the quotation marks: printable ASCII, without `"` and `\`.
fn quotable(text: &str) -> String {
    text.chars().map(|c| if matches!(c, ' '..='~') && !matches!(c, '"' | '\\') { c } else { '\'' }).collect()
}

impl From<Error> for Shown {
    fn from(error: Error) -> Self {
        let next = format!("the environment URL must be Scalekit's: {}", suggest::status());
        match error.status() {
            401 => Shown::new(Kind::InvalidToken, format!("the token is not valid: {}", plain(&error.to_string()))),
            403 => Shown::new(Kind::InsufficientScope, format!("the token is valid, but {error}")),
            _ => match error {
                Error::Keys(error) => error.into(),
                Error::ForeignKeys(_) => Shown::new(Kind::VaultRefused, error).next(next),
                _ => Shown::new(Kind::VaultUnreachable, error).next("wait a minute, then try again"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_what_rfc_6750_asks_for() {
        let header = |error: Error| error.www_authenticate();
        assert_eq!(header(Error::Missing).unwrap(), "Bearer");
        assert_eq!(
            header(Error::Expired).unwrap(),
            r#"Bearer error="invalid_token", error_description="it has expired""#
        );
        assert_eq!(
            header(Error::Scope("deploy:apps".into())).unwrap(),
            r#"Bearer error="insufficient_scope", error_description="the scope deploy:apps is needed", scope="deploy:apps""#
        );
        assert_eq!(header(Error::KeysLately), None);
    }

    #[test]
    fn nothing_from_a_token_leaves_the_quotation_marks_of_the_header() {
        let header = Error::UnknownKey("a\", scope=\"x\\\r\nSet-Cookie: ä".into()).www_authenticate().unwrap();
        assert!(header.bytes().all(|byte| (b' '..=b'~').contains(&byte)) && !header.contains('\\'), "{header}");
        assert_eq!(header.matches('"').count(), 4, "{header}");
    }
}
