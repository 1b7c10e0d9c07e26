//! The state of every configured account, as the vault tells it without its credential.

use std::io::IsTerminal;

use serde_json::{Value, json};

use crate::broker::{Broker, selector};
use crate::config::Service;
use crate::consent::rfc3339;
use crate::error::{Error, plain};
use crate::resolve::{Account, Chosen};
use crate::vault::{self, Details, Status, Vault};

/// An account and what the vault says of it.
pub(super) struct State {
    service: String,
    identifier: String,
    details: Result<Details, Error>,
}

impl State {
    fn word(&self) -> String {
        match &self.details {
            Ok(details) => details.status.word().to_owned(),
            Err(error) => error.line(),
        }
    }

    pub(super) fn to_json(&self) -> Value {
        let Self { service, identifier, details } = self;
        let mut object = json!({"service": service, "identifier": identifier});
        match details {
            Ok(details) => {
                object["status"] = "ok".into();
                object["account_status"] = details.status.word().into();
                object["expires_at"] = details.expires_at.map(rfc3339).into();
                object["last_used_at"] = details.last_used_at.map(rfc3339).into();
            }
            Err(error) => {
                object["status"] = "error".into();
                object["code"] = error.kind().code().into();
                object["message"] = error.line().into();
            }
        }
        object
    }
}

/// Asks for all of them at once.
pub(super) fn all(broker: &Broker) -> Result<Vec<State>, Error> {
    let mut accounts: Vec<(&Service, Account)> = Vec::new();
    for service in broker.services.iter().filter(|service| service.client.is_none()) {
        let usual = broker.account(service, &Chosen::default())?;
        let others = service.identifiers().filter(|identifier| *identifier != usual.identifier);
        let mut named: Vec<Account> = Vec::new();
        for identifier in others {
            let account = broker.account(service, &Chosen { identifier: Some(identifier), ..Chosen::default() })?;
            if !named.contains(&account) {
                named.push(account);
            }
        }
        accounts.extend(std::iter::once(usual).chain(named).map(|account| (service, account)));
    }
    let wanted: Vec<_> = accounts.iter().map(|(service, account)| (*service, account)).collect();
    let ask = |vault: Result<&Vault, &Error>, service: &Service, account: &Account| {
        vault.map_err(Clone::clone)?.details(selector(service, account)).or_else(missing)
    };
    let details = broker.each(&wanted, |service| broker.fresh_vault(service), ask);
    let states = accounts.iter().zip(details).map(|((service, account), details)| State {
        service: service.name.clone(),
        identifier: account.identifier.clone(),
        details,
    });
    Ok(states.collect())
}

/// An account that nobody has asked for yet is not there; that is a state and no failure.
fn missing(error: vault::Error) -> Result<Details, Error> {
    match error {
        vault::Error::NotFound => Ok(Details {
            status: Status::Other("NOT_CONNECTED".into()),
            kind: None,
            expires_at: None,
            updated_at: None,
            last_used_at: None,
            facts: vault::Facts::default(),
        }),
        error => Err(error.into()),
    }
}

/// An aligned table; the states have colours on a terminal, unless NO_COLOR is set (<https://no-color.org>).
pub(super) fn table(states: &[State]) -> String {
    if states.is_empty() {
        return String::new();
    }
    let has_colour =
        std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let time = |at: Option<i64>| at.map_or_else(|| "-".to_owned(), rfc3339);
    let mut rows = vec![["SERVICE", "IDENTIFIER", "EXPIRES", "LAST USED", "STATE"].map(str::to_owned)];
    rows.extend(states.iter().map(|state| {
        let (expires, used) = state.details.as_ref().map_or((None, None), |d| (d.expires_at, d.last_used_at));
        [plain(&state.service), plain(&state.identifier), time(expires), time(used), plain(&state.word())]
    }));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (at, row) in rows.iter().enumerate() {
        for (column, cell) in row[..4].iter().enumerate() {
            text.push_str(&format!("{cell:<width$}  ", width = width(column)));
        }
        let colour = if has_colour && at > 0 { colour_of(&states[at - 1]) } else { None };
        match colour {
            Some(code) => text.push_str(&format!("\x1b[{code}m{}\x1b[0m\n", row[4])),
            None => text.push_str(&format!("{}\n", row[4])),
        }
    }
    text
}

fn colour_of(state: &State) -> Option<u8> {
    const GREEN: u8 = 32;
    const YELLOW: u8 = 33;
    const RED: u8 = 31;
    Some(match &state.details {
        Ok(details) if details.status == Status::Active => GREEN,
        Ok(_) => YELLOW,
        Err(_) => RED,
    })
}
