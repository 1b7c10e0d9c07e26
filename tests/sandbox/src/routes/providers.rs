//! The catalog of providers: listing.

use super::pages::Page;
use super::selector::{at_most, text};
use super::{Answer, Call, ERROR, Guard, Route, Takes};
use crate::error::Refusal;
use crate::provider::Provider;
use crate::schema::Own;
use crate::state::State;
use crate::wire::Style;

pub(super) const LIST: Route = Route {
    method: "GET",
    template: "/api/v1/providers",
    guard: Guard::Bearer,
    takes: Takes::Query(Own { document: "providers", name: "ListQuery" }),
    gives: Some(Own { document: "providers", name: "ListReply" }),
    fails: Some(ERROR),
    handler: list,
};

/// The API sets no limit for a client, so that a larger page is not refused but cut.
const LARGEST_PAGE: usize = 100;

fn list(state: &mut State, call: &Call, style: Style) -> Result<Answer, Refusal> {
    let fields = &call.fields;
    at_most(fields, "identifier", 255)?;
    let identifier = text(fields, "identifier")?;
    let allowed = |character: char| character.is_ascii_alphanumeric() || "_:-".contains(character);
    if !identifier.chars().all(allowed) {
        return Err(Refusal::InvalidArgument("identifier: value does not match `^[a-zA-Z0-9_:-]*$`".to_owned()));
    }
    let custom = match text(fields, "filter.provider_type")? {
        "" | "DEFAULT" => Some(false),
        "CUSTOM" => Some(true),
        "ALL" => None,
        _ => {
            return Err(Refusal::InvalidArgument("filter.provider_type: not DEFAULT, CUSTOM or ALL".to_owned()));
        }
    };
    let page = Page::of(fields, u32::MAX)?.capped(LARGEST_PAGE);
    let wanted = |provider: &&Provider| {
        (identifier.is_empty() || identifier == provider.identifier)
            && custom.is_none_or(|custom| custom == provider.is_custom)
    };
    let found: Vec<&Provider> = state.providers.iter().filter(wanted).collect();
    page.answer("providers", &found, style, |provider| Ok(provider.write(style)))
}
