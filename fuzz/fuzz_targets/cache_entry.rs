//! An entry of the cache: whatever the bytes, no panic; what comes out is in them, splits no line, and is never good for
//! longer than was said.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scalekit_auth::cache::decode;

fuzz_target!(|input: &[u8]| {
    // Two clocks, then the entry.
    let Some((clocks, bytes)) = input.split_first_chunk::<16>() else { return };
    let (now, now_boot) = clocks.split_at(8);
    let [now, now_boot] = [now, now_boot].map(|bytes| i64::from_ne_bytes(bytes.try_into().unwrap()));
    let Some((entry, ttl)) = decode(bytes) else { return };
    let secret = entry.secret().expose();
    assert!(!secret.is_empty() && !secret.contains(['\r', '\n', '\0']));
    for (name, value) in entry.credential.fields() {
        let value = value.expose();
        assert!(!name.is_empty() && !value.is_empty());
        assert!(![name, value].iter().any(|text| text.contains(['\r', '\n', '\0'])));
        assert!(bytes.windows(value.len()).any(|part| part == value.as_bytes()));
    }
    assert!(entry.refused_scopes.iter().all(|scope| !scope.is_empty() && !scope.contains([' ', '\n'])));
    let left = ttl.left(now, now_boot);
    assert!(left >= 0 && left <= ttl.seconds.max(0));
    assert!(left == 0 || (now >= ttl.since && now_boot >= ttl.since_boot));
    // More bytes are another entry, or none.
    assert!(decode(&[bytes, b"\n"].concat()).is_none() && decode(&[bytes, b"\0"].concat()).is_none());
});
