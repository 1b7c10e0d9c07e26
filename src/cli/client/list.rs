//! `client list`: all API clients of an organization.

use serde_json::{Value, json};

use super::selected::explain;
use super::{Done, Failed, input, show};
use crate::broker::Broker;
use crate::cli::list::table;
use crate::config::Service;

/// List the API clients of an organization
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The organization, org_123
    #[arg(long = "org", value_name = "ORG")]
    organization: String,
}

pub(super) fn run(arguments: &Arguments, broker: &Broker) -> Result<Done, Failed> {
    let organization = input::organization(&arguments.organization)?;
    let vault = broker.patient_vault_of(broker.active_environment())?;
    let clients = vault.clients(organization).map_err(|error| explain(error, "read", organization, None))?;
    let service = |client_id: &str| {
        let stands_for = |service: &&Service| service.client.as_ref().is_some_and(|own| own.client_id == client_id);
        broker.services.iter().find(stands_for).map(|service| service.name.as_str())
    };
    let mut rows = vec![["CLIENT", "NAME", "SCOPES", "SECRETS", "SERVICE"].map(str::to_owned)];
    rows.extend(clients.iter().map(|client| {
        [
            client.client_id.clone(),
            client.name.clone().unwrap_or_else(|| "-".into()),
            if client.scopes.is_empty() { "-".into() } else { client.scopes.join(" ") },
            client.secrets.len().to_string(),
            service(&client.client_id).unwrap_or("-").to_owned(),
        ]
    }));
    let objects: Value = clients.iter().map(|client| show::to_json(client, service(&client.client_id))).collect();
    let text = if clients.is_empty() { format!("{organization} has no API clients\n") } else { table(&rows) };
    Ok(Done { object: json!({"organization": organization, "clients": objects}), text })
}
