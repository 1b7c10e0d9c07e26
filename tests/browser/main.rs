//! The pages of `connect`, in Chromium.

#[path = "../common/mod.rs"]
mod common;

mod connect_browser;
