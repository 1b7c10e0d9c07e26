//! A headless Chromium that a test drives through the DevTools protocol, over a pair of pipes.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::common::World;
use crate::common::keyring::needed;

/// A browser takes its time on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// Two browsers need a home each.
static STARTED: AtomicUsize = AtomicUsize::new(0);

/// A browser with one tab.
pub struct Chromium {
    child: Child,
    to: ChildStdin,
    from: Receiver<Value>,
    session: Option<String>,
    last: u64,
    /// What it told on its own, oldest first.
    pub events: Vec<Value>,
}

impl Chromium {
    /// Starts one in `world`'s home. The vault's certificate is one that no browser knows.
    pub fn start(world: &World) -> Self {
        let program = needed("chromium", "chromium");
        // It wants the pipes at 3 and 4.
        let home = format!("chromium-{}", STARTED.fetch_add(1, Ordering::Relaxed));
        let script = format!("exec {program} \"$@\" 3<&0 4>&1 0</dev/null 1>{home}.log 2>&1");
        let mut command = world.command("sh");
        command.args(["-c", &script, "sh", "--headless=new", "--no-sandbox", "--remote-debugging-pipe"]);
        command.args(["--ignore-certificate-errors", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]);
        command.arg(format!("--user-data-dir={}", world.path(&home).display())).arg("about:blank");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (sender, from) = channel();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            let mut message = Vec::new();
            while output.read_until(0, &mut message).is_ok_and(|count| count > 0) {
                let value = serde_json::from_slice(&message[..message.len() - 1]).unwrap();
                if sender.send(value).is_err() {
                    break;
                }
                message.clear();
            }
        });
        let to = child.stdin.take().unwrap();
        let mut browser = Self { child, to, from, session: None, last: 0, events: Vec::new() };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"}))["targetId"].clone();
        let attached = browser.call("Target.attachToTarget", json!({"targetId": target, "flatten": true}));
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network", "Audits"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        browser
    }

    /// One command of the protocol, and its result.
    pub fn call(&mut self, method: &str, params: Value) -> Value {
        self.last += 1;
        let mut message = json!({"id": self.last, "method": method, "params": params});
        if let Some(session) = &self.session {
            message["sessionId"] = session.as_str().into();
        }
        self.to.write_all(format!("{message}\0").as_bytes()).unwrap();
        loop {
            let mut message = self.from.recv_timeout(PATIENCE).expect("chromium answers");
            if message["id"] == self.last {
                assert!(message.get("error").is_none(), "{method}: {message}");
                return message["result"].take();
            }
            self.events.push(message);
        }
    }

    /// What an expression is on the page.
    pub fn value(&mut self, expression: &str) -> Value {
        let mut got = self.call("Runtime.evaluate", json!({"expression": expression, "returnByValue": true}));
        got["result"]["value"].take()
    }

    /// Opens `url` and waits until what it leads to is loaded.
    pub fn open(&mut self, url: &str) {
        let before = self.loads();
        self.call("Page.navigate", json!({"url": url}));
        self.loaded(before);
    }

    /// Clicks where the element is, as a mouse does.
    pub fn press(&mut self, selector: &str) {
        let place = self.value(&format!(
            "(() => {{ const r = document.querySelector({selector:?}).getBoundingClientRect(); \
             return [r.x + r.width / 2, r.y + r.height / 2]; }})()"
        ));
        for kind in ["mousePressed", "mouseReleased"] {
            let (x, y) = (&place[0], &place[1]);
            let event = json!({"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1});
            self.call("Input.dispatchMouseEvent", event);
        }
    }

    /// Clicks, and waits for the next page.
    pub fn click(&mut self, selector: &str) {
        let before = self.loads();
        self.press(selector);
        self.loaded(before);
    }

    /// Waits until a page asks for a URL that starts like this.
    pub fn asks_for(&mut self, start: &str) -> String {
        loop {
            if let Some(url) = self.requests().into_iter().find(|url| url.starts_with(start)) {
                return url;
            }
            let event = self.from.recv_timeout(PATIENCE).expect("the page asks");
            self.events.push(event);
        }
    }

    fn loads(&self) -> usize {
        self.events.iter().filter(|event| event["method"] == "Page.loadEventFired").count()
    }

    fn loaded(&mut self, before: usize) {
        let start = Instant::now();
        while self.loads() == before {
            let left = PATIENCE.saturating_sub(start.elapsed());
            let event = self.from.recv_timeout(left).expect("the page loads");
            self.events.push(event);
        }
    }

    /// Waits for the page of this title.
    pub fn ends_on(&mut self, title: &str) {
        let start = Instant::now();
        while self.value("document.title") != title {
            assert!(start.elapsed() < PATIENCE, "no page {title}: {}", self.text());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The text on the page.
    pub fn text(&mut self) -> String {
        self.value("document.body.innerText").as_str().unwrap().to_owned()
    }

    /// The status of the page that was loaded last.
    pub fn status(&self) -> u64 {
        let mut events = self.events.iter().rev();
        let is_page =
            |event: &&Value| event["method"] == "Network.responseReceived" && event["params"]["type"] == "Document";
        events.find(is_page).unwrap()["params"]["response"]["status"].as_u64().unwrap()
    }

    /// All that pages asked for over the network, in order.
    pub fn requests(&self) -> Vec<String> {
        let sent = self.events.iter().filter(|event| event["method"] == "Network.requestWillBeSent");
        let urls = sent.map(|event| event["params"]["request"]["url"].as_str().unwrap().to_owned());
        urls.filter(|url| !url.starts_with("data:")).collect()
    }

    /// What stands in the console, and every issue that the browser has with the pages, such as a violated policy.
    pub fn complaints(&self) -> Vec<String> {
        let names = ["Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Audits.issueAdded"];
        let told = self.events.iter().filter(|event| names.iter().any(|name| event["method"] == *name));
        told.map(|event| event["params"].to_string()).collect()
    }

    /// Shows pages in a window of this width, and with this preference of colours.
    pub fn looks(&mut self, width: u32, scheme: &str) {
        let size = json!({"width": width, "height": 640, "deviceScaleFactor": 1, "mobile": width < 500});
        self.call("Emulation.setDeviceMetricsOverride", size);
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.call("Emulation.setEmulatedMedia", features);
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // Its helpers end once it is gone; its home is removed only then.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
