//! What a file or a command gives as client credentials: no bytes make it panic, and no secret or client id that comes
//! out can split a line or is empty.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scalekit_auth::store::Content;

fuzz_target!(|input: &[u8]| {
    let fits = |text: &str| !text.is_empty() && !text.contains(char::is_control);
    match Content::parse(input) {
        Ok(Content::Secret(secret)) => {
            assert!(fits(secret.expose()));
            assert_eq!(input.strip_prefix(secret.expose().as_bytes()).map(|rest| rest.trim_ascii()), Some(&b""[..]));
        }
        Ok(Content::Complete(credentials)) => {
            assert!(fits(credentials.client_secret.expose()) && fits(&credentials.client_id));
            assert!(input.trim_ascii_start().first() == Some(&b'{') || !input.is_ascii());
        }
        Err(_) => {}
    }
});
