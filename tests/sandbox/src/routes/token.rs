//! `/oauth/token`: client credentials against a client access token.

use serde_json::json;

use super::{Answer, Call, Guard, Route, Takes};
use crate::error::{Refusal, oauth_body};
use crate::schema::Own;
use crate::state::State;
use crate::wire::Style;

pub(super) const CREATE: Route = Route {
    method: "POST",
    template: "/oauth/token",
    guard: Guard::Client,
    takes: Takes::Form(Own { document: "token", name: "Request" }),
    gives: Some(Own { document: "token", name: "Reply" }),
    fails: Some(Own { document: "token", name: "Error" }),
    handler: create,
};

fn create(state: &mut State, call: &Call, _: Style) -> Result<Answer, Refusal> {
    let field = |name: &str| call.fields[name].as_str().unwrap_or_default();
    let (status, body) = if field("grant_type").is_empty() {
        (400, oauth_body("invalid_request", "grant_type is missing"))
    } else if field("grant_type") != "client_credentials" {
        (400, oauth_body("unsupported_grant_type", "only client_credentials is served here"))
    } else if !knows(state, call) {
        (401, oauth_body("invalid_client", "client authentication failed"))
    } else {
        let token = state.issue();
        let (lifetime, scope) = (state.token_lifetime, field("scope"));
        (200, json!({"access_token": token, "token_type": "Bearer", "expires_in": lifetime, "scope": scope}))
    };
    Ok(Answer::Json { status, body })
}

/// Whether a request carries the client's id and present secret.
pub(super) fn knows(state: &State, call: &Call) -> bool {
    call.fields["client_id"] == state.origin.client_id.as_str()
        && call.fields["client_secret"] == state.client_secret.as_str()
}
