//! `client update`: changes what was given, and nothing else.

use super::input::Fields;
use super::selected::{self, Selected};
use super::{Done, Failed, show};
use crate::broker::Broker;
use crate::error::{Error, Kind};
use crate::vault::NewClient;

/// Change an API client; what is not given stays
///
/// A list that is given takes the place of the one of before. Nothing can be emptied: the API takes an empty value for one
/// that was not given.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    selected: selected::Arguments,
    /// Another name, at most 128 characters
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    fields: Fields,
}

pub(super) fn run(arguments: &Arguments, broker: &Broker) -> Result<Done, Failed> {
    let change = arguments.fields.checked(arguments.name.as_deref())?;
    if change == NewClient::default() {
        return Err(Error::new(Kind::Usage, "there is nothing to change")
            .next("give --name, --description, --scope, --audience, --claim or --expiry")
            .into());
    }
    let selected = Selected::find(&arguments.selected, broker)?;
    let Selected { vault, organization, client_id, service, .. } = &selected;
    vault.update_client(organization, client_id, &change).map_err(|error| selected.explain(error, "write"))?;
    selected.forget_tokens();
    // The reply to the change need not hold everything, the secrets for instance.
    let client = selected.get()?;
    let service = service.as_ref().map(|service| service.name.as_str());
    Ok(Done { object: show::to_json(&client, service), text: show::to_text(&client, service) })
}
