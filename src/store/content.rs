//! What the homes of the user's own making give: the text of a file or of a command.

use serde::Deserialize;
use zeroize::Zeroizing;

use super::{ClientCredentials, CredentialsOrigin};
use crate::secret::Secret;
use crate::service::{EnvironmentUrl, UrlError};

/// No secret and no set of client credentials comes near this.
pub const LARGEST: usize = 64 * 1024;

/// What editors on Windows begin a file with.
pub(super) const BYTE_ORDER_MARK: char = '\u{feff}';

/// What a home holds.
#[derive(Debug)]
pub enum Content {
    /// The client secret alone; URL and client id stand in `config.json`.
    Secret(Secret<String>),
    /// All three.
    Complete(ClientCredentials),
}

/// Why a text is neither a secret nor a set of client credentials. Nothing of the text is quoted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContentError {
    /// Not a byte, or line ends only.
    #[error("there is nothing in it")]
    Empty,
    /// Longer than 64 KiB.
    #[error("it is larger than {} KiB", LARGEST / 1024)]
    TooLarge,
    /// Not in UTF-8, or with control characters.
    #[error("it is not plain text (UTF-8 without control characters)")]
    NotText,
    /// A secret is one line.
    #[error("it holds more than one line; expected is the client secret alone, or a JSON object")]
    Lines,
    /// Begins like JSON and is not the object expected.
    #[error("it is not a JSON object with environment_url, client_id and client_secret")]
    Json,
    /// The object's URL is none.
    #[error(transparent)]
    Url(#[from] UrlError),
}

impl Content {
    /// Reads `bytes`: a JSON object with `environment_url`, `client_id` and `client_secret`, or else one line, the
    /// client secret. A byte order mark before it is passed over.
    pub fn parse(bytes: &[u8]) -> Result<Self, ContentError> {
        if bytes.len() > LARGEST {
            return Err(ContentError::TooLarge);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| ContentError::NotText)?;
        let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        if text.trim_start().starts_with('{') {
            return parse_object(text).map(Self::Complete);
        }
        let line = text.trim_end_matches(['\r', '\n']);
        match line {
            "" => Err(ContentError::Empty),
            _ if line.contains('\n') => Err(ContentError::Lines),
            _ if !is_plain(line) => Err(ContentError::NotText),
            _ => Ok(Self::Secret(Secret::new(line.to_owned()))),
        }
    }
}

fn parse_object(text: &str) -> Result<ClientCredentials, ContentError> {
    #[derive(Deserialize)]
    struct Object {
        environment_url: String,
        client_id: String,
        client_secret: Secret<String>,
    }
    // The parser's message could quote the secret, so it is not passed on.
    let object: Object = serde_json::from_slice(text.as_bytes()).map_err(|_| ContentError::Json)?;
    if !is_plain(&object.client_id) || !is_plain(object.client_secret.expose()) {
        return Err(ContentError::Json);
    }
    Ok(ClientCredentials {
        url: EnvironmentUrl::parse(&object.environment_url)?,
        client_id: object.client_id,
        client_secret: object.client_secret,
        origin: CredentialsOrigin::Given,
    })
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && !text.contains(char::is_control)
}

/// Room for what is read of a home, one byte more than is taken, that is zeroed and never moved.
pub(super) struct Buffer {
    bytes: Zeroizing<Vec<u8>>,
    filled: usize,
}

impl Buffer {
    pub fn new() -> Self {
        Self { bytes: Zeroizing::new(vec![0; LARGEST + 1]), filled: 0 }
    }

    /// One read from `source`; `Ok(false)` at its end or when there is no more room.
    pub fn fill(&mut self, source: &mut impl std::io::Read) -> std::io::Result<bool> {
        let read = source.read(&mut self.bytes[self.filled..])?;
        self.filled += read;
        Ok(read > 0)
    }

    pub fn content(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn secret(bytes: &[u8]) -> Result<String, ContentError> {
        Content::parse(bytes).map(|content| match content {
            Content::Secret(secret) => secret.expose().clone(),
            Content::Complete(all) => format!("{} {} {}", all.url, all.client_id, all.client_secret.expose()),
        })
    }

    #[test]
    fn a_secret_is_one_line() {
        assert_eq!(secret(b"abc").unwrap(), "abc");
        assert_eq!(secret(b"abc\n").unwrap(), "abc");
        assert_eq!(secret(b"abc\r\n").unwrap(), "abc");
        assert_eq!(secret(b"\xef\xbb\xbfabc\r\n").unwrap(), "abc");
        assert_eq!(secret("gehe\u{e4}m s\n".as_bytes()).unwrap(), "gehe\u{e4}m s");
        assert_eq!(secret(&[b'a'; LARGEST]).unwrap().len(), LARGEST);
        for (bytes, error) in [
            (&b""[..], ContentError::Empty),
            (b"\n", ContentError::Empty),
            (b"\r\n\n", ContentError::Empty),
            (b"abc\ndef", ContentError::Lines),
            (b"\nabc\n", ContentError::Lines),
            (b"ab\tc", ContentError::NotText),
            (b"ab\0c", ContentError::NotText),
            (b"\x1b[31mabc", ContentError::NotText),
            (b"ab\rc", ContentError::NotText),
            (b"\xff\xfe", ContentError::NotText),
            (&[b'a'; LARGEST + 1], ContentError::TooLarge),
        ] {
            assert_eq!(secret(bytes).unwrap_err(), error, "{bytes:?}");
        }
    }

    #[test]
    fn an_object_holds_all_three() {
        let object = r#" {"environment_url": "https://a.b/", "client_id": "skc_1", "client_secret": "s", "more": 1}"#;
        assert_eq!(secret(format!("{object}\n").as_bytes()).unwrap(), "https://a.b skc_1 s");
        assert_eq!(secret(format!("\u{feff}{object}\n").as_bytes()).unwrap(), "https://a.b skc_1 s");
        for bytes in [
            r#"{"client_secret": "s"}"#,
            r#"{"environment_url": "https://a.b", "client_id": "skc_1", "client_secret": ""}"#,
            r#"{"environment_url": "https://a.b", "client_id": "", "client_secret": "s"}"#,
            r#"{"environment_url": "https://a.b", "client_id": "skc_1", "client_secret": "a\nb"}"#,
            r#"{"environment_url": "https://a.b", "client_id": "skc_1", "client_secret": "a", "client_secret": "b"}"#,
            r#"{"environment_url": "https://a.b", "client_id": "skc_1", "client_secret": "s"} x"#,
            "{",
        ] {
            assert_eq!(secret(bytes.as_bytes()).unwrap_err(), ContentError::Json, "{bytes}");
        }
        let http = r#"{"environment_url": "http://a.b", "client_id": "skc_1", "client_secret": "s"}"#;
        assert!(matches!(secret(http.as_bytes()), Err(ContentError::Url(_))));
    }

    proptest! {
        #[test]
        fn what_is_read_never_holds_a_line_end(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(secret) = secret(&bytes) {
                prop_assert!(!secret.is_empty() && !secret.contains(char::is_control));
            }
        }
    }
}
