//! `list`: the services, whoever named them, their accounts and hosts.

use std::time::Instant;

use serde_json::{Value, json};

use super::{load, note, print, print_json};
use crate::broker::Broker;
use crate::error::{Error, plain};
use crate::resolve::{Chosen, hosts, hosts_in_short};
use crate::service::{Origin, Service, Unusable};
use crate::suggest;

/// List the services, their accounts and hosts
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The environment whose connections are services, whatever the services say
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

const HEAD: [&str; 7] = ["SERVICE", "CONNECTION", "IDENTIFIER", "ENVIRONMENT", "FROM", "ONLY FOR", "HOSTS"];
/// The column that is left out where no service is for some commands alone.
const ONLY: usize = 5;

pub(super) fn run(arguments: &Arguments, deadline: Instant) -> Result<(), Error> {
    let broker = load(arguments.environment.as_deref(), deadline)?;
    if arguments.json {
        return print_json(to_json(&broker)?);
    }
    let mut rows = vec![HEAD.map(str::to_owned)];
    for service in broker.services.iter() {
        let usual = broker.account(service, &Chosen::default())?.identifier;
        let mut hosts = hosts_in_short(service);
        hosts.extend(service.learned.mcp_server_url.clone());
        rows.push([
            service.name.clone(),
            service.connection.clone(),
            called(service, &usual),
            broker.environment_name(service).to_owned(),
            origin(service).to_owned(),
            if service.only.is_empty() { "-".into() } else { service.only.join(",") },
            if hosts.is_empty() { "-".into() } else { hosts.join(" ") },
        ]);
        let others = service.accounts.iter().filter(|account| account.identifier != usual);
        rows.extend(others.map(|account| {
            let mut row = HEAD.map(|_| String::new());
            row[2] = called(service, &account.identifier);
            row
        }));
    }
    if rows.len() == 1 {
        let environment = broker.active_environment();
        note(match broker.why_nothing_is_synced() {
            Some((why, next)) => format!("no services yet, and {why}: {next}"),
            None => format!(
                "no services yet; {} finds those of your environment, {} adds one",
                suggest::sync(environment),
                suggest::config_new("SERVICE")
            ),
        });
    } else {
        print(&match broker.services.iter().any(|service| !service.only.is_empty()) {
            true => table(&rows),
            false => table(&rows.iter().map(without_only).collect::<Vec<_>>()),
        })?;
    }
    for Unusable { claim, reason } in &broker.services.unusable {
        note(format!("{} in connections.json is not used: {reason}", claim.name));
    }
    Ok(())
}

fn without_only(row: &[String; HEAD.len()]) -> [String; HEAD.len() - 1] {
    std::array::from_fn(|column| row[if column < ONLY { column } else { column + 1 }].clone())
}

fn to_json(broker: &Broker) -> Result<Value, Error> {
    let mut services = Vec::new();
    for service in broker.services.iter() {
        let accounts = service.accounts.iter().map(|account| {
            let hosts: Vec<String> = account.hosts.iter().map(ToString::to_string).collect();
            json!({"name": account.name, "identifier": account.identifier, "hosts": hosts})
        });
        let mut object = json!({
            "service": service.name,
            "connection": service.connection,
            "identifier": broker.account(service, &Chosen::default())?.identifier,
            "accounts": accounts.collect::<Vec<_>>(),
            "environment": broker.environment_name(service),
            "provider": service.provider().ok().flatten(),
            "from": origin(service),
            "hosts": hosts(service),
        });
        // What few services have stands there for them alone.
        if let Some(url) = &service.learned.mcp_server_url {
            object["mcp_server_url"] = url.as_str().into();
        }
        if service.learned.is_org_wide {
            object["org_wide"] = true.into();
        }
        if !service.only.is_empty() {
            object["only"] = service.only.as_slice().into();
        }
        services.push(object);
    }
    let unusable = broker.services.unusable.iter();
    let unusable = unusable.map(|Unusable { claim, reason }| json!({"service": claim.name, "reason": reason}));
    Ok(json!({"version": 1, "status": "ok", "services": services, "unusable": unusable.collect::<Vec<_>>()}))
}

fn origin(service: &Service) -> &'static str {
    match service.origin {
        Origin::Sync => "sync",
        Origin::User => "you",
    }
}

/// An identifier, with the short name that it goes by.
fn called(service: &Service, identifier: &str) -> String {
    match service.accounts.iter().find(|account| account.identifier == identifier) {
        Some(account) => format!("{identifier} (as {})", account.name),
        None => identifier.to_owned(),
    }
}

/// Columns as wide as their widest cell.
pub(super) fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{:<width$}", plain(cell))).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}
