//! `/oauth/token`: client credentials against a client access token.

use std::time::SystemTime;

use serde_json::json;

use super::{Answer, Call, Guard, Route, Takes};
use crate::error::{Refusal, oauth_body};
use crate::grant::Grant;
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

/// Whose credentials a request carries.
#[derive(Debug, Clone, Copy)]
enum Bearer {
    Environment,
    /// The places of a client and of its secret.
    Organization(usize, usize),
}

fn create(state: &mut State, call: &Call, _: Style) -> Result<Answer, Refusal> {
    let grant_type = field(call, "grant_type");
    let (status, body) = if grant_type.is_empty() {
        (400, oauth_body("invalid_request", "grant_type is missing"))
    } else if grant_type != "client_credentials" {
        (400, oauth_body("unsupported_grant_type", "only client_credentials is served here"))
    } else if let Some(bearer) = bearer(state, call) {
        let grant = grant(state, bearer, field(call, "scope"));
        let (lifetime, scope) = (grant.lifetime, grant.scopes.join(" "));
        let token = state.issue(&grant);
        (200, json!({"access_token": token, "token_type": "Bearer", "expires_in": lifetime, "scope": scope}))
    } else {
        (401, oauth_body("invalid_client", "client authentication failed"))
    };
    Ok(Answer::Json { status, body })
}

/// What the bearer gets. A scope that the client does not have is passed over: no refusal is documented.
fn grant(state: &mut State, bearer: Bearer, scope: &str) -> Grant {
    let wanted: Vec<String> = scope.split_ascii_whitespace().map(str::to_owned).collect();
    let lifetime = state.token_lifetime;
    match bearer {
        Bearer::Environment => {
            Grant { client_id: state.origin.client_id.clone(), scopes: wanted, lifetime, ..Grant::default() }
        }
        Bearer::Organization(client, secret) => {
            let client = &mut state.clients[client];
            client.secrets[secret].last_used_at = Some(SystemTime::now());
            let details = &client.details;
            let asked = |scope: &&String| wanted.is_empty() || wanted.contains(scope);
            let claim = |(key, value): &(String, String)| (key.clone(), value.as_str().into());
            Grant {
                client_id: client.id.clone(),
                organization: Some(client.organization.clone()),
                audience: details.audience.clone(),
                scopes: details.scopes.iter().filter(asked).cloned().collect(),
                custom_claims: details.custom_claims.iter().map(claim).collect(),
                lifetime: if details.expiry == 0 { lifetime } else { details.expiry },
            }
        }
    }
}

/// Whether a request carries the id and a good secret of a client.
pub(super) fn knows(state: &State, call: &Call) -> bool {
    bearer(state, call).is_some()
}

fn bearer(state: &State, call: &Call) -> Option<Bearer> {
    let (id, plain) = (field(call, "client_id"), field(call, "client_secret"));
    if id == state.origin.client_id {
        return (plain == state.client_secret).then_some(Bearer::Environment);
    }
    let client = state.clients.iter().position(|client| client.id == id)?;
    let secrets = &state.clients[client].secrets;
    let secret = secrets.iter().position(|secret| secret.plain == plain && secret.is_good())?;
    Some(Bearer::Organization(client, secret))
}

fn field<'c>(call: &'c Call, name: &str) -> &'c str {
    call.fields[name].as_str().unwrap_or_default()
}
