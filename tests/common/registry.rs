//! A real container registry on loopback, and small stand-ins for what such a registry or docker's CLI talks to.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use ring::{digest, rand::SystemRandom};
use serde_json::{Value, json};

use super::keyring::{Killed, needed, until};
use super::{World, finish};

/// Who may pull and push.
#[derive(Debug, Clone, Copy)]
pub enum Access<'a> {
    /// Everybody.
    Public,
    /// A user and a password, checked by the registry itself.
    Password(&'a str, &'a str),
    /// The same, checked by a token server whose tokens the registry takes.
    TokenServer(&'a str, &'a str),
}

/// Debian's docker-registry, gone when dropped.
pub struct Registry {
    /// Host and port, as clients name it.
    pub host: String,
    _process: Killed,
}

impl Registry {
    /// Keeps its images below the home of `world`.
    pub fn start(world: &World, access: Access<'_>) -> Self {
        let host = format!("127.0.0.1:{}", free_port());
        let directory = world.path("registry");
        fs::create_dir(&directory).unwrap();
        let mut configuration = json!({
            "version": 0.1,
            "log": {"level": "error"},
            "storage": {"filesystem": {"rootdirectory": directory.join("images")}},
            "http": {"addr": host},
        });
        match access {
            Access::Public => {}
            Access::Password(user, password) => {
                let mut htpasswd = world.command(needed("htpasswd", "apache2-utils"));
                let lines = finish(htpasswd.args(["-i", "-n", "-B", user]), password).ok().stdout;
                let path = directory.join("htpasswd");
                fs::write(&path, lines).unwrap();
                configuration["auth"] = json!({"htpasswd": {"realm": "test", "path": path}});
            }
            Access::TokenServer(user, password) => {
                let server = TokenServer::new(user, password);
                let bundle = directory.join("issuer.pem");
                fs::write(&bundle, &server.certificate).unwrap();
                let realm = format!("http://127.0.0.1:{}/token", serve(move |request| server.reply(request)));
                configuration["auth"] =
                    json!({"token": {"realm": realm, "service": "test", "issuer": "tests", "rootcertbundle": bundle}});
            }
        }
        // JSON is YAML.
        let file = directory.join("configuration.yml");
        fs::write(&file, configuration.to_string()).unwrap();
        let mut process = world.command(needed("docker-registry", "docker-registry"));
        process.arg("serve").arg(&file).stdout(Stdio::null()).stderr(Stdio::null());
        let process = Killed(process.spawn().unwrap());
        until("the registry listens", || TcpStream::connect(&host).is_ok());
        Self { host, _process: process }
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Makes an OCI image layout with the image `1`, which holds one file.
pub fn create_image(world: &World, directory: &Path) {
    let blobs = directory.join("blobs/sha256");
    fs::create_dir_all(&blobs).unwrap();
    fs::write(directory.join("hello"), "hello\n").unwrap();
    let mut tar = world.command(needed("tar", "tar"));
    tar.args(["--owner=0", "--group=0", "-cf", "layer", "hello"]).current_dir(directory);
    finish(&mut tar, "").ok();
    let blob = |content: &[u8], media_type: &str| {
        let digest = digest::digest(&digest::SHA256, content);
        let name: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        fs::write(blobs.join(&name), content).unwrap();
        json!({"mediaType": format!("application/vnd.oci.image.{media_type}"), "digest": format!("sha256:{name}"),
            "size": content.len()})
    };
    let layer = blob(&fs::read(directory.join("layer")).unwrap(), "layer.v1.tar");
    let rootfs = json!({"type": "layers", "diff_ids": [layer["digest"]]});
    let configuration = json!({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": rootfs});
    let configuration = blob(configuration.to_string().as_bytes(), "config.v1+json");
    let kind = "application/vnd.oci.image.manifest.v1+json";
    let manifest = json!({"schemaVersion": 2, "mediaType": kind, "config": configuration, "layers": [layer]});
    let mut manifest = blob(manifest.to_string().as_bytes(), "manifest.v1+json");
    manifest["annotations"] = json!({"org.opencontainers.image.ref.name": "1"});
    let index = json!({"schemaVersion": 2, "manifests": [manifest]});
    fs::write(directory.join("index.json"), index.to_string()).unwrap();
    fs::write(directory.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
}

/// What a registry's token server does: a user and a password in, a signed token for what was asked out.
struct TokenServer {
    /// The `Authorization` that is taken.
    authorization: String,
    /// PEM.
    certificate: String,
    /// The certificate as tokens carry it.
    x5c: String,
    key: EcdsaKeyPair,
}

impl TokenServer {
    fn new(user: &str, password: &str) -> Self {
        let pair = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(vec!["tests".into()]).unwrap().self_signed(&pair).unwrap();
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pair.serialize_der(), &random).unwrap();
        Self {
            authorization: basic(user, password),
            certificate: certificate.pem(),
            x5c: STANDARD.encode(certificate.der()),
            key,
        }
    }

    fn reply(&self, request: &Request) -> (u16, Value) {
        // Clients try OAuth by POST first, or only this.
        if request.method != "GET" {
            return (404, json!({}));
        }
        if request.header("authorization") != Some(&self.authorization) {
            return (401, json!({"errors": [{"code": "UNAUTHORIZED", "message": "no"}]}));
        }
        let url = url::Url::parse(&format!("http://localhost{}", request.path)).unwrap();
        let access: Vec<Value> = url
            .query_pairs()
            .filter(|(name, _)| name == "scope")
            .filter_map(|(_, scope)| {
                let (kind, rest) = scope.split_once(':')?;
                let (name, actions) = rest.rsplit_once(':')?;
                Some(json!({"type": kind, "name": name, "actions": actions.split(',').collect::<Vec<_>>()}))
            })
            .collect();
        let now = jiff::Timestamp::now().as_second();
        let claims = json!({"iss": "tests", "sub": "ada", "aud": "test", "iat": now, "nbf": now - 60, "exp": now + 600,
            "jti": "1", "access": access});
        let head = json!({"typ": "JWT", "alg": "ES256", "x5c": [self.x5c]});
        let signed = [head, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
        let signature = self.key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        (200, json!({"token": format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))}))
    }
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// What docker's CLI sends to its engine, which here does nothing but listen.
pub struct Engine {
    /// For `DOCKER_HOST`.
    pub url: String,
    credentials: Arc<Mutex<Vec<Value>>>,
}

impl Engine {
    /// Takes every credential and claims to have pulled every image.
    pub fn start() -> Self {
        let credentials = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&credentials);
        let port = serve(move |request| {
            if request.path.ends_with("/_ping") {
                return (200, json!("OK"));
            }
            if request.path.ends_with("/auth") {
                seen.lock().unwrap().push(serde_json::from_str(&request.body).unwrap());
                return (200, json!({"Status": "Login Succeeded", "IdentityToken": ""}));
            }
            if let Some(header) = request.header("x-registry-auth") {
                let decoded = URL_SAFE.decode(header).unwrap();
                seen.lock().unwrap().push(serde_json::from_slice(&decoded).unwrap());
            }
            (200, json!({"status": "done"}))
        });
        Self { url: format!("tcp://127.0.0.1:{port}"), credentials }
    }

    /// User name and password of every call that had them, in order.
    pub fn credentials(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let seen = self.credentials.lock().unwrap();
        seen.iter().map(|object| (text(&object["username"]), text(&object["password"]))).collect()
    }
}

struct Request {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// `None` when the client has closed the connection.
    fn read(stream: &mut TcpStream) -> Option<Self> {
        let (mut text, mut buffer) = (String::new(), [0; 4096]);
        loop {
            let read = stream.read(&mut buffer).ok().filter(|read| *read > 0)?;
            text.push_str(&String::from_utf8_lossy(&buffer[..read]));
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let mut lines = head.lines();
            let mut first = lines.next()?.split(' ').map(str::to_owned);
            let (method, path) = (first.next()?, first.next()?);
            let headers: Vec<_> = lines
                .filter_map(|line| line.split_once(": "))
                .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
                .collect();
            let request = Self { method, path, headers, body: body.to_owned() };
            let length = request.header("content-length").and_then(|length| length.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return Some(request);
            }
        }
    }
}

/// Answers every request on a port of loopback, one a connection, until the test's process ends.
fn serve(reply: impl Fn(&Request) -> (u16, Value) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let reply = Arc::new(reply);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let reply = Arc::clone(&reply);
            std::thread::spawn(move || {
                let Some(request) = Request::read(&mut stream) else { return };
                let (status, body) = reply(&request);
                let body = if request.method == "HEAD" { String::new() } else { body.to_string() };
                let head = format!(
                    "HTTP/1.1 {status} X\r\napi-version: 1.41\r\nostype: linux\r\ncontent-type: application/json\r\n\
                     connection: close\r\ncontent-length: {}\r\n\r\n",
                    body.len()
                );
                // A client that has heard enough may be gone.
                let _ = stream.write_all(format!("{head}{body}").as_bytes());
            });
        }
    });
    port
}

/// A helper on PATH that keeps a record of what it is asked, and asks ours.
pub fn record_calls(world: &World) -> PathBuf {
    let (link, record) = (world.path("bin/docker-credential-scalekit"), world.path("calls"));
    fs::remove_file(&link).unwrap();
    // What is stored holds a secret and is not recorded.
    let script = format!(
        "#!/bin/sh\ninput=$(cat)\ncase $1 in store) shown= ;; *) shown=$input ;; esac\n\
         echo \"$1 $shown\" >>{}\nprintf '%s' \"$input\" | scalekit-auth docker-credential \"$1\"\n",
        record.display()
    );
    fs::write(&link, script).unwrap();
    fs::set_permissions(&link, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    record
}
