//! The environment's own MCP servers: session tokens, and a server that takes them.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde_json::json;
use uuid::Uuid;

use super::selector::text;
use super::{Answer, Call, ERROR, Guard, Route, Takes};
use crate::account::shifted;
use crate::error::Refusal;
use crate::schema::Own;
use crate::state::{State, after};
use crate::wire::{Message, Style, timestamp};

const fn own(name: &'static str) -> Own {
    Own { document: "mcp", name }
}

const fn tokens(template: &'static str, handler: Handler) -> Route {
    let (takes, gives) = (Takes::Json(own("TokenRequest")), Some(own("TokenReply")));
    Route { method: "POST", template, guard: Guard::Bearer, takes, gives, fails: Some(ERROR), handler }
}

const fn server(template: &'static str) -> Route {
    let (takes, gives) = (Takes::Nothing, Some(own("Message")));
    Route { method: "POST", template, guard: Guard::Open, takes, gives, fails: Some(ERROR), handler: serve }
}

type Handler = fn(&mut State, &Call, Style) -> Result<Answer, Refusal>;

pub(super) const CONNECTION_TOKEN: Route = tokens("/api/v1/mcp/connections/{key_id}/tokens", connection_token);
pub(super) const CONFIG_TOKEN: Route = tokens("/api/v1/mcp/configs/{mcp_config_id}/tokens", config_token);
pub(super) const CONNECTION: Route = server("/mcp/v3/connections/{key_id}");
pub(super) const CONFIG: Route = server("/mcp/{mcp_config_id}");

fn connection_token(state: &mut State, call: &Call, style: Style) -> Result<Answer, Refusal> {
    let key = segment(call, 5).to_owned();
    state.connection(&key)?;
    mint(state, call, style, format!("/mcp/v3/connections/{key}"))
}

fn config_token(state: &mut State, call: &Call, style: Style) -> Result<Answer, Refusal> {
    let id = segment(call, 5).to_owned();
    if !state.mcp_configs.contains(&id) {
        return Err(Refusal::NotFound(format!("MCP configuration {id}")));
    }
    mint(state, call, style, format!("/mcp/{id}"))
}

fn segment(call: &Call, nth: usize) -> &str {
    call.path.split('/').nth(nth).unwrap_or_default()
}

fn mint(state: &mut State, call: &Call, style: Style, server: String) -> Result<Answer, Refusal> {
    let identifier = text(&call.fields, "identifier")?;
    if identifier.is_empty() || identifier.chars().count() > 255 {
        return Err(Refusal::InvalidArgument("identifier: between 1 and 255 characters".to_owned()));
    }
    let level = match text(&call.fields, "access_level")? {
        "" => "FULL",
        level @ ("FULL" | "READ_ONLY") => level,
        _ => return Err(Refusal::InvalidArgument("access_level: value must be in list".to_owned())),
    };
    let seconds = match text(&call.fields, "expiry")? {
        "" => 3600,
        expiry => expiry.strip_suffix('s').and_then(|seconds| seconds.parse().ok()).unwrap_or(0),
    };
    if !(60..=86_400).contains(&seconds) {
        return Err(Refusal::InvalidArgument("expiry: between 60s and 24h".to_owned()));
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let claims = json!({
        "iss": state.origin.url, "sub": identifier, "aud": format!("{}{server}", state.origin.url), "iat": now,
        "exp": now + seconds, "jti": format!("tkn_{}", Uuid::new_v4().simple()), "access_level": level,
    });
    let token = state.keys.sign(&state.keys.header(), &claims);
    state.mcp_sessions.push((token.clone(), server, after(seconds)));
    let until = timestamp(shifted(SystemTime::now(), i64::try_from(seconds).unwrap_or(i64::MAX)));
    let body = Message::new(style).text("token", &token).time("expires_at", Some(until)).done();
    Ok(Answer::Json { status: 200, body })
}

/// Whoever has a session token of this very server gets an answer.
fn serve(state: &mut State, call: &Call, _: Style) -> Result<Answer, Refusal> {
    let token = call.authorization.as_deref().and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    let opens = |(known, server, good_until): &(String, String, Instant)| {
        known == token && *server == call.path && *good_until > Instant::now()
    };
    if !state.mcp_sessions.iter().any(opens) {
        return Err(Refusal::Unauthenticated("session token invalid"));
    }
    Ok(Answer::Json { status: 200, body: json!({"jsonrpc": "2.0", "id": 1, "result": {}}) })
}
