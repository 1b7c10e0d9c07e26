//! What the bridge looks at in a JSON-RPC message (JSON-RPC 2.0; modelcontextprotocol.io, Transports): everything else passes by as
//! it is.

use std::borrow::Cow;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// The first revision without sessions, whose requests say in headers what they are.
pub const STATELESS: &str = "2026-07-28";

/// What is known of one message.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct About {
    /// The id of a request or a response, as it is spelled.
    pub id: Option<String>,
    /// The method of a request or a notification.
    pub method: Option<String>,
    /// The revision that the message itself names.
    pub version: Option<String>,
    /// The tool, prompt or resource that a request names.
    pub name: Option<String>,
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
struct Params<'a> {
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    uri: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "_meta")]
    meta: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
struct Meta<'a> {
    #[serde(borrow, default, rename = "io.modelcontextprotocol/protocolVersion")]
    version: Option<Cow<'a, str>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Initialized<'a> {
    #[serde(borrow, default)]
    protocol_version: Option<Cow<'a, str>>,
}

/// A part of a message; one that is missing, or of another form than ours, says nothing.
fn part<'a, T: Deserialize<'a> + Default>(raw: Option<&'a RawValue>) -> T {
    raw.and_then(|raw| serde_json::from_slice(raw.get().as_bytes()).ok()).unwrap_or_default()
}

impl About {
    /// Looks at a message. `Ok(None)` is a batch of several, which the revision 2025-03-26 has.
    ///
    /// # Errors
    /// What is not JSON, or no message.
    pub fn read(text: &[u8]) -> Result<Option<Self>, serde_json::Error> {
        let raw: &RawValue = serde_json::from_slice(text)?;
        if raw.get().starts_with('[') {
            return Ok(None);
        }
        let head: Head<'_> = serde_json::from_slice(raw.get().as_bytes())?;
        let params: Params<'_> = part(head.params);
        let meta: Meta<'_> = part(params.meta);
        let result: Initialized<'_> = part(head.result);
        let id = head.id.map(|id| id.get().to_owned()).filter(|id| id != "null");
        let named = match head.method.as_deref() {
            Some("tools/call" | "prompts/get") => params.name,
            Some("resources/read" | "resources/subscribe" | "resources/unsubscribe") => params.uri,
            _ => None,
        };
        Ok(Some(Self {
            id,
            version: meta.version.or(result.protocol_version).map(Cow::into_owned),
            name: named.map(Cow::into_owned),
            method: head.method.map(Cow::into_owned),
        }))
    }

    /// Whether somebody waits for a response to it.
    pub fn is_request(&self) -> bool {
        self.id.is_some() && self.method.is_some()
    }

    /// Whether it is the response to the request with this id.
    pub fn answers(&self, id: &str) -> bool {
        self.method.is_none() && self.id.as_deref() == Some(id)
    }

    /// Whether it is a request of a revision without sessions.
    pub fn is_stateless(&self) -> bool {
        self.method.is_some() && self.version.as_deref().is_some_and(|version| version >= STATELESS)
    }

    /// The headers that mirror it, in revisions without sessions.
    pub fn mirrored(&self) -> Vec<(&'static str, String)> {
        if !self.is_stateless() {
            return Vec::new();
        }
        let fields = [("mcp-protocol-version", &self.version), ("mcp-method", &self.method), ("mcp-name", &self.name)];
        fields.into_iter().filter_map(|(name, value)| Some((name, in_header(value.as_ref()?)))).collect()
    }
}

/// A value as a header may carry it: what is not visible ASCII travels as `=?base64?…?=`.
pub fn in_header(value: &str) -> String {
    let is_plain =
        value.bytes().all(|byte| (0x20..=0x7e).contains(&byte)) && value.trim() == value && !value.starts_with("=?");
    if is_plain { value.to_owned() } else { format!("=?base64?{}?=", BASE64_STANDARD.encode(value)) }
}

/// An error response to the request with this id, as it is spelled.
pub fn error(id: Option<&str>, code: i32, message: &str, data: Option<Value>) -> Vec<u8> {
    let mut error = json!({"code": code, "message": message});
    if let Some(data) = data {
        error["data"] = data;
    }
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{},\"error\":{error}}}", id.unwrap_or("null")).into_bytes()
}

/// A message on one line: outside of strings line ends are blanks, and within them there are none.
pub fn on_one_line(mut message: Vec<u8>) -> Vec<u8> {
    message.retain(|byte| !matches!(byte, b'\r' | b'\n'));
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn about(text: &str) -> About {
        About::read(text.as_bytes()).unwrap().unwrap()
    }

    #[test]
    fn requests_notifications_and_responses_are_told_apart() {
        let request =
            about(r#"{"jsonrpc":"2.0","id":"a\"b","method":"tools/call","params":{"name":"echo","_meta":{}}}"#);
        assert!(request.is_request() && !request.is_stateless() && request.mirrored().is_empty());
        assert_eq!((request.id.as_deref(), request.name.as_deref()), (Some(r#""a\"b""#), Some("echo")));
        assert!(!about(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).is_request());
        let response = about(r#"{"jsonrpc":"2.0","id":7,"result":{"protocolVersion":"2025-06-18"}}"#);
        assert!(response.answers("7") && !response.answers("8") && !request.answers(r#""a\"b""#));
        assert_eq!(response.version.as_deref(), Some("2025-06-18"));
        assert_eq!(About::read(b" [1]").unwrap(), None);
        for text in ["", "{", "nul", "{\"id\":1,\"id\":2}", "7 7"] {
            assert!(About::read(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_request_without_sessions_says_in_headers_what_it_is() {
        let text = r#"{"id":1,"method":"resources/read","params":{"uri":"file:///ä","_meta":
            {"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#;
        let mirrored = about(text).mirrored();
        let wanted = [
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", "resources/read"),
            ("mcp-name", "=?base64?ZmlsZTovLy/DpA==?="),
        ];
        assert_eq!(mirrored, wanted.map(|(name, value)| (name, value.to_owned())));
    }

    #[test]
    fn an_error_keeps_the_id_as_it_was() {
        let text = error(Some("\"x\""), -32000, "no", Some(json!({"a": 1})));
        let wanted = r#"{"jsonrpc":"2.0","id":"x","error":{"code":-32000,"message":"no","data":{"a":1}}}"#;
        assert_eq!(String::from_utf8(text).unwrap(), wanted);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_and_every_header_is_one_line(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "\\PC{0,20}") {
            let _ = About::read(&bytes);
            prop_assert!(in_header(&text).bytes().all(|byte| (0x20..=0x7e).contains(&byte)));
        }
    }
}
