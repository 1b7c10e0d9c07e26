//! What an entry is found by.

use std::fmt;

use serde_json::{Value, json};

use crate::config;

/// Whose token an entry holds. The host that asks is no part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The environment's URL.
    pub environment: String,
    /// The client id that opens it.
    pub client_id: String,
    /// What the token is for.
    pub holder: Holder,
}

/// Whose token it is, within an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// A connected account.
    Account {
        /// The connection name.
        connection: String,
        /// Whose account.
        identifier: String,
        /// By what else it is told apart: organization and user, empty where there is none.
        owner: [String; 2],
    },
    /// A session with one of the environment's MCP servers.
    Session {
        /// `connections/{key_id}` or `configs/{mcp_config_id}`.
        server: String,
        /// Whose session.
        identifier: String,
        /// What it may do: `FULL` or `READ_ONLY`.
        access_level: String,
    },
    /// The client itself: what `/oauth/token` gave for these scopes.
    Client {
        /// The scopes asked for; none means all that the client has.
        scopes: Vec<String>,
    },
}

/// In words, for people.
impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account { connection, identifier, .. } => write!(f, "{connection} of {identifier}"),
            Self::Session { server, identifier, .. } => write!(f, "a session with {server} of {identifier}"),
            Self::Client { scopes } if scopes.is_empty() => f.write_str("the client token"),
            Self::Client { scopes } => write!(f, "the client token for {}", scopes.join(" ")),
        }
    }
}

impl Key {
    /// Whether the token is this client's, or came by its client credentials.
    pub fn is_of(&self, environment: &str, client_id: &str) -> bool {
        self.environment == environment && self.client_id == client_id
    }

    /// The description of its entry, from which it can be read back: a JSON array on one line.
    pub(super) fn description(&self) -> String {
        let Self { environment, client_id, holder } = self;
        let array = match holder {
            Holder::Account { connection, identifier, owner } => match owner.iter().all(String::is_empty) {
                true => json!([environment, client_id, connection, identifier]),
                false => json!([environment, client_id, connection, [identifier, owner[0], owner[1]]]),
            },
            Holder::Session { server, identifier, access_level } => {
                json!([environment, client_id, server, identifier, access_level])
            }
            Holder::Client { scopes } => json!([environment, client_id, scopes]),
        };
        array.to_string()
    }

    /// The key that `description` describes; `None` if it describes none.
    pub fn parse(description: &str) -> Option<Self> {
        let Value::Array(array) = config::json::parse(description.as_bytes()).ok()? else { return None };
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let (environment, client_id, holder) = match &array[..] {
            [environment, client_id, Value::Array(scopes)] => {
                let scopes = scopes.iter().map(text).collect::<Option<_>>()?;
                (environment, client_id, Holder::Client { scopes })
            }
            [environment, client_id, connection, whose] => {
                let (identifier, owner) = match whose {
                    Value::Array(whose) => match &whose[..] {
                        [identifier, organization, user] => (identifier, [text(organization)?, text(user)?]),
                        _ => return None,
                    },
                    identifier => (identifier, Default::default()),
                };
                let (connection, identifier) = (text(connection)?, text(identifier)?);
                (environment, client_id, Holder::Account { connection, identifier, owner })
            }
            [environment, client_id, server, identifier, access_level] => {
                let (server, identifier, access_level) = (text(server)?, text(identifier)?, text(access_level)?);
                (environment, client_id, Holder::Session { server, identifier, access_level })
            }
            _ => return None,
        };
        Some(Self { environment: text(environment)?, client_id: text(client_id)?, holder })
    }

    /// The name of the file under which processes wait for one another, which tells nobody whose it is.
    pub(super) fn lock_name(&self) -> String {
        let digest = ring::digest::digest(&ring::digest::SHA256, self.description().as_bytes());
        format!("flight-{}", crate::hex::encode(&digest.as_ref()[..16]))
    }

    /// Under which its last failure is left for those who wait.
    pub(super) fn failure_description(&self) -> String {
        format!("failed:{}", self.description())
    }

    /// Under which the link for its account rests.
    pub(super) fn link_description(&self) -> String {
        format!("{LINK}{}", self.description())
    }

    /// The key whose link is described so.
    pub(super) fn of_link(description: &str) -> Option<Self> {
        Self::parse(description.strip_prefix(LINK)?)
    }
}

/// What stands before the description of an account whose link it is.
const LINK: &str = "link:";

/// Whether what is described so makes room for another: not a client's token, which saves a request for each account.
#[cfg(target_os = "linux")]
pub(super) fn gives_way(description: &str) -> bool {
    !matches!(Key::parse(description), Some(Key { holder: Holder::Client { .. }, .. }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_description_names_one_key_alone(parts in proptest::collection::vec("\\PC{0,12}", 4), scopes in
            proptest::collection::vec("\\PC{0,6}", 0..3), owner in any::<[bool; 2]>(), is_client in any::<bool>(), any in "\\PC{0,40}") {
            let [environment, client_id, connection, identifier] = parts.try_into().unwrap();
            let owner = owner.map(|is_there| if is_there { "org_1".to_owned() } else { String::new() });
            let holder = if is_client { Holder::Client { scopes } } else { Holder::Account { connection, identifier, owner } };
            let key = Key { environment, client_id, holder };
            prop_assert_eq!(Key::parse(&key.description()), Some(key.clone()));
            prop_assert!(!key.description().contains('\n'));
            prop_assert_eq!(gives_way(&key.description()), !is_client);
            prop_assert_eq!(Key::parse(&key.failure_description()), None);
            prop_assert_eq!(Key::parse(&key.link_description()), None);
            prop_assert_eq!(Key::of_link(&key.description()), None);
            prop_assert_eq!(Key::of_link(&key.link_description()), Some(key));
            let _ = Key::parse(&any);
            let _ = Key::parse(&format!("[{any}]"));
        }
    }
}
