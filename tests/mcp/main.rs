//! MCP: the headers helper and the bridge.

#[path = "../common/mod.rs"]
mod common;

mod bridge;
mod headers;
mod sdk;
mod setup;
