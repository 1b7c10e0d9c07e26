//! The Keychain of macOS: a generic password in the user's own keychain, never with a dialog. A locked keychain, and an item
//! that another build of the program stored, are errors instead.

use std::sync::OnceLock;

use keyring_core::Entry;
use keyring_core::api::CredentialStoreApi;
use security_framework::base::Error as Refused;
use security_framework::os::macos::keychain::{KeychainUserInteractionLock, SecKeychain};

use super::Error;

/// `errSecAuthFailed`, `errSecInteractionNotAllowed`, `errSecInteractionRequired`: a dialog would have come up.
const NEEDS_A_PERSON: [i32; 3] = [-25293, -25308, -25315];

/// No dialog comes up while this is held, and it is held until the process ends.
static NO_DIALOG: OnceLock<KeychainUserInteractionLock> = OnceLock::new();

/// The item of this service and user.
pub(super) fn entry(service: &str, user: &str) -> keyring_core::Result<Entry> {
    if NO_DIALOG.get().is_none() {
        let lock = SecKeychain::disable_user_interaction()
            .map_err(|error| keyring_core::Error::NoStorageAccess(Box::new(error)))?;
        // Another thread may have been faster, which is as good.
        let _ = NO_DIALOG.set(lock);
    }
    apple_native_keyring_store::keychain::Store::new()?.build(service, user, None)
}

/// What is wrong with the keychain as a whole.
pub(super) fn problem(cause: &(dyn std::error::Error + Send + Sync + 'static)) -> Error {
    match cause.downcast_ref::<Refused>().map(|refused| refused.code()) {
        Some(code) if NEEDS_A_PERSON.contains(&code) => Error::Locked,
        _ => Error::Absent(cause.to_string()),
    }
}
