//! Arguments of tools that travel as headers as well (Model Context Protocol 2026-07-28, "Custom Headers from Tool Parameters"): a
//! property of a tool's schema with `x-mcp-header: NAME` is mirrored as `Mcp-Param-NAME`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::message::in_header;

/// How deep schemas are looked through.
const DEEPEST: usize = 16;

/// What the server's tools want, as far as it listed them.
#[derive(Debug, Default)]
pub struct Parameters(BTreeMap<String, Vec<Parameter>>);

#[derive(Debug, PartialEq, Eq)]
struct Parameter {
    header: String,
    /// The names of the properties that lead to it.
    path: Vec<String>,
}

impl Parameters {
    /// Takes note of the tools in a response to `tools/list`.
    pub fn learn(&mut self, response: &[u8]) {
        let Ok(response) = serde_json::from_slice::<Value>(response) else { return };
        for tool in response["result"]["tools"].as_array().into_iter().flatten() {
            let Some(name) = tool["name"].as_str() else { continue };
            let mut found = Vec::new();
            walk(&tool["inputSchema"], &mut Vec::new(), &mut found);
            match found.is_empty() {
                true => self.0.remove(name),
                false => self.0.insert(name.to_owned(), found),
            };
        }
    }

    /// The headers of a call of this tool. An argument that is null or not there has none.
    pub fn headers(&self, tool: &str, request: &[u8]) -> Vec<(String, String)> {
        let Some(parameters) = self.0.get(tool) else { return Vec::new() };
        let request: Value = serde_json::from_slice(request).unwrap_or_default();
        let header = |parameter: &Parameter| {
            let arguments = &request["params"]["arguments"];
            let value = parameter.path.iter().try_fold(arguments, |value, name| value.get(name))?;
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Number(_) | Value::Bool(_) => value.to_string(),
                _ => return None,
            };
            Some((format!("mcp-param-{}", parameter.header), in_header(&text)))
        };
        parameters.iter().filter_map(header).collect()
    }
}

/// Looks for annotations where a chain of `properties` leads to them; elsewhere they mean nothing.
fn walk(schema: &Value, path: &mut Vec<String>, found: &mut Vec<Parameter>) {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        path.push(name.clone());
        if let Some(header) = property["x-mcp-header"].as_str()
            && is_token(header)
            && matches!(property["type"].as_str(), Some("string" | "integer" | "number" | "boolean"))
        {
            found.push(Parameter { header: header.to_ascii_lowercase(), path: path.clone() });
        }
        if path.len() < DEEPEST {
            walk(property, path, found);
        }
        path.pop();
    }
}

/// A token of RFC 9110, 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn learned(schema: Value) -> Parameters {
        let mut parameters = Parameters::default();
        let tools = json!([{"name": "t", "inputSchema": schema}, {"name": "plain"}]);
        parameters.learn(json!({"id": 1, "result": {"tools": tools}}).to_string().as_bytes());
        parameters
    }

    fn headers(parameters: &Parameters, arguments: Value) -> Vec<(String, String)> {
        let request = json!({"method": "tools/call", "params": {"name": "t", "arguments": arguments}});
        parameters.headers("t", request.to_string().as_bytes())
    }

    #[test]
    fn annotated_arguments_become_headers() {
        let mut known = learned(json!({"properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "where": {"type": "object", "properties": {"row": {"type": "integer", "x-mcp-header": "Row"}}},
            "dry": {"type": "boolean", "x-mcp-header": "Dry"},
            "list": {"type": "array", "x-mcp-header": "List", "items": {"type": "string", "x-mcp-header": "Item"}},
            "bad": {"type": "string", "x-mcp-header": "a b"},
            "own": {"type": "string"},
        }}));
        let pair = |name: &str, value: &str| (format!("mcp-param-{name}"), value.to_owned());
        let all = json!({"region": "ü", "where": {"row": 42}, "dry": false, "list": ["x"], "bad": "y", "own": "z"});
        let wanted = [pair("region", "=?base64?w7w=?="), pair("row", "42"), pair("dry", "false")];
        assert_eq!(headers(&known, all), wanted);
        assert_eq!(headers(&known, json!({"region": null, "where": 1})), []);
        known.learn(json!({"result": {"tools": [{"name": "t", "inputSchema": {}}]}}).to_string().as_bytes());
        assert_eq!(headers(&known, json!({"region": "x"})), []);
    }

    proptest! {
        #[test]
        fn no_value_breaks_out_of_its_header(header in ".{0,6}", value in ".{0,20}", bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let mut known = learned(json!({"properties": {"p": {"type": "string", "x-mcp-header": header}}}));
            for (name, value) in headers(&known, json!({"p": value})) {
                prop_assert!(is_token(&name) && value.bytes().all(|b| (0x20..=0x7e).contains(&b)), "{}: {}", name, value);
            }
            known.learn(&bytes);
            known.headers("t", &bytes);
        }
    }
}
