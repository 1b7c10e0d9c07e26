//! The fields by which a request names a connected account, held to the rules of the protobuf descriptors.

use serde_json::Value;

use crate::error::Refusal;
use crate::state::State;

/// Which account a request is about.
#[derive(Debug)]
pub(super) enum Selector<'c> {
    Id(&'c str),
    Key(Key<'c>),
}

/// The fields that tell accounts apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key<'c> {
    pub(super) connector: &'c str,
    /// Empty where organization or user say whose account it is.
    pub(super) identifier: &'c str,
    pub(super) organization: &'c str,
    pub(super) user: &'c str,
}

impl<'c> Key<'c> {
    /// Reads `connector`, and whose account it is.
    pub(super) fn of(fields: &'c Value) -> Result<Key<'c>, Refusal> {
        let of = |name| text(fields, name);
        let key = Key {
            connector: of("connector")?,
            identifier: of("identifier")?,
            organization: of("organization_id")?,
            user: of("user_id")?,
        };
        if key.connector.is_empty() {
            return Err(Refusal::InvalidArgument("connector: value is required without id".to_owned()));
        }
        if [key.identifier, key.organization, key.user].iter().all(|text| text.is_empty()) {
            return Err(Refusal::InvalidArgument("identifier: value is required without id".to_owned()));
        }
        Ok(key)
    }

    /// The place of the account, if it is there.
    pub(super) fn position(&self, state: &State) -> Option<usize> {
        state.accounts.iter().position(|account| {
            account.connection == self.connector
                && (self.identifier.is_empty() || account.identifier == self.identifier)
                && account.organization_id == self.organization
                && account.user_id == self.user
        })
    }

    /// The same, of an account that waits for its user where it was not there.
    pub(super) fn position_or_new(&self, state: &mut State) -> usize {
        self.position(state).unwrap_or_else(|| {
            let place = state.add_pending(self.connector, self.identifier);
            let account = &mut state.accounts[place];
            (account.organization_id, account.user_id) = (self.organization.to_owned(), self.user.to_owned());
            place
        })
    }
}

impl<'c> Selector<'c> {
    /// Reads `id`, or `connector` and `identifier`; an id wins.
    pub(super) fn of(fields: &'c Value) -> Result<Selector<'c>, Refusal> {
        check(fields)?;
        match text(fields, "id")? {
            "" => Key::of(fields).map(Selector::Key),
            id => Ok(Selector::Id(id)),
        }
    }

    /// The place of the account, which has to be there.
    pub(super) fn find(&self, state: &State) -> Result<usize, Refusal> {
        match self {
            Selector::Id(id) => state.accounts.iter().position(|account| account.id == *id).ok_or(Refusal::Internal),
            Selector::Key(key) => {
                state.connection(key.connector)?;
                key.position(state).ok_or_else(|| Refusal::NotFound("connected account".to_owned()))
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
