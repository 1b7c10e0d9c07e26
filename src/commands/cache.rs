//! `cache`: what rests in memory, without the tokens; forgetting it; and for how long it may rest.

use std::time::Instant;

use clap::Subcommand;
use serde_json::{Value, json};

use super::{list::table, note, print, print_json};
use crate::cache::{self, CachedToken, Holder};
use crate::config::{self, CacheLimits, Environments, LONGEST_REST};
use crate::error::Error;

/// Show or forget the tokens that are cached in memory, or set for how long they may be
///
/// A token is cached in the kernel's memory, where only you can read it, until a while before it expires. Helpers answer from
/// there without network and keyring. Where the kernel offers no such memory, as in many containers, there is no cache.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show whose tokens are cached, for how long, and their sizes; never the tokens
    Status {
        /// Print a JSON object
        #[arg(long)]
        json: bool,
    },
    /// Forget them all
    Clear,
    /// Set for how long tokens may be cached at most, in seconds
    ///
    /// A shorter time lets a revocation in the dashboard take effect sooner and asks the vault more often; 0 asks it every
    /// time.
    Limit(Limit),
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true)]
struct Limit {
    /// An account's token: 900 unless you say otherwise
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(i64).range(0..=LONGEST_REST))]
    account: Option<i64>,
    /// The token that client credentials gave: 3600 unless you say otherwise
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(i64).range(0..=LONGEST_REST))]
    client: Option<i64>,
    /// How long before its expiry a token is asked for anew: 300 unless you say otherwise, half of a short life at most
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(i64).range(0..=LONGEST_REST))]
    margin: Option<i64>,
}

pub(super) fn run(arguments: &Arguments, deadline: Instant) -> Result<(), Error> {
    match &arguments.command {
        Command::Status { json } => status(&super::load(None, deadline)?.environments.cache, *json),
        Command::Clear => {
            note(format!("{} forgotten", tokens(cache::clear())));
            Ok(())
        }
        Command::Limit(limit) => set(limit),
    }
}

fn status(limits: &CacheLimits, json: bool) -> Result<(), Error> {
    let CacheLimits { account, client, margin } = limits;
    let (resting, is_available) = (cache::list(), cache::is_available());
    if json {
        let object = json!({
            "version": 1, "status": "ok", "available": is_available,
            "account_seconds": account, "client_seconds": client, "margin_seconds": margin,
            "tokens": resting.iter().map(to_json).collect::<Vec<_>>(),
        });
        return print_json(object);
    }
    let mut rows = vec![["FOR", "IDENTIFIER", "ENVIRONMENT", "AGE", "LEFT", "BYTES"].map(str::to_owned)];
    rows.extend(resting.iter().map(|CachedToken { key, age, left, size }| {
        let (what, whose) = match &key.holder {
            Holder::Account { connection, identifier, .. } => (connection.clone(), identifier.clone()),
            Holder::Session { server, identifier, .. } => (format!("mcp/{server}"), identifier.clone()),
            Holder::Client { scopes } if scopes.is_empty() => (key.client_id.clone(), "-".to_owned()),
            Holder::Client { scopes } => (format!("{} ({})", key.client_id, scopes.join(" ")), "-".to_owned()),
        };
        [what, whose, key.environment.clone(), format!("{age} s"), format!("{left} s"), size.to_string()]
    }));
    if resting.is_empty() {
        note("no token rests in memory");
    } else {
        print(&table(&rows))?;
    }
    note(format!("accounts rest for at most {account} s, clients for {client} s, and none in the last {margin} s"));
    if !is_available {
        note("this kernel offers no memory for tokens here, so that the vault is asked every time");
    }
    Ok(())
}

fn to_json(resting: &CachedToken) -> Value {
    let CachedToken { key, age, left, size } = resting;
    let mut object = json!({
        "environment_url": key.environment, "client_id": key.client_id,
        "age_seconds": age, "left_seconds": left, "bytes": size,
    });
    match &key.holder {
        Holder::Account { connection, identifier, .. } => {
            object["connection"] = connection.as_str().into();
            object["identifier"] = identifier.as_str().into();
        }
        Holder::Session { server, identifier, access_level } => {
            object["mcp_server"] = server.as_str().into();
            object["identifier"] = identifier.as_str().into();
            object["access_level"] = access_level.as_str().into();
        }
        Holder::Client { scopes } => object["scopes"] = scopes.as_slice().into(),
    }
    object
}

fn set(limit: &Limit) -> Result<(), Error> {
    let directory = config::directory()?;
    let before = Environments::load(&directory)?.cache;
    let Limit { account, client, margin } = limit;
    let limits = CacheLimits {
        account: account.unwrap_or(before.account),
        client: client.unwrap_or(before.client),
        margin: margin.unwrap_or(before.margin),
    };
    Environments::put_cache(&directory, limits)?;
    // What rests there was promised a longer time, maybe.
    let forgotten = cache::clear();
    note(format!("written; {} forgotten", tokens(forgotten)));
    Ok(())
}

fn tokens(count: usize) -> String {
    if count == 1 { "1 token".into() } else { format!("{count} tokens") }
}
