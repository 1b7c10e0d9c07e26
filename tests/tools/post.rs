//! A small mail server of its own: SMTP with STARTTLS or over TLS, and IMAP over TLS. It takes one token, by the SASL mechanisms that it offers.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use base64::Engine;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::common::World;
use crate::common::https::certified;

const GREETING: &[u8] = b"220 post.example.com ESMTP\r\n";

/// Serves until the test's process ends.
pub struct Post {
    pub port: u16,
    /// The authority's certificate.
    pub ca: PathBuf,
    seen: Arc<Mutex<Vec<String>>>,
}

#[derive(Clone)]
struct Server {
    tls: Arc<ServerConfig>,
    port: u16,
    /// `XOAUTH2`, `OAUTHBEARER` or both, with a space.
    mechanisms: &'static str,
    token: String,
    seen: Arc<Mutex<Vec<String>>>,
}

trait Stream: Read + Write {}

impl<T: Read + Write> Stream for T {}

impl Post {
    /// SMTP, which offers nothing but STARTTLS before TLS.
    pub fn smtp(world: &World, mechanisms: &'static str, token: &str) -> Self {
        Self::start(world, mechanisms, token, |server, mut stream| {
            let _ = stream.write_all(GREETING);
            if server.smtp(&mut stream, false)? {
                server.smtp(&mut server.secure(stream), true)?;
            }
            Some(())
        })
    }

    /// SMTP over TLS from the first byte on.
    pub fn smtps(world: &World, mechanisms: &'static str, token: &str) -> Self {
        Self::start(world, mechanisms, token, |server, stream| {
            let mut stream = server.secure(stream);
            stream.write_all(GREETING).ok()?;
            server.smtp(&mut stream, true).map(drop)
        })
    }

    /// IMAP over TLS from the first byte on, with one empty mailbox.
    pub fn imaps(world: &World, mechanisms: &'static str, token: &str) -> Self {
        Self::start(world, mechanisms, token, |server, stream| {
            let mut stream = server.secure(stream);
            let served = server.imap(&mut stream);
            stream.conn.send_close_notify();
            let _ = stream.flush();
            served
        })
    }

    fn start(
        world: &World,
        mechanisms: &'static str,
        token: &str,
        serve: impl Fn(&Server, TcpStream) -> Option<()> + Send + Copy + 'static,
    ) -> Self {
        let (ca, tls) = certified(world, &["localhost"]);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let server = Server { tls, port, mechanisms, token: token.to_owned(), seen: Arc::clone(&seen) };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = server.clone();
                std::thread::spawn(move || serve(&server, stream));
            }
        });
        Self { port, ca, seen }
    }

    /// What clients said over TLS, but for what they authenticated with: of that, whether it was right.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    #[track_caller]
    pub fn heard(&self, line: &str) {
        assert!(self.seen().iter().any(|seen| seen == line), "{line}: {:#?}", self.seen());
    }
}

impl Server {
    fn secure(&self, stream: TcpStream) -> StreamOwned<ServerConnection, TcpStream> {
        StreamOwned::new(ServerConnection::new(Arc::clone(&self.tls)).unwrap(), stream)
    }

    fn note(&self, line: impl Into<String>) {
        self.seen.lock().unwrap().push(line.into());
    }

    /// Whether TLS begins now.
    fn smtp(&self, stream: &mut impl Stream, is_secure: bool) -> Option<bool> {
        loop {
            let line = line(stream)?;
            let words: Vec<&str> = line.split(' ').collect();
            let answer = match (words[0].to_ascii_uppercase().as_str(), &words[1..]) {
                ("EHLO", _) if is_secure => format!("250-post.example.com\r\n250 AUTH {}", self.mechanisms),
                ("EHLO", _) => "250-post.example.com\r\n250 STARTTLS".to_owned(),
                ("QUIT", _) => "221 bye".to_owned(),
                ("STARTTLS", _) if !is_secure => {
                    stream.write_all(b"220 go on\r\n").ok()?;
                    return Some(true);
                }
                _ if !is_secure => "530 TLS first".to_owned(),
                ("AUTH", [mechanism, first @ ..]) => {
                    let response = match first {
                        [first] => (*first).to_owned(),
                        _ => ask(stream, "334 ")?,
                    };
                    match self.knows(mechanism, &response) {
                        true => "235 welcome".to_owned(),
                        false => "535 5.7.8 not you".to_owned(),
                    }
                }
                ("DATA", _) => {
                    let mut text = ask(stream, "354 go on")?;
                    while text != "." {
                        self.note(text);
                        text = self::line(stream)?;
                    }
                    "250 taken".to_owned()
                }
                _ => {
                    self.note(line);
                    "250 fine".to_owned()
                }
            };
            stream.write_all(format!("{answer}\r\n").as_bytes()).ok()?;
            stream.flush().ok()?;
        }
    }

    fn imap(&self, stream: &mut impl Stream) -> Option<()> {
        let mechanisms = self.mechanisms.replace(' ', " AUTH=");
        let capabilities = format!("CAPABILITY IMAP4rev1 SASL-IR AUTH={mechanisms}");
        stream.write_all(format!("* OK [{capabilities}] ready\r\n").as_bytes()).ok()?;
        loop {
            let line = line(stream)?;
            let words: Vec<&str> = line.split(' ').collect();
            let (tag, rest) = words.split_first()?;
            let Some((command, rest)) = rest.split_first() else { continue };
            let is_last = command.eq_ignore_ascii_case("LOGOUT");
            let (untagged, result) = match (command.to_ascii_uppercase().as_str(), rest) {
                ("AUTHENTICATE", [mechanism, first @ ..]) => {
                    let response = match first {
                        [first] => (*first).to_owned(),
                        _ => ask(stream, "+ ")?,
                    };
                    match self.knows(mechanism, &response) {
                        true => (String::new(), "OK"),
                        false => (String::new(), "NO"),
                    }
                }
                ("CAPABILITY", _) => (format!("* {capabilities}\r\n"), "OK"),
                ("LIST", [_, name]) if name.trim_matches('"').is_empty() => {
                    ("* LIST (\\Noselect) \"/\" \"\"\r\n".to_owned(), "OK")
                }
                (list @ ("LIST" | "LSUB"), _) => (format!("* {list} () \"/\" INBOX\r\n"), "OK"),
                ("SELECT" | "EXAMINE", _) => {
                    self.note(line[tag.len() + 1..].to_owned());
                    let state = "* 0 EXISTS\r\n* 0 RECENT\r\n* FLAGS (\\Seen)\r\n";
                    (format!("{state}* OK [UIDVALIDITY 1] x\r\n* OK [UIDNEXT 1] x\r\n"), "OK")
                }
                ("LOGOUT", _) => ("* BYE bye\r\n".to_owned(), "OK"),
                _ => (String::new(), "OK"),
            };
            stream.write_all(format!("{untagged}{tag} {result} done\r\n").as_bytes()).ok()?;
            stream.flush().ok()?;
            if is_last {
                return Some(());
            }
        }
    }

    /// Whether this is the response of a mechanism that was offered, to the letter, with the token.
    fn knows(&self, mechanism: &str, response: &str) -> bool {
        let token = &self.token;
        let bytes = base64::prelude::BASE64_STANDARD.decode(response).unwrap_or_default();
        let said = String::from_utf8_lossy(&bytes).into_owned();
        let address = "ada@example.com";
        let right = match mechanism {
            // https://developers.google.com/gmail/imap/xoauth2-protocol
            "XOAUTH2" => format!("user={address}\x01auth=Bearer {token}\x01\x01"),
            // RFC 7628
            _ => format!("n,a={address},\x01host=localhost\x01port={}\x01auth=Bearer {token}\x01\x01", self.port),
        };
        let is_right = self.mechanisms.split(' ').any(|known| known == mechanism) && said == right;
        self.note(format!("{mechanism} {}", if is_right { "right".to_owned() } else { format!("wrong: {said:?}") }));
        is_right
    }
}

fn ask(stream: &mut impl Stream, question: &str) -> Option<String> {
    stream.write_all(format!("{question}\r\n").as_bytes()).ok()?;
    stream.flush().ok()?;
    line(stream)
}

fn line(stream: &mut impl Read) -> Option<String> {
    let (mut bytes, mut byte) = (Vec::new(), [0]);
    while byte != *b"\n" {
        stream.read_exact(&mut byte).ok()?;
        bytes.push(byte[0]);
    }
    Some(String::from_utf8_lossy(&bytes).trim_end_matches(['\r', '\n']).to_owned())
}
