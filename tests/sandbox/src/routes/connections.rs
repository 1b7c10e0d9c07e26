//! Connections of apps: listing.

use super::pages::Page;
use super::selector::{at_least, at_most, text};
use super::{Answer, Call, ERROR, Guard, Route, Takes};
use crate::connection::Connection;
use crate::error::Refusal;
use crate::schema::Own;
use crate::state::State;
use crate::wire::Style;

pub(super) const LIST: Route = Route {
    method: "GET",
    template: "/api/v1/connections/app",
    guard: Guard::Bearer,
    takes: Takes::Query(Own { document: "connections", name: "ListQuery" }),
    gives: Some(Own { document: "connections", name: "ListReply" }),
    fails: Some(ERROR),
    handler: list,
};

fn list(state: &mut State, call: &Call, style: Style) -> Result<Answer, Refusal> {
    let fields = &call.fields;
    for (name, least, most) in [("provider", 1, 50), ("query", 3, 100)] {
        at_least(fields, name, least)?;
        at_most(fields, name, most)?;
    }
    let page = Page::of(fields, 30)?;
    let (provider, query) = (text(fields, "provider")?, text(fields, "query")?.to_lowercase());
    let wanted = |connection: &&Connection| {
        let mut searched = [&connection.name, &connection.provider].into_iter();
        (provider.is_empty() || provider == connection.provider)
            && searched.any(|text| text.to_lowercase().contains(&query))
    };
    let found: Vec<&Connection> = state.connections.iter().filter(wanted).collect();
    page.answer("connections", &found, style, |connection| Ok(connection.write(style)))
}
