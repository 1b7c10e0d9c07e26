//! Secrets of an organization's API client: adding and deleting.

use serde_json::Value;

use super::client_ids::Ids;
use super::{Answer, Call, ERROR, Guard, Route, Takes};
use crate::error::Refusal;
use crate::schema::Own;
use crate::state::State;
use crate::wire::{Message, Style};

pub(super) const CREATE: Route = Route {
    method: "POST",
    template: "/api/v1/organizations/{organization_id}/clients/{client_id}/secrets",
    guard: Guard::Bearer,
    takes: Takes::Nothing,
    gives: Some(Own { document: "clients", name: "SecretReply" }),
    fails: Some(ERROR),
    handler: create,
};

pub(super) const DELETE: Route = Route {
    method: "DELETE",
    template: "/api/v1/organizations/{organization_id}/clients/{client_id}/secrets/{secret_id}",
    guard: Guard::Bearer,
    takes: Takes::Nothing,
    gives: Some(Own { document: "clients", name: "DeleteReply" }),
    fails: Some(ERROR),
    handler: delete,
};

fn create(state: &mut State, call: &Call, style: Style) -> Result<Answer, Refusal> {
    let place = Ids::of(state, call)?.client(state)?;
    let secret = state.new_secret();
    let shown: Value = secret.write(style);
    let body = Message::new(style).text("plain_secret", &secret.plain).object("secret", Some(shown)).done();
    state.clients[place].secrets.push(secret);
    Ok(Answer::Json { status: 201, body })
}

fn delete(state: &mut State, call: &Call, style: Style) -> Result<Answer, Refusal> {
    let (client, secret) = Ids::of(state, call)?.secret(state)?;
    let secrets = &mut state.clients[client].secrets;
    if secrets.len() == 1 {
        // The wording of the real server, as the tests of its SDKs expect it.
        return Err(Refusal::InvalidArgument("last client cannot be deleted".to_owned()));
    }
    secrets.remove(secret);
    Ok(Answer::Json { status: 200, body: Message::new(style).done() })
}
