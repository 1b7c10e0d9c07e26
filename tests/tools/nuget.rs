//! NuGet's plug-in. No package registry has a dotnet that is new enough, so this replays what NuGet's client writes and reads.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use crate::common::World;
use crate::world;
use serde_json::{Value, json};

const SOURCE: &str = "https://pkg.example.com/v3/index.json";

struct Plugin {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Plugin {
    fn start(world: &World) -> Self {
        let mut command = world.command("nuget-plugin-scalekit");
        command.arg("-Plugin").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, stdin, stdout }
    }

    fn read(&mut self) -> Value {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    fn write(&mut self, kind: &str, id: &str, method: &str, payload: &Value) {
        let message = json!({"RequestId": id, "Type": kind, "Method": method, "Payload": payload});
        self.stdin.as_mut().unwrap().write_all(format!("{message}\r\n").as_bytes()).unwrap();
    }

    /// The payload of the answer to a request; what tells of progress is passed over.
    fn ask(&mut self, method: &str, payload: Value) -> Value {
        self.write("Request", "r-1", method, &payload);
        loop {
            let answer = self.read();
            assert!(answer["RequestId"] == "r-1" && answer["Method"] == method, "{answer}");
            match answer["Type"].as_str() {
                Some("Response") => return answer["Payload"].clone(),
                kind => assert_eq!(kind, Some("Progress")),
            }
        }
    }

    fn credentials(&mut self, uri: &str, is_retry: bool) -> Value {
        self.ask(
            "GetAuthenticationCredentials",
            json!({"Uri": uri, "IsRetry": is_retry, "IsNonInteractive": true, "CanShowDialog": false}),
        )
    }

    fn end(mut self) -> Option<i32> {
        drop(self.stdin.take());
        self.child.wait().unwrap().code()
    }
}

#[test]
fn nuget_gets_a_login_for_our_source_and_none_for_another() {
    let world = world("pkg.example.com");
    let mut plugin = Plugin::start(&world);
    let hello = plugin.read();
    assert!(hello["Type"] == "Request" && hello["Method"] == "Handshake", "{hello}");
    assert_eq!(hello["Payload"], json!({"ProtocolVersion": "2.0.0", "MinimumProtocolVersion": "2.0.0"}));
    plugin.write(
        "Response",
        "scalekit-auth-1",
        "Handshake",
        &json!({"ResponseCode": "Success", "ProtocolVersion": "2.0.0"}),
    );
    let versions = json!({"ProtocolVersion": "2.0.0", "MinimumProtocolVersion": "1.0.0"});
    assert_eq!(plugin.ask("Handshake", versions), json!({"ResponseCode": "Success", "ProtocolVersion": "2.0.0"}));
    let done = json!({"ResponseCode": "Success"});
    assert_eq!(plugin.ask("MonitorNuGetProcessExit", json!({"ProcessId": 1})), done);
    let settings = json!({"ClientVersion": "6.14.0", "Culture": "en-US", "RequestTimeout": "00:00:05"});
    assert_eq!(plugin.ask("Initialize", settings), done);
    let about = json!({"PackageSourceRepository": null, "ServiceIndex": null});
    assert_eq!(plugin.ask("GetOperationClaims", about), json!({"Claims": ["Authentication"]}));
    let about = json!({"PackageSourceRepository": SOURCE, "ServiceIndex": "{}"});
    assert_eq!(plugin.ask("GetOperationClaims", about), json!({"Claims": []}));
    assert_eq!(plugin.ask("SetLogLevel", json!({"LogLevel": "Warning"})), done);

    let got = plugin.credentials(SOURCE, false);
    assert_eq!(
        got,
        json!({"Username": "oauth2", "Password": "tok-1", "Message": null, "AuthenticationTypes": ["Basic"],
            "ResponseCode": "Success"})
    );
    let before = world.sandbox.requests().len();
    for uri in [
        "https://api.nuget.org/v3/index.json",
        "https://pkg.example.com.evil.net/",
        "pkg.example.com",
        "/local/feed",
        "",
    ] {
        let got = plugin.credentials(uri, false);
        assert!(got["ResponseCode"] == "NotFound" && got["Password"].is_null(), "{uri}: {got}");
    }
    assert_eq!(world.sandbox.requests().len(), before);
    assert_eq!(
        plugin.ask("GetServiceIndex", json!({"PackageSourceRepository": SOURCE})),
        json!({"ResponseCode": "NotFound"})
    );

    world.order(json!({"op": "set_status", "connection": "mine-x", "identifier": "ada", "status": "PENDING_AUTH"}));
    let got = plugin.credentials(SOURCE, false);
    assert_eq!(got["ResponseCode"], "Error");
    assert!(got["Message"].as_str().unwrap().contains("/magicLink/"), "{got}");
    plugin.write("Request", "r-2", "Close", &Value::Null);
    assert_eq!(plugin.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_refused_token_is_not_given_twice() {
    let mut world = world("pkg.example.com");
    world.has_cache = true;
    let mut plugin = Plugin::start(&world);
    plugin.read();
    assert_eq!(plugin.credentials(SOURCE, false)["Password"], "tok-1");
    // Another source in between changes nothing.
    plugin.credentials("https://pkg.example.com/v3/other.json", false);
    let refused = plugin.credentials(SOURCE, true);
    assert_eq!(refused["ResponseCode"], "Error", "{refused}");
    world.seed("mine-x", "ACME", "tok-2");
    assert_eq!(plugin.credentials(SOURCE, false)["Password"], "tok-2");
    assert_eq!(plugin.end(), Some(0));
}

#[test]
fn nuget_hears_of_progress_while_the_vault_takes_its_time() {
    let world = world("pkg.example.com");
    let mut plugin = Plugin::start(&world);
    plugin.read();
    world.order(json!({"op": "delay", "route": "GET /api/v1/connected_accounts/auth", "millis": 3000}));
    let asked = json!({"Uri": SOURCE, "IsRetry": false});
    plugin.write("Request", "r-1", "GetAuthenticationCredentials", &asked);
    assert_eq!(plugin.read()["Type"], "Progress");
    assert_eq!(plugin.read()["Payload"]["Password"], "tok-1");
    plugin.write("Request", "r-2", "no such thing", &Value::Null);
    assert_eq!(plugin.child.wait().unwrap().code(), Some(1));
}
