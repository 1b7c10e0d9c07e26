//! A small https server with a certificate authority of its own, good for the names that a test gives it.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::World;

/// A request as it came in.
#[derive(Debug, Clone)]
pub struct Request {
    /// The first line and the headers.
    pub head: String,
    pub body: String,
}

impl Request {
    /// The value of this header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }
}

/// Serves until the test's process ends.
pub struct Https {
    pub port: u16,
    /// The authority's certificate.
    pub ca: PathBuf,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    seen: Mutex<Vec<Request>>,
    /// Without this value of Authorization: 401, with this challenge.
    wanted: Mutex<Option<(String, &'static str)>>,
    /// Path, and what is there.
    pages: Mutex<Vec<(&'static str, String)>>,
    is_released: Mutex<bool>,
    released: Condvar,
}

impl Https {
    /// Good for `names`. `/missing` is not there, `/to?URL` redirects, `/hold` answers after [`Https::release`].
    pub fn start(world: &World, names: &[&str]) -> Self {
        let (ca, config) = certified(world, names);
        let state = Arc::new(State::default());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, state) = (Arc::clone(&config), Arc::clone(&shared));
                std::thread::spawn(move || {
                    let mut stream = StreamOwned::new(ServerConnection::new(config).unwrap(), stream);
                    if let Some(request) = read(&mut stream) {
                        let answer = state.answer(request);
                        // A client that has heard enough may be gone.
                        let _ = stream.write_all(answer.as_bytes());
                        stream.conn.send_close_notify();
                        let _ = stream.flush();
                    }
                });
            }
        });
        Self { port, ca, state }
    }

    /// All requests so far.
    pub fn seen(&self) -> Vec<Request> {
        self.state.seen.lock().unwrap().clone()
    }

    /// Refuses whatever comes without this value of Authorization.
    pub fn wants(&self, authorization: &str, challenge: &'static str) {
        *self.state.wanted.lock().unwrap() = Some((authorization.to_owned(), challenge));
    }

    /// What is at a path.
    pub fn serves(&self, path: &'static str, body: &str) {
        self.state.pages.lock().unwrap().push((path, body.to_owned()));
    }

    /// Lets those on `/hold` go.
    pub fn release(&self) {
        *self.state.is_released.lock().unwrap() = true;
        self.state.released.notify_all();
    }
}

/// A server's TLS, good for `names`, and the file with the certificate of its authority.
pub fn certified(world: &World, names: &[&str]) -> (PathBuf, Arc<ServerConfig>) {
    let key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::default();
    // Under the same name as the server's, its certificate would count as self-signed.
    authority.distinguished_name.push(DnType::CommonName, "authority of a test");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = authority.self_signed(&key).unwrap();
    let ca = world.path("https-ca.pem");
    std::fs::write(&ca, certificate.pem()).unwrap();
    let issuer = Issuer::new(authority, key);
    let key = KeyPair::generate().unwrap();
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
    // The sandbox links another provider than ours.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = config.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).unwrap();
    (ca, Arc::new(config))
}

impl State {
    fn answer(&self, request: Request) -> String {
        let path = request.path().to_owned();
        let authorization = request.header("authorization").map(str::to_owned);
        self.seen.lock().unwrap().push(request);
        if let Some((wanted, challenge)) = &*self.wanted.lock().unwrap()
            && authorization.as_ref() != Some(wanted)
        {
            let head = format!("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: {challenge}\r\nConnection: close\r\n");
            return format!("{head}Content-Length: 0\r\n\r\n");
        }
        if let Some((_, body)) = self.pages.lock().unwrap().iter().find(|(known, _)| *known == path) {
            let kind = if body.starts_with('{') { "application/json" } else { "text/plain" };
            let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nConnection: close\r\n");
            return format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
        }
        if path == "/hold" {
            let guard = self.is_released.lock().unwrap();
            drop(self.released.wait_while(guard, |is_released| !*is_released).unwrap());
        }
        let (status, header) = match path.split_once("to?") {
            Some((_, place)) => ("302 Found", format!("Location: {place}\r\n")),
            None if path == "/missing" => ("404 Not Found", String::new()),
            None => ("200 OK", String::new()),
        };
        let body = format!("this is {path}\n");
        format!("HTTP/1.1 {status}\r\n{header}Connection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    }
}

fn read(stream: &mut impl Read) -> Option<Request> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut buffer).ok().filter(|count| *count > 0)?;
        bytes.extend(&buffer[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let request = Request { head: head.to_owned(), body: body.to_owned() };
        let length = request.header("Content-Length").and_then(|length| length.parse().ok()).unwrap_or(0);
        let is_whole = match request.header("Transfer-Encoding") {
            Some(_) => body.ends_with("0\r\n\r\n"),
            None => body.len() >= length,
        };
        if is_whole {
            return Some(request);
        }
    }
}
