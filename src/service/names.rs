//! How the names of services, connections and identifiers are written.

/// How a service name is written, for messages.
pub const SERVICE_RULE: &str = "lower-case letters, digits, - and _, beginning with a letter or digit";
/// How a connection name is written (`connector` in Scalekit's API), for messages.
pub const CONNECTION_RULE: &str = "up to 400 letters, digits, spaces, and _ : -";
/// How an identifier is written, for messages.
pub const IDENTIFIER_RULE: &str = "1 to 100 characters without control characters";

/// Whether `name` can be a service's name.
pub fn is_service_name(name: &str) -> bool {
    name.len() <= 64
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b))
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
}

/// Whether `name` can be a connection name (Scalekit: `^[a-zA-Z0-9_: -]*$`, at most 400).
pub fn is_connection_name(name: &str) -> bool {
    (1..=400).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_: -".contains(&b))
}

/// Whether `name` can be an identifier (Scalekit: at most 100 characters).
pub fn is_identifier(name: &str) -> bool {
    !name.is_empty() && name.chars().count() <= 100 && !name.chars().any(char::is_control)
}

/// How the ids of Scalekit's clients begin: an environment's, an organization's, and those of MCP servers.
const CLIENT_IDS: [&str; 3] = ["skc_", "m2morg_", "m2m_"];

/// A client id as it may be shown; `None` for what does not look like one, since it may be the secret.
pub fn client_id_shown(id: &str) -> Option<&str> {
    CLIENT_IDS.iter().any(|begin| id.starts_with(begin)).then_some(id)
}

/// What the id of one of Scalekit's organizations or users may be.
pub const SCALEKIT_ID_RULE: &str = "1 to 32 letters, digits, _ and -, such as org_123 or usr_123";

/// Whether `text` can be the id of one of Scalekit's organizations or users.
pub fn is_scalekit_id(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
}
