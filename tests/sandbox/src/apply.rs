//! What each order does to the state.

use std::time::{Duration, SystemTime};

use hyper::header::HeaderValue;
use serde_json::{Value, json};

use crate::account::{Account, Expiry, shifted};
use crate::connection::Connection;
use crate::control::{Control, When};
use crate::faults::{Break, Fault};
use crate::provider::Provider;
use crate::routes;
use crate::state::{Discovery, Race, State};

/// Carries out an order; the value is what the caller may want to know, such as a new id.
pub(crate) fn apply(state: &mut State, control: Control) -> Result<Value, String> {
    match control {
        Control::SeedConnection { name, provider, enabled, mcp_server_url, status, kind } => {
            let place = state.connections.iter().position(|connection| connection.name == name);
            let (id, created_at) = match place {
                Some(place) => (state.connections[place].id.clone(), state.connections[place].created_at),
                None => (state.next_id("conn"), SystemTime::now()),
            };
            let reply = json!({"id": id});
            let connection = Connection {
                id,
                name,
                provider,
                enabled,
                mcp_server_url,
                status,
                kind,
                created_at,
                ..Connection::default()
            };
            put(&mut state.connections, place, connection);
            return Ok(reply);
        }
        Control::SeedProvider { identifier, display_name, proxy_url, auth_patterns, is_custom } => {
            if auth_patterns.as_ref().is_some_and(|patterns| !patterns.is_array()) {
                return Err("auth_patterns is not a list".to_owned());
            }
            let place = state.providers.iter().position(|provider| provider.identifier == identifier);
            let id = match place {
                Some(place) => state.providers[place].id.clone(),
                None => state.next_id("prov"),
            };
            let reply = json!({"id": id});
            let provider =
                Provider { id, identifier, display_name, proxy_url, auth_patterns, is_custom, proxy_enabled: None };
            put(&mut state.providers, place, provider);
            return Ok(reply);
        }
        Control::SeedAccount {
            connection,
            identifier,
            status,
            credential,
            expires_in,
            expires_at,
            authorization_type,
            api_config,
        } => {
            state.connection(&connection).map_err(|refusal| refusal.to_string())?;
            let place = state.position(&connection, &identifier);
            let place = place.unwrap_or_else(|| state.add_pending(&connection, &identifier));
            let id = state.accounts[place].id.clone();
            let expiry = expires_at.map(Expiry::Verbatim).or(expires_in.map(Expiry::After)).unwrap_or(Expiry::Unknown);
            let pending = Account::pending(id.clone(), &connection, &identifier);
            state.accounts[place] = Account { status, credential, expiry, authorization_type, api_config, ..pending };
            return Ok(json!({"id": id}));
        }
        Control::ExtendConnection { name, auth_mode, resolved_proxy_url, mcp_server_url } => {
            let own = format!("{}/mcp/v3/connections/{name}", state.origin.url);
            let connection = state.connections.iter_mut().find(|connection| connection.name == name);
            let connection = connection.ok_or_else(|| format!("no connection {name}"))?;
            if let Some(mode) = auth_mode {
                connection.auth_mode = mode;
            }
            connection.resolved_proxy_url = resolved_proxy_url.or(connection.resolved_proxy_url.take());
            let mcp_server_url = mcp_server_url.map(|url| if url == "own" { own } else { url });
            connection.mcp_server_url = mcp_server_url.or(connection.mcp_server_url.take());
        }
        Control::ExtendAccount {
            connection,
            identifier,
            is_org_wide_credential,
            organization_id,
            user_id,
            authorization_details,
        } => {
            let account = account(state, &connection, &identifier)?;
            account.is_org_wide_credential = is_org_wide_credential;
            account.organization_id = organization_id.unwrap_or_default();
            account.user_id = user_id.unwrap_or_default();
            account.verbatim = authorization_details;
        }
        Control::ProxyEnabled { identifier, enabled } => {
            let provider = state.providers.iter_mut().find(|provider| provider.identifier == identifier);
            provider.ok_or_else(|| format!("no provider {identifier}"))?.proxy_enabled = Some(enabled);
        }
        Control::SeedMcpConfig { id } => {
            if !state.mcp_configs.contains(&id) {
                state.mcp_configs.push(id);
            }
        }
        Control::PostVerifyRedirect { url } => state.post_verify_redirect = Some(url),
        Control::SetToken { connection, identifier, token, expires_in } => {
            let account = account(state, &connection, &identifier)?;
            if !account.credential.renew(token) {
                return Err(format!("{connection}/{identifier} holds no token that could change"));
            }
            account.queue.clear();
            account.renewed_at = SystemTime::now();
            if let Some(seconds) = expires_in {
                account.expiry = Expiry::After(seconds);
            }
        }
        Control::QueueTokens { connection, identifier, tokens } => {
            account(state, &connection, &identifier)?.queue.extend(tokens);
        }
        Control::SetStatus { connection, identifier, status } => {
            account(state, &connection, &identifier)?.status = status;
        }
        Control::SetAbsent { mode } => state.absent = mode,
        Control::FailNext { route, times, status, error_code, body, retry_after } => {
            if !(200..=599).contains(&status) {
                return Err(format!("{status} is not the status of a reply"));
            }
            sendable(retry_after.as_deref())?;
            arm(state, route, times, Fault::Fail { status, error_code, raw: body, retry_after })?;
        }
        Control::Delay { route, times, millis } => {
            let route = known(route)?;
            state.faults.delay(route, times, Duration::from_millis(millis));
        }
        Control::Drop { route, times, when } => {
            let how = match when {
                When::BeforeReply => Break::BeforeReply,
                When::MidHeaders => Break::MidHeaders,
                When::MidBody => Break::MidBody,
            };
            arm(state, route, times, Fault::Break(how))?;
        }
        Control::Oversize { route, times, bytes } => arm(state, route, times, Fault::Oversize(bytes))?,
        Control::Truncate { route, times } => arm(state, route, times, Fault::Break(Break::Truncate))?,
        Control::Redirect { route, times, location } => {
            sendable(Some(&location))?;
            arm(state, route, times, Fault::Redirect(location))?;
        }
        Control::RateLimit { route, times, retry_after } => {
            sendable(retry_after.as_deref())?;
            let error_code = Some("RATE_LIMITED".to_owned());
            arm(state, route, times, Fault::Fail { status: 429, error_code, raw: None, retry_after })?;
        }
        Control::Garbage { route, times, body } => arm(state, route, times, Fault::Garbage(body))?,
        Control::ExpireClientTokens => state.expire_client_tokens(),
        Control::RotateClientSecret { secret } => state.client_secret = secret,
        Control::TokenLifetime { seconds } => state.token_lifetime = seconds,
        Control::RequireVerifyUrl { required } => state.verify_url_required = required,
        Control::VerifyMode { mode } => state.verify_mode = mode,
        Control::ConsentPage { shown } => state.consent_page = shown,
        Control::MagicLinkLifetime { seconds } => state.link_lifetime = seconds,
        Control::CreateRace { connection, identifier, as_status } => {
            if !matches!(as_status, 400 | 409) {
                return Err(format!("as_status is 400 or 409, not {as_status}"));
            }
            state.connection(&connection).map_err(|refusal| refusal.to_string())?;
            state.races.push(Race { connection, identifier, status: as_status });
        }
        Control::SeedOrganization { id } => {
            if !id.starts_with("org_") || id.len() > 32 {
                return Err(format!("{id:?} is not the id of an organization"));
            }
            let reply = json!({"id": id});
            if !state.organizations.contains(&id) {
                state.organizations.push(id);
            }
            return Ok(reply);
        }
        Control::SetSecret { id, status, expires_in } => set_secret(state, &id, status.as_deref(), expires_in)?,
        Control::RotateSigningKey { keep_old } => {
            let kid = state.next_id("snk");
            let reply = json!({"kid": kid});
            state.keys.rotate(kid, keep_old);
            return Ok(reply);
        }
        Control::SetDiscovery { jwks_uri, missing } => state.discovery = Discovery { jwks_uri, missing },
        Control::KeysMaxAge { seconds } => state.keys_max_age = Some(seconds),
        Control::Reset => state.reset(),
    }
    Ok(json!({}))
}

/// Replaces what is at `place`, or adds to the end.
fn put<T>(all: &mut Vec<T>, place: Option<usize>, new: T) {
    match place {
        Some(place) => all[place] = new,
        None => all.push(new),
    }
}

fn account<'s>(state: &'s mut State, connection: &str, identifier: &str) -> Result<&'s mut Account, String> {
    let place = state.position(connection, identifier);
    let place = place.ok_or_else(|| format!("no account {connection}/{identifier}"))?;
    Ok(&mut state.accounts[place])
}

fn set_secret(state: &mut State, id: &str, status: Option<&str>, expires_in: Option<i64>) -> Result<(), String> {
    let mut secrets = state.clients.iter_mut().flat_map(|client| &mut client.secrets);
    let secret = secrets.find(|secret| secret.id == id).ok_or_else(|| format!("no secret {id}"))?;
    match status {
        None => {}
        Some("ACTIVE") => secret.active = true,
        Some("INACTIVE") => secret.active = false,
        Some(other) => return Err(format!("status is ACTIVE or INACTIVE, not {other:?}")),
    }
    if let Some(seconds) = expires_in {
        secret.expires_at = Some(shifted(SystemTime::now(), seconds));
    }
    secret.updated_at = SystemTime::now();
    Ok(())
}

fn arm(state: &mut State, route: Option<String>, times: u32, fault: Fault) -> Result<(), String> {
    let route = known(route)?;
    state.faults.reply(route, times, fault);
    Ok(())
}

/// A misspelt route would never fire, and the test that ordered it would pass for the wrong reason.
fn known(route: Option<String>) -> Result<Option<String>, String> {
    match route {
        Some(name) if !routes::ALL.iter().any(|route| route.key() == name) => Err(format!("no route {name:?}")),
        other => Ok(other),
    }
}

fn sendable(header: Option<&str>) -> Result<(), String> {
    header.map_or(Ok(()), |value| match HeaderValue::from_str(value) {
        Ok(_) => Ok(()),
        Err(_) => Err(format!("{value:?} cannot be sent as a header")),
    })
}
