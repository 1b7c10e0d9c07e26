//! What hits the loopback port: whatever the bytes, no panic; no id without a state of ours, and more bytes never change
//! what a request was.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scalekit_auth::callback::request::{self, Request};

const HOST: &str = "127.0.0.1:4711";
const STATE: &str = "5ca1ab1e";
const LATER: &str = "0ddba115";

/// The same without its percent signs, which may spell any byte.
fn decoded(bytes: &[u8]) -> Vec<u8> {
    let digit = |at: usize| char::from(*bytes.get(at)?).to_digit(16);
    let (mut plain, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        match (bytes[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                plain.push((high * 16 + low) as u8);
                at += 3;
            }
            (byte, ..) => {
                plain.push(byte);
                at += 1;
            }
        }
    }
    plain
}

fn holds(bytes: &[u8], part: &str) -> bool {
    bytes.windows(part.len()).any(|window| window == part.as_bytes())
}

/// `None` as long as more is to come, then what was read.
fn outcome(head: &[u8]) -> Option<Option<String>> {
    match request::read(head, HOST, &[STATE.to_owned(), LATER.to_owned()]) {
        Request::Incomplete => None,
        Request::Other => Some(None),
        Request::Returned(id) => Some(Some(id.expose().clone())),
    }
}

fn check(head: &[u8]) {
    let whole = outcome(head);
    if let Some(Some(id)) = &whole {
        let plain = decoded(head);
        assert!((holds(&plain, STATE) || holds(&plain, LATER)) && holds(&plain, id) && holds(head, HOST));
        assert!(id.bytes().all(|byte| byte.is_ascii_graphic()));
    }
    for end in 0..head.len() {
        let sooner = outcome(&head[..end]);
        assert!(sooner.is_none() || sooner == whole);
    }
}

fuzz_target!(|input: &[u8]| {
    if input.len() > 300 {
        return;
    }
    check(input);
    // Few bytes are a request by themselves, and none of them guess the state; in these places they go deeper.
    let host = b"\r\nHost: 127.0.0.1:4711\r\n\r\n";
    check(&[b"GET /callback?state=5ca1ab1e&", input, b" HTTP/1.1", host].concat());
    check(&[b"GET /callback?auth_request_id=", input, b"&state=5ca1ab1e HTTP/1.1", host].concat());
    check(&[b"GET /callback?auth_request_id=a&state=5ca1ab1e HTTP/1.1\r\n", input, host].concat());
});
