//! NuGet's cross-platform plug-ins, version 2 (learn.microsoft.com/nuget/reference/extensibility/nuget-cross-platform-plugins): JSON
//! messages on lines, both ways, for as long as NuGet runs. NuGet of 6.13 and later starts every `nuget-plugin-*` on PATH.
//!
//! Another source is `NotFound`, on which NuGet asks its next plug-in; a failure is `Error` with the reason, which NuGet shows.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{BufRead, Read};
use std::rc::Rc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::driver::answer;
use super::place::{Carries, Place};
use super::{Answer, Call, Failure, Get, Input, Protocol, Refused, Reply, Request, Resolved, is_no_help};
use crate::broker::Token;
use crate::error::Error;
use crate::output::{note, print};
use crate::resolve::Rule;
use crate::secret::Secret;
use crate::service::Account;
use crate::target::Target;

/// The row.
pub static PROTOCOL: Protocol =
    Protocol { link: "nuget-plugin-scalekit", command: "nuget", is_word: is_no_help, call, unwritten: 1 };

/// Of one message; NuGet's own are below a kilobyte, but for a service index, about which nothing is asked.
pub const LONGEST_INPUT: usize = 1024 * 1024;

/// NuGet drops a request that it hears nothing about for five seconds.
const PROGRESS: Duration = Duration::from_secs(2);

const USAGE: &str = "Usage: nuget-plugin-scalekit -Plugin";

/// Speak the protocol of NuGet's plug-ins on stdin and stdout
// The words of a call are read without clap; this is its help.
#[derive(Debug, clap::Args)]
pub struct Help {
    /// -Plugin; NuGet gives it
    words: Vec<String>,
}

fn call(words: &[OsString]) -> Call {
    match words {
        [word] if word.eq_ignore_ascii_case("-plugin") => Call::Own(|_| converse()),
        _ => {
            note(USAGE);
            Call::Say(Reply::failed(""))
        }
    }
}

/// Answers until NuGet closes the conversation, or its end of it.
fn converse() -> Reply {
    let versions = json!({"ProtocolVersion": "2.0.0", "MinimumProtocolVersion": "2.0.0"});
    let mut outcome = send("scalekit-auth-1", "Request", "Handshake", &versions.to_string());
    let given = Given::default();
    while outcome.is_ok() {
        let mut line = Vec::new();
        let longest = LONGEST_INPUT as u64 + 1;
        if std::io::stdin().lock().take(longest).read_until(b'\n', &mut line).unwrap_or(0) == 0 {
            return Reply::done("");
        }
        match decode(&line) {
            Ok(Asked::Nothing) => {}
            Ok(Asked::Close) => return Reply::done(""),
            Ok(Asked::Other(id, method, payload)) => outcome = send(&id, "Response", &method, &payload.to_string()),
            Ok(Asked::Credentials(id, uri, is_retry)) => {
                let question = Question { uri, is_retry, given: Rc::clone(&given) };
                outcome = meanwhile(&id, || answer(PROTOCOL.command, &question, Instant::now() + crate::TIME_LIMIT))
                    .and_then(|reply| send(&id, "Response", CREDENTIALS, reply.text.expose()));
            }
            Err(why) => {
                note(format!("a message of NuGet is refused: {why}"));
                return Reply::failed("");
            }
        }
    }
    Reply::failed("")
}

/// One message on a line. `payload` is JSON.
fn send(id: &str, kind: &str, method: &str, payload: &str) -> Result<(), Error> {
    let id = json!(id);
    let text = format!("{{\"RequestId\":{id},\"Type\":\"{kind}\",\"Method\":\"{method}\",\"Payload\":{payload}}}\n");
    print(Secret::new(text).expose())
}

/// What `work` gives, with a message that there is progress until it does.
fn meanwhile<T>(id: &str, work: impl FnOnce() -> T) -> Result<T, Error> {
    let (done, is_done) = channel::<()>();
    std::thread::scope(|scope| {
        let reporter = scope.spawn(move || {
            while is_done.recv_timeout(PROGRESS) == Err(RecvTimeoutError::Timeout) {
                send(id, "Progress", CREDENTIALS, "{\"Percentage\":null}")?;
            }
            Ok(())
        });
        let result = work();
        drop(done);
        reporter.join().unwrap_or(Ok(())).map(|()| result)
    })
}

const CREDENTIALS: &str = "GetAuthenticationCredentials";

/// What a message wants.
enum Asked {
    /// It answers one of ours, or takes a request back.
    Nothing,
    Close,
    /// The id, the source, and whether the last answer was refused.
    Credentials(String, String, bool),
    /// A request that has the same answer each time: its id, its method, the answer's payload.
    Other(String, String, Value),
}

/// Why a line is no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// Longer than any real message.
    #[error("it is too long")]
    Length,
    /// Not one JSON object with an id, a type and a method, or without what its method needs.
    #[error("it is no message of version 2")]
    Json,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Message<'a> {
    request_id: String,
    r#type: String,
    method: String,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Credentials {
    uri: String,
    #[serde(default)]
    is_retry: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Versions {
    protocol_version: String,
    minimum_protocol_version: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Claims {
    package_source_repository: Option<String>,
}

fn decode(line: &[u8]) -> Result<Asked, InputError> {
    if line.len() > LONGEST_INPUT {
        return Err(InputError::Length);
    }
    let message: Message<'_> = serde_json::from_slice(line).map_err(|_| InputError::Json)?;
    if message.r#type != "Request" {
        return Ok(Asked::Nothing);
    }
    let payload = message.payload.map_or("{}", RawValue::get);
    let answer = match message.method.as_str() {
        "Close" => return Ok(Asked::Close),
        CREDENTIALS => {
            let asked: Credentials = read(payload)?;
            return Ok(Asked::Credentials(message.request_id, asked.uri, asked.is_retry));
        }
        "Handshake" => {
            let theirs: Versions = read(payload)?;
            match (major(&theirs.minimum_protocol_version), major(&theirs.protocol_version)) {
                (Some(..=2), Some(2..)) => json!({"ResponseCode": "Success", "ProtocolVersion": "2.0.0"}),
                _ => json!({"ResponseCode": "Error"}),
            }
        }
        // Claims about a source are for plug-ins that fetch packages; a login is for any source.
        "GetOperationClaims" => match read::<Claims>(payload)?.package_source_repository {
            None => json!({"Claims": ["Authentication"]}),
            Some(_) => json!({"Claims": []}),
        },
        "Initialize" | "SetLogLevel" | "MonitorNuGetProcessExit" | "SetCredentials" => {
            json!({"ResponseCode": "Success"})
        }
        // A method that the protocol does not have would travel back in the answer.
        method if !method.bytes().all(|byte| byte.is_ascii_alphanumeric()) => return Err(InputError::Json),
        _ => json!({"ResponseCode": "NotFound"}),
    };
    Ok(Asked::Other(message.request_id, message.method, answer))
}

fn read<'a, T: Deserialize<'a>>(payload: &'a str) -> Result<T, InputError> {
    serde_json::from_slice(payload.as_bytes()).map_err(|_| InputError::Json)
}

fn major(version: &str) -> Option<u32> {
    version.split('.').next()?.parse().ok()
}

/// The source that a message wants credentials for, if it does.
pub fn source(line: &[u8]) -> Result<Option<String>, InputError> {
    Ok(match decode(line)? {
        Asked::Credentials(_, uri, _) => Some(uri),
        _ => None,
    })
}

/// The id of the last answer for each source.
type Given = Rc<RefCell<BTreeMap<String, String>>>;

/// A question for credentials. Replies are payloads.
struct Question {
    uri: String,
    is_retry: bool,
    given: Given,
}

impl Get for Question {
    fn input(&self) -> Input {
        Input::Nothing
    }

    fn decode(&self, _: &[u8]) -> Result<Box<dyn Request>, Refused> {
        let earlier = self.given.borrow_mut().remove(&self.uri).filter(|_| self.is_retry);
        let place = Place::of_url(&self.uri, Carries::Login, payload);
        Ok(Box::new(Login { place, earlier, uri: self.uri.clone(), given: Rc::clone(&self.given) }))
    }

    fn failed(&self, _: Failure, error: &Error) -> Reply {
        without("Error", Some(&error.line()))
    }

    fn not_ours(&self) -> Reply {
        without("NotFound", None)
    }
}

fn without(code: &str, message: Option<&str>) -> Reply {
    let nobody = json!({"Username": null, "Password": null, "Message": message, "AuthenticationTypes": null,
        "ResponseCode": code});
    Reply::done(nobody.to_string())
}

fn payload(resolved: &Resolved<'_>, token: &Token) -> Result<Secret<String>, Error> {
    let (username, secret) = resolved.username_and_secret(token)?;
    let login = json!({"Username": username, "Password": secret.expose(), "Message": null,
        "AuthenticationTypes": ["Basic"], "ResponseCode": "Success"});
    Ok(Secret::new(login.to_string()))
}

/// A place whose answer is remembered until it may come back as refused.
struct Login {
    place: Place,
    earlier: Option<String>,
    uri: String,
    given: Given,
}

impl Request for Login {
    fn targets(&self) -> &[Target] {
        self.place.targets()
    }

    fn username(&self) -> Option<&str> {
        self.place.username()
    }

    fn serves(&self, rule: &Rule<'_>, target: &Target, account: &Account) -> Option<String> {
        self.place.serves(rule, target, account)
    }

    fn sent(&self) -> (Option<&[u8]>, &'static str) {
        self.place.sent()
    }

    fn earlier(&self) -> Option<&str> {
        self.earlier.as_deref()
    }

    fn encode(&self, resolved: &Resolved<'_>, token: &Token) -> Result<Option<Answer<'_>>, Error> {
        let text = payload(resolved, token)?;
        Ok(Some(Box::new(move |id| {
            self.given.borrow_mut().extend(id.map(|id| (self.uri.clone(), id)));
            Reply { text, status: 0 }
        })))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(kind: &str, method: &str, payload: &str) -> String {
        format!("{{\"RequestId\":\"1\",\"Type\":\"{kind}\",\"Method\":\"{method}\",\"Payload\":{payload}}}\r\n")
    }

    #[test]
    fn a_request_for_credentials_names_its_source() {
        let asked = message("Request", CREDENTIALS, "{\"Uri\":\"https://a.b/v3/index.json\",\"IsRetry\":false}");
        assert_eq!(source(asked.as_bytes()), Ok(Some("https://a.b/v3/index.json".into())));
        for line in [
            message("Response", CREDENTIALS, "{}"),
            message("Cancel", "Close", "null"),
            message("Request", "Close", "null"),
        ] {
            assert_eq!(source(line.as_bytes()), Ok(None));
        }
    }

    #[test]
    fn what_is_no_message_is_refused() {
        let twice = message("Request", "Close", "null").replacen("\"Type\"", "\"Type\":\"Response\",\"Type\"", 1);
        let odd = message("Request", "a\\\"b", "null");
        let bare = message("Request", CREDENTIALS, "{}");
        for line in ["", "{}", "[]", "x", &twice, &odd, &bare] {
            assert_eq!(source(line.as_bytes()), Err(InputError::Json), "{line}");
        }
        assert_eq!(source(&vec![b' '; LONGEST_INPUT + 1]), Err(InputError::Length));
    }

    #[test]
    fn versions_that_both_know_are_taken() {
        let asked = |ours: &str, least: &str| {
            let versions = json!({"ProtocolVersion": ours, "MinimumProtocolVersion": least}).to_string();
            match decode(message("Request", "Handshake", &versions).as_bytes()) {
                Ok(Asked::Other(_, _, payload)) => payload["ResponseCode"] == "Success",
                _ => panic!("{versions}"),
            }
        };
        assert!(asked("2.0.0", "1.0.0") && asked("3.1.0", "2.0.0"));
        assert!(!asked("1.0.0", "1.0.0") && !asked("4.0.0", "3.0.0") && !asked("", ""));
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic(line in proptest::collection::vec(any::<u8>(), 0..200), payload in "\\PC{0,40}", method in "[a-zA-Z]{0,12}") {
            let _ = source(&line);
            let _ = source(message("Request", &method, &payload).as_bytes());
        }
    }
}
