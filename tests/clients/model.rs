//! A stand-in for the API of a model (OpenAI's Responses), which calls tools as it is told.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// What the model does in a turn.
pub enum Turn {
    /// Calls the tool whose name ends so, after something was done.
    Call(&'static str, Value, Box<dyn Fn() + Send>),
    /// Says this, which ends the run.
    Say(&'static str),
}

pub struct Model {
    pub url: String,
    requests: Arc<Mutex<Vec<Value>>>,
}

impl Model {
    pub fn start(turns: Vec<Turn>) -> Self {
        let server = tiny_http::Server::http("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1", server.server_addr());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        std::thread::spawn(move || {
            let mut turns = turns.into_iter();
            for mut request in server.incoming_requests() {
                if !request.url().ends_with("/responses") {
                    let _ = request.respond(tiny_http::Response::from_string("{}").with_status_code(404));
                    continue;
                }
                let mut body = String::new();
                request.as_reader().read_to_string(&mut body).unwrap();
                let asked: Value = serde_json::from_str(&body).unwrap();
                let item = match turns.next() {
                    Some(Turn::Call(tool, arguments, before)) => {
                        before();
                        call(&asked, tool, &arguments)
                    }
                    Some(Turn::Say(text)) => say(text),
                    None => say("nothing more"),
                };
                seen.lock().unwrap().push(asked);
                let response = tiny_http::Response::from_string(events(&item));
                let kind = "Content-Type: text/event-stream".parse::<tiny_http::Header>().unwrap();
                let _ = request.respond(response.with_header(kind));
            }
        });
        Self { url, requests }
    }

    /// What the client sent, one request a turn.
    pub fn requests(&self) -> Vec<Value> {
        self.requests.lock().unwrap().clone()
    }
}

/// The tools of a request, in the form that the client gave them.
pub fn tools(request: &Value) -> String {
    request["tools"].to_string()
}

fn call(asked: &Value, tool: &str, arguments: &Value) -> Value {
    // Tools of a server may stand in a namespace of its own.
    let all = asked["tools"].as_array().cloned().unwrap_or_default();
    let direct = all.iter().find(|known| known["name"].as_str().is_some_and(|name| name.ends_with(tool)));
    let mut item = json!({"type": "function_call", "call_id": format!("call-{tool}-{}", asked["input"].as_array().map_or(0, Vec::len)),
        "arguments": arguments.to_string()});
    match direct {
        Some(known) => item["name"] = known["name"].clone(),
        None => {
            let within = |space: &Value| -> Option<Value> {
                let tools = space["tools"].as_array()?;
                let found =
                    tools.iter().find(|known| known["name"].as_str().is_some_and(|name| name.ends_with(tool)))?;
                Some(json!([space["name"], found["name"]]))
            };
            let found = all.iter().find_map(within).unwrap_or_else(|| panic!("no tool {tool} in {}", asked["tools"]));
            item["namespace"] = found[0].clone();
            item["name"] = found[1].clone();
        }
    }
    item
}

fn say(text: &str) -> Value {
    json!({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]})
}

fn events(item: &Value) -> String {
    let usage = json!({"input_tokens": 1, "input_tokens_details": null, "output_tokens": 1,
        "output_tokens_details": null, "total_tokens": 2});
    let all = [
        json!({"type": "response.created", "response": {"id": "r"}}),
        json!({"type": "response.output_item.done", "item": item}),
        json!({"type": "response.completed", "response": {"id": "r", "usage": usage}}),
    ];
    all.iter().map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap())).collect()
}
