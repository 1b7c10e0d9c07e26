//! Ten thousand reads of a gnome-keyring by 2, 8 and 50 processes at a time, and how often its daemon dies of it. Each
//! read is a fresh process: this executable, which does nothing else then. Run with `cargo bench --bench keyring_load`.

#[path = "../tests/common/mod.rs"]
mod common;

use std::process::exit;
use std::time::Instant;

use common::keyring::{Desk, load};
use scalekit_auth::service::HomeChoice;

const READS: usize = 10_000;
/// The argument of a process that reads.
const READ: &str = "read-once";

fn main() {
    if std::env::args().nth(1).as_deref() == Some(READ) {
        exit(read_once());
    }
    let executable = std::env::current_exe().unwrap().into_os_string().into_string().unwrap();
    let mut desk = Desk::new();
    desk.login(&[], desk.world.sandbox.client_secret()).ok();
    let mut one = desk.command(&executable);
    let read = String::from_utf8(one.arg(READ).output().unwrap().stdout).unwrap();
    println!("one read alone, inside its process: {read}");
    println!("{:>9} {:>7} {:>7} {:>7} {:>7} {:>12}", "processes", "reads", "failed", "deaths", "s", "ms per read");
    for processes in [2, 8, 50] {
        let outcome = load::run(&mut desk, processes, READS, |desk| {
            let mut command = desk.command(&executable);
            command.arg(READ);
            command
        });
        let (seconds, each) = (outcome.time.as_secs_f64(), outcome.time.as_secs_f64() * 1000.0 / READS as f64);
        println!(
            "{processes:>9} {READS:>7} {:>7} {:>7} {seconds:>7.1} {each:>12.2}  {}",
            outcome.failed, outcome.deaths, outcome.complaint
        );
    }
}

/// Reads the item of the default environment as every command does.
fn read_once() -> i32 {
    let start = Instant::now();
    match scalekit_auth::store::open("default", &HomeChoice::Keyring).read() {
        Ok(_) => {
            print!("{:.2} ms", start.elapsed().as_secs_f64() * 1000.0);
            0
        }
        Err(error) => {
            eprint!("{error}");
            1
        }
    }
}
