//! A check of the bearer token before a server that has none: each connection carries one request.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

pub struct Checked {
    pub origin: String,
    token: Arc<Mutex<String>>,
}

impl Checked {
    /// In front of this port.
    pub fn start(port: u16, token: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let token = Arc::new(Mutex::new(token.to_owned()));
        let wanted = Arc::clone(&token);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let token = wanted.lock().unwrap().clone();
                std::thread::spawn(move || serve(client, port, &token));
            }
        });
        Self { origin, token }
    }

    /// The one token that is taken from now on.
    pub fn takes(&self, token: &str) {
        *self.token.lock().unwrap() = token.to_owned();
    }
}

fn serve(mut client: TcpStream, port: u16, token: &str) -> Option<()> {
    let mut reader = BufReader::new(client.try_clone().ok()?);
    let (mut head, mut length, mut is_known) = (String::new(), 0, false);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            head += if line.trim_end().is_empty() { "Connection: close\r\n\r\n" } else { &line };
            if line.trim_end().is_empty() {
                break;
            }
            continue;
        };
        match name.to_ascii_lowercase().as_str() {
            "authorization" => is_known = value == format!("Bearer {token}"),
            "content-length" => length = value.parse().ok()?,
            _ => {}
        }
        if !["authorization", "connection"].contains(&name.to_ascii_lowercase().as_str()) {
            head += &line;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    if !is_known {
        let challenge = "www-authenticate: Bearer error=\"invalid_token\"\r\n";
        let answer = format!("HTTP/1.1 401 X\r\n{challenge}content-length: 2\r\nconnection: close\r\n\r\n{{}}");
        return client.write_all(answer.as_bytes()).ok();
    }
    let mut server = TcpStream::connect(("127.0.0.1", port)).ok()?;
    server.write_all(head.as_bytes()).and_then(|()| server.write_all(&body)).ok()?;
    pass_on(&mut server, &mut client)?;
    client.shutdown(Shutdown::Both).ok()
}

/// The server's answer, up to its end. It says `keep-alive` whatever it was asked.
fn pass_on(server: &mut TcpStream, client: &mut TcpStream) -> Option<()> {
    let mut reader = BufReader::new(server);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
        if line.trim_end().is_empty() {
            client.write_all(b"Connection: close\r\n\r\n").ok()?;
            break;
        }
        if !line.to_ascii_lowercase().starts_with("connection:") {
            client.write_all(line.as_bytes()).ok()?;
        }
    }
    let mut last = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let count = reader.read(&mut buffer).ok()?;
        client.write_all(&buffer[..count]).ok()?;
        last.extend_from_slice(&buffer[..count]);
        if count == 0 || last.ends_with(b"0\r\n\r\n") {
            return Some(());
        }
        last.drain(..last.len().saturating_sub(8));
    }
}
