//! `client delete`: deletes an API client in the vault, then what is stored of it.

use serde_json::json;

use super::rotate::next_of;
use super::secret::remove;
use super::selected::{self, Selected};
use super::{Done, Failed};
use crate::broker::Broker;
use crate::commands::confirm;
use crate::error::{Error, Kind, plain};
use crate::service::{Environment, HomeChoice};
use crate::suggest;

/// Delete an API client with its secrets, also the stored one
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    selected: selected::Arguments,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

pub(super) fn run(arguments: &Arguments, broker: &Broker) -> Result<Done, Failed> {
    if !arguments.yes {
        confirm::needs_terminal("--yes deletes it without a question")?;
    }
    let selected = Selected::find(&arguments.selected, broker)?;
    let Selected { vault, organization, client_id, service, .. } = &selected;
    let name = selected.get()?.name.unwrap_or_default();
    let question = || {
        format!(
            "Delete the API client {client_id} ({name}) of {organization} with its secrets? What uses it stops working."
        )
    };
    if !arguments.yes && !confirm::ask(&question())? {
        return Err(Error::new(Kind::Failed, "nothing was deleted").into());
    }
    vault.delete_client(organization, client_id).map_err(|error| selected.explain(error, "rotate"))?;
    selected.forget_tokens();
    let mut text = format!("{client_id} ({}) is deleted\n", plain(&name));
    // Without a service only the keyring is known to hold it, under the name that `create` gave it.
    let own = selected.machine().map(|machine| machine.environment()).unwrap_or_else(|| Environment {
        name: format!("client/{client_id}"),
        url: String::new(),
        client_id: client_id.clone(),
        home: HomeChoice::Keyring,
    });
    let shared = broker
        .services
        .iter()
        .filter(|other| Some(&other.name) != service.as_ref().map(|own| &own.name))
        .any(|other| other.client.as_ref().is_some_and(|other| other.environment().home.is_same_file(&own.home)));
    let mut removed = false;
    for stored in [next_of(&own), own] {
        match remove(&stored, shared) {
            Ok(there) => removed |= there,
            Err(_) if service.is_none() => {}
            Err(why) => {
                text += &format!("its secret stays {}: {}; it is worth nothing now\n", stored.home, plain(&why))
            }
        }
    }
    if removed {
        text += "its stored secret is removed\n";
    }
    let name = service.as_ref().map(|service| service.name.as_str());
    if let Some(name) = name {
        text += &format!("the service {name} gets no tokens any more; {} removes it\n", suggest::remove(name));
    }
    let object = json!({
        "client_id": client_id, "organization": organization, "deleted": true, "stored_secret_removed": removed,
        "service": name,
    });
    Ok(Done { object, text })
}
