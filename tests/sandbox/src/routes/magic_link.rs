//! Magic links, as a client gets them; what a person does with one is in [`super::consent`].

use std::time::SystemTime;

use serde_json::Value;
use uuid::Uuid;

use super::selector::{Selector, at_most, text};
use super::{Answer, Call, ERROR, Guard, Route, Takes};
use crate::account::shifted;
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

fn create(state: &mut State, call: &Call, style: Style) -> Result<Answer, Refusal> {
    let fields = &call.fields;
    let selector = Selector::of(fields)?;
    check_return(fields, state.verify_url_required)?;
    let place = match selector {
        Selector::Id(_) => selector.find(state)?,
        Selector::Key(key) => {
            if !state.connection(key.connector)?.enabled {
                return Err(Refusal::NotEnabled(key.connector.to_owned()));
            }
            key.position_or_new(state)
        }
    };
    let id = format!("{}_o", Uuid::new_v4());
    let link = format!("{}/magicLink/{id}", state.origin.url);
    let lifetime = i64::try_from(state.link_lifetime).unwrap_or(i64::MAX);
    let expiry = timestamp(shifted(SystemTime::now(), lifetime));
    let account = state.accounts[place].id.clone();
    let of = |name: &str| text(fields, name).map(str::to_owned);
    let (user_verify_url, passed_on) = (of("user_verify_url")?, of("state")?);
    let good_until = after(state.link_lifetime);
    state.links.insert(id, Link { account, good_until, user_verify_url, state: passed_on });
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
