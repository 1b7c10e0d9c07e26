//! Which vault could not be reached a moment ago. A tool that asks for five hosts would wait for each of them until the time
//! limit; from the second one on it learns at once what happened to the first.
//!
//! One small file for each environment in the user's runtime directory: when it was, and the error's words. Without such a
//! directory nothing is remembered and everything else works.

use std::fs;
use std::path::PathBuf;

use ring::digest::{Context, SHA256};

use crate::error::{Error, Kind, Mark};
use crate::{clock, hex, runtime, system};

/// How long a vault that could not be reached is not asked again, in seconds.
const SECONDS: u64 = 15;

/// What leads to the vault besides its URL: who corrects one of these need not wait.
const VARIABLES: &[&str] =
    &["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR"];

/// What is remembered about the environment at one URL.
pub(super) struct Unreached(Option<PathBuf>);

impl Unreached {
    pub(super) fn of(url: &str) -> Self {
        Self(runtime::directory().map(|directory| directory.join(name(url))))
    }

    /// The error of a moment ago.
    pub(super) fn error(&self) -> Option<Error> {
        let (bytes, _) = system::read_regular(self.0.as_ref()?).ok()?;
        let text = str::from_utf8(&bytes).ok()?;
        let [at, what, why, next] = text.split('\n').collect::<Vec<_>>().try_into().ok()?;
        // The machine's own clock, which nobody sets. A later time is from before it was started anew.
        let age = clock::nanoseconds().checked_sub(at.parse().ok()?)?;
        let is_recent = age < SECONDS * 1_000_000_000;
        is_recent.then(|| Error::of_parts(Kind::VaultUnreachable, [what, why, next]))
    }

    /// Notes what came of a request.
    pub(super) fn note(&self, error: Option<&Error>) {
        let Some(path) = &self.0 else { return };
        // What cannot be noted is tried again.
        let _ = match error {
            Some(error) if error.has(Mark::OutOfReach) => {
                let [what, why, next] = error.parts();
                fs::write(path, [&clock::nanoseconds().to_string(), what, why, next].join("\n"))
            }
            Some(_) => Ok(()),
            None => fs::remove_file(path),
        };
    }
}

/// A name that tells nobody which environment it is.
fn name(url: &str) -> String {
    let mut context = Context::new(&SHA256);
    context.update(url.as_bytes());
    for variable in VARIABLES {
        context.update(&[0]);
        context.update(std::env::var_os(variable).unwrap_or_default().as_encoded_bytes());
    }
    format!("unreached-{}", hex::encode(&context.finish().as_ref()[..16]))
}
