//! git's request: whatever the bytes, no panic; and no CR, NUL or second `host=` leads to a target.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scalekit_auth::protocol::git::wire::Request;

fuzz_target!(|input: &[u8]| {
    let Ok(request) = Request::decode(input) else { return };
    assert!(!input.iter().any(|byte| matches!(byte, b'\r' | 0)));
    if let Some(target) = request.target() {
        let head = input.split(|byte| *byte == b'\n').take_while(|line| !line.is_empty());
        let hosts: Vec<_> = head.filter_map(|line| line.strip_prefix(b"host=")).collect();
        assert_eq!(hosts.len(), 1);
        let spelled = hosts[0].to_ascii_lowercase();
        assert!(spelled.starts_with(target.authority.host.as_bytes()));
    }
});
