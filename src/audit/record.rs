//! One line of the file: who asked for which credential, and what became of it. No part of a line opens anything.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::Kind;
use crate::output::json_line;
use crate::system::Asker as Process;

/// A credential that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// When, as RFC 3339 in UTC.
    pub time: String,
    /// The command or helper protocol.
    pub command: String,
    /// The place that it was asked for, without user name and query; none where a service was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The service.
    pub service: String,
    /// Its connection, or client.
    pub connection: String,
    /// Whose account.
    pub identifier: String,
    /// The environment's name.
    pub environment: String,
    /// Where the credential came from, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Origin>,
    /// `given`, `by_vault`, `declined`, `not_for_it`, or the `code` of a failure.
    pub result: String,
    /// The process that asked, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_by: Option<Asker>,
}

/// Where a credential came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The kernel's memory.
    Cache,
    /// Scalekit.
    Vault,
}

/// The process that started the program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asker {
    /// Its id.
    pub pid: u32,
    /// The path of its program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executable: Option<String>,
    /// The names of those above it, the nearest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<String>,
}

impl From<Process> for Asker {
    fn from(process: Process) -> Self {
        let executable = process.executable.map(|path| path.to_string_lossy().into_owned());
        Self { pid: process.pid, executable, parents: process.parents }
    }
}

/// What became of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The credential was handed out.
    Given(Origin),
    /// The vault makes the call with it; the client token was handed to curl.
    ByVault,
    /// The account is one of ours, and its credential is none that the protocol carries.
    Declined,
    /// The service is for other commands and helper protocols alone.
    NotForIt,
    /// There was none, or none that may be handed out.
    Refused(Kind),
}

impl Outcome {
    pub(super) fn origin(self) -> Option<Origin> {
        match self {
            Self::Given(origin) => Some(origin),
            _ => None,
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Given(_) => "given",
            Self::ByVault => "by_vault",
            Self::Declined => "declined",
            Self::NotForIt => "not_for_it",
            Self::Refused(kind) => kind.code(),
        }
    }
}

impl Record {
    /// The line, with its end. Whoever looks at the file sees what stands there, and not what it does to a terminal.
    pub fn encode(&self) -> Vec<u8> {
        // A structure of texts and numbers is always JSON.
        json_line(serde_json::to_string(self).unwrap_or_default()).into_bytes()
    }

    /// What a line says; `None` if it is none of ours.
    pub fn decode(line: &[u8]) -> Option<Self> {
        let record: Self = serde_json::from_slice(line).ok()?;
        record.at().map(|_| record)
    }

    /// When it was, in seconds since 1970.
    pub fn at(&self) -> Option<i64> {
        Some(self.time.parse::<Timestamp>().ok()?.as_second())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::option::of;
    use proptest::prelude::*;

    const LINE: &str = r#"{"time":"2026-01-02T03:04:05.678Z","command":"git-credential","target":"https://github.com/a/b","service":"github","connection":"github-x","identifier":"ada","environment":"default","from":"cache","result":"given","asked_by":{"pid":7,"executable":"/usr/bin/git","parents":["sh"]}}"#;

    #[test]
    fn a_line_is_read_as_it_was_written_and_what_is_unknown_does_no_harm() {
        let record = Record::decode(LINE.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(record.encode()).unwrap(), format!("{LINE}\n"));
        assert_eq!(record.at(), Some(1_767_323_045));
        let later = LINE.replace(r#""from""#, r#""later":[1],"from""#);
        assert_eq!(Record::decode(later.as_bytes()), Some(record));
        for wrong in ["", "{}", "null", &LINE[1..], &LINE.replace("2026", "x"), &LINE.replace("cache", "disk")] {
            assert_eq!(Record::decode(wrong.as_bytes()), None, "{wrong}");
        }
    }

    prop_compose! {
        fn any_record()(
            texts in proptest::collection::vec(any::<String>(), 6),
            target in of(any::<String>()),
            from in of(prop_oneof![Just(Origin::Cache), Just(Origin::Vault)]),
            asker in of((any::<u32>(), of(any::<String>()), proptest::collection::vec(any::<String>(), 0..3))),
            seconds in 0..4_000_000_000_i64,
        ) -> Record {
            let [command, service, connection, identifier, environment, result] = texts.try_into().unwrap();
            let asked_by = asker.map(|(pid, executable, parents)| Asker { pid, executable, parents });
            let time = Timestamp::from_second(seconds).unwrap().to_string();
            Record { time, command, target, service, connection, identifier, environment, from, result, asked_by }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_one_line_and_is_read_back(record in any_record()) {
            let line = record.encode();
            prop_assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
            prop_assert_eq!(Record::decode(&line), Some(record));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0..LINE.len()) {
            let _ = Record::decode(&bytes);
            let (before, after) = LINE.as_bytes().split_at(at);
            let _ = Record::decode(&[before, &bytes, after].concat());
        }
    }
}
