//! The exec credential plugin protocol of kubectl and client-go (kubernetes.io, "client-go credential plugins"): the cluster in the
//! variable `KUBERNETES_EXEC_INFO`, an `ExecCredential` on stdout, of the version that was asked for.
//!
//! There is no declining: a cluster of nobody's and every failure are exit status 1 with the reason on stderr, which kubectl shows.

use std::ffi::OsString;

use serde::Deserialize;
use serde_json::json;

use super::place::{Carries, Encode, Place};
use super::{Call, Failure, Get, Input, Protocol, Refused, Reply, Request, Resolved, is_no_help};
use crate::broker::Token;
use crate::consent::rfc3339;
use crate::error::{Error, Kind};
use crate::output::note;
use crate::secret::Secret;
use crate::suggest;

/// The row.
pub static PROTOCOL: Protocol =
    Protocol { link: "scalekit-kubernetes", command: "kubernetes", is_word: is_no_help, call, unwritten: 1 };

/// How the plugin is told about the cluster.
const VARIABLE: &str = "KUBERNETES_EXEC_INFO";

/// A certificate authority's bundle is in it.
pub const LONGEST_INPUT: usize = 1024 * 1024;

/// Speak the exec credential plugin protocol of kubectl on stdout
// The words of a call are read without clap; this is its help.
#[derive(Debug, clap::Args)]
pub struct Help {}

fn call(_: &[OsString]) -> Call {
    Call::Get(Box::new(Question))
}

struct Question;

impl Get for Question {
    fn input(&self) -> Input {
        Input::Nothing
    }

    fn decode(&self, _: &[u8]) -> Result<Box<dyn Request>, Refused> {
        let info = std::env::var_os(VARIABLE).unwrap_or_default();
        match decode(info.as_encoded_bytes()) {
            Ok(asked) => Ok(Box::new(asked)),
            Err(why) => {
                let error = Error::new(Kind::Usage, format!("{VARIABLE} says nothing of a cluster"))
                    .why(why)
                    .next("kubectl sets it where the user's `exec` has `provideClusterInfo: true`");
                Err(Refused { reply: Reply::failed(""), error: Some(error) })
            }
        }
    }

    fn failed(&self, _: Failure, _: &Error) -> Reply {
        Reply::failed("")
    }

    fn not_ours(&self) -> Reply {
        let server = std::env::var(VARIABLE).ok().and_then(|info| target(info.as_bytes()).ok()?);
        let server = server.unwrap_or_else(|| "this cluster's server".to_owned());
        note(format!("no configured service answers for {server}; {} if one should", suggest::config_host("HOST")));
        Reply::failed("")
    }
}

/// Why a text is no request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// Longer than any real request.
    #[error("it is too long")]
    Length,
    /// Not one JSON object of the kind `ExecCredential`.
    #[error("it is no ExecCredential with a cluster's server")]
    Json,
    /// Neither v1 nor v1beta1.
    #[error("its version is neither v1 nor v1beta1")]
    Version,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    api_version: String,
    kind: String,
    spec: Spec,
}

#[derive(Deserialize)]
struct Spec {
    cluster: Cluster,
}

#[derive(Deserialize)]
struct Cluster {
    server: String,
}

fn decode(info: &[u8]) -> Result<Place, InputError> {
    if info.len() > LONGEST_INPUT {
        return Err(InputError::Length);
    }
    if !info.trim_ascii_start().starts_with(b"{") {
        return Err(InputError::Json);
    }
    let wire: Wire = serde_json::from_slice(info).map_err(|_| InputError::Json)?;
    if wire.kind != "ExecCredential" {
        return Err(InputError::Json);
    }
    let encode: Encode = match wire.api_version.strip_prefix("client.authentication.k8s.io/") {
        Some("v1") => |resolved, token| encode("v1", resolved, token),
        Some("v1beta1") => |resolved, token| encode("v1beta1", resolved, token),
        _ => return Err(InputError::Version),
    };
    Ok(Place::of_url(&wire.spec.cluster.server, Carries::Header, encode))
}

/// The server that a request is about.
pub fn target(info: &[u8]) -> Result<Option<String>, InputError> {
    Ok(decode(info)?.targets.first().map(ToString::to_string))
}

fn encode(version: &str, resolved: &Resolved<'_>, token: &Token) -> Result<Secret<String>, Error> {
    let mut status = json!({"token": resolved.bearer(token)?.expose()});
    if let Some(at) = token.known_expiry() {
        status["expirationTimestamp"] = rfc3339(at).into();
    }
    let version = format!("client.authentication.k8s.io/{version}");
    let object = json!({"apiVersion": version, "kind": "ExecCredential", "status": status});
    Ok(Secret::new(format!("{object}\n")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn info(version: &str, server: &str) -> String {
        let cluster = json!({"server": server, "certificate-authority-data": "x"});
        json!({"kind": "ExecCredential", "apiVersion": format!("client.authentication.k8s.io/{version}"),
            "spec": {"cluster": cluster, "interactive": false}})
        .to_string()
    }

    #[test]
    fn the_clusters_server_is_the_target() {
        let at = |server: &str| target(info("v1", server).as_bytes());
        assert_eq!(at("https://k8s.example.com:6443"), Ok(Some("https://k8s.example.com:6443".into())));
        for server in ["", "k8s.example.com", "https://u:p@k8s.example.com"] {
            assert_eq!(at(server), Ok(None), "{server}");
        }
        assert_eq!(target(info("v1alpha1", "https://a.b").as_bytes()), Err(InputError::Version));
        for text in [
            "",
            "{}",
            "[]",
            "{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"spec\":{}}",
        ] {
            assert_eq!(target(text.as_bytes()), Err(InputError::Json), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_info_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), server in "\\PC{0,40}") {
            let _ = target(&bytes);
            let _ = target(info("v1beta1", &server).as_bytes());
        }
    }
}
