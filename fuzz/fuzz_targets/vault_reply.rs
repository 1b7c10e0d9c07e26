//! The vault's replies: no bytes make it panic, and no credential that comes out can split a line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scalekit_auth::vault::read_account;

fuzz_target!(|body: &[u8]| {
    let Ok(account) = read_account(body) else { return };
    if let Ok(credential) = account.credential {
        for (name, value) in credential.fields() {
            assert!(![name, value.expose()].iter().any(|text| text.is_empty() || text.contains(['\r', '\n', '\0'])));
        }
        if let Some(token) = credential.get("token") {
            assert!(token.expose().bytes().all(|byte| (0x21..=0x7e).contains(&byte)));
        }
    }
});
