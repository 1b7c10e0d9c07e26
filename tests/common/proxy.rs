//! A proxy for CONNECT and for SOCKS 5 (RFC 1928), with which real host names lead to servers on loopback.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::Ipv4Addr;
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
    if reader.fill_buf().is_ok_and(|start| start.first() == Some(&5)) {
        let place = socks(&mut reader, &client);
        let host = place.rsplit_once(':').unwrap().0.to_owned();
        log.lock().unwrap().push(place);
        // Success, or that the network cannot be reached, and no address.
        let to = way(&host);
        let _ = (&client).write_all(&[5, if to.is_some() { 0 } else { 3 }, 0, 1, 0, 0, 0, 0, 0, 0]);
        if let Some(port) = to {
            pass_on(client, reader, port);
        }
        return;
    }
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
    let _ = client.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
    pass_on(client, reader, port);
}

/// Answers the greeting without a password, and reads which place is asked for.
fn socks(reader: &mut BufReader<TcpStream>, mut client: &TcpStream) -> String {
    let mut bytes = |count: usize| {
        let mut bytes = vec![0; count];
        reader.read_exact(&mut bytes).unwrap();
        bytes
    };
    let methods = bytes(2)[1];
    bytes(methods.into());
    client.write_all(&[5, 0]).unwrap();
    let host = match bytes(4)[3] {
        1 => Ipv4Addr::from(<[u8; 4]>::try_from(bytes(4)).unwrap()).to_string(),
        3 => {
            let length = bytes(1)[0];
            String::from_utf8(bytes(length.into())).unwrap()
        }
        other => panic!("an address of the kind {other}"),
    };
    let port = bytes(2);
    format!("{host}:{}", u16::from_be_bytes([port[0], port[1]]))
}

fn pass_on(mut client: TcpStream, mut reader: BufReader<TcpStream>, port: u16) {
    let server = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).unwrap();
    let mut forth = server.try_clone().unwrap();
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut reader, &mut forth);
        let _ = forth.shutdown(Shutdown::Write);
    });
    let _ = std::io::copy(&mut &server, &mut client);
    let _ = client.shutdown(Shutdown::Both);
}
