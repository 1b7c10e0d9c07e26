//! `scalekit-auth` answers "what do I send to this URL?" in the protocol of the tool that asks, with a fresh token from a
//! Scalekit vault.
//!
//! The road of every answer: [`protocol`] decodes the request, [`resolve`] finds the service, [`broker`] gets the token by
//! way of [`cache`] (where it may still be good), [`store`] (the client credentials) and [`vault`] (Scalekit's API), and
//! [`protocol`] encodes the answer, or [`header`] where no helper protocol is spoken. [`cli`] holds the commands that people
//! type, [`config`] the files they write, [`callback`] the port where a browser comes back after consent. [`verify`] stands
//! apart: it checks tokens that others bring, for an HTTP API as well.

#![forbid(unsafe_code)]

pub mod broker;
pub mod cache;
pub mod callback;
pub mod catalogue;
pub mod cli;
mod clock;
pub mod config;
pub mod consent;
pub mod error;
pub mod header;
mod hex;
mod output;
mod programs;
pub mod protocol;
mod refusals;
pub mod resolve;
mod runtime;
pub mod secret;
pub mod service;
mod similar;
pub mod store;
pub mod suggest;
pub mod target;
pub mod vault;
pub mod verify;

use std::ffi::OsString;
use std::time::{Duration, Instant};

/// Every call that a tool waits for has ended by then, whatever network and keyring do.
const TIME_LIMIT: Duration = Duration::from_millis(7500);

/// Runs the program that `args` ask for, its own name first, and returns the exit status.
pub fn run(args: Vec<OsString>) -> u8 {
    let deadline = Instant::now() + TIME_LIMIT;
    harden();
    match protocol::select(&args) {
        Some((protocol, words)) => protocol::serve(protocol, words, deadline),
        None => cli::run(args, deadline),
    }
}

/// Before any secret is read: no core dumps, no other process of the same user that looks into our memory, and panic
/// messages without their payload, which could quote one.
fn harden() {
    #[cfg(target_os = "linux")]
    // Where the kernel refuses, the program is as it would be without; there is nobody to tell.
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        eprintln!("scalekit-auth: internal error at {place}; please report it");
    }));
}
