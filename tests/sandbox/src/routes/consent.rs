//! What a person's browser sees: the page behind a magic link, and where it goes from there.

use std::fmt::Write;
use std::time::Instant;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE;
use uuid::Uuid;

use super::{Answer, Call, Guard, Route, Takes};
use crate::control::VerifyMode;
use crate::error::Refusal;
use crate::schema::Own;
use crate::state::{AuthRequest, Link, State};
use crate::wire::{Absent, Style};

pub(super) const VISIT: Route = Route {
    method: "GET",
    template: "/magicLink/{id}",
    guard: Guard::Open,
    takes: Takes::Nothing,
    gives: None,
    fails: None,
    handler: visit,
};

pub(super) const DECIDE: Route = Route {
    method: "POST",
    template: "/magicLink/{id}",
    guard: Guard::Open,
    takes: Takes::Form(Own { document: "connected_accounts", name: "ConsentForm" }),
    gives: None,
    fails: None,
    handler: decide,
};

/// Where a client sends the browser after a verification.
pub(super) const SUCCESS: Route = Route {
    method: "GET",
    template: "/connect/success",
    guard: Guard::Open,
    takes: Takes::Nothing,
    gives: None,
    fails: None,
    handler: success,
};

const FORM: &str = "<form method=post><p>Allow access to this account?</p>\
    <button id=\"allow\" name=\"decision\" value=\"allow\">Allow</button> \
    <button id=\"deny\" name=\"decision\" value=\"deny\">Deny</button></form>";

const GONE: &str = "<p>This link is not valid, or no longer.</p>";
const DONE: &str = "<p>Done. You can close this window.</p>";
const DENIED: &str = "<p>Access was denied. Nothing has changed.</p>";
const UNDECIDED: &str = "<p>Neither allowed nor denied.</p>";
const FAILED: &str = "<p>failed_to_exchange: user_verify_url not configured for verification redirect</p>";

fn visit(state: &mut State, call: &Call, style: Style) -> Result<Answer, Refusal> {
    match good_link(state, call) {
        None => Ok(page(404, GONE)),
        Some(_) if state.consent_page => Ok(page(200, FORM)),
        Some((id, place)) => consent(state, id, place, style),
    }
}

fn decide(state: &mut State, call: &Call, style: Style) -> Result<Answer, Refusal> {
    let Some((id, place)) = good_link(state, call) else {
        return Ok(page(404, GONE));
    };
    match call.fields["decision"].as_str() {
        Some("allow") => {
            let answer = consent(state, id, place, style)?;
            if !matches!(answer, Answer::Page { status: 400.., .. }) {
                state.links.remove(id);
            }
            Ok(answer)
        }
        Some("deny") => Ok(page(200, DENIED)),
        _ => Ok(page(400, UNDECIDED)),
    }
}

fn success(_: &mut State, _: &Call, _: Style) -> Result<Answer, Refusal> {
    Ok(page(200, DONE))
}

/// The id of the link that was followed and the place of its account, if both are still there.
fn good_link<'c>(state: &State, call: &'c Call) -> Option<(&'c str, usize)> {
    let id = call.path.rsplit('/').next()?;
    let link = state.links.get(id).filter(|link| link.good_until > Instant::now())?;
    let place = state.accounts.iter().position(|account| account.id == link.account)?;
    Some((id, place))
}

fn consent(state: &mut State, id: &str, place: usize, style: Style) -> Result<Answer, Refusal> {
    let link = state.links.get(id).filter(|_| state.verify_mode == VerifyMode::B2b);
    let is_oauth = state.connection(&state.accounts[place].connection)?.is_oauth();
    let Some(link) = link.filter(|_| is_oauth) else {
        state.activate(place)?;
        return Ok(page(200, DONE));
    };
    if link.user_verify_url.is_empty() {
        return Ok(page(400, FAILED));
    }
    let noise = [Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes()].concat();
    // Padded as in the OpenAPI description's example, so that a client has something to decode.
    let request = BASE64_URL_SAFE.encode(noise);
    let location = way_back(link, &request, style);
    let account = link.account.clone();
    state.accounts[place].status = "PENDING_VERIFICATION".to_owned();
    state.auth_requests.insert(request, AuthRequest { account, link: id.to_owned() });
    Ok(Answer::Redirect { location })
}

/// The `user_verify_url` with what the client needs for verifying.
fn way_back(link: &Link, request: &str, style: Style) -> String {
    let (url, fragment) = match link.user_verify_url.split_once('#') {
        Some((url, fragment)) => (url, Some(fragment)),
        None => (link.user_verify_url.as_str(), None),
    };
    let mut location = String::new();
    escape(&mut location, url);
    location.push_str(match url.split_once('?') {
        None => "?",
        Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
        Some(_) => "&",
    });
    let start = location.len();
    let mut query = form_urlencoded::Serializer::for_suffix(location, start);
    query.append_pair("auth_request_id", request);
    if !link.state.is_empty() || style.absent == Absent::Empty {
        query.append_pair("state", &link.state);
    }
    let mut location = query.finish();
    if let Some(fragment) = fragment {
        location.push('#');
        escape(&mut location, fragment);
    }
    location
}

/// Appends `text` in a form that can be sent as a header: the rules for `user_verify_url` allow any character.
fn escape(to: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_graphic() {
            to.push(char::from(byte));
        } else {
            write!(to, "%{byte:02X}").expect("a String takes everything");
        }
    }
}

fn page(status: u16, content: &str) -> Answer {
    // The empty icon keeps browsers from asking for one, which would count as a request to no route.
    let head = "<!doctype html><html lang=en><meta charset=utf-8><link rel=icon href=\"data:,\">";
    Answer::Page { status, html: format!("{head}<title>Scalekit sandbox</title>{content}</html>\n") }
}
