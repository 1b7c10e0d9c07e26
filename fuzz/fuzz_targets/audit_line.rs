//! A line of the audit: whatever the bytes, no panic; and what is read is written as one line that reads the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scalekit_auth::audit::Record;

fuzz_target!(|bytes: &[u8]| {
    let Some(record) = Record::decode(bytes) else { return };
    let line = record.encode();
    assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
    assert_eq!(Record::decode(&line), Some(record));
});
