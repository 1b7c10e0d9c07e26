//! `mcp-headers`: one line of JSON with the headers for an MCP server, as Claude Code and Codex take them from a command.

use std::time::Instant;

use serde_json::{Map, Value};

use super::found::{hand_out, to_json};
use super::request::{AccountSelector, explained};
use super::{note, print};
use crate::broker::Asked;
use crate::error::{Error, Kind, without_secrets};
use crate::refusals::{Refusals, Sent};
use crate::resolve;
use crate::target::Target;

/// How Claude Code names the server.
const VARIABLE: &str = "CLAUDE_CODE_MCP_SERVER_URL";

/// Print the headers for an MCP server as one line of JSON
///
/// For `headersHelper` of Claude Code and `http_headers_helper` of Codex, which run it at each connection and again when the server
/// refuses. For a server of no service it prints {}.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The server's URL; without it that of CLAUDE_CODE_MCP_SERVER_URL
    url: Option<String>,
    #[command(flatten)]
    whose: AccountSelector,
}

pub(super) fn run(arguments: &Arguments, deadline: Instant) -> Result<(), Error> {
    let headers = headers(arguments, deadline)?;
    print(&format!("{headers}\n"))
}

fn headers(arguments: &Arguments, deadline: Instant) -> Result<Value, Error> {
    let url = url(arguments.url.as_deref(), std::env::var(VARIABLE).ok().as_deref())?;
    let wrong = |why: &dyn std::fmt::Display| {
        Error::new(Kind::Usage, format!("{:?} is no URL of an MCP server", without_secrets(&url))).why(why)
    };
    let (target, username) = Target::from_url(&url).map_err(|error| wrong(&error))?;
    let asked = arguments.whose.request(&url, false);
    let broker = asked.broker(deadline)?;
    let (service, account) = match asked.find_at(&broker, &target, username.as_deref())? {
        Ok(found) => found,
        Err(decision) => {
            let is_nobodys = matches!(decision.outcome, Err(resolve::Error::Nobody(_) | resolve::Error::OwnHost(_)));
            let error = explained(&broker, decision, &target);
            if !is_nobodys {
                return Err(error);
            }
            note(error.line());
            return Ok(Value::Object(Map::new()));
        }
    };
    broker.must_serve(&service, "mcp-headers")?;
    // Nobody says whether the server refused the last answer. Whoever asks again may mean that, so the vault is asked again.
    let origin = target.authority.to_string();
    let refusals = Refusals::open();
    broker.evict(&service, |entry| {
        let sent = Sent { origin: &origin, path: None, scheme: "bearer", token: entry.secret().expose() };
        refusals.as_ref().is_some_and(|refusals| refusals.was_answered(&sent))
    });
    drop(refusals);
    let token = broker.token(&service, &account);
    let asked = Asked { command: "mcp-headers", target: Some(&target), service: &service, account: &account };
    let headers = hand_out(&broker, asked, token, |found| {
        if let Some(mut refusals) = Refusals::open() {
            let token = found.token.credential.secret().expose();
            let sent = Sent { origin: &origin, path: None, scheme: "bearer", token };
            refusals.answered(&[&origin, &found.service.connection, &found.account.identifier], &sent);
        }
        Ok(to_json(&found.headers()?))
    })?;
    Ok(headers)
}

/// The one URL that is meant: both given and different is a mistake that could send a token elsewhere.
fn url(argument: Option<&str>, variable: Option<&str>) -> Result<String, Error> {
    match (argument, variable.filter(|url| !url.is_empty())) {
        (Some(url), None) | (None, Some(url)) => Ok(url.to_owned()),
        (Some(one), Some(other)) if one.trim_end_matches('/') == other.trim_end_matches('/') => Ok(one.to_owned()),
        (Some(_), Some(_)) => Err(Error::new(Kind::Usage, "two different MCP servers are meant")
            .why(format!("the argument names one and {VARIABLE} another"))
            .next("leave out the argument, where the client sets the variable")),
        (None, None) => Err(Error::new(Kind::Usage, "there is no URL")
            .why(format!("neither an argument nor {VARIABLE} names the MCP server"))),
    }
}
