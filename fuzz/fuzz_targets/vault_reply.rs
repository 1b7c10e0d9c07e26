//! The vault's replies: no bytes make it panic, and no credential that comes out can split a line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scalekit_auth::service::Credential;
use scalekit_auth::vault::read_account;

fuzz_target!(|body: &[u8]| {
    let Ok(account) = read_account(body) else { return };
    match account.credential {
        Ok(Credential::Bearer(token) | Credential::ApiKey(token)) => {
            assert!(token.expose().bytes().all(|byte| (0x21..=0x7e).contains(&byte)));
        }
        Ok(Credential::Basic { username, password }) => {
            assert!(!username.contains(['\r', '\n', '\0']) && !password.expose().contains(['\r', '\n', '\0']));
        }
        Err(_) => {}
    }
});
