//! Every store behind the keyring project's interface passes the same tests: ours for the Secret Service, in a session
//! with the real gnome-keyring, and the project's own test double.

use std::sync::Arc;

use crate::common::finish;
use crate::common::keyring::Desk;
use keyring_core::api::CredentialStore;
use keyring_core::{Entry, Error, mock};
use scalekit_auth::store::secret_service::Store;

const SERVICE: &str = "scalekit-auth-suite";

fn suite(store: &Arc<CredentialStore>) {
    let entry = |user: &str| Entry::new_in_store(store, SERVICE, user).unwrap();
    let (ada, bob) = (entry("ada"), entry("bob \u{e9}"));
    assert!(matches!(ada.get_secret(), Err(Error::NoEntry)));
    assert!(matches!(ada.delete_credential(), Err(Error::NoEntry)));
    for secret in [&b"one"[..], b"", b"two\n\0\xff", &[b'x'; 20_000]] {
        ada.set_secret(secret).unwrap();
        assert_eq!(ada.get_secret().unwrap(), secret);
    }
    bob.set_password("b\u{e9}").unwrap();
    assert_eq!(bob.get_password().unwrap(), "b\u{e9}");
    ada.delete_credential().unwrap();
    assert!(matches!(ada.get_secret(), Err(Error::NoEntry)));
    assert_eq!(bob.get_password().unwrap(), "b\u{e9}", "another entry is another item");
    bob.delete_credential().unwrap();
    assert!(matches!(bob.delete_credential(), Err(Error::NoEntry)));
}

#[test]
fn the_test_double_passes() {
    suite(&(mock::Store::new().unwrap() as Arc<CredentialStore>));
}

#[test]
fn the_secret_service_passes() {
    let desk = Desk::logged_in();
    let mut command = desk.command(std::env::current_exe().unwrap().to_str().unwrap());
    let got = finish(command.args(["--exact", "stores::in_this_session", "--ignored"]), "").ok();
    assert!(got.stdout.contains("1 passed"), "{got:?}");
}

#[test]
#[ignore = "needs a session with a keyring; the test above runs it in one"]
fn in_this_session() {
    let store: Arc<CredentialStore> = Arc::new(Store);
    suite(&store);
    let again = Entry::new_in_store(&store, SERVICE, "ada").unwrap();
    again.set_secret(b"kept").unwrap();
    // Another entry of the same names is the same item.
    assert_eq!(Entry::new_in_store(&store, SERVICE, "ada").unwrap().get_secret().unwrap(), b"kept");
    again.delete_credential().unwrap();
}
