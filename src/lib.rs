//! `scalekit-auth` answers "what do I send to this URL?" in the protocol of the tool that asks, with a fresh token from a
//! Scalekit vault. What other programs may use of it is [`verify`]: it checks the tokens that Scalekit issues to API
//! clients, for an HTTP API. [`run`] is the whole executable.
//!
//! The other modules are public for this project's own benchmarks and fuzz targets alone, are left out of this page, and
//! may change with every version. The road of every answer through them: `protocol` decodes the request, `resolve` finds the
//! service and account (`service`) for the `target`, `broker` gets the token by way of `cache`, `store` (the client
//! credentials) and `vault` (Scalekit's API), and `protocol` encodes the answer, or `header` where no helper protocol is
//! spoken. `commands` holds what people type, `config` the files they write, `catalogue` the built-in providers, `callback`
//! the port where a browser comes back after consent.

#![forbid(unsafe_code)]

#[doc(hidden)]
pub mod audit;
mod broker;
#[doc(hidden)]
pub mod cache;
#[doc(hidden)]
pub mod callback;
#[doc(hidden)]
pub mod catalogue;
mod clock;
// Its doc comments are help texts, shown as they are.
#[allow(rustdoc::bare_urls)]
#[doc(hidden)]
pub mod commands;
#[doc(hidden)]
pub mod config;
#[doc(hidden)]
pub mod consent;
#[doc(hidden)]
pub mod error;
mod header;
mod hex;
mod output;
mod programs;
#[doc(hidden)]
pub mod protocol;
mod refusals;
#[doc(hidden)]
pub mod resolve;
mod runtime;
mod secret;
#[doc(hidden)]
pub mod service;
#[doc(hidden)]
pub mod shown;
mod similar;
#[doc(hidden)]
pub mod store;
#[doc(hidden)]
pub mod suggest;
mod system;
#[doc(hidden)]
pub mod target;
mod trace;
#[doc(hidden)]
pub mod vault;
pub mod verify;

use std::ffi::OsString;
use std::time::{Duration, Instant};

/// Every call that a tool waits for has ended by then, whatever network and keyring do.
pub(crate) const TIME_LIMIT: Duration = Duration::from_millis(7500);

/// Runs the program that `args` ask for, its own name first, and returns the exit status.
pub fn run(args: Vec<OsString>) -> u8 {
    let start = Instant::now();
    let deadline = start + TIME_LIMIT;
    harden();
    trace::begin(start);
    let status = match protocol::select(&args) {
        Some((protocol, words)) => protocol::serve(protocol, &words, deadline),
        None => commands::run(args, deadline),
    };
    trace::step!("exit: status {status}");
    status
}

/// Before any secret is read: no core dumps, no other process of the same user that looks into our memory, and panic
/// messages without their payload, which could quote one.
fn harden() {
    system::harden();
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        eprintln!("scalekit-auth: internal error at {place}; please report it");
    }));
}
