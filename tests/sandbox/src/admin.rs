//! The sandbox's own routes, for whoever runs it as a program.

use serde_json::{Value, json};

use crate::http::Reply;
use crate::sandbox::Shared;

pub(crate) fn answer(shared: &Shared, method: &str, path: &str, body: &[u8]) -> Reply {
    match (method, path) {
        ("POST", "/_sandbox/control") => {
            let control = serde_json::from_slice(body).map_err(|error| error.to_string());
            match control.and_then(|control| shared.control(control)) {
                Ok(value) => Reply::json(200, &value),
                Err(error) => Reply::json(400, &json!({"error": error})),
            }
        }
        ("GET", "/_sandbox/counts") => Reply::json(200, &json!(shared.counts())),
        ("GET", "/_sandbox/requests") => Reply::json(200, &json!(shared.state().log)),
        ("GET", "/_sandbox/violations") => Reply::json(200, &Value::from(shared.state().violations.clone())),
        _ => Reply::json(404, &json!({"error": "control, counts, requests or violations"})),
    }
}
