//! `header`: the request headers that carry a fresh credential, each with a newline, on stdout, nothing else, as `curl -H @-` reads
//! them.

use std::time::Instant;

use super::found::{self, find, print_answer};
use super::request::{Access, Request};
use crate::consent::Failure;
use crate::error::Error;
use crate::header::lines;
use crate::secret::Secret;

/// Print the request header with a fresh token, as the provider wants it
///
/// It is one line, several where the provider wants several headers, for `curl -H @-`: so the token stays out of the process
/// list.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    asked: Request,
    #[command(flatten)]
    access: Access,
    /// Print the value of Authorization alone, such as `Bearer TOKEN`
    #[arg(long, conflicts_with = "json")]
    value: bool,
    /// Print a JSON object with the headers and their expiry; failures too
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, deadline: Instant) -> Result<(), Error> {
    print_answer(answer(arguments, deadline), arguments.json)
}

fn answer(arguments: &Arguments, deadline: Instant) -> Result<Secret<String>, Failure> {
    let asked = arguments.asked.whose.request(&arguments.asked.place, arguments.access.read_only);
    find(&asked.broker(deadline)?, &asked, "header", |found| {
        if arguments.value {
            return Ok(found.authorization()?);
        }
        let headers = found.headers()?;
        Ok(match arguments.json {
            true => found.to_json(&[("headers", found::to_json(&headers))]),
            false => lines(&headers),
        })
    })
}
