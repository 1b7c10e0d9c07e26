//! `mcp`: stdin and stdout of a client on one side, a remote server on the other.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use crate::common::mcp_server::McpServer;
use crate::common::{EXE, World};
use scalekit_sandbox::Control;
use serde_json::{Value, json};

const AUTH: &str = "GET /api/v1/connected_accounts/auth";

/// A client of the bridge.
struct Client {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Client {
    fn start(world: &World, args: &[&str]) -> Self {
        let mut command = world.command(EXE);
        command.arg("mcp").args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (told, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _ = told.send(line);
            }
        });
        let stdin = child.stdin.take();
        Self { child, stdin, lines }
    }

    fn send(&mut self, message: &Value) {
        self.write(&format!("{message}\n"));
    }

    fn write(&mut self, text: &str) {
        self.stdin.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    #[track_caller]
    fn next(&self) -> Value {
        let line = self.lines.recv_timeout(Duration::from_secs(10)).expect("a message");
        serde_json::from_str(&line).expect("stdout carries messages and nothing else")
    }

    /// Asks, and takes the next message for the answer.
    #[track_caller]
    fn ask(&mut self, id: u64, method: &str, params: Value) -> Value {
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        self.next()
    }

    #[track_caller]
    fn initialize(&mut self, version: &str) {
        let answer = self.ask(0, "initialize", json!({"protocolVersion": version}));
        assert_eq!(answer["result"]["protocolVersion"], version, "{answer}");
        self.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    }

    /// Closes stdin, and says how long it took to end, and what stderr said.
    fn end(mut self) -> (Duration, String) {
        drop(self.stdin.take());
        let began = Instant::now();
        let status = self.child.wait().unwrap();
        let mut said = String::new();
        std::io::Read::read_to_string(&mut self.child.stderr.take().unwrap(), &mut said).unwrap();
        assert!(status.success(), "{said}");
        (began.elapsed(), said)
    }
}

/// A world whose service linear has this server, and the token `one`.
fn world() -> (World, McpServer) {
    let world = World::new();
    let server = McpServer::start("one");
    world.seed("linear-x", "LINEARMCP", "one");
    world.ok(&["config", "linear", "linear-x", "--identifier", "ada", "--host", &server.origin]);
    (world, server)
}

fn until(is_true: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !is_true() {
        assert!(Instant::now() < end, "it never happens");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_session_has_its_headers_its_stream_and_its_end() {
    let (world, server) = world();
    let mut client = Client::start(&world, &[&server.url]);
    client.initialize("2025-11-25");
    assert_eq!(client.next()["params"]["data"], "from the server");
    assert_eq!(client.ask(1, "echo", json!({"a": [1, "ä"]}))["result"], json!({"a": [1, "ä"]}));
    let (time, said) = client.end();
    assert!(time < Duration::from_secs(1), "{time:?}");
    assert_eq!(said, "");
    let seen = server.seen();
    let whats: Vec<String> = seen.iter().map(|seen| seen.what()).collect();
    assert_eq!(whats[..2], ["initialize", "notifications/initialized"]);
    assert_eq!(whats.last().unwrap(), "DELETE");
    assert!(whats.contains(&"GET".to_owned()) && whats.len() == 5, "{whats:?}");
    for (at, request) in seen.iter().enumerate() {
        let session = (request.header("mcp-session-id"), request.header("mcp-protocol-version"));
        assert_eq!(session, if at == 0 { ("", "") } else { ("s-1", "2025-11-25") }, "{request:?}");
        assert_eq!(request.header("mcp-method"), "");
        assert_eq!(request.path, "/mcp");
    }
    assert!(seen[0].header("accept").contains("application/json, text/event-stream"));
}

#[test]
fn a_slow_request_holds_up_no_other_and_there_are_32_at_most() {
    let (world, server) = world();
    let mut client = Client::start(&world, &[&server.url]);
    for id in 0..40 {
        client.send(&json!({"jsonrpc": "2.0", "id": id, "method": "slow", "params": {"millis": 700}}));
    }
    let mut ids: Vec<u64> = (0..40).map(|_| client.next()["id"].as_u64().unwrap()).collect();
    ids.sort_unstable();
    assert_eq!(ids, (0..40).collect::<Vec<_>>());
    assert!((20..=32).contains(&server.most_at_once()), "{}", server.most_at_once());
    client.send(&json!({"jsonrpc": "2.0", "id": "s", "method": "slow", "params": {"millis": 1000}}));
    assert_eq!(client.ask(2, "echo", json!(2))["id"], 2);
    assert_eq!(client.next()["id"], "s");
}

#[test]
fn events_are_passed_on_as_they_arrive() {
    let (world, server) = world();
    let mut client = Client::start(&world, &[&server.url]);
    client.send(&json!({"jsonrpc": "2.0", "id": 1, "method": "stream"}));
    let mut times = Vec::new();
    for wanted in ["one", "two", "streamed"] {
        let message = client.next();
        times.push(Instant::now());
        assert!([&message["params"]["data"], &message["result"]].contains(&&json!(wanted)), "{message}");
    }
    for pair in times.windows(2) {
        assert!(pair[1] - pair[0] > Duration::from_millis(200), "{times:?}");
    }
}

#[test]
fn a_line_that_is_no_message_is_answered_and_the_bridge_goes_on() {
    let (world, server) = world();
    let mut client = Client::start(&world, &[&server.url]);
    for text in ["not json\n", "\n  \n{\"id\":1,\n", "\u{0}\n", "{} {}\n"] {
        client.write(text);
        let answer = client.next();
        assert_eq!((&answer["error"]["code"], &answer["id"]), (&json!(-32700), &Value::Null), "{text:?}");
    }
    client.write(&format!("\"{}\"\n", "x".repeat(17 * 1024 * 1024)));
    assert_eq!(client.next()["error"]["code"], -32600);
    assert_eq!(client.ask(1, "echo", json!("still"))["result"], "still");
    // What is on several lines comes on one.
    client.write("{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"pretty\"}\r\n");
    assert_eq!(client.next()["result"], "a\nb");
    assert_eq!(server.whats(), ["echo", "pretty"]);
}

#[test]
fn a_refused_token_is_forgotten_and_the_request_sent_once_more() {
    for (status, challenge) in [(401, "Bearer"), (403, "Bearer error=\"invalid_token\", error_description=\"x\"")] {
        let (world, server) = world();
        let mut client = Client::start(&world, &[&server.url]);
        assert_eq!(client.ask(1, "echo", json!(1))["result"], 1);
        server.refuses_with(status, challenge);
        server.takes("two");
        world.order(
            json!({"op": "queue_tokens", "connection": "linear-x", "identifier": "ada", "tokens": ["one", "two"]}),
        );
        assert_eq!(client.ask(2, "echo", json!(2))["result"], 2);
        assert_eq!(server.whats().len(), 3, "one refusal, one repeat");
        let tokens: Vec<String> = server.seen().iter().map(|seen| seen.header("authorization").to_owned()).collect();
        assert_eq!(tokens, ["Bearer one", "Bearer one", "Bearer two"]);
    }
}

#[test]
fn what_a_server_forbids_is_not_sent_again() {
    let (world, server) = world();
    server.takes("nobody's");
    server.refuses_with(403, "Bearer error=\"insufficient_scope\"");
    let mut client = Client::start(&world, &[&server.url]);
    let answer = client.ask(1, "echo", json!(1));
    assert!(answer["error"]["message"].as_str().unwrap().contains("403"), "{answer}");
    assert_eq!(server.whats().len(), 1);
}

#[test]
fn the_agent_learns_what_its_person_has_to_do() {
    let (world, server) = world();
    server.takes("nobody's");
    let mut client = Client::start(&world, &[&server.url]);
    let answer = client.ask(1, "echo", json!(1));
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(message.contains("connect linear --renew"), "{answer}");
    assert!(server.whats().len() <= 2);
    world.order(json!({"op": "set_status", "connection": "linear-x", "identifier": "ada", "status": "PENDING_AUTH"}));
    let answer = client.ask(2, "echo", json!(2));
    let data = &answer["error"]["data"];
    assert_eq!((&answer["id"], &data["status"]), (&json!(2), &json!("needs_authorization")), "{answer}");
    assert!(data["link"].as_str().unwrap().contains("/magicLink/"));
    // A notification has nobody who waits.
    client.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled"}));
    world.order(json!({"op": "set_status", "connection": "linear-x", "identifier": "ada", "status": "ACTIVE"}));
    world.seed("linear-x", "LINEARMCP", "three");
    server.takes("three");
    assert_eq!(client.ask(3, "echo", json!(3))["result"], 3);
}

#[test]
fn a_session_that_has_ended_is_told_and_another_one_begins() {
    let (world, server) = world();
    let mut client = Client::start(&world, &[&server.url]);
    client.initialize("2025-06-18");
    client.next();
    let answer = client.ask(1, "gone", json!(null));
    assert_eq!(answer["error"]["code"], -32001, "{answer}");
    client.initialize("2025-06-18");
    until(|| server.seen().last().unwrap().header("mcp-protocol-version") == "2025-06-18");
}

#[test]
fn a_stream_that_breaks_is_taken_up_again() {
    let (world, server) = world();
    let mut client = Client::start(&world, &[&server.url]);
    client.send(&json!({"jsonrpc": "2.0", "id": 70, "method": "broken"}));
    assert_eq!(client.next()["params"]["data"], "before");
    assert_eq!(client.next()["result"], "resumed");
    assert_eq!(server.seen().last().unwrap().header("last-event-id"), "e-7");
    assert_eq!(server.whats(), ["broken", "GET"], "the request itself is sent once");
}

#[test]
fn requests_without_sessions_say_in_headers_what_they_are() {
    let (world, server) = world();
    let mut client = Client::start(&world, &[&server.url]);
    let meta = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28"});
    client.ask(1, "tools/call", json!({"name": "größe", "_meta": meta}));
    client.ask(2, "server/discover", json!({"_meta": meta}));
    let seen = server.seen();
    let headers =
        |at: usize| ["mcp-protocol-version", "mcp-method", "mcp-name"].map(|name| seen[at].header(name).to_owned());
    assert_eq!(headers(0), ["2026-07-28", "tools/call", "=?base64?Z3LDtsOfZQ==?="]);
    assert_eq!(headers(1), ["2026-07-28", "server/discover", ""]);
    let (_, said) = client.end();
    assert_eq!((said.as_str(), server.whats().len()), ("", 2), "no stream and no session to end");
}

#[test]
fn arguments_that_a_tool_wants_in_headers_travel_there_too() {
    let (world, server) = world();
    let mut client = Client::start(&world, &[&server.url]);
    let meta = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28"});
    let schema = json!({"properties": {"region": {"type": "string", "x-mcp-header": "Region"}}});
    // The server answers with what it was asked.
    client.ask(1, "tools/list", json!({"tools": [{"name": "run", "inputSchema": schema}], "_meta": meta}));
    for (id, name, region) in [(2, "run", "eu-1"), (3, "other", "")] {
        client.ask(id, "tools/call", json!({"name": name, "arguments": {"region": "eu-1"}, "_meta": meta}));
        assert_eq!(server.seen().last().unwrap().header("mcp-param-region"), region);
    }
}

#[test]
fn other_answers_are_errors_or_the_servers_own() {
    let (world, server) = world();
    let mut client = Client::start(&world, &[&server.url]);
    assert!(client.ask(1, "wrong", json!(1))["error"]["message"].as_str().unwrap().contains("500"));
    assert_eq!(client.ask(2, "own-error", json!(1))["error"]["code"], -32020);
    let answer = client.ask(3, "elsewhere", json!(1));
    assert!(answer["error"]["message"].as_str().unwrap().contains("redirects"), "{answer}");
    assert_eq!(server.whats().len(), 3);
}

#[test]
fn only_the_services_own_host_gets_a_message() {
    let (world, server) = world();
    let mut client = Client::start(&world, &["https://mcp.nobody.example.com/mcp"]);
    let answer = client.ask(1, "echo", json!(1));
    assert!(answer["error"]["message"].as_str().unwrap().contains("no configured service answers"), "{answer}");
    client.end();
    for url in ["nobody", "ftp://a.com", "https://ada:pw@a.com/mcp", "http://mcp.linear.app/mcp"] {
        let got = world.run(&["mcp", url]);
        assert!(got.stdout.is_empty() && got.code == Some(2) && !got.stderr.contains("pw@"), "{url}: {got:?}");
    }
    assert_eq!(server.whats().len(), 0);
}

#[test]
fn the_cache_serves_every_message() {
    let (mut world, server) = world();
    world.has_cache = true;
    world.control(Control::SetAbsent { mode: scalekit_sandbox::Absent::Missing });
    let mut client = Client::start(&world, &[&server.url]);
    for id in 0..20 {
        client.ask(id, "echo", json!(id));
    }
    // A kernel that keeps nothing asks the vault each time.
    let status: Value = serde_json::from_str(&world.ok(&["cache", "status", "--json"]).stdout).unwrap();
    assert_eq!(world.count(AUTH), if status["available"] == true { 1 } else { 20 });
    until(|| server.whats().len() == 20);
}
