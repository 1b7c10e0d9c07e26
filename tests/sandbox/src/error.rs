//! How the vault says no.

use serde_json::{Value, json};

use crate::wire::{Message, Style};

/// What a route of the API can refuse with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("{0}")]
    Unauthenticated(&'static str),
    #[error("{0}")]
    InvalidArgument(String),
    #[error("{0} not found")]
    NotFound(String),
    #[error("connected account already exists")]
    AlreadyExists { status: u16 },
    /// A client access token that opens other doors.
    #[error("permission denied")]
    Forbidden,
    #[error("the identifier is not the account's")]
    IdentifierMismatch,
    #[error("connection {0} is not enabled")]
    NotEnabled(String),
    /// The answer to an unknown account id, which Scalekit's Java SDK documents as an internal error.
    #[error("internal error")]
    Internal,
    /// A path or method that the gateway does not know; it has no error code.
    #[error("Not Found")]
    NoRoute,
}

impl Refusal {
    pub(crate) fn status(&self) -> u16 {
        match self {
            Refusal::Unauthenticated(_) => 401,
            Refusal::InvalidArgument(_) => 400,
            Refusal::NotFound(_) | Refusal::NoRoute => 404,
            Refusal::AlreadyExists { status } => *status,
            Refusal::Forbidden | Refusal::IdentifierMismatch | Refusal::NotEnabled(_) => 403,
            Refusal::Internal => 500,
        }
    }

    pub(crate) fn body(&self, style: Style) -> Value {
        let error_code = match self {
            Refusal::Unauthenticated(_) => Some("UNAUTHENTICATED"),
            Refusal::InvalidArgument(_) => Some("INVALID_ARGUMENT"),
            Refusal::NotFound(_) => Some("RESOURCE_NOT_FOUND"),
            Refusal::AlreadyExists { .. } => Some("RESOURCE_ALREADY_EXISTS"),
            // The reference names no code for them; this is gRPC's word for the status.
            Refusal::Forbidden | Refusal::IdentifierMismatch => Some("PERMISSION_DENIED"),
            Refusal::NotEnabled(_) => Some("CONNECTION_NOT_ENABLED"),
            Refusal::Internal => Some("INTERNAL_ERROR"),
            Refusal::NoRoute => None,
        };
        grpc_body(self.status(), &self.to_string(), error_code, style)
    }
}

/// The body of an error of the REST API.
pub(crate) fn grpc_body(status: u16, message: &str, error_code: Option<&str>, style: Style) -> Value {
    let details = error_code
        .map(|code| json!({"@type": "type.googleapis.com/scalekit.v1.errdetails.ErrorInfo", "error_code": code}));
    let message = Message::new(style).count("code", grpc_code(status)).text("message", message);
    message.list("details", details.into_iter().collect()).done()
}

/// The body of an error of the token route; its form is RFC 6749's, as Scalekit documents none.
pub(crate) fn oauth_body(error: &str, description: &str) -> Value {
    json!({"error": error, "error_description": description})
}

/// The usual RFC 6749 word for a status that a test ordered without one.
pub(crate) fn oauth_word(status: u16) -> &'static str {
    match status {
        401 => "invalid_client",
        403 => "unauthorized_client",
        400..=428 => "invalid_request",
        429 | 503 | 504 => "temporarily_unavailable",
        _ => "server_error",
    }
}

fn grpc_code(status: u16) -> usize {
    match status {
        400 => 3,
        401 => 16,
        403 => 7,
        404 => 5,
        409 => 6,
        429 => 8,
        499 => 1,
        500 => 13,
        501 => 12,
        503 => 14,
        504 => 4,
        _ => 2,
    }
}
