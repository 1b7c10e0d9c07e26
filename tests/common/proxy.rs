//! A proxy for CONNECT, with which real host names lead to servers on loopback.

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Which port of loopback a host is led to; without one, CONNECT is refused.
type Way = dyn Fn(&str) -> Option<u16> + Send + Sync;

/// Leads hosts to places of its own, and keeps the heads of the requests.
pub struct Proxy {
    pub url: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// Leads every host to one place; without one, it refuses every CONNECT.
    pub fn start(to: Option<u16>) -> Self {
        Self::leading(move |_| to)
    }

    /// Leads each host to the place that `way` names.
    pub fn leading(way: impl Fn(&str) -> Option<u16> + Send + Sync + 'static) -> Self {
        let way: Arc<Way> = Arc::new(way);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        // It ends with the test's process.
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (log, way) = (Arc::clone(&log), Arc::clone(&way));
                std::thread::spawn(move || tunnel(client, &*way, &log));
            }
        });
        Self { url, seen }
    }

    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

fn tunnel(client: TcpStream, way: &Way, log: &Mutex<Vec<String>>) {
    let mut head = String::new();
    let mut reader = BufReader::new(client.try_clone().unwrap());
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).unwrap_or(0) == 0 {
            break;
        }
    }
    let to = head.strip_prefix("CONNECT ").and_then(|rest| way(rest.split(':').next()?));
    log.lock().unwrap().push(head);
    let mut client = client;
    let Some(port) = to else {
        let _ = client.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
        return;
    };
    let server = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).unwrap();
    let _ = client.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
    let mut forth = server.try_clone().unwrap();
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut reader, &mut forth);
        let _ = forth.shutdown(Shutdown::Write);
    });
    let _ = std::io::copy(&mut &server, &mut client);
    let _ = client.shutdown(Shutdown::Both);
}
