//! The fields by which a request names a connected account, held to the rules of the protobuf descriptors.

use serde_json::Value;

use crate::error::Refusal;
use crate::state::State;

/// Which account a request is about.
#[derive(Debug)]
pub(super) enum Selector<'c> {
    Id(&'c str),
    Pair { connector: &'c str, identifier: &'c str },
}

impl<'c> Selector<'c> {
    /// Reads `id`, or `connector` and `identifier`; an id wins.
    pub(super) fn of(fields: &'c Value) -> Result<Selector<'c>, Refusal> {
        check(fields)?;
        match (text(fields, "id")?, text(fields, "connector")?, text(fields, "identifier")?) {
            (id, _, _) if !id.is_empty() => Ok(Selector::Id(id)),
            (_, "", _) => Err(Refusal::InvalidArgument("connector: value is required without id".to_owned())),
            (_, _, "") => Err(Refusal::InvalidArgument("identifier: value is required without id".to_owned())),
            (_, connector, identifier) => Ok(Selector::Pair { connector, identifier }),
        }
    }

    /// The place of the account, which has to be there.
    pub(super) fn find(&self, state: &State) -> Result<usize, Refusal> {
        match self {
            Selector::Id(id) => state.accounts.iter().position(|account| account.id == *id).ok_or(Refusal::Internal),
            Selector::Pair { connector, identifier } => {
                state.connection(connector)?;
                let place = state.position(connector, identifier);
                place.ok_or_else(|| Refusal::NotFound("connected account".to_owned()))
            }
        }
    }
}

/// A text field; absent and null are empty.
pub(super) fn text<'c>(fields: &'c Value, name: &str) -> Result<&'c str, Refusal> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(""),
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(Refusal::InvalidArgument(format!("{name}: not a string"))),
    }
}

/// The lengths and patterns that all requests about accounts have in common.
pub(super) fn check(fields: &Value) -> Result<(), Refusal> {
    at_most(fields, "organization_id", 32)?;
    at_most(fields, "user_id", 32)?;
    at_most(fields, "identifier", 100)?;
    at_most(fields, "id", 32)?;
    connection_name("connector", text(fields, "connector")?)?;
    // A prefix rule fails on an empty value too: a client must leave `id` out.
    let id_is_there = fields.get("id").is_some_and(|id| !id.is_null());
    if id_is_there && !text(fields, "id")?.starts_with("ca_") {
        return Err(Refusal::InvalidArgument("id: value does not have prefix `ca_`".to_owned()));
    }
    Ok(())
}

pub(super) fn at_most(fields: &Value, name: &str, characters: usize) -> Result<(), Refusal> {
    if text(fields, name)?.chars().count() > characters {
        return Err(Refusal::InvalidArgument(format!("{name}: value length must be at most {characters} characters")));
    }
    Ok(())
}

/// Binds a field that is there, if only as an empty text.
pub(super) fn at_least(fields: &Value, name: &str, characters: usize) -> Result<(), Refusal> {
    if fields.get(name).is_some() && text(fields, name)?.chars().count() < characters {
        return Err(Refusal::InvalidArgument(format!("{name}: value length must be at least {characters} characters")));
    }
    Ok(())
}

pub(super) fn connection_name(field: &str, name: &str) -> Result<(), Refusal> {
    let allowed = |character: char| character.is_ascii_alphanumeric() || "_: -".contains(character);
    if name.chars().count() > 400 || !name.chars().all(allowed) {
        return Err(Refusal::InvalidArgument(format!("{field}: value does not match `^[a-zA-Z0-9_: -]*$`")));
    }
    Ok(())
}
