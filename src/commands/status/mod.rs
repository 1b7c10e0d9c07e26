//! `status`: each environment, where its client credentials live and whether they can be read now; with `--check` also
//! whether the vault accepts them, and every account that it has.

mod accounts;

use std::time::Instant;

use serde_json::{Value, json};

use super::{print, print_json, setup};
use crate::broker::{Broker, not_logged_in};
use crate::error::{Error, plain};
use crate::service::{ClientCredentials, DEFAULT_ENVIRONMENT, client_id_shown};

/// Show each environment, where its client credentials live, and whether they can be read
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Also prove the client credentials against the vault, and show the state of every account
    #[arg(long)]
    check: bool,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, deadline: Instant) -> Result<(), Error> {
    let broker = super::load(None, deadline)?;
    let environments = environments(&broker, arguments.check)?;
    let is_known = !environments.is_empty();
    let accounts = if arguments.check && is_known { accounts::all(&broker)? } else { Vec::new() };
    let reach = setup::reach(&broker);
    if arguments.json {
        let environments: Vec<Value> = environments.iter().map(Shown::to_json).collect();
        let accounts: Vec<Value> = accounts.iter().map(accounts::State::to_json).collect();
        let object = json!({
            "version": 1, "status": if is_known { "ok" } else { "error" },
            "environments": environments, "accounts": accounts, "tools": reach,
        });
        print_json(object)?;
    } else {
        print(&environments.iter().map(Shown::to_text).collect::<String>())?;
        let told: Vec<String> =
            environments.iter().filter_map(|shown| Some(shown.state.as_ref().err()?.line())).collect();
        print(&accounts::table(&accounts, &told))?;
        print(&reach.iter().map(|line| format!("{}\n", plain(line))).collect::<String>())?;
    }
    match environments.into_iter().find_map(|shown| shown.state.err()) {
        Some(error) => Err(error),
        None if is_known => Ok(()),
        None => Err(not_logged_in(DEFAULT_ENVIRONMENT)),
    }
}

/// An environment, and whether its client credentials are good.
struct Shown {
    name: String,
    place: String,
    state: Result<&'static str, Error>,
}

impl Shown {
    fn to_text(&self) -> String {
        let state = self.state.as_ref().map_or_else(|error| error.line(), |state| (*state).to_owned());
        format!("{}: {}\n  {}\n", plain(&self.name), plain(&self.place), plain(&state))
    }

    fn to_json(&self) -> Value {
        let (status, message) = match &self.state {
            Ok(state) => ("ok", (*state).to_owned()),
            Err(error) => ("error", error.line()),
        };
        json!({"name": self.name, "place": self.place, "status": status, "message": message})
    }
}

fn environments(broker: &Broker, ask_vault: bool) -> Result<Vec<Shown>, Error> {
    let mut all = Vec::new();
    if let Some(credentials) = broker.variables()? {
        let client = client(&credentials.client_id);
        let place = format!("{}, {client}, in the environment variables", credentials.url);
        let state = check(broker, Ok(credentials.clone()), ask_vault);
        all.push(Shown { name: "environment variables".into(), place, state });
    }
    for environment in broker.environments.iter() {
        let place = format!("{}, {}, {}", environment.url, client(&environment.client_id), environment.home);
        let state = check(broker, broker.stored_credentials(&environment.name), ask_vault);
        all.push(Shown { name: environment.name.clone(), place, state });
    }
    Ok(all)
}

fn client(id: &str) -> String {
    match client_id_shown(id) {
        Some(id) => format!("client {id}"),
        None => "a client id that does not begin with skc_ and is not shown".to_owned(),
    }
}

fn check(
    broker: &Broker,
    credentials: Result<ClientCredentials, Error>,
    ask_vault: bool,
) -> Result<&'static str, Error> {
    let vault = broker.open(credentials?)?;
    if !ask_vault {
        return Ok("the client secret can be read");
    }
    vault.prove()?;
    Ok("the client secret can be read, and the vault accepts it")
}
