//! The client's word that the person who consented is the user the account is for.

use super::selector::{at_most, text};
use super::{Answer, Call, ERROR, Guard, Route, Takes, consent};
use crate::error::Refusal;
use crate::schema::Own;
use crate::state::State;
use crate::wire::{Message, Style};

pub(super) const VERIFY: Route = Route {
    method: "POST",
    template: "/api/v1/connected_accounts/user/verify",
    guard: Guard::Bearer,
    takes: Takes::Json(Own { document: "connected_accounts", name: "VerifyRequest" }),
    gives: Some(Own { document: "connected_accounts", name: "VerifyReply" }),
    fails: Some(ERROR),
    handler: verify,
};

fn verify(state: &mut State, call: &Call, style: Style) -> Result<Answer, Refusal> {
    at_most(&call.fields, "auth_request_id", 1000)?;
    at_most(&call.fields, "identifier", 200)?;
    let (id, identifier) = (text(&call.fields, "auth_request_id")?, text(&call.fields, "identifier")?);
    if id.is_empty() || identifier.is_empty() {
        return Err(Refusal::InvalidArgument("auth_request_id and identifier: values are required".to_owned()));
    }
    let unknown = || Refusal::NotFound("auth request".to_owned());
    let request = state.auth_requests.get(id).ok_or_else(unknown)?;
    let place = state.accounts.iter().position(|account| account.id == request.account).ok_or_else(unknown)?;
    if state.accounts[place].identifier != identifier {
        return Err(Refusal::IdentifierMismatch);
    }
    if state.accounts[place].status != "PENDING_VERIFICATION" {
        return Err(Refusal::InvalidArgument("the account is not pending verification".to_owned()));
    }
    state.activate(place)?;
    if let Some(used) = state.auth_requests.remove(id) {
        state.links.remove(&used.link);
    }
    let own = || format!("{}{}", state.origin.url, consent::SUCCESS.template);
    let next = state.post_verify_redirect.clone().unwrap_or_else(own);
    let body = Message::new(style).text("post_user_verify_redirect_url", &next).done();
    Ok(Answer::Json { status: 200, body })
}
