//! What a remote MCP server says: its event stream and its messages. No bytes make them panic, pieces change nothing, no event is
//! longer than allowed, and what goes into a header is one line.
#![no_main]

use std::io::BufReader;

use libfuzzer_sys::fuzz_target;
use scalekit_auth::commands::mcp::events::{Event, Events};
use scalekit_auth::commands::mcp::message::{About, on_one_line};
use scalekit_auth::commands::mcp::parameters::Parameters;

const LONGEST: usize = 64;

fn events(bytes: &[u8], piece: usize) -> Vec<Event> {
    Events::new(BufReader::with_capacity(piece, bytes), LONGEST).map_while(Result::ok).collect()
}

fuzz_target!(|bytes: &[u8]| {
    let whole = events(bytes, 4096);
    assert_eq!(whole, events(bytes, 1));
    for event in whole {
        assert!(event.data.len() <= LONGEST);
        assert!(event.id.is_none_or(|id| id.bytes().all(|byte| (0x21..=0x7e).contains(&byte))));
    }
    let mut parameters = Parameters::default();
    parameters.learn(bytes);
    for (name, value) in parameters.headers("t", bytes) {
        assert!(name.bytes().chain(value.bytes()).all(|byte| (0x20..=0x7e).contains(&byte)));
    }
    if let Ok(Some(about)) = About::read(bytes) {
        for (_, value) in about.mirrored() {
            assert!(value.bytes().all(|byte| (0x20..=0x7e).contains(&byte)));
        }
        assert_eq!(About::read(&on_one_line(bytes.to_vec())).unwrap(), Some(about));
    }
});
