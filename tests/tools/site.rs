//! A small site over plain http on loopback, which wants a value of Authorization.

use std::sync::{Arc, Mutex};

use tiny_http::{Header, Response, Server};

type Page = (String, Vec<u8>);

pub struct Site {
    pub port: u16,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Site {
    /// `pages` gets the site's own origin. Everything but the paths in `open` wants this value of Authorization.
    pub fn start(wanted: &str, challenge: &str, pages: impl FnOnce(&str) -> Vec<Page>) -> Self {
        let server = Server::http("127.0.0.1:0").unwrap();
        let port = server.server_addr().to_ip().unwrap().port();
        let pages = pages(&format!("http://127.0.0.1:{port}"));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, wanted, challenge) = (Arc::clone(&seen), wanted.to_owned(), challenge.to_owned());
        std::thread::spawn(move || {
            for mut request in server.incoming_requests() {
                let authorization = request.headers().iter().find(|header| header.field.equiv("Authorization"));
                let is_known = authorization.is_some_and(|header| header.value.as_str() == wanted);
                let path = request.url().to_owned();
                log.lock().unwrap().push(format!(
                    "{} {path} {}",
                    request.method(),
                    if is_known { "known" } else { "unknown" }
                ));
                let mut body = Vec::new();
                let _ = request.as_reader().read_to_end(&mut body);
                let found = pages.iter().find(|(known, _)| *known == path);
                let response = match found {
                    _ if !is_known => {
                        let header: Header = format!("WWW-Authenticate: {challenge}").parse().unwrap();
                        Response::from_data("{}").with_status_code(401).with_header(header)
                    }
                    Some((_, body)) => {
                        let kind = match body.first() {
                            Some(b'{') => "application/json",
                            Some(b'<') => "text/html",
                            _ => "application/octet-stream",
                        };
                        Response::from_data(body.clone())
                            .with_header(format!("Content-Type: {kind}").parse::<Header>().unwrap())
                    }
                    None => Response::from_data("nothing is here").with_status_code(404),
                };
                let _ = request.respond(response);
            }
        });
        Self { port, seen }
    }

    pub fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Method, path, and whether the caller was known.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    #[track_caller]
    pub fn was_asked(&self, line: &str) {
        assert!(self.seen().iter().any(|seen| seen == line), "{line}: {:?}", self.seen());
    }
}
