//! `client create`: creates an API client and stores its only secret, which the vault shows this once.

use std::io::IsTerminal;

use super::input::{self, Fields};
use super::prepared::Prepared;
use super::selected::explain;
use super::{Done, Failed, secret, show};
use crate::broker::Broker;
use crate::commands::homes::HomeArgument;
use crate::commands::note;
use crate::error::{Error, Kind};
use crate::secret::Secret;
use crate::service::{HomeChoice, Services};
use crate::suggest::{self, Clients};
use crate::vault::{self, ApiClientRecord, NewClient, Vault};

/// Create an API client and store its secret
///
/// With --service the client is a service at once: `token`, git, docker and the others get its JWTs. Without it, the secret
/// is in the keyring, and `config SERVICE --client-id CLIENT` makes a service of it later.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The organization, org_123
    #[arg(long = "org", value_name = "ORG")]
    organization: String,
    /// Its name, at most 128 characters
    #[arg(long, value_name = "NAME")]
    name: String,
    #[command(flatten)]
    fields: Fields,
    /// Make it a service of this name
    #[arg(long, value_name = "SERVICE")]
    service: Option<String>,
    /// A host that gets its token: api.example.com, *.example.com; may be repeated
    #[arg(long = "host", value_name = "PATTERN", requires = "service")]
    hosts: Vec<String>,
    /// Where its secret lives: keyring (the usual) or file:PATH
    #[arg(long, value_name = "HOME", value_parser = HomeArgument::parse)]
    home: Option<HomeArgument>,
    /// Print the secret, alone, instead of storing it, to be piped to where it belongs; all else goes to stderr
    #[arg(long, conflicts_with_all = ["service", "home"])]
    hand_over: bool,
}

pub(super) fn run(arguments: &Arguments, broker: &Broker, json: bool) -> Result<Done, Failed> {
    let organization = input::organization(&arguments.organization)?;
    if arguments.hand_over && json {
        return Err(Error::new(Kind::Usage, "--hand-over prints the secret alone, so that --json has no place")
            .next("leave one of them out")
            .into());
    }
    let wanted = arguments.fields.checked(Some(&arguments.name))?;
    let vault = broker.patient_vault_of(broker.active_environment())?;
    let clients = Clients { organization, environment: broker.forced_environment() };
    if arguments.hand_over {
        return hand_over(&vault, clients, &wanted);
    }
    let Arguments { service, hosts, home, .. } = arguments;
    let prepared = Prepared::check(broker, organization, home.as_ref(), service.as_deref(), hosts)?;
    let (client, plain) = create(&vault, clients, &wanted)?;
    let place = prepared.place(&client.client_id);
    let stored = secret::credentials(&place, plain.clone()).and_then(|new| secret::write(&place, &new, false));
    if let Err(error) = stored {
        return Err(not_stored(&vault, clients, &client, plain, &error));
    }
    if let Some(service) = prepared.service(&client.client_id) {
        let written = Services::edit(&broker.directory, &service.name, |before| match before {
            None => Ok(service.clone()),
            Some(_) => Err(Error::new(Kind::Failed, format!("there is a service {} by now", service.name))),
        });
        written.map_err(|error| {
            Error::new(
                error.kind(),
                format!("{} is created, its secret is {}, but it is no service", client.client_id, place.home),
            )
            .why(error.line())
            .next({
                let config = suggest::config_client(&service.name, &client.client_id).option("--org", organization);
                let config =
                    service.hosts.iter().fold(config, |config, host| config.option("--host", host.to_string()));
                match &place.home {
                    HomeChoice::File { path, .. } => config.option("--home", format!("file:{}", path.display())),
                    _ => config,
                }
            })
        })?;
    }
    let service = service.as_deref();
    let mut object = show::to_json(&client, service);
    object["stored"] = place.home.to_string().into();
    let mut text = show::to_text(&client, service) + &format!("{:<14}{}\n", "secret:", place.home);
    if let (Some(name), []) = (service, &hosts[..]) {
        text += &format!(
            "It answers for no host yet; {} works.
",
            suggest::token(name)
        );
    }
    Ok(Done { object, text })
}

/// Where the reply is lost, there may be a client whose secret nobody knows.
fn create(vault: &Vault, clients: Clients<'_>, wanted: &NewClient) -> Result<(ApiClientRecord, Secret<String>), Error> {
    vault.create_client(clients.organization, wanted).map_err(|error| match error {
        vault::Error::Cut(_) | vault::Error::Timeout(_) | vault::Error::Unreadable(_) | vault::Error::TooLarge(_) => {
            let kind = Error::from(error.clone()).kind();
            Error::new(kind, "it is not known whether the API client was created").why(&error).next(format!(
                "{} shows it, {} removes it; its secret is lost",
                clients.list(),
                clients.delete("CLIENT")
            ))
        }
        error => explain(error, "write", clients, None),
    })
}

fn hand_over(vault: &Vault, clients: Clients<'_>, wanted: &NewClient) -> Result<Done, Failed> {
    if std::io::stdout().is_terminal() {
        note("the secret will be on the screen; `| COMMAND` or `> FILE` behind the command keeps it off");
    }
    let (client, plain) = create(vault, clients, wanted)?;
    for line in show::to_text(&client, None).lines() {
        note(line);
    }
    note("its secret is printed this once and stored nowhere");
    // Printed here, so that it is in no text that could go elsewhere.
    super::print(Secret::new(format!("{}\n", plain.expose())).expose()).map_err(|error| {
        Error::new(error.kind(), format!("the secret of {} could not be handed over", client.client_id))
            .why(error.line())
            .next(format!("{}, then again", clients.delete(&client.client_id).word("--yes")))
    })?;
    Ok(Done { object: serde_json::Value::Null, text: String::new() })
}

/// A client whose secret cannot be stored is deleted again. If that fails, too, the secret is handed over, for it is the only
/// one.
fn not_stored(
    vault: &Vault,
    clients: Clients<'_>,
    client: &ApiClientRecord,
    plain: Secret<String>,
    why: &Error,
) -> Failed {
    let id = &client.client_id;
    match vault.delete_client(clients.organization, id) {
        Ok(()) => {
            Error::new(why.kind(), format!("the secret of {id} could not be stored; the client is deleted again"))
                .why(why.line())
                .next("choose a --home that can be written, then again")
                .into()
        }
        Err(error) => Failed {
            error: Error::new(
                why.kind(),
                format!("{id} is created, but its secret is stored nowhere: it is on stdout"),
            )
            .why(format!("{}; and the client could not be deleted again: {error}", why.line()))
            .next(format!(
                "keep the secret ({}), or {}",
                suggest::config_client("SERVICE", id).word("--secret-stdin"),
                clients.delete(id).word("--yes")
            )),
            left: Some(Box::new((id.clone(), plain))),
        },
    }
}
