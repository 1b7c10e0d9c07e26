//! Many processes that read one keyring at the same time.

use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::Desk;

/// So often it is looked whether the daemon still runs; one that died is started again, so that the rest means something.
const BLOCK: usize = 500;

/// What became of the reads.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How many of them did not get the secret.
    pub failed: usize,
    /// What one of those said.
    pub complaint: String,
    /// How often the daemon died.
    pub deaths: usize,
    /// How long they took together.
    pub time: Duration,
}

/// Lets `processes` processes at a time read the keyring until there were `reads` reads. Each is a run of its own of
/// `command`, which exits with 0 if it got the secret.
pub fn run(desk: &mut Desk, processes: usize, reads: usize, command: impl Fn(&Desk) -> Command + Sync) -> Outcome {
    let mut outcome = Outcome::default();
    let mut left = reads;
    while left > 0 {
        let block = left.min(BLOCK);
        left -= block;
        let start = Instant::now();
        let complaints = run_block(desk, processes, block, &command);
        outcome.time += start.elapsed();
        outcome.failed += complaints.len();
        outcome.complaint = complaints.into_iter().next_back().unwrap_or(outcome.complaint);
        if !desk.keyring.is_running() {
            outcome.deaths += 1;
            desk.keyring.start_again(&desk.world);
        }
    }
    outcome
}

fn run_block(desk: &Desk, processes: usize, reads: usize, command: &(impl Fn(&Desk) -> Command + Sync)) -> Vec<String> {
    let (begun, complaints) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..processes {
            scope.spawn(|| {
                while begun.fetch_add(1, Ordering::Relaxed) < reads {
                    let output = command(desk).stdin(Stdio::null()).output().unwrap();
                    if !output.status.success() {
                        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
                        complaints.lock().unwrap().push(format!("{}: {said}", output.status));
                    }
                }
            });
        }
    });
    complaints.into_inner().unwrap()
}
