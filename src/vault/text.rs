//! Text in Scalekit's JSON, which may be absent in several ways.

use std::fmt;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::secret::Secret;

/// Text that may be absent in any of Scalekit's ways. Kept as a secret, since some of it is.
#[derive(Debug, Default, Clone)]
pub(super) struct Text(Option<Secret<String>>);

impl Text {
    /// The text, if there is any.
    pub fn get(&self) -> Option<&str> {
        self.0.as_ref().map(|text| text.expose().as_str())
    }

    /// The text as a secret, if there is any.
    pub fn secret(self) -> Option<Secret<String>> {
        self.0
    }

    /// The text as a time: RFC 3339 to seconds since 1970; what is no time or is 1970 itself counts as absent.
    pub fn seconds(&self) -> Option<i64> {
        let time: jiff::Timestamp = self.get()?.parse().ok()?;
        Some(time.as_second()).filter(|seconds| *seconds != 0)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }

    fn visit_str<E>(self, text: &str) -> Result<Text, E> {
        let present = !text.is_empty();
        Ok(Text(present.then(|| Secret::new(text.to_owned()))))
    }

    // A number where text belongs says nothing we understand; zero is one way of writing "absent".
    fn visit_u64<E>(self, _: u64) -> Result<Text, E> {
        Ok(Text(None))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Text, E> {
        Ok(Text(None))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Text, E> {
        Ok(Text(None))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Text, E> {
        Ok(Text(None))
    }

    fn visit_unit<E>(self) -> Result<Text, E> {
        Ok(Text(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Text, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Text(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Text, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Text(None))
    }
}

/// The texts among the values of an object that anybody may have put anything into.
#[derive(Debug, Default, Clone)]
pub(super) struct Texts(pub Vec<(String, Text)>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextsVisitor)
    }
}

struct TextsVisitor;

impl<'de> Visitor<'de> for TextsVisitor {
    type Value = Texts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E>(self) -> Result<Texts, E> {
        Ok(Texts::default())
    }

    /// In the order of the names. A name that stands twice would be read one way here and another way elsewhere.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Texts, A::Error> {
        let mut texts: Vec<(String, Text)> = Vec::new();
        while let Some((name, text)) = map.next_entry::<String, Text>()? {
            match texts.binary_search_by(|(known, _)| known.cmp(&name)) {
                Ok(_) => return Err(serde::de::Error::custom("a name stands twice")),
                Err(at) => texts.insert(at, (name, text)),
            }
        }
        Ok(Texts(texts))
    }
}
