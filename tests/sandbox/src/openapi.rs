//! The official OpenAPI description, as far as the sandbox serves its routes.
//!
//! It is OpenAPI 3.1, so its schemas are JSON Schema 2020-12 as they stand: `nullable` does not occur, and `int64` is a
//! format that binds nobody. No object in it forbids further fields; [`crate::schema`] does that.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::routes;
use crate::schema::{compile, complaints, typed};

/// What the description says about one route.
struct Operation {
    query: Vec<Parameter>,
    body: Option<Validator>,
    replies: HashMap<u16, Validator>,
}

struct Parameter {
    name: String,
    required: bool,
    schema: Value,
    validator: Validator,
}

type Operations = HashMap<String, Operation>;

static OPERATIONS: LazyLock<Result<Option<Operations>, String>> = LazyLock::new(load);

/// Whether the file is there; an error if it is and cannot be used.
pub(crate) fn found() -> Result<bool, String> {
    OPERATIONS.as_ref().map(Option::is_some).map_err(Clone::clone)
}

fn operation(key: &str) -> Option<&'static Operation> {
    OPERATIONS.as_ref().ok()?.as_ref()?.get(key)
}

fn load() -> Result<Option<Operations>, String> {
    let path = std::env::var_os("SCALEKIT_OPENAPI").map(PathBuf::from).unwrap_or_else(|| {
        let beside = "../../../shared/openapi/scalekit-agentkit-m2m.json";
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(beside)
    });
    let Ok(text) = std::fs::read_to_string(&path) else {
        return Ok(None);
    };
    let complain = |error: String| format!("{}: {error}", path.display());
    let mut document: Value = serde_json::from_str(&text).map_err(|error| complain(error.to_string()))?;
    // The zero member of an enumeration is left out here as well, and this one has an everyday name.
    if let Some(Value::Array(members)) = document.pointer_mut("/components/schemas/clientsClientSecretStatus/enum") {
        members.push("ACTIVE".into());
    }
    let mut operations = HashMap::new();
    for route in routes::ALL {
        let described = &document["paths"][route.template][route.method.to_lowercase()];
        if described.is_object() {
            operations.insert(route.key(), read(described, &document["components"]).map_err(complain)?);
        }
    }
    Ok(Some(operations))
}

fn read(described: &Value, components: &Value) -> Result<Operation, String> {
    // `$ref` is resolved against the document that is compiled, so each schema takes the components along.
    let build = |schema: &Value| compile(&json!({"allOf": [schema], "components": components}));
    let content = |of: &Value| of["content"]["application/json"].get("schema").map(&build).transpose();
    let mut query = Vec::new();
    for parameter in described["parameters"].as_array().into_iter().flatten() {
        if parameter["in"] == "query" {
            let name = parameter["name"].as_str().unwrap_or_default().to_owned();
            let required = parameter["required"] == true;
            let schema = parameter["schema"].clone();
            query.push(Parameter { name, required, validator: build(&schema)?, schema });
        }
    }
    let mut replies = HashMap::new();
    for (status, reply) in described["responses"].as_object().into_iter().flatten() {
        if let (Ok(status), Some(validator)) = (status.parse(), content(reply)?) {
            replies.insert(status, validator);
        }
    }
    let lenient = |schema: &Value| compile(&with_numbers(&json!({"allOf": [schema], "components": components})));
    let body = described["requestBody"]["content"]["application/json"].get("schema").map(lenient).transpose()?;
    Ok(Operation { query, body, replies })
}

/// A copy of a schema in which every int64 may be a number: protobuf's JSON reads it from both, though it writes text.
fn with_numbers(schema: &Value) -> Value {
    match schema {
        Value::Object(fields) => {
            let mut fields: serde_json::Map<_, _> =
                fields.iter().map(|(name, value)| (name.clone(), with_numbers(value))).collect();
            if fields.get("type") == Some(&json!("string")) && fields.get("format") == Some(&json!("int64")) {
                fields.insert("type".to_owned(), json!(["string", "integer"]));
            }
            Value::Object(fields)
        }
        Value::Array(items) => Value::Array(items.iter().map(with_numbers).collect()),
        plain => plain.clone(),
    }
}

/// What is wrong with a query.
pub(crate) fn query_complaints(key: &str, pairs: &[(String, String)]) -> Vec<String> {
    let mut found = Vec::new();
    for parameter in operation(key).into_iter().flat_map(|operation| &operation.query) {
        if pairs.iter().any(|(name, _)| *name == parameter.name) {
            let value = typed(&parameter.schema, pairs, &parameter.name);
            let wrong = complaints(&parameter.validator, &value);
            found.extend(wrong.into_iter().map(|wrong| format!("query parameter {}: {wrong}", parameter.name)));
        } else if parameter.required {
            found.push(format!("query parameter {} is missing", parameter.name));
        }
    }
    found
}

/// What is wrong with a request body.
pub(crate) fn body_complaints(key: &str, body: &Value) -> Vec<String> {
    let validator = operation(key).and_then(|operation| operation.body.as_ref());
    validator.map(|validator| complaints(validator, body)).unwrap_or_default()
}

/// What is wrong with a reply.
pub(crate) fn reply_complaints(key: &str, status: u16, body: &Value) -> Vec<String> {
    let validator = operation(key).and_then(|operation| operation.replies.get(&status));
    validator.map(|validator| complaints(validator, &without_zeroes(body))).unwrap_or_default()
}

/// A copy without the zero values that the description has no room for: `null`, timestamps without a time, and the
/// `…_UNSPECIFIED` members that its enumerations leave out. Protobuf counts all of them as fields that are not there,
/// and no reply has a field that must be.
fn without_zeroes(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(name, value)| !is_zero(name, value));
            Value::Object(kept.map(|(name, value)| (name.clone(), without_zeroes(value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(without_zeroes).collect()),
        plain => plain.clone(),
    }
}

fn is_zero(name: &str, value: &Value) -> bool {
    let is_time = name.ends_with("_at") || name.ends_with("_time") || name == "expiry";
    match value {
        Value::Null => true,
        Value::String(text) => (is_time && text.is_empty()) || text.ends_with("_UNSPECIFIED"),
        _ => false,
    }
}
