//! A stand-in for Scalekit's cloud vault on loopback, for tests and for trying things out.
//!
//! [`Sandbox`] serves the REST routes a credential helper needs, over real TLS. It is told what to hold and how to
//! misbehave by [`Control`]s, counts and logs what it was asked, and holds every request and every reply to
//! Scalekit's OpenAPI description and to schemas of its own. [`GitServer`] serves real repositories behind the tokens
//! a vault would hand out.
//!
//! Nothing in here is fit for use as a real vault.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod account;
mod admin;
mod apply;
mod ca;
mod client;
mod connection;
mod control;
mod cut;
mod error;
mod faults;
mod forward;
mod git;
mod grant;
mod http;
mod keys;
mod openapi;
mod provider;
mod routes;
mod sandbox;
mod schema;
mod server;
mod state;
mod validate;
mod wire;

pub use account::Credential;
pub use ca::Ca;
pub use control::{Control, VerifyMode, When};
pub use git::{GitOptions, GitServer, Offers, Seen};
pub use sandbox::{Counts, Logged, Options, Sandbox};
pub use wire::Absent;
