//! How long tokens may rest in memory: `"cache"` in `config.json`.

use serde_json::{Map, Value};

/// The longest that anything may be set to: a day.
pub const LONGEST: i64 = 24 * 3600;

/// For how long, in seconds; 0 asks the vault every time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheLimits {
    /// The longest that an account's token rests, so that a revocation in the dashboard takes effect soon.
    pub account: i64,
    /// The longest that the token of a client rests.
    pub client: i64,
    /// How long before its expiry a token is no longer taken from memory; half of its life at most.
    pub margin: i64,
}

impl Default for CacheLimits {
    fn default() -> Self {
        Self { account: 15 * 60, client: 3600, margin: 5 * 60 }
    }
}

/// The names in the file, and the values they stand for.
pub(super) fn fields(limits: &mut CacheLimits) -> [(&'static str, &mut i64); 3] {
    [
        ("account_seconds", &mut limits.account),
        ("client_seconds", &mut limits.client),
        ("margin_seconds", &mut limits.margin),
    ]
}

impl CacheLimits {
    /// Reads the `cache` of a `config.json`.
    pub(super) fn parse(document: &Map<String, Value>) -> Result<Self, String> {
        let mut limits = Self::default();
        let object = match document.get("cache") {
            None | Some(Value::Null) => return Ok(limits),
            Some(Value::Object(object)) => object,
            Some(_) => return Err("cache is not an object".into()),
        };
        for (name, value) in fields(&mut limits) {
            if let Some(given) = object.get(name) {
                let seconds = given.as_i64().filter(|seconds| (0..=LONGEST).contains(seconds));
                *value = seconds.ok_or(format!("{name} of cache is no number of seconds from 0 to {LONGEST}"))?;
            }
        }
        Ok(limits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<CacheLimits, String> {
        let Ok(Value::Object(document)) = serde_json::from_str(text) else { panic!("not an object") };
        CacheLimits::parse(&document)
    }

    #[test]
    fn what_is_not_given_is_the_default_and_what_makes_no_sense_is_an_error() {
        assert_eq!(parse("{}"), Ok(CacheLimits::default()));
        let limits = CacheLimits { account: 0, ..CacheLimits::default() };
        assert_eq!(parse(r#"{"cache": {"account_seconds": 0}}"#), Ok(limits));
        for wrong in ["-1", "1.5", "\"60\"", "90000", "true"] {
            assert!(parse(&format!(r#"{{"cache": {{"client_seconds": {wrong}}}}}"#)).is_err(), "{wrong}");
        }
        assert!(parse(r#"{"cache": 0}"#).is_err());
    }
}
