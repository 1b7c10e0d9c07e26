//! Checks of tokens, against the verdicts of another library.

#[path = "../common/mod.rs"]
mod common;

mod protected_api;
mod verify;
mod verify_attacks;
mod verify_properties;
mod verify_vault;
