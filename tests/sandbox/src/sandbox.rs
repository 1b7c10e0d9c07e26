//! The running stand-in and what a test sees of it.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::apply::apply;
use crate::server::{self, Meter, Server};
use crate::state::{Origin, State};
use crate::{Absent, Ca, Control, http, openapi};

/// How a sandbox starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// TLS with a certificate of the sandbox's own [`Ca`]; plain HTTP otherwise.
    pub tls: bool,
    /// 0 takes any free port.
    pub port: u16,
    /// The id of the environment's client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// How absent fields are written.
    pub absent: Absent,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            tls: true,
            port: 0,
            client_id: "skc_sandbox".to_owned(),
            client_secret: "test_sandbox_client_secret_do_not_use".to_owned(),
            absent: Absent::Missing,
        }
    }
}

/// How often the sandbox was called. Its own routes under `/_sandbox/` are not counted, their connections are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Connections that were accepted.
    pub tcp_connections: u64,
    /// Connections on which TLS came about.
    pub tls_connections: u64,
    /// Requests by method and path template, for example `GET /api/v1/connected_accounts/auth`. What fits no route is
    /// under `no route`.
    pub routes: BTreeMap<String, u64>,
}

/// One request, without anything secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logged {
    /// The HTTP method.
    pub method: String,
    /// The path as sent; a magic link's is its template, for the link is a secret.
    pub path: String,
    /// The query in order. Values of parameters that the route does not have are left out.
    pub query: Vec<(String, String)>,
    /// Whether the request carried a good client access token, or the right client id and secret on the token route.
    pub authorization_ok: bool,
    /// The `User-Agent` header.
    pub user_agent: Option<String>,
}

/// A running stand-in for Scalekit's vault. Dropping it stops it.
#[derive(Debug)]
pub struct Sandbox {
    shared: Arc<Shared>,
    ca: Ca,
    url: String,
    client_id: String,
    client_secret: String,
    _server: Server,
}

/// What the server's threads and the owner of the sandbox have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    meter: Arc<Meter>,
}

impl Shared {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn control(&self, control: Control) -> Result<Value, String> {
        if control == Control::Reset {
            self.meter.tcp.store(0, Ordering::SeqCst);
            self.meter.tls.store(0, Ordering::SeqCst);
        }
        apply(&mut self.state(), control)
    }

    pub(crate) fn counts(&self) -> Counts {
        Counts {
            tcp_connections: self.meter.tcp.load(Ordering::SeqCst),
            tls_connections: self.meter.tls.load(Ordering::SeqCst),
            routes: self.state().routes.clone(),
        }
    }
}

impl Sandbox {
    /// Starts with TLS on a free port.
    ///
    /// # Panics
    /// If there is no port or no temporary directory to be had.
    pub fn start() -> Sandbox {
        Sandbox::with(Options::default()).expect("a sandbox starts on loopback")
    }

    /// Starts without TLS on a free port.
    ///
    /// # Panics
    /// As [`Sandbox::start`].
    pub fn start_http() -> Sandbox {
        Sandbox::with(Options { tls: false, ..Options::default() }).expect("a sandbox starts on loopback")
    }

    /// Starts as told.
    pub fn with(options: Options) -> io::Result<Sandbox> {
        openapi::found().map_err(io::Error::other)?;
        let ca = Ca::new()?;
        let listener = Server::bind(options.port)?;
        let Options { tls, client_id, client_secret, absent, .. } = options;
        let url = server::url(tls, listener.local_addr()?.port());
        let origin =
            Origin { url: url.clone(), client_id: client_id.clone(), client_secret: client_secret.clone(), absent };
        let meter = Arc::new(Meter::default());
        let shared = Arc::new(Shared { state: Mutex::new(State::new(origin)), meter: Arc::clone(&meter) });
        let answering = Arc::clone(&shared);
        let _server = Server::start(listener, tls.then_some(&ca), meter, move |request, scissors| {
            http::answer(Arc::clone(&answering), request, scissors)
        })?;
        Ok(Sandbox { shared, ca, url, client_id, client_secret, _server })
    }

    /// Whether the official OpenAPI description was found, so that requests and replies are held to it.
    pub fn official_schema_found() -> bool {
        openapi::found().unwrap_or(false)
    }

    /// The environment URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The certificate to trust, PEM; it is there without TLS too, for a [`crate::GitServer`] that shares it.
    pub fn ca_pem(&self) -> &Path {
        self.ca.pem()
    }

    /// The authority itself, to be shared with other servers.
    pub fn ca(&self) -> Ca {
        self.ca.clone()
    }

    /// The id of the environment's client.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The secret of the environment's client, as it was at the start.
    pub fn client_secret(&self) -> &str {
        &self.client_secret
    }

    /// Carries out an order. The value is what there is to tell, such as the id of a new account.
    pub fn control(&self, control: Control) -> Result<Value, String> {
        self.shared.control(control)
    }

    /// How often the sandbox was called.
    pub fn counts(&self) -> Counts {
        self.shared.counts()
    }

    /// All requests, in the order of their arrival.
    pub fn requests(&self) -> Vec<Logged> {
        self.shared.state().log.clone()
    }

    /// Every breach of a schema so far, by the client or by the sandbox.
    pub fn violations(&self) -> Vec<String> {
        self.shared.state().violations.clone()
    }

    /// A JWT with these claims, signed by the current key. The header is taken as it is, `Value::Null` stands for the
    /// one that the vault's own tokens have. The signature is in the RSA algorithm that the header's `alg` names, and
    /// RS256 if that is none.
    pub fn sign(&self, claims: Value, header: Value) -> String {
        let keys = &self.shared.state().keys;
        let header = if header.is_null() { keys.header() } else { header };
        keys.sign(&header, &claims)
    }

    /// The id of the key that signs.
    pub fn signing_key_id(&self) -> String {
        self.shared.state().keys.kid().to_owned()
    }

    /// The key that signs: PKCS #8, PEM. It is a test key that every sandbox has.
    pub fn signing_key_pem(&self) -> &'static str {
        self.shared.state().keys.private_pem()
    }

    /// The public half of the key that signs: `SubjectPublicKeyInfo`, PEM.
    pub fn public_key_pem(&self) -> &'static str {
        self.shared.state().keys.public_pem()
    }

    /// The key set as `/keys` shows it.
    pub fn jwks(&self) -> Value {
        self.shared.state().keys.jwks()
    }

    /// Every secret of an organization's client that was handed out, for tests that look for leaks.
    pub fn plain_secrets(&self) -> Vec<String> {
        self.shared.state().plain_secrets()
    }

    /// Every client access token that was issued, for tests that look for leaks.
    pub fn client_tokens(&self) -> Vec<String> {
        self.shared.state().client_tokens()
    }
}
