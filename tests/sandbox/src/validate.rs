//! Holds both sides to what is known of the API: every request and every reply, against the official OpenAPI
//! description where that describes them, and against schemas of our own.

use serde_json::Value;

use crate::openapi;
use crate::routes::{Route, Takes};

/// What the client did wrong.
pub(crate) fn request(route: &Route, query: &[(String, String)], content_type: &str, fields: &Value) -> Vec<String> {
    let key = route.key();
    let own = match route.takes {
        Takes::Nothing => Vec::new(),
        Takes::Query(own) | Takes::Form(own) | Takes::Json(own) => own.complaints(fields),
    };
    let mut found = label(&key, "request", "own schema", own);
    let official = match route.takes {
        Takes::Query(_) => openapi::query_complaints(&key, query),
        Takes::Json(_) => openapi::body_complaints(&key, fields),
        Takes::Nothing | Takes::Form(_) => Vec::new(),
    };
    found.extend(label(&key, "request", "OpenAPI", official));
    if !matches!(route.takes, Takes::Query(_)) && !query.is_empty() {
        found.push(format!("{key}: request: takes no query"));
    }
    let wanted = match route.takes {
        Takes::Nothing | Takes::Query(_) => None,
        Takes::Form(_) => Some("application/x-www-form-urlencoded"),
        Takes::Json(_) => Some("application/json"),
    };
    let given = content_type.split(';').next().unwrap_or_default().trim();
    if let Some(wanted) = wanted.filter(|wanted| !given.eq_ignore_ascii_case(wanted)) {
        found.push(format!("{key}: request: content type is {given:?}, not {wanted:?}"));
    }
    found
}

/// What the sandbox did wrong.
pub(crate) fn reply(route: &Route, status: u16, body: &Value) -> Vec<String> {
    let key = route.key();
    let what = format!("reply {status}");
    let own = if status < 400 { route.gives } else { route.fails };
    let own = own.map(|own| own.complaints(body)).unwrap_or_default();
    let mut found = label(&key, &what, "own schema", own);
    found.extend(label(&key, &what, "OpenAPI", openapi::reply_complaints(&key, status, body)));
    found
}

fn label(key: &str, what: &str, by: &str, complaints: Vec<String>) -> Vec<String> {
    complaints.into_iter().map(|complaint| format!("{key}: {what}: {by}: {complaint}")).collect()
}
