//! The Credential Manager of Windows: a generic credential that stays on this machine. It never prompts.

use std::collections::HashMap;

use keyring_core::Entry;
use keyring_core::api::CredentialStoreApi;

use super::Error;

/// The item of this service and user.
pub(super) fn entry(service: &str, user: &str) -> keyring_core::Result<Entry> {
    // The usual one roams with the user's profile.
    let here = HashMap::from([("persistence", "Local")]);
    windows_native_keyring_store::Store::new()?.build(service, user, Some(&here))
}

/// What is wrong with the Credential Manager as a whole: a session that was opened without the user's password, as by an SSH key, has
/// none.
pub(super) fn problem(cause: &(dyn std::error::Error + Send + Sync + 'static)) -> Error {
    Error::Absent(cause.to_string())
}
