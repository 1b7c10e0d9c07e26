//! A stand-in for a provider's REST API: real TLS under the provider's own host names, and one answer to everything.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::World;

/// Serves until the test's process ends.
pub struct Api {
    pub port: u16,
    /// The authorities of the world's vault and of this server, for `SSL_CERT_FILE`.
    pub roots: PathBuf,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Api {
    /// Answers under `names` with `body`, which is JSON.
    pub fn start(world: &World, names: &[&str], body: &'static str) -> Self {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let own = rcgen::generate_simple_self_signed(names).unwrap();
        let roots = world.path("roots.pem");
        let vault = std::fs::read_to_string(world.sandbox.ca_pem()).unwrap();
        std::fs::write(&roots, vault + &own.cert.pem()).unwrap();
        let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
        // The provider is named because a test binary may link a second one, and rustls then refuses to choose.
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![own.cert.der().clone()], key)
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, log) = (Arc::clone(&config), Arc::clone(&log));
                std::thread::spawn(move || answer(stream, config, body, &log));
            }
        });
        Self { port, roots, seen }
    }

    /// The heads of the requests.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

fn answer(stream: TcpStream, config: Arc<ServerConfig>, body: &str, log: &Mutex<Vec<String>>) {
    let mut stream = StreamOwned::new(ServerConnection::new(config).unwrap(), stream);
    let (mut text, mut buffer) = (String::new(), [0; 4096]);
    while !text.contains("\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(read @ 1..) => text.push_str(&String::from_utf8_lossy(&buffer[..read])),
            _ => return,
        }
    }
    log.lock().unwrap().push(text);
    let length = body.len();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
    // A client that has heard enough may be gone.
    let _ = stream.write_all(format!("{head}\r\ncontent-length: {length}\r\n\r\n{body}").as_bytes());
    stream.conn.send_close_notify();
    let _ = stream.flush();
}
