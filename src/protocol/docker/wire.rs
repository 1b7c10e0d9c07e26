//! docker's credential helper protocol (docker/docker-credential-helpers): decoding what a client writes, encoding what
//! it reads.
//!
//! A client asks for a server key: a registry as its configuration or the image's name spells it. Most carry no scheme,
//! some a path, and every client has spellings of its own. A key that is not plainly a host with perhaps a port and a
//! path leads nowhere; none is repaired.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::secret::Secret;
use crate::target::{Scheme, Target};

/// The longest request; a server key and a password are far shorter.
pub const LONGEST_INPUT: usize = 64 * 1024;

/// With exit status 1: the client goes on without credentials. Other text makes podman, skopeo and crane give up, even
/// on public images.
pub const NOT_FOUND: &str = "credentials not found in native keychain\n";
/// With exit status 1: the request names no server.
pub const NO_SERVER_URL: &str = "no credentials server URL\n";
/// With exit status 1: what is to be stored names no user.
pub const NO_USERNAME: &str = "no credentials username\n";
/// The answer to `version`.
pub const VERSION: &str = concat!("docker-credential-scalekit (scalekit-auth) v", env!("CARGO_PKG_VERSION"), "\n");
/// What is said to a wrong call.
pub const USAGE: &str = "Usage: docker-credential-scalekit <get|store|erase|list|version>\n";

/// As user name it says that the secret is a refresh token, which the client would send to the registry's token server.
const REFRESH_TOKEN: &str = "<token>";

/// Docker Hub, which is one registry of several names.
pub const HUB: &[&str] = &["docker.io", "index.docker.io", "registry-1.docker.io"];
/// What docker itself calls it in its configuration.
pub const HUB_KEY: &str = "https://index.docker.io/v1/";

/// The key under which docker looks up the registry at `place`, a host and perhaps a port.
pub fn key_of(place: &str) -> &str {
    if HUB.contains(&place) { HUB_KEY } else { place }
}

/// Why a request or an answer is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Longer than any real request.
    #[error("it is too long")]
    Length,
    /// A control character, or text that is not UTF-8.
    #[error("it holds a control character or is not UTF-8")]
    Byte,
    /// Nothing but white space where the server key belongs.
    #[error("no credentials server URL")]
    NoServerUrl,
    /// What is to be stored has an empty user name.
    #[error("no credentials username")]
    NoUsername,
    /// No host, a user name, a query, or a spelling that could be read in two ways.
    #[error("its server is not a plain registry host")]
    Key,
    /// What is to be stored is no object with each of the three texts once.
    #[error("it is not one JSON object with ServerURL, Username and Secret")]
    Json,
    /// A user name or secret that a client would take for something else.
    #[error("an empty user name or password, or the user name <token>, means something else to docker")]
    Meaning,
}

/// The registry that a client asks about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// As it was asked, without white space around it.
    pub text: String,
    /// What it may mean, the more likely first: https, for a loopback host without a scheme http as well, and for Docker Hub
    /// its other names.
    pub targets: Vec<Target>,
}

impl Key {
    /// Decodes all that a client wrote to `get`.
    pub fn decode(input: &[u8]) -> Result<Self, Error> {
        if input.len() > LONGEST_INPUT {
            return Err(Error::Length);
        }
        let text = str::from_utf8(input.trim_ascii()).map_err(|_| Error::Byte)?;
        if text.chars().any(char::is_control) {
            return Err(Error::Byte);
        }
        if text.is_empty() {
            return Err(Error::NoServerUrl);
        }
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (Some(scheme), rest),
            None => (None, text),
        };
        let place = rest.split('/').next().unwrap_or_default();
        // A user name has no place in a key, not even an empty one.
        if place.contains('@') || text.contains(['?', '#']) {
            return Err(Error::Key);
        }
        let target = |scheme: &str| match Target::from_url(&format!("{scheme}://{rest}")) {
            Ok((target, None)) => Ok(target),
            _ => Err(Error::Key),
        };
        let mut targets = vec![target(scheme.unwrap_or("https"))?];
        if scheme.is_none() && targets[0].authority.is_loopback() {
            targets.push(target("http")?);
        }
        let first = &targets[0].authority;
        if targets[0].scheme == Scheme::Https && first.port.is_none() && HUB.contains(&first.host.as_str()) {
            let others = HUB.iter().filter(|name| **name != first.host);
            let others: Vec<Target> = others.filter_map(|name| Target::from_host(name).ok()).collect();
            targets.extend(others);
        }
        Ok(Self { text: text.to_owned(), targets })
    }
}

/// What a client gets to read from `get`.
#[derive(Debug)]
pub struct Answer<'a> {
    /// The key as it was asked.
    pub server_url: &'a str,
    /// The user name that the registry expects.
    pub username: &'a str,
    /// The token, or a password.
    pub secret: &'a Secret<String>,
}

/// The object on the wire.
#[derive(Serialize)]
struct Wire<'a> {
    #[serde(rename = "ServerURL")]
    server_url: &'a str,
    #[serde(rename = "Username")]
    username: &'a str,
    #[serde(rename = "Secret")]
    secret: &'a str,
}

impl Answer<'_> {
    /// The complete answer: one object on one line. An error for an account whose user name or secret a client would
    /// misread.
    pub fn encode(&self) -> Result<Secret<String>, Error> {
        let Self { server_url, username, secret } = *self;
        if username.is_empty() || username == REFRESH_TOKEN || secret.expose().is_empty() {
            return Err(Error::Meaning);
        }
        let wire = Wire { server_url, username, secret: secret.expose() };
        let mut text = serde_json::to_string(&wire).map_err(|_| Error::Json)?;
        text.push('\n');
        Ok(Secret::new(text))
    }
}

/// What a client asks to store, after `docker login`.
#[derive(Debug, Deserialize)]
pub struct Login {
    /// The registry; a key as in `get`.
    #[serde(rename = "ServerURL")]
    pub server_url: String,
    /// As the registry knows the user.
    #[serde(rename = "Username")]
    pub username: String,
    /// The password, or a token.
    #[serde(rename = "Secret")]
    pub secret: Secret<String>,
}

impl Login {
    /// Decodes all that a client wrote to `store`. Keys that stand twice are refused; unknown ones are ignored.
    pub fn decode(input: &[u8]) -> Result<Self, Error> {
        if input.len() > LONGEST_INPUT {
            return Err(Error::Length);
        }
        // The library takes a list of three texts for the object, too.
        if !input.trim_ascii_start().starts_with(b"{") {
            return Err(Error::Json);
        }
        // Its message is dropped, since it may quote the secret.
        let login: Self = serde_json::from_slice(input).map_err(|_| Error::Json)?;
        if login.server_url.trim().is_empty() {
            return Err(Error::NoServerUrl);
        }
        if login.username.is_empty() {
            return Err(Error::NoUsername);
        }
        Ok(login)
    }
}

/// The answer to `list`: registries and the user names they expect; where one stands twice, the first counts.
pub fn encode_list<'a>(registries: impl IntoIterator<Item = (String, &'a str)>) -> String {
    let mut object = Map::new();
    for (registry, username) in registries {
        object.entry(registry).or_insert_with(|| username.into());
    }
    format!("{}\n", Value::Object(object))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn targets(key: &str) -> Result<Vec<String>, Error> {
        Key::decode(key.as_bytes()).map(|key| key.targets.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn every_spelling_of_a_registry_is_the_same_place() {
        for key in ["ghcr.io", "https://ghcr.io", "ghcr.io:443", "https://ghcr.io:443", "ghcr.io/", "GHCR.io\r\n"] {
            assert_eq!(targets(key), Ok(vec!["https://ghcr.io".into()]), "{key}");
        }
        assert_eq!(targets("ghcr.io/acme/app"), Ok(vec!["https://ghcr.io/acme/app".into()]));
        let hub = |first: &str, others: [&str; 2]| {
            Ok(std::iter::once(first).chain(others).map(|name| format!("https://{name}")).collect::<Vec<_>>())
        };
        assert_eq!(targets(HUB_KEY), hub("index.docker.io/v1/", ["docker.io", "registry-1.docker.io"]));
        assert_eq!(targets("docker.io"), hub("docker.io", ["index.docker.io", "registry-1.docker.io"]));
        for other in ["docker.io:5000", "http://docker.io", "hub.docker.io", "evildocker.io"] {
            assert_eq!(targets(other).map(|targets| targets.len()), Ok(1), "{other}");
        }
        assert_eq!(targets("http://ghcr.io:443"), Ok(vec!["http://ghcr.io:443".into()]));
        assert_eq!(Key::decode(b" https://ghcr.io/\n").unwrap().text, "https://ghcr.io/");
    }

    #[test]
    fn only_a_loopback_host_without_a_scheme_may_be_plain_http() {
        let both = vec!["https://127.0.0.1:15000".to_owned(), "http://127.0.0.1:15000".to_owned()];
        assert_eq!(targets("127.0.0.1:15000"), Ok(both.clone()));
        assert_eq!(targets("https://127.0.0.1:15000"), Ok(both[..1].to_vec()));
        assert_eq!(targets("http://127.0.0.1:15000"), Ok(both[1..].to_vec()));
        assert_eq!(targets("localhost/a"), Ok(vec!["https://localhost/a".into(), "http://localhost/a".into()]));
        assert_eq!(targets("ghcr.io").map(|targets| targets.len()), Ok(1));
    }

    #[test]
    fn hostile_keys_lead_nowhere() {
        for (key, error) in [
            (&b""[..], Error::NoServerUrl),
            (b" \r\n\t", Error::NoServerUrl),
            (b"ghcr.io\n.evil.net", Error::Byte),
            (b"ghcr.io\r.evil.net", Error::Byte),
            (b"ghcr.io\0", Error::Byte),
            (b"ghcr.io\x7f", Error::Byte),
            (b"ghcr\xff.io", Error::Byte),
            (b"user@ghcr.io", Error::Key),
            (b"@ghcr.io", Error::Key),
            (b"https://@ghcr.io", Error::Key),
            (b"https://u:p@ghcr.io", Error::Key),
            (b"ghcr.io?x", Error::Key),
            (b"ghcr.io#x", Error::Key),
            (b"ghcr.io:", Error::Key),
            (b"ghcr.io:443:443", Error::Key),
            (b"ftp://ghcr.io", Error::Key),
            (b"//ghcr.io", Error::Key),
            (b"ghcr.io\\@evil.net", Error::Key),
            (b"two words", Error::Key),
            ("ｇhcr.io".as_bytes(), Error::Key),
            ("ghcr。io".as_bytes(), Error::Key),
        ] {
            assert_eq!(Key::decode(key), Err(error), "{key:?}");
        }
        assert_eq!(Key::decode(&vec![b'a'; LONGEST_INPUT + 1]), Err(Error::Length));
    }

    #[test]
    fn answers_are_one_line_and_never_a_refresh_token() {
        let secret = Secret::new("to\"k".to_owned());
        let answer = Answer { server_url: "ghcr.io", username: "x-access-token", secret: &secret };
        let text = answer.encode().unwrap();
        assert_eq!(
            text.expose(),
            "{\"ServerURL\":\"ghcr.io\",\"Username\":\"x-access-token\",\"Secret\":\"to\\\"k\"}\n"
        );
        for username in ["<token>", ""] {
            assert_eq!(Answer { username, ..answer }.encode().unwrap_err(), Error::Meaning);
        }
        let secret = Secret::new(String::new());
        assert_eq!(Answer { secret: &secret, ..answer }.encode().unwrap_err(), Error::Meaning);
    }

    #[test]
    fn what_is_to_be_stored_is_exactly_one_object() {
        let login =
            Login::decode(b"{\"ServerURL\":\"ghcr.io\",\"Username\":\"me\",\"Secret\":\"pw\",\"New\":1}\n").unwrap();
        assert_eq!((login.server_url.as_str(), login.username.as_str()), ("ghcr.io", "me"));
        assert_eq!(login.secret.expose(), "pw");
        for (input, error) in [
            (r#"{"ServerURL":"a.b","Username":"me"}"#, Error::Json),
            (r#"{"ServerURL":"a.b","Username":"me","Secret":"x","Secret":"y"}"#, Error::Json),
            (r#"{"ServerURL":"a.b","Username":"me","Secret":"x","Secre\u0074":"y"}"#, Error::Json),
            (r#"{"ServerURL":"a.b","Username":"me","Secret":7}"#, Error::Json),
            (r#"["a.b","me","x"]"#, Error::Json),
            (r#"{"ServerURL":"a.b","Username":"me","Secret":"x"} {}"#, Error::Json),
            ("", Error::Json),
            (r#"{"ServerURL":" ","Username":"me","Secret":"x"}"#, Error::NoServerUrl),
            (r#"{"ServerURL":"a.b","Username":"","Secret":"x"}"#, Error::NoUsername),
        ] {
            assert_eq!(Login::decode(input.as_bytes()).map(|_| ()), Err(error), "{input}");
        }
    }

    #[test]
    fn a_registry_stands_once_in_a_list() {
        assert_eq!(encode_list([]), "{}\n");
        let registries = [("https://b.c", "x"), ("https://a.b", "y"), ("https://b.c", "z")];
        let registries = registries.map(|(registry, username)| (registry.to_owned(), username));
        assert_eq!(encode_list(registries), "{\"https://b.c\":\"x\",\"https://a.b\":\"y\"}\n");
    }

    proptest! {
        #[test]
        fn no_input_makes_it_panic(input in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = (Key::decode(&input), Login::decode(&input));
        }

        #[test]
        fn a_key_leads_only_to_the_host_it_spells(text in "(https?://)?[a-zA-Z0-9.:@/?#%\\[\\]-]{1,40}") {
            if let Ok(key) = Key::decode(text.as_bytes()) {
                let rest = text.split_once("://").map_or(text.as_str(), |(_, rest)| rest).to_ascii_lowercase();
                for target in key.targets.iter().filter(|target| !HUB.contains(&target.authority.host.as_str())) {
                    prop_assert!(rest.starts_with(&target.authority.host));
                    let after = &rest[target.authority.host.len()..];
                    prop_assert!(after.is_empty() || after.starts_with([':', '/']), "{}", text);
                }
            }
        }

        #[test]
        fn what_we_answer_reads_back_the_same(username in "\\PC{1,10}", password in ".{1,20}") {
            let secret = Secret::new(password.clone());
            let text = Answer { server_url: "ghcr.io", username: &username, secret: &secret }.encode().unwrap();
            prop_assert_eq!(text.expose().lines().count(), 1);
            let read = Login::decode(text.expose().as_bytes()).unwrap();
            prop_assert_eq!((read.server_url.as_str(), read.username), ("ghcr.io", username));
            prop_assert_eq!(read.secret.expose(), &password);
        }
    }
}
