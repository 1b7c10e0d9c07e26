//! Tests of the stand-in.

#[path = "../common/mod.rs"]
mod common;

mod client_tokens;
mod clients;
mod consent;
mod faults;
mod git;
mod keys;
mod kinds;
mod listing;
mod log;
mod program;
mod reading;
mod schemas;
mod token;
mod verification;
mod writing;
