//! `header`: the request header that carries a fresh credential and a newline on stdout, nothing else, as `curl -H @-` reads it.

use std::time::Instant;

use serde_json::json;

use super::Request;
use super::found::{find, print_answer};
use crate::consent::Failure;
use crate::error::Error;
use crate::header::header;
use crate::secret::Secret;

/// Print the request header with a fresh token, as the provider wants it
///
/// It is one line, for `curl -H @-`: so the token stays out of the process list.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    asked: Request,
    /// Print a JSON object with the header and its expiry; failures too
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, deadline: Instant) -> Result<(), Error> {
    print_answer(answer(arguments, deadline), arguments.json)
}

fn answer(arguments: &Arguments, deadline: Instant) -> Result<Secret<String>, Failure> {
    let broker = arguments.asked.broker(deadline)?;
    let found = find(&broker, &arguments.asked)?;
    let header = header(&found.service, &found.token.credential);
    Ok(match arguments.json {
        true => found.to_json(&[("headers", json!({header.name: header.value.expose()}))]),
        false => header.line(),
    })
}
