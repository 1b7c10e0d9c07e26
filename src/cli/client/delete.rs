//! `client delete`: deletes an API client in the vault, then what is stored of it.

use std::io::{BufRead, IsTerminal};

use serde_json::json;

use super::rotate::next_of;
use super::secret::remove;
use super::selected::{self, Selected};
use super::{Done, Failed};
use crate::broker::Broker;
use crate::config::{Environment, HomeChoice};
use crate::error::{Error, Kind, plain};

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
    if !arguments.yes && (!std::io::stdin().is_terminal() || !std::io::stderr().is_terminal()) {
        return Err(Error::new(Kind::Usage, "there is no terminal to ask on")
            .next("--yes deletes it without a question")
            .into());
    }
    let selected = Selected::find(&arguments.selected, broker)?;
    let Selected { vault, organization, client_id, service } = &selected;
    let name = selected.get()?.name.unwrap_or_default();
    if !arguments.yes && !is_confirmed(&format!("{client_id} ({name}) of {organization}"))? {
        return Err(Error::new(Kind::Failed, "nothing was deleted").into());
    }
    vault.delete_client(organization, client_id).map_err(|error| selected.explain(error, "rotate"))?;
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
        text += &format!("the service {name} gets no tokens any more; `scalekit-auth remove {name}` removes it\n");
    }
    let object = json!({
        "client_id": client_id, "organization": organization, "deleted": true, "stored_secret_removed": removed,
        "service": name,
    });
    Ok(Done { object, text })
}

fn is_confirmed(what: &str) -> Result<bool, Error> {
    eprint!("Delete the API client {} with its secrets? What uses it stops working. [y/N] ", plain(what));
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    read.map_err(|error| Error::new(Kind::Failed, "stdin cannot be read").why(error))?;
    Ok(answer.trim_start().to_ascii_lowercase().starts_with('y'))
}
