//! A client of the sandbox, as small as can be.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use scalekit_sandbox::{Absent, Control, Credential, Options, Sandbox};
use serde_json::{Value, json};
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

pub const TOKEN: &str = "POST /oauth/token";
pub const AUTH: &str = "GET /api/v1/connected_accounts/auth";
pub const AUTH_PATH: &str = "/api/v1/connected_accounts/auth?connector=gmail_a&identifier=ann";
pub const CLIENTS: &str = "/api/v1/organizations/org_1/clients";

/// Both ways of writing nothing.
pub const BOTH: [Absent; 2] = [Absent::Missing, Absent::Empty];

pub struct Client {
    pub sandbox: Sandbox,
    pub agent: Agent,
}

pub struct Got {
    pub status: u16,
    pub body: Value,
    pub text: String,
    pub headers: ureq::http::HeaderMap,
}

impl Client {
    pub fn new() -> Client {
        Client::of(Sandbox::start())
    }

    pub fn writing(absent: Absent) -> Client {
        Client::of(Sandbox::with(Options { absent, ..Options::default() }).unwrap())
    }

    pub fn of(sandbox: Sandbox) -> Client {
        let pem = std::fs::read(sandbox.ca_pem()).unwrap();
        let roots = RootCerts::new_with_certs(&[Certificate::from_pem(&pem).unwrap()]);
        let config = Agent::config_builder()
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .http_status_as_error(false)
            .max_redirects(0)
            .user_agent("sandbox-test/1")
            .timeout_global(Some(Duration::from_secs(20)));
        Client { sandbox, agent: config.build().into() }
    }

    /// Connection `gmail_a`, account `ann` with a token.
    pub fn seed(&self) {
        self.order(Control::connection("gmail_a", "GMAIL"));
        self.seed_account("ann", oauth("ya29.one"), Some(3600));
    }

    pub fn seed_account(&self, identifier: &str, credential: Credential, expires_in: Option<i64>) -> Value {
        self.order(Control::SeedAccount {
            connection: "gmail_a".to_owned(),
            identifier: identifier.to_owned(),
            status: "ACTIVE".to_owned(),
            credential,
            expires_in,
            expires_at: None,
            authorization_type: None,
            api_config: None,
        })
    }

    pub fn order(&self, control: Control) -> Value {
        self.sandbox.control(control).unwrap()
    }

    /// Orders by JSON, as over HTTP.
    pub fn order_json(&self, control: Value) -> Value {
        self.order(serde_json::from_value(control).unwrap())
    }

    pub fn try_token(&self, form: &[(&str, &str)]) -> Result<Got, ureq::Error> {
        let url = format!("{}/oauth/token", self.sandbox.url());
        self.agent.post(url).send_form(form.iter().copied()).and_then(got)
    }

    pub fn token(&self) -> String {
        let (id, secret) = (self.sandbox.client_id(), self.sandbox.client_secret());
        let form = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
        let got = self.try_token(&form).unwrap();
        assert_eq!(got.status, 200, "{}", got.text);
        got.body["access_token"].as_str().unwrap().to_owned()
    }

    pub fn try_get(&self, bearer: &str, path: &str) -> Result<Got, ureq::Error> {
        let request = self.agent.get(format!("{}{path}", self.sandbox.url()));
        let request =
            if bearer.is_empty() { request } else { request.header("authorization", format!("Bearer {bearer}")) };
        request.call().and_then(got)
    }

    pub fn get(&self, bearer: &str, path: &str) -> Got {
        self.try_get(bearer, path).unwrap()
    }

    pub fn post(&self, bearer: &str, path: &str, body: Value) -> Got {
        let request = self.agent.post(format!("{}{path}", self.sandbox.url()));
        let request = request.header("authorization", format!("Bearer {bearer}"));
        let request = request.header("content-type", "application/json");
        request.send(body.to_string()).and_then(got).unwrap()
    }

    pub fn patch(&self, bearer: &str, path: &str, body: Value) -> Got {
        let request = self.agent.patch(format!("{}{path}", self.sandbox.url()));
        let request = request.header("authorization", format!("Bearer {bearer}"));
        let request = request.header("content-type", "application/json");
        request.send(body.to_string()).and_then(got).unwrap()
    }

    pub fn delete(&self, bearer: &str, path: &str) -> Got {
        let request = self.agent.delete(format!("{}{path}", self.sandbox.url()));
        request.header("authorization", format!("Bearer {bearer}")).call().and_then(got).unwrap()
    }

    /// A POST without a body.
    pub fn post_empty(&self, bearer: &str, path: &str) -> Got {
        let request = self.agent.post(format!("{}{path}", self.sandbox.url()));
        request.header("authorization", format!("Bearer {bearer}")).send_empty().and_then(got).unwrap()
    }

    /// A client of the organization `org_1`, which is seeded for it: the reply of the create.
    pub fn organization_client(&self, bearer: &str, body: Value) -> Value {
        self.order(Control::SeedOrganization { id: "org_1".to_owned() });
        let got = self.post(bearer, CLIENTS, body);
        assert_eq!(got.status, 201, "{}", got.text);
        got.body
    }

    /// A token for any client.
    pub fn token_of(&self, id: &str, secret: &str, scope: &str) -> Got {
        let mut form = vec![("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
        form.extend((!scope.is_empty()).then_some(("scope", scope)));
        self.try_token(&form).unwrap()
    }

    /// As a browser sends a form.
    pub fn post_form(&self, path: &str, form: &[(&str, &str)]) -> Got {
        let request = self.agent.post(format!("{}{path}", self.sandbox.url()));
        request.send_form(form.iter().copied()).and_then(got).unwrap()
    }

    /// The path of a new magic link for an account of `gmail_a`; `more` are further fields of the request.
    pub fn link(&self, bearer: &str, identifier: &str, more: Value) -> String {
        let mut body = json!({"connector": "gmail_a", "identifier": identifier});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let got = self.post(bearer, "/api/v1/connected_accounts/magic_link", body);
        assert_eq!(got.status, 200, "{}", got.text);
        got.body["link"].as_str().unwrap().strip_prefix(self.sandbox.url()).unwrap().to_owned()
    }

    /// What `details` says of an account of `gmail_a`.
    pub fn details(&self, bearer: &str, identifier: &str) -> Value {
        let path = AUTH_PATH.replace("/auth", "/details").replace("=ann", &format!("={identifier}"));
        self.get(bearer, &path).body["connected_account"].clone()
    }

    #[track_caller]
    pub fn assert_clean(&self) {
        assert_eq!(self.sandbox.violations(), Vec::<String>::new());
    }
}

fn got(mut response: ureq::http::Response<ureq::Body>) -> Result<Got, ureq::Error> {
    let text = response.body_mut().with_config().limit(64 << 20).read_to_string()?;
    let body = serde_json::from_str(&text).unwrap_or_default();
    Ok(Got { status: response.status().as_u16(), body, text, headers: response.headers().clone() })
}

pub fn oauth(token: &str) -> Credential {
    Credential::OauthToken { access_token: token.to_owned(), refresh_token: None, scopes: Vec::new(), domain: None }
}

/// Where a reply sends the browser: the part before the query, the decoded query, and the fragment.
pub fn location(got: &Got) -> (String, Vec<(String, String)>, String) {
    assert_eq!(got.status, 302, "{}", got.text);
    let location = got.headers["location"].to_str().unwrap();
    let (rest, fragment) = location.split_once('#').unwrap_or((location, ""));
    let (url, query) = rest.split_once('?').unwrap();
    let query = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    (url.to_owned(), query, fragment.to_owned())
}

/// Header and claims of a token, unchecked.
pub fn jwt(token: &str) -> (Value, Value) {
    let part = |part: &str| serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    let parts: Vec<&str> = token.split('.').collect();
    assert_eq!(parts.len(), 3);
    (part(parts[0]), part(parts[1]))
}

/// Whether the key set has the key that signed a token, by the name in its header.
pub fn verifies(keys: &Value, token: &str) -> bool {
    let (header, _) = jwt(token);
    let (message, signature) = token.rsplit_once('.').unwrap();
    let number = |key: &Value, name: &str| BASE64_URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap();
    let named = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == header["kid"]);
    let Some(key) = named else { return false };
    let public = RsaPublicKeyComponents { n: number(key, "n"), e: number(key, "e") };
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    public.verify(&RSA_PKCS1_2048_8192_SHA256, message.as_bytes(), &signature).is_ok()
}

pub fn error_code(body: &Value) -> &str {
    body["details"][0]["error_code"].as_str().unwrap_or_default()
}
