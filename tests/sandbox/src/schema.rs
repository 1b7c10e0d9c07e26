//! Schemas of our own, written from the reference for what the OpenAPI description leaves out, and stricter than it on
//! requests: a field that no message has is a mistake of the client even where the server overlooks it.

use std::collections::HashMap;
use std::sync::LazyLock;

use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

const DOCUMENTS: &[(&str, &str)] = &[
    ("clients", include_str!("schemas/clients.json")),
    ("connected_accounts", include_str!("schemas/connected_accounts.json")),
    ("connections", include_str!("schemas/connections.json")),
    ("errors", include_str!("schemas/errors.json")),
    ("mcp", include_str!("schemas/mcp.json")),
    ("keys", include_str!("schemas/keys.json")),
    ("providers", include_str!("schemas/providers.json")),
    ("token", include_str!("schemas/token.json")),
];

/// The name of one definition in one document of `schemas/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Own {
    pub(crate) document: &'static str,
    pub(crate) name: &'static str,
}

struct Definition {
    schema: Value,
    validator: Validator,
}

static DEFINITIONS: LazyLock<HashMap<(&'static str, String), Definition>> = LazyLock::new(|| {
    let mut definitions = HashMap::new();
    for (document, text) in DOCUMENTS {
        let root: Value = serde_json::from_str(text).expect("an embedded schema is JSON");
        for (name, schema) in root["$defs"].as_object().expect("an embedded schema has $defs") {
            let whole = json!({"$ref": format!("#/$defs/{name}"), "$defs": root["$defs"]});
            let validator = compile(&whole).expect("an embedded schema is a schema");
            definitions.insert((*document, name.clone()), Definition { schema: schema.clone(), validator });
        }
    }
    definitions
});

impl Own {
    fn definition(self) -> &'static Definition {
        DEFINITIONS.get(&(self.document, self.name.to_owned())).expect("the routes name definitions that exist")
    }

    /// What is wrong with a value.
    pub(crate) fn complaints(self, value: &Value) -> Vec<String> {
        complaints(&self.definition().validator, value)
    }

    /// The fields of a query or form, with the types that the definition gives them.
    pub(crate) fn read(self, pairs: &[(String, String)]) -> Value {
        let mut names: Vec<&String> = pairs.iter().map(|(name, _)| name).collect();
        names.dedup();
        let properties = &self.definition().schema["properties"];
        let fields = names.into_iter().map(|name| (name.clone(), typed(&properties[name], pairs, name)));
        Value::Object(Map::from_iter(fields))
    }

    /// Whether the definition has a field of that name.
    pub(crate) fn knows(self, name: &str) -> bool {
        self.definition().schema["properties"].get(name).is_some()
    }
}

/// All values of a parameter as one JSON value; text that does not fit the type stays text, for the schema to refuse.
pub(crate) fn typed(schema: &Value, pairs: &[(String, String)], name: &str) -> Value {
    let mut values: Vec<Value> = pairs
        .iter()
        .filter(|(given, _)| given == name)
        .map(|(_, value)| match schema["type"].as_str() {
            Some("integer") => value.parse::<i64>().map_or_else(|_| value.as_str().into(), Value::from),
            Some("boolean") => value.parse::<bool>().map_or_else(|_| value.as_str().into(), Value::from),
            _ => value.as_str().into(),
        })
        .collect();
    match values.pop() {
        Some(only) if values.is_empty() && schema["type"] != "array" => only,
        last => {
            values.extend(last);
            Value::Array(values)
        }
    }
}

pub(crate) fn compile(schema: &Value) -> Result<Validator, String> {
    // OpenAPI 3.1 schemas are of this draft; its formats bind nobody unless asked to.
    let options = jsonschema::options().with_draft(Draft::Draft202012).should_validate_formats(true);
    options.build(schema).map_err(|error| error.to_string())
}

/// What is wrong with a value, without showing the value: it may hold a secret.
pub(crate) fn complaints(validator: &Validator, value: &Value) -> Vec<String> {
    let errors = validator.iter_errors(value);
    errors.map(|error| format!("at {:?}: {}", error.instance_path().to_string(), error.masked())).collect()
}
