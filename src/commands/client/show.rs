//! How an API client is shown: `get`, `secrets`, and what the other commands say of it.

use serde_json::{Map, Value, json};

use super::selected::{Arguments, Selected};
use super::{Done, Failed};
use crate::broker::Broker;
use crate::commands::list::table;
use crate::consent::rfc3339;
use crate::error::plain;
use crate::vault::{ApiClientRecord, ClientSecret};

pub(super) fn get(arguments: &Arguments, broker: &Broker) -> Result<Done, Failed> {
    let selected = Selected::find(arguments, broker)?;
    let client = selected.get()?;
    let service = selected.service.as_ref().map(|service| service.name.as_str());
    Ok(Done { object: to_json(&client, service), text: to_text(&client, service) })
}

pub(super) fn secrets(arguments: &Arguments, broker: &Broker) -> Result<Done, Failed> {
    let client = Selected::find(arguments, broker)?.get()?;
    let mut rows = vec![["SECRET", "ENDS WITH", "STATUS", "CREATED", "LAST USED"].map(str::to_owned)];
    let time = |at: Option<i64>| at.map_or_else(|| "-".to_owned(), rfc3339);
    rows.extend(client.secrets.iter().map(|secret| {
        let ClientSecret { id, suffix, status, created_at, last_used_at } = secret;
        let suffix = suffix.as_deref().unwrap_or("-").to_owned();
        [id.clone(), suffix, status.clone(), time(*created_at), time(*last_used_at)]
    }));
    let object = json!({"client_id": client.client_id, "secrets": secrets_json(&client)});
    Ok(Done { object, text: table(&rows) })
}

/// What `--json` says of a client; `service` is ours that stands for it.
pub(super) fn to_json(client: &ApiClientRecord, service: Option<&str>) -> Value {
    let ApiClientRecord { client_id, name, description, organization, scopes, audience, claims, expiry, secrets: _ } =
        client;
    let claims: Map<String, Value> = claims.iter().map(|(key, value)| (key.clone(), value.as_str().into())).collect();
    json!({
        "client_id": client_id,
        "organization": organization,
        "name": name,
        "description": description,
        "scopes": scopes,
        "audience": audience,
        "claims": claims,
        "expiry": expiry,
        "secrets": secrets_json(client),
        "service": service,
    })
}

/// One line for each thing that is known of a client.
pub(super) fn to_text(client: &ApiClientRecord, service: Option<&str>) -> String {
    let claims: Vec<String> = client.claims.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let rows = [
        ("client id", Some(client.client_id.clone())),
        ("name", client.name.clone()),
        ("description", client.description.clone()),
        ("organization", client.organization.clone()),
        ("scopes", joined(&client.scopes)),
        ("audience", joined(&client.audience)),
        ("claims", joined(&claims)),
        ("expiry", Some(client.expiry.map_or_else(|| "the environment's".into(), |seconds| format!("{seconds} s")))),
        ("service", service.map(str::to_owned)),
    ];
    let line = |(key, value): (&str, Option<String>)| Some(format!("{:<14}{}\n", format!("{key}:"), plain(&value?)));
    rows.into_iter().filter_map(line).collect()
}

fn joined(list: &[String]) -> Option<String> {
    (!list.is_empty()).then(|| list.join(" "))
}

fn secrets_json(client: &ApiClientRecord) -> Value {
    let one = |secret: &ClientSecret| {
        let ClientSecret { id, suffix, status, created_at, last_used_at } = secret;
        json!({
            "id": id,
            "suffix": suffix,
            "status": status,
            "created_at": created_at.map(rfc3339),
            "last_used_at": last_used_at.map(rfc3339),
        })
    };
    client.secrets.iter().map(one).collect()
}
