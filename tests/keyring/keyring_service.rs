//! What is asked of a Secret Service, in which order, and what becomes of every answer that it can give: a stand-in
//! answers on a bus of its own, with KeePassXC's and KWallet's peculiarities and with nonsense.

#![cfg(all(unix, not(target_os = "macos")))]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::common::keyring::{ADDRESS, Bus};
use crate::common::{EXE, Finished, World, finish};
use dbus::arg::Variant;
use dbus::channel::Channel;
use dbus::strings::ErrorName;
use dbus::{Message, Path};
use serde_json::json;

const COLLECTION: &str = "/org/freedesktop/secrets/collection/passwords";
const ITEM: &str = "/org/freedesktop/secrets/collection/passwords/7";
const SESSION: &str = "/org/freedesktop/secrets/session/3";
const ASKS: &str = "/org/freedesktop/secrets/prompt/p1";
const NOTHING: &str = "/";
/// The calls of one read.
const READ: [&str; 5] = ["ReadAlias", "Get", "OpenSession", "SearchItems", "GetSecret"];

/// What the stand-in does with a call.
enum Answer {
    Usual,
    This(Message),
    None,
}

/// A user with a Secret Service that answers as the test says.
struct Desk {
    world: World,
    bus: Bus,
    asked: Arc<Mutex<Vec<String>>>,
    ended: Arc<AtomicBool>,
    service: Option<JoinHandle<()>>,
}

impl Desk {
    /// `answer` is given the name of the method and the call.
    fn new(answer: impl Fn(&str, &Message) -> Answer + Send + 'static) -> Self {
        let mut world = World::new();
        world.credentials_in_variables = false;
        let bus = Bus::start(&world);
        let stored = json!({
            "environment_url": world.sandbox.url(), "client_id": world.sandbox.client_id(),
            "client_secret": world.sandbox.client_secret(),
        });
        let home = json!({"url": world.sandbox.url(), "client_id": world.sandbox.client_id(), "home": "keyring"});
        let config = json!({"version": 1, "environments": {"default": home}}).to_string();
        world.write_connections(r#"{"github": {"connection_name": "github-x", "identifier": "ada"}}"#);
        std::fs::write(world.config_file("config.json"), config).unwrap();
        world.seed("github-x", "GITHUB", "token-1");
        let (asked, ended) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let channel = named(&bus);
        let service = {
            let (asked, ended) = (Arc::clone(&asked), Arc::clone(&ended));
            std::thread::spawn(move || serve(&channel, &stored.to_string(), &answer, &asked, &ended))
        };
        Self { world, bus, asked, ended, service: Some(service) }
    }

    fn run(&self, args: &[&str], input: &str) -> Finished {
        finish(self.world.command(EXE).env(ADDRESS, &self.bus.address).args(args), input)
    }

    fn login(&self) -> Finished {
        let sandbox = &self.world.sandbox;
        let args = ["login", "--env-url", sandbox.url(), "--client-id", sandbox.client_id(), "--client-secret-stdin"];
        self.run(&args, sandbox.client_secret())
    }

    /// What was asked since the last time.
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(service) = self.service.take() {
            // A failed thread is a failed test in any case.
            let _ = service.join();
        }
    }
}

/// A connection that owns the name of the Secret Service.
fn named(bus: &Bus) -> Channel {
    let mut channel = Channel::open_private(&bus.address).unwrap();
    channel.register().unwrap();
    let driver = "org.freedesktop.DBus";
    let claim = Message::new_method_call(driver, "/org/freedesktop/DBus", driver, "RequestName").unwrap();
    let claim = claim.append2("org.freedesktop.secrets", 4u32);
    channel.send_with_reply_and_block(claim, Duration::from_secs(20)).unwrap();
    channel
}

fn serve(
    channel: &Channel,
    stored: &str,
    answer: &impl Fn(&str, &Message) -> Answer,
    asked: &Mutex<Vec<String>>,
    ended: &AtomicBool,
) {
    while !ended.load(Ordering::Relaxed) {
        let Some(call) = channel.blocking_pop_message(Duration::from_millis(20)).unwrap() else { continue };
        let Some(method) = call.member().filter(|_| call.msg_type() == dbus::MessageType::MethodCall) else { continue };
        asked.lock().unwrap().push(method.to_string());
        let reply = match answer(&method, &call) {
            Answer::Usual => usual(&method, &call, stored.as_bytes()),
            Answer::This(reply) => reply,
            Answer::None => continue,
        };
        channel.send(reply).unwrap();
    }
}

/// What a service answers whose default collection is open and holds the item.
fn usual(method: &str, call: &Message, stored: &[u8]) -> Message {
    let reply = call.method_return();
    let nothing = Path::from(NOTHING);
    match method {
        "ReadAlias" => reply.append1(Path::from(COLLECTION)),
        "Get" => reply.append1(Variant(false)),
        "SearchItems" => reply.append2(vec![Path::from(ITEM)], Vec::<Path>::new()),
        "OpenSession" => reply.append2(Variant(""), Path::from(SESSION)),
        "GetSecret" => reply.append1((Path::from(SESSION), Vec::<u8>::new(), stored, "text/plain")),
        "CreateItem" => reply.append2(Path::from(ITEM), nothing),
        "Delete" => reply.append1(nothing),
        _ => reply,
    }
}

fn error(call: &Message, name: &str) -> Message {
    call.error(&ErrorName::from(name), c"it says no")
}

#[test]
fn one_token_takes_one_read_of_five_calls() {
    let desk = Desk::new(|_, _| Answer::Usual);
    assert_eq!(desk.run(&["token", "github"], "").ok().stdout, "token-1\n");
    assert_eq!(desk.asked(), READ);
    let git = &mut desk.world.command("git-credential-scalekit");
    let got = finish(git.env(ADDRESS, &desk.bus.address).arg("get"), "protocol=https\nhost=github.com\n\n").ok();
    assert!(got.stdout.contains("password=token-1\n"), "{got:?}");
    assert_eq!(desk.asked(), READ);
}

#[test]
fn a_locked_default_collection_is_asked_nothing_more() {
    let desk = Desk::new(|method, call| match method {
        "Get" => Answer::This(call.method_return().append1(Variant(true))),
        _ => Answer::Usual,
    });
    for args in [&["token", "github"][..], &["logout"]] {
        let said = desk.run(args, "").exit(4).stderr;
        assert!(said.contains("the keyring is locked"), "{said}");
        assert_eq!(desk.asked(), READ[..2]);
    }
    assert!(desk.login().exit(4).stderr.contains("the keyring is locked"));
    assert_eq!(desk.asked(), READ[..2]);
}

#[test]
fn a_locked_item_is_not_read() {
    let desk = Desk::new(|method, call| match method {
        "SearchItems" => Answer::This(call.method_return().append2(Vec::<Path>::new(), vec![Path::from(ITEM)])),
        _ => Answer::Usual,
    });
    assert!(desk.run(&["token", "github"], "").exit(4).stderr.contains("the keyring is locked"));
    assert_eq!(desk.asked(), READ[..4]);
}

#[test]
fn a_missing_collection_is_neither_searched_nor_made() {
    let desk = Desk::new(|method, call| match method {
        "ReadAlias" => Answer::This(call.method_return().append1(Path::from(NOTHING))),
        _ => Answer::Usual,
    });
    assert!(desk.run(&["token", "github"], "").exit(3).stderr.contains("the keyring holds no client credentials"));
    assert_eq!(desk.asked(), ["ReadAlias"; 2]);
    assert!(desk.login().exit(4).stderr.contains("the keyring is locked"));
    desk.run(&["logout"], "").ok();
    assert!(desk.asked().iter().all(|method| method == "ReadAlias"));
}

#[test]
fn a_collection_that_a_busy_daemon_overlooks_at_first_is_found() {
    let overlooked = AtomicBool::new(false);
    let desk = Desk::new(move |method, call| match method {
        "ReadAlias" if !overlooked.swap(true, Ordering::Relaxed) => {
            Answer::This(call.method_return().append1(Path::from(NOTHING)))
        }
        _ => Answer::Usual,
    });
    assert_eq!(desk.run(&["token", "github"], "").ok().stdout, "token-1\n");
    assert_eq!(desk.asked(), [&READ[..1], &READ].concat());
}

#[test]
fn whatever_needs_a_prompt_is_dismissed() {
    let desk = Desk::new(|method, call| match method {
        "SearchItems" => {
            let found = call.get1::<std::collections::HashMap<String, String>>().unwrap();
            assert_eq!((found["service"].as_str(), found["username"].as_str()), ("scalekit-auth", "default"));
            Answer::This(call.method_return().append2(Vec::<Path>::new(), Vec::<Path>::new()))
        }
        "CreateItem" => Answer::This(call.method_return().append2(Path::from(NOTHING), Path::from(ASKS))),
        "Dismiss" => {
            assert_eq!(call.path(), Some(Path::from(ASKS)));
            Answer::Usual
        }
        _ => Answer::Usual,
    });
    assert!(desk.login().exit(4).stderr.contains("the keyring is locked"));
    let asked = desk.asked();
    assert_eq!(asked[asked.len() - 3..], ["SearchItems", "CreateItem", "Dismiss"]);

    let desk = Desk::new(|method, call| match method {
        "Delete" => Answer::This(call.method_return().append1(Path::from(ASKS))),
        _ => Answer::Usual,
    });
    assert!(desk.run(&["logout"], "").exit(4).stderr.contains("the keyring is locked"));
    assert_eq!(desk.asked().last().unwrap(), "Dismiss");
}

/// An answer to a method, and what is said then.
type Case = (&'static str, fn(&Message) -> Message, &'static str);

#[test]
fn answers_that_nobody_expects_are_errors_without_a_crash() {
    const STRANGE: &str = "its answer is not what the Secret Service specification says";
    const LOCKED: &str = "the keyring is locked";
    let cases: [Case; 14] = [
        ("ReadAlias", |call| call.method_return(), STRANGE),
        ("ReadAlias", |call| call.method_return().append1("text"), STRANGE),
        ("Get", |call| call.method_return().append1(true), STRANGE),
        ("Get", |call| call.method_return().append1(Variant("true")), STRANGE),
        ("SearchItems", |call| call.method_return().append1(vec![Path::from(ITEM)]), STRANGE),
        ("SearchItems", |call| call.method_return().append2(vec!["a"], vec!["b"]), STRANGE),
        ("OpenSession", |call| call.method_return().append1(Variant("")), STRANGE),
        ("GetSecret", |call| call.method_return().append1("secret"), STRANGE),
        ("GetSecret", |call| call.method_return().append1((Path::from(SESSION), "", "secret", "")), STRANGE),
        ("GetSecret", |call| call.method_return().append1(secret(&vec![b'x'; 64 * 1024 + 1])), STRANGE),
        ("GetSecret", |call| call.method_return().append1(secret(b"\xff\xfe")), "not a set of client credentials"),
        ("GetSecret", |call| error(call, "org.freedesktop.Secret.Error.IsLocked"), LOCKED),
        ("OpenSession", |call| error(call, "org.freedesktop.DBus.Error.NotSupported"), "it says no"),
        ("ReadAlias", |call| error(call, "org.freedesktop.DBus.Error.NoReply"), "did not answer in time"),
    ];
    for (method, answer, expected) in cases {
        let desk = Desk::new(move |asked, call| match asked == method {
            true => Answer::This(answer(call)),
            false => Answer::Usual,
        });
        let said = desk.run(&["token", "github"], "");
        assert!(matches!(said.code, Some(3 | 4)), "{method}: {said:?}");
        assert!(said.stderr.contains(expected) && said.stdout.is_empty(), "{method}: {said:?}");
        // The search does not wait for the session.
        let last = if method == "OpenSession" { "SearchItems" } else { method };
        assert_eq!(desk.asked().last().unwrap(), last);
    }
}

fn secret(value: &[u8]) -> (Path<'static>, Vec<u8>, Vec<u8>, &'static str) {
    (Path::from(SESSION), Vec::new(), value.to_vec(), "text/plain")
}

#[test]
fn an_item_that_is_gone_between_two_calls_is_a_missing_one() {
    let desk = Desk::new(|method, call| match method {
        "GetSecret" => Answer::This(error(call, "org.freedesktop.Secret.Error.NoSuchObject")),
        _ => Answer::Usual,
    });
    assert!(desk.run(&["token", "github"], "").exit(3).stderr.contains("the keyring holds no client credentials"));
}

#[test]
fn silence_at_any_call_ends_in_time() {
    std::thread::scope(|scope| {
        for silent in READ {
            scope.spawn(move || {
                let desk = Desk::new(move |method, _| if method == silent { Answer::None } else { Answer::Usual });
                let start = Instant::now();
                let said = desk.run(&["token", "github"], "").exit(4).stderr;
                assert!(said.contains("the keyring did not answer in time"), "{silent}: {said}");
                assert!(start.elapsed() < Duration::from_secs(8), "{silent}: {:?}", start.elapsed());
                assert_eq!(desk.asked().last().unwrap(), silent);
            });
        }
    });
}
