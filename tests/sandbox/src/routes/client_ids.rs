//! The ids in the paths of client routes, and what they name.

use super::Call;
use crate::error::Refusal;
use crate::state::State;

/// The ids in a path, as far as it has them, held to the rules of the protobuf descriptors.
#[derive(Debug)]
pub(super) struct Ids<'c> {
    pub(super) organization: &'c str,
    client: &'c str,
    secret: &'c str,
}

impl<'c> Ids<'c> {
    /// Reads the path of a request about an organization that is there.
    pub(super) fn of(state: &State, call: &'c Call) -> Result<Ids<'c>, Refusal> {
        let given = |place: usize| call.path.split('/').nth(place);
        for (place, name, prefix) in [(4, "organization_id", "org_"), (6, "client_id", "m2morg_"), (8, "secret_id", "")]
        {
            let wrong = given(place).is_some_and(|id| !id.starts_with(prefix) || id.chars().count() > 32);
            if wrong {
                let rule = format!("{name}: value must have prefix `{prefix}` and at most 32 characters");
                return Err(Refusal::InvalidArgument(rule));
            }
        }
        let [organization, client, secret] = [4, 6, 8].map(|place| given(place).unwrap_or_default());
        if !state.organizations.iter().any(|known| known == organization) {
            return Err(Refusal::NotFound("organization".to_owned()));
        }
        Ok(Ids { organization, client, secret })
    }

    /// The place of the client in `clients`.
    pub(super) fn client(&self, state: &State) -> Result<usize, Refusal> {
        let wanted =
            |client: &crate::client::Client| client.id == self.client && client.organization == self.organization;
        state.clients.iter().position(wanted).ok_or_else(|| Refusal::NotFound("client".to_owned()))
    }

    /// The places of the client and of its secret.
    pub(super) fn secret(&self, state: &State) -> Result<(usize, usize), Refusal> {
        let client = self.client(state)?;
        let secret = state.clients[client].secrets.iter().position(|secret| secret.id == self.secret);
        Ok((client, secret.ok_or_else(|| Refusal::NotFound("secret".to_owned()))?))
    }
}
