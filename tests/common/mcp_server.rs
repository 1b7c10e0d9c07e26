//! A remote MCP server that does what a request's method says, and takes one token at a time.

// Each test file uses a part of it.
#![allow(dead_code)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Seen {
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    /// The JSON-RPC method, or HTTP's.
    pub fn what(&self) -> String {
        let message: Value = serde_json::from_str(&self.body).unwrap_or_default();
        message["method"].as_str().map_or_else(|| self.method.clone(), str::to_owned)
    }
}

#[derive(Default)]
struct State {
    token: Mutex<String>,
    seen: Mutex<Vec<Seen>>,
    /// What a 401 or 403 says.
    refusal: Mutex<Option<(u16, String)>>,
    busy: AtomicUsize,
    most_busy: AtomicUsize,
}

/// Serves until the test's process ends.
pub struct McpServer {
    pub url: String,
    pub origin: String,
    state: Arc<State>,
}

impl McpServer {
    pub fn start(token: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State::default());
        let server = Self { url: format!("{origin}/mcp"), origin, state: state.clone() };
        server.takes(token);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = state.clone();
                std::thread::spawn(move || while serve(&stream, &state).is_some() {});
            }
        });
        server
    }

    /// The one token that is taken from now on.
    pub fn takes(&self, token: &str) {
        *self.state.token.lock().unwrap() = token.to_owned();
    }

    /// How a wrong token is refused: 401 at first.
    pub fn refuses_with(&self, status: u16, challenge: &str) {
        *self.state.refusal.lock().unwrap() = Some((status, challenge.to_owned()));
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.state.seen.lock().unwrap().clone()
    }

    /// What was asked for, in its order.
    pub fn whats(&self) -> Vec<String> {
        self.seen().iter().map(Seen::what).collect()
    }

    pub fn most_at_once(&self) -> usize {
        self.state.most_busy.load(Ordering::Relaxed)
    }
}

/// One request of a connection; `None` once it is over.
fn serve(stream: &TcpStream, state: &State) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let mut words = line.split(' ').map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let mut seen = Seen { method, path, headers, body: String::new() };
    let length: u64 = seen.header("content-length").parse().unwrap_or(0);
    reader.take(length).read_to_string(&mut seen.body).ok()?;
    let is_known = seen.header("authorization") == format!("Bearer {}", state.token.lock().unwrap());
    state.seen.lock().unwrap().push(seen.clone());
    if !is_known {
        let refusal = state.refusal.lock().unwrap().clone();
        let (status, challenge) = refusal.unwrap_or((401, "Bearer error=\"invalid_token\"".to_owned()));
        return reply(stream, status, &format!("www-authenticate: {challenge}\r\n"), "{}");
    }
    let busy = state.busy.fetch_add(1, Ordering::Relaxed) + 1;
    state.most_busy.fetch_max(busy, Ordering::Relaxed);
    let done = answer(stream, &seen);
    state.busy.fetch_sub(1, Ordering::Relaxed);
    done
}

fn answer(stream: &TcpStream, seen: &Seen) -> Option<()> {
    let message: Value = serde_json::from_str(&seen.body).unwrap_or_default();
    let id = &message["id"];
    let result = |result: Value| json!({"jsonrpc": "2.0", "id": id, "result": result}).to_string();
    let note =
        |text: &str| json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": text}}).to_string();
    match seen.what().as_str() {
        "initialize" => {
            let version = message["params"]["protocolVersion"].as_str().unwrap_or("2025-06-18");
            reply(
                stream,
                200,
                "mcp-session-id: s-1\r\n",
                &result(
                    json!({"protocolVersion": version, "capabilities": {}, "serverInfo": {"name": "test", "version": "1"}}),
                ),
            )
        }
        "slow" => {
            std::thread::sleep(Duration::from_millis(message["params"]["millis"].as_u64().unwrap_or(1000)));
            reply(stream, 200, "", &result(json!("slow")))
        }
        "pretty" => reply(
            stream,
            200,
            "",
            &format!("{{\n  \"jsonrpc\": \"2.0\",\r\n  \"id\": {id},\n  \"result\": \"a\\nb\"\n}}\n"),
        ),
        "stream" => {
            begin(stream)?;
            for step in ["one", "two"] {
                event(stream, None, &note(step))?;
                std::thread::sleep(Duration::from_millis(400));
            }
            event(stream, None, &result(json!("streamed")))
        }
        "broken" => {
            begin(stream)?;
            event(stream, Some("e-7"), &note("before"))?;
            stream.shutdown(std::net::Shutdown::Both).ok()?;
            None
        }
        "gone" => reply(stream, 404, "", "session not found"),
        "wrong" => reply(stream, 500, "", "<html>oops</html>"),
        "own-error" => {
            let error = json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32020, "message": "HeaderMismatch"}});
            reply(stream, 400, "", &error.to_string())
        }
        "elsewhere" => reply(stream, 307, "location: http://127.0.0.1:9/mcp\r\n", ""),
        "GET" if seen.header("last-event-id") == "e-7" => {
            begin(stream)?;
            event(stream, None, &json!({"jsonrpc": "2.0", "id": 70, "result": "resumed"}).to_string())?;
            stream.shutdown(std::net::Shutdown::Both).ok()?;
            None
        }
        "GET" => {
            begin(stream)?;
            event(stream, None, &note("from the server"))?;
            std::thread::sleep(Duration::from_secs(20));
            None
        }
        "DELETE" => reply(stream, 200, "", ""),
        _ if id.is_null() => reply(stream, 202, "", ""),
        _ => reply(stream, 200, "", &result(message["params"].clone())),
    }
}

fn reply(mut stream: &TcpStream, status: u16, headers: &str, body: &str) -> Option<()> {
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{headers}content-length: {length}\r\n\r\n");
    stream.write_all((head + body).as_bytes()).ok()
}

fn begin(mut stream: &TcpStream) -> Option<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n").ok()
}

fn event(mut stream: &TcpStream, id: Option<&str>, data: &str) -> Option<()> {
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    let text = format!("{id}event: message\ndata: {data}\n\n");
    stream.write_all(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes()).ok()
}
