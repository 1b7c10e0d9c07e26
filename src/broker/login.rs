//! What is said where nobody is logged in.

use crate::error::{Error, Kind};
use crate::service::DEFAULT_ENVIRONMENT;
use crate::suggest;

const ALL_VARIABLES: &str = "set SCALEKIT_ENV_URL, SCALEKIT_CLIENT_ID and SCALEKIT_CLIENT_SECRET together";

/// The error for an environment that was never stored; names the three values and where to find them.
pub fn not_logged_in(name: &str) -> Error {
    Error::new(Kind::NotConfigured, format!("the client credentials of the environment {name} are missing"))
        .why("environment URL, client id and client secret are needed; Scalekit dashboard, Settings > API credentials, shows them")
        .next(log_in(name))
}

/// How one logs in to the environment of this name. The variables stand for the default one.
pub(super) fn log_in(name: &str) -> String {
    match name {
        DEFAULT_ENVIRONMENT => format!("{}, or {ALL_VARIABLES}", suggest::login(name)),
        _ => suggest::login(name).to_string(),
    }
}
