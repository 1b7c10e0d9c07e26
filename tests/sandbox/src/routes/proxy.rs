//! The tool proxy: a call that the vault makes with an account's credential. Where it goes is decided here; it is made in
//! [`crate::forward`], without the lock.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::{Answer, Call, Guard, Route, Takes};
use crate::account::{Account, Credential};
use crate::error::Refusal;
use crate::state::State;
use crate::wire::Style;

/// Any method, and any path below it.
pub(crate) const PROXY: Route = Route {
    method: "ANY",
    template: "/proxy",
    guard: Guard::Open,
    takes: Takes::Nothing,
    gives: None,
    fails: None,
    handler: plan,
};

fn refusal(status: u16, code: &str, detail: &str) -> Answer {
    Answer::Json { status, body: json!({"detail": detail, "code": code}) }
}

fn plan(state: &mut State, call: &Call, _: Style) -> Result<Answer, Refusal> {
    if state.check_bearer(call.authorization.as_deref()).is_err() {
        return Ok(refusal(401, "UNAUTHORIZED", "the client token is missing or no longer good"));
    }
    let (Ok(connection), identifier) = (state.connection(&call.connection_name), &call.identifier) else {
        return Ok(refusal(404, "NOT_FOUND", "connection not found"));
    };
    let Some(provider) = state.providers.iter().find(|provider| provider.identifier == connection.provider) else {
        return Ok(refusal(403, "TOOL_PROXY_DISABLED", "proxy not enabled for provider"));
    };
    let Some(proxy_url) = provider.proxy_url.as_deref().filter(|_| provider.has_proxy()) else {
        return Ok(refusal(403, "TOOL_PROXY_DISABLED", "proxy not enabled for provider"));
    };
    let own = |account: &&Account| account.connection == connection.name && account.identifier == *identifier;
    let shared = |account: &&Account| account.connection == connection.name && account.is_org_wide_credential;
    let found = match connection.auth_mode.as_str() {
        "ORG_WIDE" => state.accounts.iter().find(shared),
        _ => state.accounts.iter().find(own),
    };
    let Some(account) = found else { return Ok(refusal(404, "NOT_FOUND", "connected account not found")) };
    if account.status != "ACTIVE" {
        return Ok(Answer::Text { status: 502, text: "connected account is not active".to_owned() });
    }
    let base = filled(connection.resolved_proxy_url.as_deref().unwrap_or(proxy_url), account.api_config.as_ref());
    let path = call.path.strip_prefix("/proxy").unwrap_or_default();
    let url = format!("{}{path}", base.trim_end_matches('/'));
    Ok(Answer::Forward { url, authorization: authorization(account) })
}

/// The names in `{{ }}` with the account's values in their places.
fn filled(url: &str, api_config: Option<&Value>) -> String {
    let mut url = url.to_owned();
    for (name, value) in api_config.and_then(Value::as_object).into_iter().flatten() {
        url = url.replace(&format!("{{{{{name}}}}}"), value.as_str().unwrap_or_default());
    }
    url
}

/// What the provider gets. An account whose credential is withheld has one all the same: `sandbox-withheld-IDENTIFIER`.
fn authorization(account: &Account) -> String {
    match &account.credential {
        Credential::OauthToken { access_token, .. } | Credential::GoogleDwd { access_token, .. } => {
            format!("Bearer {access_token}")
        }
        Credential::StaticAuth { details } => {
            let of = |name: &str| details.get(name).and_then(Value::as_str);
            match (of("username"), of("password"), of("api_key"), of("token")) {
                (Some(name), password, ..) => {
                    let pair = format!("{name}:{}", password.unwrap_or_default());
                    format!("Basic {}", BASE64_STANDARD.encode(pair))
                }
                (_, _, Some(key), _) => key.to_owned(),
                (.., token) => format!("Bearer {}", token.unwrap_or_default()),
            }
        }
        _ => format!("Bearer sandbox-withheld-{}", account.identifier),
    }
}
