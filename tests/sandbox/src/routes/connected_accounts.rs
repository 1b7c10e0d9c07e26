//! Connected accounts: reading, listing, creating, deleting.

use std::time::SystemTime;

use serde_json::{Value, json};

use super::pages::Page;
use super::selector::{Key, Selector, at_most, check, connection_name, text};
use super::{Answer, Call, ERROR, Guard, Route, Takes};
use crate::account::{Account, Credential, View};
use crate::error::Refusal;
use crate::schema::Own;
use crate::state::State;
use crate::wire::{Message, Style};

const fn own(name: &'static str) -> Own {
    Own { document: "connected_accounts", name }
}

pub(super) const LIST: Route = Route {
    method: "GET",
    template: "/api/v1/connected_accounts",
    guard: Guard::Bearer,
    takes: Takes::Query(own("ListQuery")),
    gives: Some(own("ListReply")),
    fails: Some(ERROR),
    handler: list,
};

pub(super) const CREATE: Route = Route {
    method: "POST",
    template: "/api/v1/connected_accounts",
    guard: Guard::Bearer,
    takes: Takes::Json(own("CreateRequest")),
    gives: Some(own("AccountReply")),
    fails: Some(ERROR),
    handler: create,
};

pub(super) const AUTH: Route = Route {
    method: "GET",
    template: "/api/v1/connected_accounts/auth",
    guard: Guard::Bearer,
    takes: Takes::Query(own("Selector")),
    gives: Some(own("AccountReply")),
    fails: Some(ERROR),
    handler: auth,
};

pub(super) const DETAILS: Route = Route {
    method: "GET",
    template: "/api/v1/connected_accounts/details",
    guard: Guard::Bearer,
    takes: Takes::Query(own("Selector")),
    gives: Some(own("DetailsReply")),
    fails: Some(ERROR),
    handler: details,
};

pub(super) const DELETE: Route = Route {
    method: "POST",
    template: "/api/v1/connected_accounts:delete",
    guard: Guard::Bearer,
    takes: Takes::Json(own("Selector")),
    gives: Some(own("DeleteReply")),
    fails: Some(ERROR),
    handler: delete,
};

fn write(state: &State, account: &Account, view: View, style: Style) -> Result<Value, Refusal> {
    let connection = state.connection(&account.connection)?;
    Ok(account.write(connection, view, style))
}

fn reply(state: &State, place: usize, view: View, status: u16, style: Style) -> Result<Answer, Refusal> {
    let account = write(state, &state.accounts[place], view, style)?;
    Ok(Answer::Json { status, body: json!({"connected_account": account}) })
}

fn auth(state: &mut State, call: &Call, style: Style) -> Result<Answer, Refusal> {
    let place = Selector::of(&call.fields)?.find(state)?;
    state.accounts[place].touch();
    let answer = reply(state, place, View::Full, 200, style);
    state.accounts[place].last_used_at = Some(SystemTime::now());
    answer
}

fn details(state: &mut State, call: &Call, style: Style) -> Result<Answer, Refusal> {
    let place = Selector::of(&call.fields)?.find(state)?;
    reply(state, place, View::Details, 200, style)
}

fn delete(state: &mut State, call: &Call, style: Style) -> Result<Answer, Refusal> {
    let place = Selector::of(&call.fields)?.find(state)?;
    state.delete(place);
    Ok(Answer::Json { status: 200, body: Message::new(style).done() })
}

fn create(state: &mut State, call: &Call, style: Style) -> Result<Answer, Refusal> {
    check(&call.fields)?;
    let key = Key::of(&call.fields)?;
    let (connector, identifier) = (key.connector, key.identifier);
    let Some(Value::Object(wanted)) = call.fields.get("connected_account") else {
        return Err(Refusal::InvalidArgument("connected_account: value is required".to_owned()));
    };
    if !state.connection(connector)?.enabled {
        return Err(Refusal::NotEnabled(connector.to_owned()));
    }
    let race = state.races.iter().position(|race| race.connection == connector && race.identifier == identifier);
    if let Some(race) = race {
        let status = state.races.remove(race).status;
        key.position_or_new(state);
        return Err(Refusal::AlreadyExists { status });
    }
    if key.position(state).is_some() {
        return Err(Refusal::AlreadyExists { status: 409 });
    }
    let credential = given_credential(&wanted.get("authorization_details").cloned().unwrap_or_default());
    let place = key.position_or_new(state);
    let account = &mut state.accounts[place];
    account.api_config = wanted.get("api_config").filter(|config| config.is_object()).cloned();
    if let Some(credential) = credential {
        account.credential = credential;
        account.status = "ACTIVE".to_owned();
    }
    reply(state, place, View::Full, 201, style)
}

/// The credential a client brought along; the empty `oauth_token` that some SDKs send is none.
fn given_credential(details: &Value) -> Option<Credential> {
    let oauth = &details["oauth_token"];
    let of = |name: &str| oauth[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    if let Some(access_token) = of("access_token") {
        let scopes = oauth["scopes"].as_array().into_iter().flatten();
        let scopes = scopes.filter_map(|scope| scope.as_str().map(str::to_owned)).collect();
        return Some(Credential::OauthToken {
            access_token,
            refresh_token: of("refresh_token"),
            scopes,
            domain: of("domain"),
        });
    }
    let details = details["static_auth"]["details"].as_object().filter(|details| !details.is_empty())?;
    Some(Credential::StaticAuth { details: details.clone() })
}

fn list(state: &mut State, call: &Call, style: Style) -> Result<Answer, Refusal> {
    let fields = &call.fields;
    check(fields)?;
    for (name, limit) in [("provider", 50), ("page_token", 100), ("query", 100)] {
        at_most(fields, name, limit)?;
    }
    let connector = text(fields, "connector")?;
    let mut names: Vec<&str> =
        fields["connection_names"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if !connector.is_empty() && !names.is_empty() {
        let both = "connector and connection_names are mutually exclusive — provide only one";
        return Err(Refusal::InvalidArgument(both.to_owned()));
    }
    if names.len() > 20 || names.contains(&"") {
        return Err(Refusal::InvalidArgument("connection_names: between 1 and 20 names".to_owned()));
    }
    names.extend((!connector.is_empty()).then_some(connector));
    for name in &names {
        connection_name("connection_names", name)?;
        state.connection(name)?;
    }
    let page = Page::of(fields, 99)?;

    let wanted = Wanted {
        names,
        identifier: text(fields, "identifier")?,
        provider: text(fields, "provider")?,
        query: text(fields, "query")?.to_lowercase(),
        organization: text(fields, "organization_id")?,
        user: text(fields, "user_id")?,
        is_org_wide: fields["is_org_wide_credential"].as_bool(),
    };
    let mut found = Vec::new();
    for account in &state.accounts {
        if wanted.takes(account, &state.connection(&account.connection)?.provider) {
            found.push(account);
        }
    }
    page.answer("connected_accounts", &found, style, |account| write(state, account, View::Item, style))
}

/// The filters of a list.
struct Wanted<'c> {
    names: Vec<&'c str>,
    identifier: &'c str,
    provider: &'c str,
    query: String,
    organization: &'c str,
    user: &'c str,
    is_org_wide: Option<bool>,
}

impl Wanted<'_> {
    fn takes(&self, account: &Account, provider: &str) -> bool {
        let searched = [&account.identifier, &account.connection, provider];
        (self.names.is_empty() || self.names.contains(&account.connection.as_str()))
            && (self.identifier.is_empty() || self.identifier == account.identifier)
            && (self.provider.is_empty() || self.provider == provider)
            && (self.organization.is_empty() || self.organization == account.organization_id)
            && (self.user.is_empty() || self.user == account.user_id)
            && self.is_org_wide.is_none_or(|wanted| wanted == account.is_org_wide_credential)
            && searched.iter().any(|text| text.to_lowercase().contains(&self.query))
    }
}
