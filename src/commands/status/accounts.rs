//! The state of every configured account, as the vault tells it without its credential.

use std::io::IsTerminal;

use serde_json::{Value, json};

use crate::broker::{Broker, selector};
use crate::clock;
use crate::consent::rfc3339;
use crate::error::{Error, plain};
use crate::resolve::Chosen;
use crate::service::{Account, Service};
use crate::vault::{self, Details, Status, Vault};

/// An account and what the vault says of it.
pub(super) struct State {
    service: String,
    identifier: String,
    /// One account holds the credential for everybody.
    is_org_wide: bool,
    details: Result<Details, Error>,
}

impl State {
    pub(super) fn to_json(&self) -> Value {
        let Self { service, identifier, is_org_wide, details } = self;
        let mut object = json!({"service": service, "identifier": identifier});
        if *is_org_wide {
            object["org_wide"] = true.into();
        }
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
        let vault = vault.map_err(Clone::clone)?;
        if !service.learned.is_org_wide {
            return vault.details(selector(service, account)).or_else(missing);
        }
        match vault.shared_account(&service.connection)? {
            Some(shared) => Ok(vault.details_by_id(&shared.id)?),
            None => missing(vault::Error::NotFound),
        }
    };
    let details = broker.each(&wanted, |service| broker.fresh_vault(service), ask);
    let states = accounts.iter().zip(details).map(|((service, account), details)| State {
        service: service.name.clone(),
        identifier: match service.learned.is_org_wide {
            true => "(everybody)".to_owned(),
            false => account.identifier.clone(),
        },
        is_org_wide: service.learned.is_org_wide,
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

/// As wide as most terminals are.
const WIDTH: usize = 100;
/// What a service's name may take of it.
const SERVICE_WIDTH: usize = 20;

/// An aligned table of [`WIDTH`] columns at most; the states have colours on a terminal, unless NO_COLOR is set
/// (<https://no-color.org>). What went wrong is below it, each cause once, and not again where it was `told` before.
pub(super) fn table(states: &[State], told: &[String]) -> String {
    if states.is_empty() {
        return String::new();
    }
    let has_colour =
        std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let mut causes: Vec<String> = Vec::new();
    let mut rows = vec![["SERVICE", "IDENTIFIER", "EXPIRES", "LAST USED", "STATE"].map(str::to_owned)];
    for State { service, identifier, details, .. } in states {
        let (expires, used) = details.as_ref().map_or((None, None), |d| (d.expires_at, d.last_used_at));
        let (expires, used) = (expires.map(rfc3339), used.map(clock::from_now));
        let or_dash = |cell: Option<String>| cell.unwrap_or_else(|| "-".to_owned());
        let state = match details {
            Ok(details) => plain(details.status.word()),
            Err(error) if told.contains(&error.line()) => "error (above)".to_owned(),
            Err(error) => {
                let line = error.line();
                let known = causes.iter().position(|cause| *cause == line);
                let number = known.unwrap_or_else(|| {
                    causes.push(line);
                    causes.len() - 1
                });
                format!("error ({})", number + 1)
            }
        };
        rows.push([plain(service), plain(identifier), or_dash(expires), or_dash(used), state]);
    }
    let longest = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let service = longest(0).min(SERVICE_WIDTH);
    let others = service + longest(2) + longest(3) + longest(4) + 4 * GAP.len();
    let widths = [service, longest(1).min(WIDTH.saturating_sub(others)), longest(2), longest(3)];
    let mut text = String::new();
    for (at, row) in rows.iter().enumerate() {
        for (cell, width) in row.iter().zip(widths) {
            text.push_str(&format!("{:<width$}{GAP}", cut(cell, width)));
        }
        let colour = if has_colour && at > 0 { colour_of(&states[at - 1]) } else { None };
        match colour {
            Some(code) => text.push_str(&format!("\x1b[{code}m{}\x1b[0m\n", row[4])),
            None => text.push_str(&format!("{}\n", row[4])),
        }
    }
    for (at, cause) in causes.iter().enumerate() {
        text.push_str(&format!("({}) {}\n", at + 1, plain(cause)));
    }
    text
}

/// Between two columns.
const GAP: &str = "  ";

/// The beginning of `text`, where it is wider.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['\u{2026}']).collect()
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
