//! The member `credHelpers` in the text of docker's config.json, changed in place.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::member::{Span, with_member, without_member};

/// The suffix of `docker-credential-scalekit`.
pub(super) const HELPER: &str = "scalekit";

/// Where `credHelpers` and its entries stand in the text.
pub(super) struct Helpers<'a> {
    pub(super) span: Option<Span>,
    pub(super) entries: Vec<(String, Span, &'a str)>,
}

impl<'a> Helpers<'a> {
    pub(super) fn find(text: &'a str) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Top<'a> {
            #[serde(borrow, rename = "credHelpers", default)]
            helpers: Option<&'a RawValue>,
        }
        let span_of = |raw: &'a RawValue| {
            let start = raw.get().as_ptr() as usize - text.as_ptr() as usize;
            start..start + raw.get().len()
        };
        let top: Top<'a> = serde_json::from_slice(if text.trim().is_empty() { b"{}" } else { text.as_bytes() })?;
        let Some(raw) = top.helpers.filter(|raw| raw.get() != "null") else {
            return Ok(Self { span: None, entries: Vec::new() });
        };
        let values: std::collections::BTreeMap<String, &'a RawValue> = serde_json::from_slice(raw.get().as_bytes())?;
        let entries = values.into_iter().map(|(name, value)| (name, span_of(value), value.get().trim_matches('"')));
        Ok(Self { span: Some(span_of(raw)), entries: entries.collect() })
    }

    pub(super) fn entry(&self, registry: &str) -> Option<(Span, &'a str)> {
        let found = self.entries.iter().find(|(name, ..)| name == registry);
        found.map(|(_, span, value)| (span.clone(), *value))
    }

    /// `text` with `registry` as the first entry, laid out like its neighbours.
    pub(super) fn insert(&self, text: &str, registry: &str) -> String {
        let entry = format!("\"{registry}\": \"{HELPER}\"");
        match &self.span {
            Some(span) => with_member(text, span.start, &entry),
            None => with_member(text, text.find('{').unwrap_or(0), &format!("\"credHelpers\": {{{entry}}}")),
        }
    }
}

/// Takes the member `name` out, whose value stands at `value`.
pub(super) fn without_entry(text: &str, name: &str, value: Span) -> String {
    let start = text[..value.start].rfind(&format!("\"{name}\"")).unwrap_or(value.start);
    without_member(text, start..value.end)
}
