//! What the checking of tokens needs to know: the key set, and where to find it.

use serde_json::json;

use super::{Answer, Call, ERROR, Guard, Route, Takes};
use crate::error::Refusal;
use crate::schema::Own;
use crate::state::State;
use crate::wire::Style;

pub(super) const KEYS: Route = Route {
    method: "GET",
    template: "/keys",
    guard: Guard::Open,
    takes: Takes::Nothing,
    gives: Some(Own { document: "keys", name: "KeySet" }),
    fails: Some(ERROR),
    handler: keys,
};

pub(super) const DISCOVERY: Route = Route {
    method: "GET",
    template: "/.well-known/openid-configuration",
    guard: Guard::Open,
    takes: Takes::Nothing,
    gives: Some(Own { document: "keys", name: "Discovery" }),
    fails: Some(ERROR),
    handler: discovery,
};

fn keys(state: &mut State, _: &Call, _: Style) -> Result<Answer, Refusal> {
    Ok(Answer::Cached { body: state.keys.jwks(), max_age: state.keys_max_age })
}

fn discovery(state: &mut State, _: &Call, _: Style) -> Result<Answer, Refusal> {
    if state.discovery.missing {
        return Err(Refusal::NoRoute);
    }
    let issuer = &state.origin.url;
    let jwks_uri = state.discovery.jwks_uri.clone().unwrap_or_else(|| format!("{issuer}{}", KEYS.template));
    // Beyond the first two fields: what OpenID Connect Discovery requires, and the reference's other endpoints.
    let body = json!({
        "issuer": issuer,
        "jwks_uri": jwks_uri,
        "authorization_endpoint": format!("{issuer}/oauth/authorize"),
        "token_endpoint": format!("{issuer}/oauth/token"),
        "end_session_endpoint": format!("{issuer}/oidc/logout"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    });
    Ok(Answer::Json { status: 200, body })
}
