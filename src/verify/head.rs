//! The outer form of a token, and what its header may say. The header is nobody's word until the signature holds; all that
//! is taken from it is which of the environment's keys to try.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::{Error, LONGEST_TOKEN};
use crate::config::json;

/// No real key id comes near this many bytes.
const LONGEST_KEY_ID: usize = 256;

/// The id of the key that `token` says it is signed with. `jku`, `jwk`, `x5u` and `x5c` would let the bringer choose the key;
/// nothing reads them.
pub(super) fn key_id(token: &str) -> Result<String, Error> {
    if token.is_empty() {
        return Err(Error::Missing);
    }
    if token.len() > LONGEST_TOKEN {
        return Err(Error::Malformed("it is longer than 64 KiB"));
    }
    let [header, ..] = parts(token)?;
    let header = object(header).ok_or(Error::Malformed("its header is not base64url of a JSON object"))?;
    if header.get("alg").and_then(Value::as_str) != Some("RS256") {
        return Err(Error::Algorithm);
    }
    // Extensions that the signer calls critical must be understood (RFC 7515, 4.1.11), and we know none. `b64` is one that
    // changes what is signed.
    if header.contains_key("crit") || header.contains_key("b64") {
        return Err(Error::Malformed("its header asks for an extension"));
    }
    match header.get("kid") {
        Some(Value::String(kid)) if (1..=LONGEST_KEY_ID).contains(&kid.len()) => Ok(kid.clone()),
        _ => Err(Error::Malformed("its header has no usable key id (kid)")),
    }
}

/// Header, claims and signature, as they stand.
pub(super) fn parts(token: &str) -> Result<[&str; 3], Error> {
    let mut parts = token.split('.');
    match [parts.next(), parts.next(), parts.next(), parts.next()] {
        [Some(header), Some(claims), Some(signature), None] => Ok([header, claims, signature]),
        _ => Err(Error::Malformed("it has not three parts")),
    }
}

/// The JSON object in a part; one in which a name stands twice is none.
pub(super) fn object(part: &str) -> Option<Map<String, Value>> {
    let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
    match json::parse(&bytes) {
        Ok(Value::Object(object)) => Some(object),
        _ => None,
    }
}
