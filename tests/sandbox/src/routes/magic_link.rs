//! Magic links: made for a client, visited by a person.

use std::time::{Instant, SystemTime};

use serde_json::Value;
use uuid::Uuid;

use super::selector::{Selector, at_most, text};
use super::{Answer, Call, ERROR, Guard, Route, Takes};
use crate::account::{Expiry, shifted};
use crate::error::Refusal;
use crate::schema::Own;
use crate::state::{Link, State, after};
use crate::wire::{Message, Style, timestamp};

pub(super) const CREATE: Route = Route {
    method: "POST",
    template: "/api/v1/connected_accounts/magic_link",
    guard: Guard::Bearer,
    takes: Takes::Json(Own { document: "connected_accounts", name: "MagicLinkRequest" }),
    gives: Some(Own { document: "connected_accounts", name: "MagicLinkReply" }),
    fails: Some(ERROR),
    handler: create,
};

pub(super) const VISIT: Route = Route {
    method: "GET",
    template: "/magicLink/{id}",
    guard: Guard::Open,
    takes: Takes::Nothing,
    gives: None,
    fails: None,
    handler: visit,
};

fn create(state: &mut State, call: &Call, style: Style) -> Result<Answer, Refusal> {
    let fields = &call.fields;
    let selector = Selector::of(fields)?;
    check_return(fields, state.verify_url_required)?;
    let place = match selector {
        Selector::Id(_) => selector.find(state)?,
        Selector::Pair { connector, identifier } => {
            if !state.connection(connector)?.enabled {
                return Err(Refusal::NotEnabled(connector.to_owned()));
            }
            let place = state.position(connector, identifier);
            place.unwrap_or_else(|| state.add_pending(connector, identifier))
        }
    };
    let id = format!("{}_o", Uuid::new_v4());
    let link = format!("{}/magicLink/{id}", state.origin.url);
    let lifetime = i64::try_from(state.link_lifetime).unwrap_or(i64::MAX);
    let expiry = timestamp(shifted(SystemTime::now(), lifetime));
    let account = state.accounts[place].id.clone();
    state.links.insert(id, Link { account, good_until: after(state.link_lifetime) });
    let body = Message::new(style).text("link", &link).time("expiry", Some(expiry)).done();
    Ok(Answer::Json { status: 200, body })
}

/// The rules for where the person is sent afterwards.
fn check_return(fields: &Value, required: bool) -> Result<(), Refusal> {
    at_most(fields, "state", 512)?;
    at_most(fields, "user_verify_url", 2048)?;
    let url = text(fields, "user_verify_url")?;
    if required && url.is_empty() {
        return Err(Refusal::InvalidArgument("user_verify_url: value is required".to_owned()));
    }
    if !url.is_empty() && !url.starts_with("http://") && !url.starts_with("https://") {
        return Err(Refusal::InvalidArgument("user_verify_url: value does not match `^$|^https?://`".to_owned()));
    }
    Ok(())
}

fn visit(state: &mut State, call: &Call, _: Style) -> Result<Answer, Refusal> {
    let id = call.path.rsplit('/').next().unwrap_or_default();
    let link = state.links.get(id).filter(|link| link.good_until > Instant::now());
    let place = link.and_then(|link| state.accounts.iter().position(|account| account.id == link.account));
    let Some(place) = place else {
        return Ok(Answer::Page { status: 404, html: page("This link is not valid, or no longer.") });
    };
    state.consents += 1;
    let token = format!("sandbox-token-{}", state.consents);
    let account = &mut state.accounts[place];
    // What was typed in by hand stays as it is: consent to it is all that was missing.
    if account.credential.renew(token) {
        account.queue.clear();
        account.renewed_at = SystemTime::now();
        account.expiry = Expiry::After(3600);
    }
    account.status = "ACTIVE".to_owned();
    Ok(Answer::Page { status: 200, html: page("Done. You can close this window.") })
}

fn page(text: &str) -> String {
    format!("<!doctype html><html lang=en><meta charset=utf-8><title>Scalekit sandbox</title><p>{text}</p></html>\n")
}
