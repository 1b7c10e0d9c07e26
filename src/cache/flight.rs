//! One process at a time asks for the token of a key; the others wait and take what it gets.
//!
//! The lock is a file in the runtime directory, which the kernel unlocks when its holder ends, however that happens.
//! Nothing is in it but a time: when somebody got an answer and could not leave it for the others.

use std::fs::File;
use std::time::Duration;

use super::Key;
use crate::clock;
use crate::{runtime, system};

/// The lock of one key; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Turn(File);

/// Waits for the lock of `key`; `None` where there is no place for it, or another process holds it for longer than `wait`.
pub(super) fn wait_for(key: &Key, wait: Duration) -> Option<Turn> {
    let file = runtime::open(&runtime::directory()?, &key.lock_name()).ok()?;
    runtime::lock(&file, wait).ok()?.then_some(Turn(file))
}

impl Turn {
    /// Tells those who wait that nothing will be there for them.
    pub(super) fn leave_nothing(&self) {
        // Where this fails, they find out one after another.
        let _ = system::write_at(&self.0, &clock::nanoseconds().to_be_bytes());
    }

    /// Whether somebody left nothing after `began`: then the others are no better off in a queue.
    pub(super) fn was_left_nothing(&self, began: u64) -> bool {
        let mut time = [0; 8];
        system::read_at(&self.0, &mut time).is_ok_and(|length| length == time.len())
            && u64::from_be_bytes(time) >= began
    }
}
