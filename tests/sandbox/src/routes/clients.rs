//! API clients of organizations: creating, listing, reading, changing, deleting.

use std::time::SystemTime;

use serde_json::Value;

use super::client_ids::Ids;
use super::pages::Page;
use super::selector::{at_least, at_most, text};
use super::{Answer, Call, ERROR, Guard, Route, Takes};
use crate::client::{Client, Details, Secret};
use crate::error::Refusal;
use crate::schema::Own;
use crate::state::State;
use crate::wire::{Message, Style};

const fn own(name: &'static str) -> Own {
    Own { document: "clients", name }
}

const ALL: &str = "/api/v1/organizations/{organization_id}/clients";
const ONE: &str = "/api/v1/organizations/{organization_id}/clients/{client_id}";

pub(super) const CREATE: Route = Route {
    method: "POST",
    template: ALL,
    guard: Guard::Bearer,
    takes: Takes::Json(own("CreateRequest")),
    gives: Some(own("CreateReply")),
    fails: Some(ERROR),
    handler: create,
};

pub(super) const LIST: Route = Route {
    method: "GET",
    template: ALL,
    guard: Guard::Bearer,
    takes: Takes::Query(own("ListQuery")),
    gives: Some(own("ListReply")),
    fails: Some(ERROR),
    handler: list,
};

pub(super) const GET: Route = Route {
    method: "GET",
    template: ONE,
    guard: Guard::Bearer,
    takes: Takes::Nothing,
    gives: Some(own("ClientReply")),
    fails: Some(ERROR),
    handler: get,
};

pub(super) const UPDATE: Route = Route {
    method: "PATCH",
    template: ONE,
    guard: Guard::Bearer,
    takes: Takes::Json(own("UpdateRequest")),
    gives: Some(own("ClientReply")),
    fails: Some(ERROR),
    handler: update,
};

pub(super) const DELETE: Route = Route {
    method: "DELETE",
    template: ONE,
    guard: Guard::Bearer,
    takes: Takes::Nothing,
    gives: Some(own("DeleteReply")),
    fails: Some(ERROR),
    handler: delete,
};

fn create(state: &mut State, call: &Call, style: Style) -> Result<Answer, Refusal> {
    let organization = Ids::of(state, call)?.organization.to_owned();
    let details = details(&call.fields)?;
    if details.name.is_empty() {
        return Err(Refusal::InvalidArgument("name: value is required".to_owned()));
    }
    let secret = state.new_secret();
    let plain = secret.plain.clone();
    let now = SystemTime::now();
    let id = state.next_id("m2morg");
    let client = Client { id, organization, details, created_at: now, updated_at: now, secrets: vec![secret] };
    let shown = client.write(&client.secrets, style);
    state.clients.push(client);
    let body = Message::new(style).object("client", Some(shown)).text("plain_secret", &plain).done();
    Ok(Answer::Json { status: 201, body })
}

fn list(state: &mut State, call: &Call, style: Style) -> Result<Answer, Refusal> {
    let ids = Ids::of(state, call)?;
    let page = Page::of(&call.fields, 100)?;
    if call.fields.get("page_size").and_then(Value::as_u64).is_some_and(|size| (1..10).contains(&size)) {
        return Err(Refusal::InvalidArgument("page_size: value must be at least 10".to_owned()));
    }
    let found: Vec<&Client> = state.clients.iter().filter(|client| client.organization == ids.organization).collect();
    page.answer("clients", &found, style, |client| Ok(client.write(&client.secrets, style)))
}

fn get(state: &mut State, call: &Call, style: Style) -> Result<Answer, Refusal> {
    let client = &state.clients[Ids::of(state, call)?.client(state)?];
    Ok(reply(client, &client.secrets, style))
}

fn update(state: &mut State, call: &Call, style: Style) -> Result<Answer, Refusal> {
    let place = Ids::of(state, call)?.client(state)?;
    let given = details(&call.fields)?;
    let client = &mut state.clients[place];
    client.details.update(given);
    client.updated_at = SystemTime::now();
    // The documentation's sample of this reply shows no secrets.
    Ok(reply(client, &[], style))
}

fn delete(state: &mut State, call: &Call, style: Style) -> Result<Answer, Refusal> {
    let place = Ids::of(state, call)?.client(state)?;
    state.clients.remove(place);
    Ok(Answer::Json { status: 200, body: Message::new(style).done() })
}

fn reply(client: &Client, secrets: &[Secret], style: Style) -> Answer {
    let body = Message::new(style).object("client", Some(client.write(secrets, style))).done();
    Answer::Json { status: 200, body }
}

/// The fields of a request that describe a client, held to the rules of the protobuf descriptors.
fn details(fields: &Value) -> Result<Details, Refusal> {
    if !fields.is_object() {
        return Err(Refusal::InvalidArgument("client: value is required".to_owned()));
    }
    at_most(fields, "name", 128)?;
    at_most(fields, "description", 512)?;
    let mut custom_claims = Vec::new();
    for claim in items(fields, "custom_claims")? {
        at_least(claim, "key", 1)?;
        at_most(claim, "key", 128)?;
        let key = text(claim, "key")?;
        if key.is_empty() {
            return Err(Refusal::InvalidArgument("custom_claims.key: value is required".to_owned()));
        }
        custom_claims.push((key.to_owned(), text(claim, "value")?.to_owned()));
    }
    Ok(Details {
        name: text(fields, "name")?.to_owned(),
        description: text(fields, "description")?.to_owned(),
        scopes: texts(fields, "scopes")?,
        audience: texts(fields, "audience")?,
        custom_claims,
        expiry: seconds(fields, "expiry")?,
    })
}

fn items<'c>(fields: &'c Value, name: &str) -> Result<&'c [Value], Refusal> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(Refusal::InvalidArgument(format!("{name}: not a list"))),
    }
}

fn texts(fields: &Value, name: &str) -> Result<Vec<String>, Refusal> {
    let wrong = || Refusal::InvalidArgument(format!("{name}: not a list of strings"));
    items(fields, name)?.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
}

/// An int64, which protobuf's JSON takes as a number and as text.
fn seconds(fields: &Value, name: &str) -> Result<u64, Refusal> {
    let read = match fields.get(name) {
        None | Some(Value::Null) => Some(0),
        Some(Value::String(text)) => text.parse::<i64>().ok(),
        Some(number) => number.as_i64(),
    };
    let read = read.and_then(|seconds| u64::try_from(seconds).ok());
    read.ok_or_else(|| Refusal::InvalidArgument(format!("{name}: not a number of seconds")))
}
