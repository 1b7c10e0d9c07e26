//! How the vault writes JSON: protobuf's field names, nine-digit timestamps, and two ways of writing nothing.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// How a field that has no value is written. The real server's way is not documented, so a client must take both.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Absent {
    /// The field is left out.
    #[default]
    Missing,
    /// The field is there with protobuf's zero value. What has several spellings of zero, such as a timestamp
    /// (`null`, `"1970-01-01T00:00:00Z"`, `""`), takes them in turn, one per reply.
    Empty,
}

/// One JSON object being written.
#[derive(Debug)]
pub(crate) struct Message {
    style: Style,
    fields: Map<String, Value>,
}

/// How absent fields are written in one particular reply.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    pub(crate) absent: Absent,
    /// Number of the reply, which picks among the spellings of zero.
    pub(crate) turn: usize,
}

impl Message {
    pub(crate) fn new(style: Style) -> Message {
        Message { style, fields: Map::new() }
    }

    fn field(mut self, name: &str, value: Option<Value>, zeroes: &[Value]) -> Message {
        let value = value.or_else(|| match self.style.absent {
            Absent::Missing => None,
            Absent::Empty => Some(zeroes[self.style.turn % zeroes.len()].clone()),
        });
        if let Some(value) = value {
            self.fields.insert(name.to_owned(), value);
        }
        self
    }

    pub(crate) fn text(self, name: &str, value: &str) -> Message {
        self.field(name, (!value.is_empty()).then(|| value.into()), &["".into()])
    }

    pub(crate) fn time(self, name: &str, value: Option<String>) -> Message {
        self.field(name, value.map(Value::from), &[Value::Null, "1970-01-01T00:00:00Z".into(), "".into()])
    }

    /// An enumeration whose value number 0 is called `zero`.
    pub(crate) fn choice(self, name: &str, value: &str, zero: &str) -> Message {
        self.field(name, (!value.is_empty()).then(|| value.into()), &[zero.into()])
    }

    pub(crate) fn list(self, name: &str, value: Vec<Value>) -> Message {
        self.field(name, (!value.is_empty()).then(|| value.into()), &[json!([])])
    }

    pub(crate) fn count(self, name: &str, value: usize) -> Message {
        self.field(name, (value != 0).then(|| value.into()), &[0.into()])
    }

    /// An int64, which protobuf's JSON writes as text.
    pub(crate) fn long(self, name: &str, value: u64) -> Message {
        self.field(name, (value != 0).then(|| value.to_string().into()), &["0".into()])
    }

    pub(crate) fn flag(self, name: &str, value: bool) -> Message {
        self.field(name, value.then(|| value.into()), &[false.into()])
    }

    pub(crate) fn object(self, name: &str, value: Option<Value>) -> Message {
        self.field(name, value, &[Value::Null, json!({})])
    }

    /// protobuf's `ListValue`: a message, which is absent in other ways than a repeated field.
    pub(crate) fn values(self, name: &str, value: Option<Value>) -> Message {
        self.field(name, value, &[Value::Null, json!([])])
    }

    pub(crate) fn done(self) -> Value {
        Value::Object(self.fields)
    }
}

/// RFC 3339 with nine digits, as Go writes protobuf timestamps of full precision.
pub(crate) fn timestamp(time: SystemTime) -> String {
    humantime::format_rfc3339_nanos(time).to_string()
}
