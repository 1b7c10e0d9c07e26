//! The OS keyring, the memory of the kernel, and what shares them.

#[path = "../common/mod.rs"]
mod common;

mod cache;
mod cache_contexts;
mod cache_evicted;
mod cache_expiry;
mod cache_links;
mod cache_races;
mod canary_cache;
mod canary_process;
mod client;
mod client_rotate;
mod curl;
mod exec;
mod flight;
mod flight_faults;
mod flight_held;
mod gh;
mod homes_command;
mod homes_machines;
mod homes_move;
mod keyring;
mod keyring_load;
mod keyring_service;
mod login_terminal;
mod readme;
mod stores;
mod told;
