//! `list`: the services, whoever named them, their accounts and hosts.

use std::time::Instant;

use super::{load, note, print};
use crate::config::{Origin, Service, Unusable};
use crate::error::{Error, plain};
use crate::resolve::{Chosen, rules};

const HEAD: [&str; 6] = ["SERVICE", "CONNECTION", "IDENTIFIER", "ENVIRONMENT", "FROM", "HOSTS"];

pub(super) fn run(deadline: Instant) -> Result<(), Error> {
    let broker = load(None, deadline)?;
    let mut rows = vec![HEAD.map(str::to_owned)];
    for service in broker.services.iter() {
        let usual = broker.account(service, &Chosen::default())?.identifier;
        let hosts: Vec<String> = rules(service).iter().map(|rule| rule.pattern.to_string()).collect();
        rows.push([
            service.name.clone(),
            service.connection.clone(),
            called(service, &usual),
            broker.environment_name(service).to_owned(),
            if service.origin == Origin::Sync { "sync".into() } else { "you".into() },
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
        note(
            "no services yet; `scalekit-auth sync` finds those of your environment, `scalekit-auth config SERVICE CONNECTION` adds one",
        );
    } else {
        print(&table(&rows))?;
    }
    for Unusable { claim, reason } in &broker.services.unusable {
        note(format!("{} in connections.json is not used: {reason}", claim.name));
    }
    Ok(())
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
