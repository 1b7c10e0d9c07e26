//! An environment's key routes on loopback, and keys to sign tokens with, made anew for every test run.

// Each test file uses a part of it.
#![allow(dead_code)]

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, LazyLock, Mutex};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{RSA_PKCS1_SHA256, RsaEncoding, RsaKeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use tempfile::TempDir;

/// What `aud`, `oid` and `sub` of the usual token are.
pub const AUDIENCE: &str = "deployment-api.acme.com";
pub const ORGANIZATION: &str = "org_59615193906282635";
pub const SUBJECT: &str = "m2morg_68315758685323697";

/// The python that has PyJWT; `tests/run` puts it there.
pub const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/pyjwt/bin/python");

/// The environment's key in most tests, and one that is not the environment's.
pub static OURS: LazyLock<Key> = LazyLock::new(|| Key::new("snk_1"));
pub static OTHER: LazyLock<Key> = LazyLock::new(|| Key::new("snk_2"));

pub fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// An RSA key pair (PKCS #8), by the openssl on PATH.
pub fn generate(bits: u32) -> Vec<u8> {
    let size = format!("rsa_keygen_bits:{bits}");
    let made = Command::new("openssl")
        .args(["genpkey", "-algorithm", "RSA", "-pkeyopt", &size])
        .output()
        .expect("openssl is there");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let pem = String::from_utf8(made.stdout).unwrap();
    // As DER, some versions write PKCS #1.
    let text: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    STANDARD.decode(text).unwrap()
}

/// A key that signs.
pub struct Key {
    pub kid: String,
    pub pkcs8: Vec<u8>,
    pair: RsaKeyPair,
}

impl Key {
    pub fn new(kid: &str) -> Self {
        let pkcs8 = generate(2048);
        Self { kid: kid.into(), pair: RsaKeyPair::from_pkcs8(&pkcs8).unwrap(), pkcs8 }
    }

    /// As the JWK set has it.
    pub fn jwk(&self) -> Value {
        let public = PublicKeyComponents::<Vec<u8>>::from(self.pair.public());
        json!({"use": "sig", "kty": "RSA", "kid": self.kid, "alg": "RS256",
               "n": base64url(&public.n), "e": base64url(&public.e)})
    }

    /// The public key (PKCS #1).
    pub fn public_der(&self) -> Vec<u8> {
        self.pair.public().as_ref().to_vec()
    }

    /// The public key as it is usually published.
    pub fn public_pem(&self) -> String {
        // What every RSA key of 2048 bits begins with (RFC 5280, SubjectPublicKeyInfo).
        let head = b"\x30\x82\x01\x22\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00\x03\x82\x01\x0f\x00";
        let text = STANDARD.encode([&head[..], &self.public_der()].concat());
        let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
    }

    pub fn signature(&self, encoding: &'static dyn RsaEncoding, message: &str) -> Vec<u8> {
        let mut signature = vec![0; self.pair.public().modulus_len()];
        self.pair.sign(encoding, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
        signature
    }

    /// A token of these two texts, which need not be JSON.
    pub fn sign_text(&self, header: &str, claims: &str) -> String {
        self.sign_encoded(&base64url(header), &base64url(claims))
    }

    /// A token whose first two parts stand exactly so.
    pub fn sign_encoded(&self, header: &str, claims: &str) -> String {
        let message = format!("{header}.{claims}");
        let signature = base64url(self.signature(&RSA_PKCS1_SHA256, &message));
        format!("{message}.{signature}")
    }

    /// A token with the usual header.
    pub fn sign(&self, claims: &Value) -> String {
        self.sign_text(&self.header().to_string(), &claims.to_string())
    }

    pub fn header(&self) -> Value {
        json!({"alg": "RS256", "kid": self.kid, "typ": "JWT"})
    }
}

/// The claims of an organization's client, as the reference has them.
pub fn claims(issuer: &str) -> Value {
    let now = now();
    json!({"iss": issuer, "sub": SUBJECT, "client_id": SUBJECT, "oid": ORGANIZATION, "aud": [AUDIENCE],
           "scopes": ["deploy:apps", "read:deployments"], "iat": now, "nbf": now, "exp": now + 3600,
           "jti": "tkn_1", "custom_claims": {"team": "ops"}})
}

/// `claims` with this member replaced.
pub fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

/// `claims` without this member.
pub fn without(mut claims: Value, name: &str) -> Value {
    claims.as_object_mut().unwrap().remove(name);
    claims
}

pub fn jwks(keys: &[&Key]) -> String {
    json!({"keys": keys.iter().map(|key| key.jwk()).collect::<Vec<_>>()}).to_string()
}

#[derive(Default)]
struct State {
    /// Headers beyond the usual ones, and the body.
    replies: HashMap<String, (String, String)>,
    seen: Vec<String>,
    is_down: bool,
}

/// A server with routes of the test's choice. It serves until the test's process ends.
pub struct Issuer {
    pub url: String,
    /// The certificate of its authority, where it speaks TLS.
    pub ca: PathBuf,
    _directory: TempDir,
    state: Arc<Mutex<State>>,
}

impl Issuer {
    /// Over TLS; discovery leads to `/keys` with `keys`.
    pub fn start(keys: &[&Key]) -> Self {
        Self::listen(keys, true)
    }

    /// Over plain http, for the library in the test's own process, which trusts no authority of ours.
    pub fn start_http(keys: &[&Key]) -> Self {
        Self::listen(keys, false)
    }

    fn listen(keys: &[&Key], tls: bool) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let ca = directory.path().join("ca.pem");
        let config = tls.then(|| server_config(&ca));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let scheme = if tls { "https" } else { "http" };
        let url = format!("{scheme}://127.0.0.1:{}", listener.local_addr().unwrap().port());
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let (config, state) = (config.clone(), Arc::clone(&shared));
                std::thread::spawn(move || match config {
                    Some(config) => {
                        let mut stream = StreamOwned::new(ServerConnection::new(config).unwrap(), stream);
                        answer(&mut stream, &state);
                        stream.conn.send_close_notify();
                        let _ = stream.flush();
                    }
                    None => answer(&mut stream, &state),
                });
            }
        });
        let issuer = Self { url, ca, _directory: directory, state };
        issuer.discovery(&format!("{}/keys", issuer.url));
        issuer.reply("/keys", "", &jwks(keys));
        issuer
    }

    pub fn discovery(&self, jwks_uri: &str) {
        let document = json!({"issuer": self.url, "jwks_uri": jwks_uri});
        self.reply("/.well-known/openid-configuration", "", &document.to_string());
    }

    /// Answers this path with 200 and these; `header` is whole lines.
    pub fn reply(&self, path: &str, header: &str, body: &str) {
        self.state.lock().unwrap().replies.insert(path.into(), (header.into(), body.into()));
    }

    pub fn remove(&self, path: &str) {
        self.state.lock().unwrap().replies.remove(path);
    }

    /// Whether connections are cut before a reply.
    pub fn set_down(&self, is_down: bool) {
        self.state.lock().unwrap().is_down = is_down;
    }

    /// How often this path was asked for.
    pub fn count(&self, path: &str) -> usize {
        self.state.lock().unwrap().seen.iter().filter(|seen| *seen == path).count()
    }

    pub fn seen(&self) -> Vec<String> {
        self.state.lock().unwrap().seen.clone()
    }

    pub fn claims(&self) -> Value {
        claims(&self.url)
    }
}

fn server_config(ca: &std::path::Path) -> Arc<ServerConfig> {
    let key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::default();
    authority.distinguished_name.push(DnType::CommonName, "authority of a test");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    std::fs::write(ca, authority.self_signed(&key).unwrap().pem()).unwrap();
    let authority = rcgen::Issuer::new(authority, key);
    let key = KeyPair::generate().unwrap();
    let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    Arc::new(config.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).unwrap())
}

fn answer(stream: &mut (impl Read + Write), state: &Mutex<State>) {
    let (mut head, mut buffer) = (Vec::new(), [0; 4096]);
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(count) if count > 0 => head.extend(&buffer[..count]),
            _ => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let reply = {
        let mut state = state.lock().unwrap();
        state.seen.push(path.clone());
        if state.is_down {
            return;
        }
        state.replies.get(&path).cloned()
    };
    let (status, (header, body)) = match reply {
        Some(reply) if reply.0.starts_with("Location:") => ("302 Found", reply),
        Some(reply) => ("200 OK", reply),
        None => ("404 Not Found", (String::new(), "{}".to_owned())),
    };
    let text =
        format!("HTTP/1.1 {status}\r\n{header}Connection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    // A client that has heard enough may be gone.
    let _ = stream.write_all(text.as_bytes());
    let _ = stream.flush();
}
