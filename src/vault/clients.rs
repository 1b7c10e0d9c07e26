//! API clients of an organization: machines that get JWTs by client credentials. A secret is shown once, by the call that
//! makes it.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use ureq::http::Method;

use super::text::Text;
use super::{Call, Error, Vault};
use crate::secret::Secret;

const CREATE: &str = "POST /api/v1/organizations/{organization_id}/clients";
const LIST: &str = "GET /api/v1/organizations/{organization_id}/clients";
const GET: &str = "GET /api/v1/organizations/{organization_id}/clients/{client_id}";
const UPDATE: &str = "PATCH /api/v1/organizations/{organization_id}/clients/{client_id}";
const DELETE: &str = "DELETE /api/v1/organizations/{organization_id}/clients/{client_id}";
const ADD_SECRET: &str = "POST /api/v1/organizations/{organization_id}/clients/{client_id}/secrets";
const DELETE_SECRET: &str = "DELETE /api/v1/organizations/{organization_id}/clients/{client_id}/secrets/{secret_id}";

/// What a client is made of, or what is to change about it: what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewClient {
    /// Its name, at most 128 characters.
    pub name: Option<String>,
    /// What it is for, at most 512 characters.
    pub description: Option<String>,
    /// What its tokens may be used for, `resource:action`.
    pub scopes: Option<Vec<String>>,
    /// Whom its tokens are for.
    pub audience: Option<Vec<String>>,
    /// Claims of its tokens, by key.
    pub claims: Option<Vec<(String, String)>>,
    /// Lifetime of its tokens, in seconds.
    pub expiry: Option<u64>,
}

impl NewClient {
    fn to_json(&self) -> Value {
        let Self { name, description, scopes, audience, claims, expiry } = self;
        let mut object = Map::new();
        let texts = [("name", name), ("description", description)];
        object.extend(texts.into_iter().filter_map(|(key, text)| Some((key.to_owned(), text.as_deref()?.into()))));
        let lists = [("scopes", scopes), ("audience", audience)];
        object.extend(lists.into_iter().filter_map(|(key, list)| Some((key.to_owned(), list.clone()?.into()))));
        if let Some(claims) = claims {
            let claims = claims.iter().map(|(key, value)| json!({"key": key, "value": value}));
            object.insert("custom_claims".into(), claims.collect());
        }
        // A 64-bit number is text in JSON (protocol buffers' JSON mapping).
        object.extend(expiry.map(|seconds| ("expiry".to_owned(), seconds.to_string().into())));
        Value::Object(object)
    }
}

/// An API client as the vault knows it.
#[derive(Debug, Clone)]
pub struct ApiClientRecord {
    /// `m2morg_...`.
    pub client_id: String,
    /// Its name.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// `org_...`.
    pub organization: Option<String>,
    /// What its tokens may be used for.
    pub scopes: Vec<String>,
    /// Whom its tokens are for.
    pub audience: Vec<String>,
    /// Claims of its tokens, by key.
    pub claims: Vec<(String, String)>,
    /// Lifetime of its tokens, in seconds.
    pub expiry: Option<u64>,
    /// Its secrets, without the secrets themselves.
    pub secrets: Vec<ClientSecret>,
}

/// What is known about a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientSecret {
    /// `sks_...`.
    pub id: String,
    /// Its last characters.
    pub suffix: Option<String>,
    /// `ACTIVE` or `INACTIVE`.
    pub status: String,
    /// When it was made, in seconds since 1970.
    pub created_at: Option<i64>,
    /// When it was last used, in seconds since 1970.
    pub last_used_at: Option<i64>,
}

#[derive(Deserialize)]
struct ClientReply {
    #[serde(default)]
    client: Option<Client>,
    #[serde(alias = "plainSecret", default)]
    plain_secret: Text,
}

#[derive(Deserialize)]
struct ClientsReply {
    #[serde(default)]
    clients: Option<Vec<Client>>,
    #[serde(alias = "nextPageToken", default)]
    next_page_token: Text,
}

#[derive(Deserialize)]
struct SecretReply {
    #[serde(default)]
    secret: Option<SecretEntry>,
    #[serde(alias = "plainSecret", default)]
    plain_secret: Text,
}

#[derive(Deserialize)]
struct Client {
    #[serde(alias = "clientId", default)]
    client_id: Text,
    #[serde(default)]
    name: Text,
    #[serde(default)]
    description: Text,
    #[serde(alias = "organizationId", default)]
    organization_id: Text,
    #[serde(default)]
    scopes: Option<Vec<String>>,
    #[serde(default)]
    audience: Option<Vec<String>>,
    #[serde(alias = "customClaims", default)]
    custom_claims: Option<Vec<Claim>>,
    #[serde(default)]
    expiry: Value,
    #[serde(default)]
    secrets: Option<Vec<SecretEntry>>,
}

#[derive(Deserialize)]
struct Claim {
    #[serde(default)]
    key: Text,
    #[serde(default)]
    value: Text,
}

#[derive(Deserialize)]
struct SecretEntry {
    #[serde(default)]
    id: Text,
    #[serde(alias = "secretSuffix", default)]
    secret_suffix: Text,
    #[serde(default)]
    status: Text,
    #[serde(alias = "createTime", default)]
    create_time: Text,
    #[serde(alias = "lastUsedTime", default)]
    last_used_time: Text,
}

impl Client {
    fn read(self) -> Option<ApiClientRecord> {
        let text = |text: &Text| text.get().map(str::to_owned);
        let claim = |claim: &Claim| Some((text(&claim.key)?, text(&claim.value).unwrap_or_default()));
        let expiry = match &self.expiry {
            Value::String(seconds) => seconds.parse().ok(),
            other => other.as_u64(),
        };
        Some(ApiClientRecord {
            client_id: text(&self.client_id)?,
            name: text(&self.name),
            description: text(&self.description),
            organization: text(&self.organization_id),
            scopes: self.scopes.unwrap_or_default(),
            audience: self.audience.unwrap_or_default(),
            claims: self.custom_claims.iter().flatten().filter_map(claim).collect(),
            expiry: expiry.filter(|seconds| *seconds > 0),
            secrets: self.secrets.iter().flatten().filter_map(SecretEntry::read).collect(),
        })
    }
}

impl SecretEntry {
    fn read(&self) -> Option<ClientSecret> {
        Some(ClientSecret {
            id: self.id.get()?.to_owned(),
            suffix: self.secret_suffix.get().map(str::to_owned),
            // The first value of the enumeration may be left out.
            status: self.status.get().unwrap_or("ACTIVE").to_owned(),
            created_at: self.create_time.seconds(),
            last_used_at: self.last_used_time.seconds(),
        })
    }
}

impl Vault {
    /// Creates a client, never twice, and gives its only secret.
    pub fn create_client(
        &self,
        organization: &str,
        client: &NewClient,
    ) -> Result<(ApiClientRecord, Secret<String>), Error> {
        let call = Call {
            path: clients(organization).into(),
            body: client.to_json().to_string().into_bytes(),
            repeatable: false,
            ..Call::new(CREATE, Method::POST, "")
        };
        let reply: ClientReply = read(CREATE, self.call(&call)?.expose())?;
        let created = reply.client.and_then(Client::read).ok_or(Error::Unreadable(CREATE))?;
        Ok((created, reply.plain_secret.secret().ok_or(Error::Unreadable(CREATE))?))
    }

    /// All clients of an organization, page by page as they come.
    pub fn clients(&self, organization: &str, take: impl FnMut(Vec<ApiClientRecord>)) -> Result<(), Error> {
        let read = |body: &[u8]| {
            let reply: ClientsReply = serde_json::from_slice(body).ok()?;
            let clients = reply.clients.into_iter().flatten().filter_map(Client::read).collect();
            Some((clients, reply.next_page_token))
        };
        self.each_page(LIST, &clients(organization), &[("page_size", "30")], read, take)
    }

    /// One client. [`Error::NotFound`] if there is none.
    pub fn client(&self, organization: &str, client_id: &str) -> Result<ApiClientRecord, Error> {
        let call = Call { path: client(organization, client_id).into(), ..Call::new(GET, Method::GET, "") };
        self.one(GET, &call)
    }

    /// Changes what `change` names, and nothing else.
    pub fn update_client(
        &self,
        organization: &str,
        client_id: &str,
        change: &NewClient,
    ) -> Result<ApiClientRecord, Error> {
        let call = Call {
            path: client(organization, client_id).into(),
            body: change.to_json().to_string().into_bytes(),
            ..Call::new(UPDATE, Method::PATCH, "")
        };
        self.one(UPDATE, &call)
    }

    /// Deletes a client with its secrets.
    pub fn delete_client(&self, organization: &str, client_id: &str) -> Result<(), Error> {
        let path = client(organization, client_id).into();
        self.call(&Call { path, repeatable: false, ..Call::new(DELETE, Method::DELETE, "") }).map(drop)
    }

    /// Adds a secret, never twice.
    pub fn add_secret(&self, organization: &str, client_id: &str) -> Result<(ClientSecret, Secret<String>), Error> {
        let path = format!("{}/secrets", client(organization, client_id)).into();
        let call = Call { path, repeatable: false, ..Call::new(ADD_SECRET, Method::POST, "") };
        let reply: SecretReply = read(ADD_SECRET, self.call(&call)?.expose())?;
        let added = reply.secret.and_then(|secret| secret.read()).ok_or(Error::Unreadable(ADD_SECRET))?;
        Ok((added, reply.plain_secret.secret().ok_or(Error::Unreadable(ADD_SECRET))?))
    }

    /// Deletes one secret of a client.
    pub fn delete_secret(&self, organization: &str, client_id: &str, secret_id: &str) -> Result<(), Error> {
        let path = format!("{}/secrets/{secret_id}", client(organization, client_id)).into();
        self.call(&Call { path, repeatable: false, ..Call::new(DELETE_SECRET, Method::DELETE, "") }).map(drop)
    }

    fn one(&self, route: &'static str, call: &Call<'_>) -> Result<ApiClientRecord, Error> {
        let reply: ClientReply = read(route, self.call(call)?.expose())?;
        reply.client.and_then(Client::read).ok_or(Error::Unreadable(route))
    }
}

fn read<'a, T: Deserialize<'a>>(route: &'static str, body: &'a [u8]) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(|_| Error::Unreadable(route))
}

fn clients(organization: &str) -> String {
    format!("/api/v1/organizations/{organization}/clients")
}

fn client(organization: &str, client_id: &str) -> String {
    format!("{}/{client_id}", clients(organization))
}
