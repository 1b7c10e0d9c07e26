//! `list`: the configured services.

use std::time::Instant;

use super::{note, print};
use crate::broker::{Broker, environment_name};
use crate::error::{Error, plain};
use crate::resolve::rules;

pub(super) fn run(deadline: Instant) -> Result<(), Error> {
    let broker = Broker::load(deadline)?;
    let mut rows = vec![["SERVICE", "CONNECTION", "IDENTIFIER", "ENVIRONMENT", "HOSTS"].map(str::to_owned)];
    for service in broker.services.iter() {
        let hosts: Vec<String> = rules(service).iter().map(|rule| rule.pattern.to_string()).collect();
        rows.push([
            service.name.clone(),
            service.connection.clone(),
            broker.account(service, None)?.identifier,
            environment_name(service).to_owned(),
            if hosts.is_empty() { "-".into() } else { hosts.join(" ") },
        ]);
    }
    if rows.len() == 1 {
        note("no services yet; `scalekit-auth config SERVICE CONNECTION` adds one");
    } else {
        print(&table(&rows))?;
    }
    for (name, reason) in &broker.services.unusable {
        note(format!("{name} in connections.json is not used: {reason}"));
    }
    Ok(())
}

fn table<const N: usize>(rows: &[[String; N]]) -> String {
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
