//! A git server behind tokens: real repositories, served by the real `git http-backend`.

mod cgi;
mod door;
mod repository;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use hyper::{Request, Response};

use crate::Ca;
use crate::server::{Body, Meter, Server, whole};
use door::{Door, Presented};

/// Room for any push that a test makes.
const LARGEST_REQUEST: usize = 64 << 20;

/// Which kinds of credentials the server asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Offers {
    /// Basic; the token is the password.
    #[default]
    Basic,
    /// Bearer.
    Bearer,
    /// A challenge for Bearer, then one for Basic.
    Both,
    /// None: everyone may come in.
    Nothing,
}

/// How a git server starts.
#[derive(Debug, Clone)]
pub struct GitOptions {
    /// The directory whose bare repositories are served.
    pub root: PathBuf,
    /// TLS with a certificate of this authority; plain HTTP if none.
    pub tls: Option<Ca>,
    /// What the server asks for.
    pub offers: Offers,
    /// The tokens that are good at first.
    pub tokens: Vec<String>,
    /// The git executable that serves.
    pub git: PathBuf,
}

impl Default for GitOptions {
    fn default() -> GitOptions {
        let (root, git) = (PathBuf::from("."), PathBuf::from("git"));
        GitOptions { root, tls: None, offers: Offers::default(), tokens: Vec::new(), git }
    }
}

/// One request that the server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The HTTP method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// `Basic` or `Bearer`, as the client wrote it.
    pub scheme: Option<String>,
    /// The user name of Basic.
    pub username: Option<String>,
    /// The password of Basic, or the token of Bearer.
    pub token: Option<String>,
    /// The status of the reply.
    pub status: u16,
}

/// A running git server. Dropping it stops it.
#[derive(Debug)]
pub struct GitServer {
    shared: Arc<Shared>,
    url: String,
    _server: Server,
}

#[derive(Debug)]
struct Shared {
    root: PathBuf,
    git: PathBuf,
    offers: Offers,
    inside: Mutex<Inside>,
}

#[derive(Debug, Default)]
struct Inside {
    door: Door,
    closed: Vec<String>,
    seen: Vec<Seen>,
}

impl Shared {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl GitServer {
    /// Starts on a free port.
    pub fn start(options: GitOptions) -> io::Result<GitServer> {
        let GitOptions { root, tls, offers, tokens, git } = options;
        let root = std::path::absolute(root)?;
        let shared = Arc::new(Shared { root, git, offers, inside: Mutex::default() });
        shared.inside().door.accept(tokens);
        let answering = Arc::clone(&shared);
        let _server = Server::start(Server::bind(0)?, tls.as_ref(), Arc::new(Meter::default()), move |request, _| {
            answer(Arc::clone(&answering), request)
        })?;
        let url = _server.url();
        Ok(GitServer { shared, url, _server })
    }

    /// Also accepts each token of which `check` says that it is good, such as a JWT.
    pub fn accept_if(&self, check: impl Fn(&str) -> bool + Send + Sync + 'static) {
        self.shared.inside().door.accept_if(Box::new(check));
    }

    /// Where the repositories are: `<url>/<name>`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Replaces the set of good tokens.
    pub fn accept(&self, tokens: &[&str]) {
        self.shared.inside().door.accept(tokens.iter().map(|token| (*token).to_owned()));
    }

    /// Makes a token good for so many more requests.
    pub fn accept_for(&self, token: &str, requests: u32) {
        self.shared.inside().door.accept_for(token, requests);
    }

    /// Refuses every token at the repositories below this path, as Azure DevOps does where an account has no access.
    pub fn close(&self, path: &str) {
        self.shared.inside().closed.push(path.to_owned());
    }

    /// The user name without which Basic credentials are refused; any will do at first.
    pub fn require_username(&self, username: Option<String>) {
        self.shared.inside().door.require_username(username);
    }

    /// The realm of the challenges from now on, which need not be UTF-8; `sandbox` at first.
    pub fn name_realm(&self, realm: &[u8]) {
        self.shared.inside().door.name_realm(realm);
    }

    /// Every request that was answered, in order.
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.inside().seen.clone()
    }

    /// Makes a bare repository `root/name` that can be pushed to, with one commit of `files` on `main`.
    pub fn create_repository(root: &Path, name: &str, files: &[(&str, &[u8])]) -> io::Result<()> {
        repository::create(root, name, files)
    }
}

async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let authorization = head.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let presented = Presented::read(authorization);
    let welcome = {
        let mut inside = shared.inside();
        let is_closed = inside.closed.iter().any(|path| head.uri.path().starts_with(path.as_str()));
        inside.door.opens(shared.offers, &presented) && !is_closed
    };
    let response = if welcome {
        // The body may be chunked, and http-backend wants to know its length: it is fed after it is all there.
        match Limited::new(body, LARGEST_REQUEST).collect().await {
            Ok(body) => {
                let user = presented.username.clone().unwrap_or_else(|| "sandbox".to_owned());
                let run = cgi::run(&shared.git, &shared.root, &head, body.to_bytes(), &user).await;
                run.unwrap_or_else(|error| plain(500, &format!("git http-backend: {error}\n")))
            }
            Err(_) => plain(413, "too large, or broken off\n"),
        }
    } else {
        let mut refusal = plain(401, "who are you?\n");
        let challenges = shared.inside().door.challenges(shared.offers, &presented);
        for challenge in challenges {
            refusal.headers_mut().append(WWW_AUTHENTICATE, challenge);
        }
        refusal
    };
    let Presented { scheme, username, token } = presented;
    let (method, path) = (head.method.to_string(), head.uri.path().to_owned());
    let status = response.status().as_u16();
    shared.inside().seen.push(Seen { method, path, scheme, username, token, status });
    response
}

fn plain(status: u16, text: &str) -> Response<Body> {
    let mut response = Response::new(whole(text.to_owned()));
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
    response
}
