//! `scalekit-auth` answers "what do I send to this URL?" in the protocol of the tool that asks, with a fresh token from a
//! Scalekit vault.
//!
//! The road of every answer: [`helper`] decodes the request, [`resolve`] finds the service, [`broker`] gets the token by
//! way of [`cache`] (where it may still be good), [`store`] (the client credentials) and [`vault`] (Scalekit's API), and
//! [`helper`] encodes the answer, or [`header`] where no helper protocol is spoken. [`cli`] holds the commands that people
//! type, [`config`] the files they write, [`callback`] the port where a browser comes back after consent. [`verify`] stands
//! apart: it checks tokens that others bring, for an HTTP API as well.

#![forbid(unsafe_code)]

pub mod broker;
pub mod cache;
pub mod callback;
pub mod cli;
mod clock;
pub mod config;
pub mod consent;
pub mod error;
pub mod header;
pub mod helper;
mod hex;
mod refusals;
pub mod resolve;
mod runtime;
pub mod secret;
mod similar;
pub mod store;
pub mod suggest;
pub mod vault;
pub mod verify;

use std::ffi::OsString;
use std::path::Path;
use std::time::{Duration, Instant};

use helper::Protocol;

/// Every call that a tool waits for has ended by then, whatever network and keyring do.
const TIME_LIMIT: Duration = Duration::from_millis(7500);

/// Runs the program that `args` ask for, its own name first, and returns the exit status.
pub fn run(args: Vec<OsString>) -> u8 {
    let deadline = Instant::now() + TIME_LIMIT;
    harden();
    match helper_call(&args) {
        Some((Protocol::Git, words)) => cli::git_credential::run(words, deadline),
        Some((Protocol::Docker, words)) => cli::docker_credential::run(words, deadline),
        None => cli::run(args, deadline),
    }
}

/// The helper protocol that the program's name or first word selects, and the words after it. A tool waits for the answer, so
/// the tree of all commands is not built for it; only a person asks for help, or misspells an option.
fn helper_call(args: &[OsString]) -> Option<(Protocol, &[OsString])> {
    let (name, words) = args.split_first()?;
    if let Some(protocol) = Protocol::by_name(Path::new(name)) {
        return Some((protocol, words));
    }
    let (command, words) = words.split_first()?;
    let protocol = Protocol::by_command(command)?;
    let is_call = |word: &OsString| match protocol {
        Protocol::Git => !word.as_encoded_bytes().starts_with(b"-") || cli::git_credential::is_option(word),
        // `--version` is an action of docker's.
        Protocol::Docker => word != "-h" && word != "--help",
    };
    words.iter().all(is_call).then_some((protocol, words))
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
