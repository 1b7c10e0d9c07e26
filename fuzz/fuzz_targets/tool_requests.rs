//! What the smaller protocols are asked with, the first byte says which: whatever the rest, no panic, and a request leads only to a
//! host that it spells.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scalekit_auth::protocol::{askpass, cargo, keyring, kubernetes, nuget};

fuzz_target!(|input: &[u8]| {
    let Some((which, rest)) = input.split_first() else { return };
    let text = String::from_utf8_lossy(rest);
    let target = match which % 5 {
        0 => keyring::target(&text.split(' ').collect::<Vec<_>>()),
        1 => askpass::target(&text),
        2 => cargo::target(rest).ok().flatten(),
        3 => kubernetes::target(rest).ok().flatten(),
        _ => nuget::source(rest).ok().flatten().map(|_| String::new()),
    };
    // Escapes of JSON may spell a host.
    if let Some(target) = target.filter(|_| !text.contains('\\')) {
        let authority = target.split_once("://").map_or("", |(_, rest)| rest.split('/').next().unwrap_or_default());
        let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
        assert!(text.to_lowercase().contains(host), "{target}");
    }
});
