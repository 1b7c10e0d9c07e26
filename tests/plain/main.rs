//! What needs nothing but the executable, the stand-in for the vault, and curl.

#[path = "../common/mod.rs"]
mod common;

mod audit;
mod batch;
mod bazel;
mod by_vault;
mod canary;
mod catalogue;
mod complete;
mod connect;
mod connect_terminal;
mod credentials;
mod curl_options;
mod doctor;
mod doctor_declined;
mod doctor_names;
mod doctor_road;
mod doctor_tools;
mod environment;
mod header;
mod homes;
mod homes_written;
mod install;
mod leniency;
mod logout;
mod machines;
mod network;
mod only;
mod outcomes;
mod own_files;
mod protocol;
mod services;
mod shared_accounts;
mod shown;
mod skill;
mod suggestions;
mod suggestions_spelled;
mod sync;
mod sync_file;
mod sync_refused;
mod sync_tenants;
mod trace;
mod vault;
mod vault_faults;
mod which;
