//! curl's options beside a credential: whatever passes the check is, by a second account of curl's rules, one URL's and
//! none of the options that could harm the credential.
#![no_main]

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use scalekit_auth::commands::curl::options::{Context, check};

#[path = "../../tests/common/curl_rules.rs"]
mod curl_rules;

static KNOWN: LazyLock<Vec<curl_rules::Known>> = LazyLock::new(|| curl_rules::known(curl_rules::HELP));

fuzz_target!(|input: &[u8]| {
    let words: Vec<&[u8]> = input.split(|byte| *byte == 0).collect();
    let arguments: Vec<OsString> = words.iter().map(|word| OsString::from_vec(word.to_vec())).collect();
    for header in ["Authorization", "X-Api-Key"] {
        if check(&arguments, Context { header: Some(header), show_secrets: false }).is_ok() {
            curl_rules::assert_harmless(&KNOWN, &words, header);
        }
    }
});
