//! Parts of an entry of connections.json.

use serde_json::{Map, Value};

/// Text that is not empty; absent and empty are the same.
pub(super) fn text(entry: &Map<String, Value>, key: &str) -> Result<Option<String>, String> {
    match entry.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(format!("{key} is not text")),
    }
}
