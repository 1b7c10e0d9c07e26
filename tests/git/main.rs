//! git, and how it is set up.

#[path = "../common/mod.rs"]
mod common;

mod accounts;
mod accounts_paths;
mod cache_refused;
mod git_chain;
mod git_modern;
mod git_no_access;
mod git_old;
mod git_options;
mod machines_end_to_end;
mod setup;
mod setup_git;
mod suggestions_set_up;
