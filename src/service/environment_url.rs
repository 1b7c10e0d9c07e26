//! The environment URL: the one host that client credentials are sent to.

use std::fmt;

use crate::error::{Error as Shown, Kind, without_secrets};
use crate::target::{Authority, Scheme, Target};

/// Why a text is not an environment URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// Not a URL with a plain host.
    #[error("{0:?} is not a URL: {1}")]
    Target(String, crate::target::Error),
    /// Http to another machine would show the client secret to everyone on the way.
    #[error("{0:?} is not https (http is possible for loopback only)")]
    Http(String),
    /// A path, query or user name has no place there.
    #[error("{0:?} must be scheme and host alone")]
    More(String),
}

impl From<UrlError> for Shown {
    fn from(error: UrlError) -> Self {
        Shown::new(Kind::NotConfigured, "the environment URL cannot be used")
            .why(&error)
            .next("give it as https://NAME.scalekit.com (Scalekit dashboard, Settings > API credentials)")
    }
}

/// `https://host[:port]` without a trailing slash; `http` for loopback only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentUrl {
    text: String,
    authority: Authority,
}

impl EnvironmentUrl {
    /// Reads it as people paste it, with or without trailing slashes.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let trimmed = text.trim().trim_end_matches('/');
        let shown = || without_secrets(trimmed);
        let (target, user) = Target::from_url(trimmed).map_err(|error| UrlError::Target(shown(), error))?;
        if target.scheme == Scheme::Http && !target.authority.is_loopback() {
            return Err(UrlError::Http(shown()));
        }
        let plain = format!("{}://{}", target.scheme.name(), target.authority);
        if user.is_some() || trimmed.contains(['?', '#']) || target.to_string() != plain {
            return Err(UrlError::More(shown()));
        }
        Ok(Self { text: plain, authority: target.authority })
    }

    /// The URL, in lower case.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its host and port, which are never a target.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }
}

impl fmt::Display for EnvironmentUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_origin_is_an_environment_url() {
        let url = |text| EnvironmentUrl::parse(text).map(|url| url.to_string());
        assert_eq!(url(" https://Acme.scalekit.com/ "), Ok("https://acme.scalekit.com".into()));
        assert_eq!(url("http://127.0.0.1:8080"), Ok("http://127.0.0.1:8080".into()));
        for text in [
            "http://acme.scalekit.com",
            "acme.scalekit.com",
            "https://a@b.com",
            "https://b.com/api",
            "",
            "https://b.com?x",
            "ftp://b.com",
            "https://b.com/?",
        ] {
            assert!(url(text).is_err(), "{text}");
        }
    }
}
