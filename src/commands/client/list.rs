//! `client list`: all API clients of an organization.

use serde_json::json;

use super::selected::explain;
use super::{Done, Failed, input, show};
use crate::broker::Broker;
use crate::commands::list::table;
use crate::commands::print;
use crate::service::Service;
use crate::suggest::Clients;
use crate::vault::ApiClientRecord;

const HEAD: [&str; 5] = ["CLIENT", "NAME", "SCOPES", "SECRETS", "SERVICE"];

/// List the API clients of an organization
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The organization, org_123
    #[arg(long = "org", value_name = "ORG")]
    organization: String,
}

pub(super) fn run(arguments: &Arguments, broker: &Broker, json: bool) -> Result<Done, Failed> {
    let organization = input::organization(&arguments.organization)?;
    let vault = broker.patient_vault_of(broker.active_environment())?;
    let service = |client_id: &str| {
        let stands_for = |service: &&Service| service.client.as_ref().is_some_and(|own| own.client_id == client_id);
        broker.services.iter().find(stands_for).map(|service| service.name.as_str())
    };
    let (mut objects, mut shown, mut printed) = (Vec::new(), 0, Ok(()));
    let all = vault.clients(organization, |page| {
        if json {
            objects.extend(page.iter().map(|client| show::to_json(client, service(&client.client_id))));
        } else if !page.is_empty() && printed.is_ok() {
            // A long list is shown as it comes; each page is aligned by itself.
            let head = (shown == 0).then(|| HEAD.map(str::to_owned));
            let rows: Vec<_> =
                head.into_iter().chain(page.iter().map(|client| row(client, service(&client.client_id)))).collect();
            printed = print(&table(&rows));
        }
        shown += page.len();
    });
    all.map_err(|error| {
        explain(error, "read", Clients { organization, environment: broker.forced_environment() }, None)
    })?;
    printed?;
    let text = if shown == 0 { format!("{organization} has no API clients\n") } else { String::new() };
    Ok(Done { object: json!({"organization": organization, "clients": objects}), text })
}

fn row(client: &ApiClientRecord, service: Option<&str>) -> [String; 5] {
    [
        client.client_id.clone(),
        client.name.clone().unwrap_or_else(|| "-".into()),
        if client.scopes.is_empty() { "-".into() } else { client.scopes.join(" ") },
        client.secrets.len().to_string(),
        service.unwrap_or("-").to_owned(),
    ]
}
