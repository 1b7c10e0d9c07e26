//! What is shown of the texts of others: whatever stands around it, a token is not.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scalekit_auth::shown;

const TOKEN: &str = "ghp_0123456789abcdef0123456789";

fuzz_target!(|input: &str| {
    let _ = (shown::url(input), shown::place(input), shown::name(input), shown::json(input));
    assert!(!shown::foreign(&format!("{input} {TOKEN} {input}")).contains(TOKEN));
    assert!(!shown::url(&format!("https://{TOKEN}@{input}")).contains(TOKEN));
});
