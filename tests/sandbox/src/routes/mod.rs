//! The routes of the vault: one file per resource, one row per route.

mod client_ids;
mod client_secrets;
mod clients;
mod connected_accounts;
mod connections;
mod consent;
mod keys;
mod magic_link;
mod mcp;
mod pages;
mod providers;
mod proxy;
mod selector;
mod token;
mod verification;

use serde_json::Value;

use crate::error::Refusal;
use crate::schema::Own;
use crate::state::State;
use crate::wire::Style;

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guard {
    /// Whoever has a client access token.
    Bearer,
    /// Whoever has the client id and secret; the route looks after that itself, in its own form of error.
    Client,
    /// Anyone.
    Open,
}

/// What a route reads beside its path.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Takes {
    Nothing,
    Query(Own),
    Form(Own),
    Json(Own),
}

/// One row of the table.
pub(crate) struct Route {
    pub(crate) method: &'static str,
    /// As in the OpenAPI description.
    pub(crate) template: &'static str,
    pub(crate) guard: Guard,
    pub(crate) takes: Takes,
    /// The shape of a reply with a status below 400; None is something for people's browsers.
    pub(crate) gives: Option<Own>,
    /// The shape of all other replies.
    pub(crate) fails: Option<Own>,
    pub(crate) handler: fn(&mut State, &Call, Style) -> Result<Answer, Refusal>,
}

/// A request as a handler sees it.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) path: String,
    /// The query, or a form; JSON with the types of the schema.
    pub(crate) fields: Value,
    pub(crate) authorization: Option<String>,
    /// The headers of the proxy; empty elsewhere.
    pub(crate) connection_name: String,
    pub(crate) identifier: String,
}

/// What a handler answers with.
#[derive(Debug)]
pub(crate) enum Answer {
    Json {
        status: u16,
        body: Value,
    },
    /// Status 200, and how many seconds it may be kept.
    Cached {
        body: Value,
        max_age: Option<u64>,
    },
    Text {
        status: u16,
        text: String,
    },
    /// Another's answer, to a call that is still to be made.
    Forward {
        url: String,
        authorization: String,
    },
    Page {
        status: u16,
        html: String,
    },
    /// Status 302.
    Redirect {
        location: String,
    },
}

const ERROR: Own = Own { document: "errors", name: "Error" };

/// Every route, in the order of the reference.
pub(crate) const ALL: &[&Route] = &[
    &token::CREATE,
    &connected_accounts::LIST,
    &connected_accounts::CREATE,
    &connected_accounts::AUTH,
    &connected_accounts::DETAILS,
    &connected_accounts::DELETE,
    &magic_link::CREATE,
    &consent::VISIT,
    &consent::DECIDE,
    &verification::VERIFY,
    &consent::SUCCESS,
    &clients::CREATE,
    &clients::LIST,
    &clients::GET,
    &clients::UPDATE,
    &clients::DELETE,
    &client_secrets::CREATE,
    &client_secrets::DELETE,
    &keys::KEYS,
    &keys::DISCOVERY,
    &connections::LIST,
    &providers::LIST,
    &mcp::CONNECTION_TOKEN,
    &mcp::CONFIG_TOKEN,
    &mcp::CONNECTION,
    &mcp::CONFIG,
    &proxy::PROXY,
];

impl Route {
    /// Whether a request carries what the route asks for; never true where it asks for nothing.
    pub(crate) fn authorizes(&self, state: &State, call: &Call) -> bool {
        match self.guard {
            Guard::Bearer => state.check_bearer(call.authorization.as_deref()).is_ok(),
            Guard::Client => token::knows(state, call),
            Guard::Open => false,
        }
    }

    /// The name of the route in counts and controls.
    pub(crate) fn key(&self) -> String {
        format!("{} {}", self.method, self.template)
    }

    /// Whether it takes any method, and any path below its own.
    pub(crate) fn is_open_ended(&self) -> bool {
        self.method == "ANY"
    }

    fn fits(&self, method: &str, path: &str) -> bool {
        if self.is_open_ended() {
            return path.strip_prefix(self.template).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        }
        let mut segments = path.split('/');
        let alike = self.template.split('/').all(|wanted| {
            segments.next().is_some_and(|given| given == wanted || (wanted.starts_with('{') && !given.is_empty()))
        });
        self.method == method && alike && segments.next().is_none()
    }
}

/// The route for a request.
pub(crate) fn find(method: &str, path: &str) -> Option<&'static Route> {
    ALL.iter().copied().find(|route| route.fits(method, path))
}
