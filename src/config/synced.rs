//! `synced.json`: what `sync` read in each environment, and which tenants' hosts its accounts named. The program writes it
//! alone; what the user wrote in connections.json always comes first.
//!
//! ```json
//! {"version": 1, "environments": {"default": {
//!    "url": "https://acme.scalekit.com", "synced_at": "2026-11-22T10:00:00Z",
//!    "connections": [{"name": "gmail", "provider": "GMAIL", "hosts": ["gmail.googleapis.com"]},
//!                    {"name": "desk", "provider": "ZENDESK", "templates": ["https://{{domain}}/api"]}],
//!    "tenants": [{"connection": "desk", "identifier": "ada", "hosts": ["acme.zendesk.com"]}]}}}
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Error, file};
use crate::catalogue;
use crate::resolve::learn;
use crate::service::{DEFAULT_ENVIRONMENT, Learned, Origin, Pattern, Service, Services, is_connection_name};
use crate::target::Authority;

/// The file's name.
pub(super) const FILE: &str = "synced.json";

const VERSION: u64 = 1;

/// As `is_service_name` has it.
const LONGEST_NAME: usize = 64;

/// All that was synced.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Synced {
    version: u64,
    environments: BTreeMap<String, SyncedEnvironment>,
}

/// What is known about one environment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncedEnvironment {
    /// Its URL then; what was learned from another environment of the same name counts no more.
    pub url: String,
    /// When `sync` ran, RFC 3339; absent if it never did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synced_at: Option<String>,
    /// The connections that accounts can use.
    #[serde(default)]
    pub connections: Vec<SyncedConnection>,
    /// Hosts that belong to single accounts.
    #[serde(default)]
    pub tenants: Vec<Tenant>,
}

/// A connection of the environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncedConnection {
    /// The connection name.
    pub name: String,
    /// Scalekit's provider identifier.
    pub provider: String,
    /// Hosts of its provider.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<Pattern>,
    /// Hosts with blanks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub templates: Vec<String>,
    /// How requests carry the credential, where the environment says it: a header with blanks for the account's fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<String>,
    /// Where the vault calls the provider's API itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy_url: Option<String>,
    /// The environment's own MCP server for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mcp_server_url: Option<String>,
    /// Whether one account holds the credential for everybody.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_org_wide: bool,
}

/// The hosts that an account named as its tenant's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    /// The connection name.
    pub connection: String,
    /// Whose account.
    pub identifier: String,
    /// Exact hosts.
    pub hosts: Vec<Pattern>,
}

impl SyncedConnection {
    /// Keeps what was known about the connection before, for a time when its provider cannot be read.
    pub fn keep_from(&mut self, before: &[Self]) {
        let Some(old) = before.iter().find(|old| (&old.name, &old.provider) == (&self.name, &self.provider)) else {
            return;
        };
        self.hosts.extend(old.hosts.iter().filter(|host| !self.hosts.contains(host)).cloned().collect::<Vec<_>>());
        self.templates.clone_from(&old.templates);
        self.auth.clone_from(&old.auth);
        self.proxy_url.clone_from(&old.proxy_url);
    }
}

impl SyncedEnvironment {
    /// Takes note of what an account says about its tenant; `false` if it was known.
    pub fn note(&mut self, tenant: Tenant) -> bool {
        if self.tenants.contains(&tenant) {
            return false;
        }
        self.tenants.retain(|old| (&old.connection, &old.identifier) != (&tenant.connection, &tenant.identifier));
        self.tenants.push(tenant);
        true
    }

    fn learned(&self, service: &Service, own: &[Authority]) -> Option<Learned> {
        let found = self.connections.iter().find(|known| known.name == service.connection);
        let tenants = self.tenants.iter().filter(|tenant| tenant.connection == service.connection);
        let provider = found.map(|found| found.provider.clone());
        let owner = provider.clone().or_else(|| service.provider().ok()?).unwrap_or_default();
        let is_ours = |pattern: &&Pattern| learn::check(pattern, &owner, own).is_ok();
        let tenants: Vec<(String, Pattern)> = tenants
            .flat_map(|tenant| tenant.hosts.iter().map(|host| (tenant.identifier.clone(), host)))
            .filter(|(_, host)| is_ours(host))
            .map(|(identifier, host)| (identifier, host.clone()))
            .collect();
        if found.is_none() && tenants.is_empty() {
            return None;
        }
        Some(Learned {
            hosts: found.map(|found| found.hosts.iter().filter(is_ours).cloned().collect()).unwrap_or_default(),
            templates: found.map(|found| found.templates.clone()).unwrap_or_default(),
            auth: found.and_then(|found| found.auth.clone()),
            proxy_url: found.and_then(|found| found.proxy_url.clone()),
            is_org_wide: found.is_some_and(|found| found.is_org_wide),
            mcp_server_url: found.and_then(|found| found.mcp_server_url.clone()),
            provider,
            tenants,
        })
    }
}

impl Synced {
    /// Reads `synced.json` in `directory`; a missing file means that nothing was synced.
    pub fn load(directory: &Path) -> Result<Self, Error> {
        let path = path(directory);
        read(&path, file::read(&path)?)
    }

    /// Removes the whole file: one that cannot be read, in whose place another is about to be written.
    pub fn discard(directory: &Path) -> Result<(), Error> {
        let path = path(directory);
        std::fs::remove_file(&path).map_err(|error| Error::io("cannot remove", &path, error))
    }

    /// What is known about the environment of this name, if it was at this URL then.
    pub fn get(&self, name: &str, url: &str) -> Option<&SyncedEnvironment> {
        self.environments.get(name).filter(|environment| environment.url == url)
    }

    /// Lets `change` edit what is known about the environment of this name at this URL, and writes it if it did.
    pub fn edit<T>(
        directory: &Path,
        name: &str,
        url: &str,
        change: impl FnOnce(&mut SyncedEnvironment) -> T,
    ) -> Result<T, Error> {
        let path = path(directory);
        file::update(&path, |document| {
            let mut synced = read(&path, std::mem::take(document))?;
            synced.version = VERSION;
            let environment = synced.environments.entry(name.to_owned()).or_default();
            if environment.url != url {
                *environment = SyncedEnvironment { url: url.to_owned(), ..SyncedEnvironment::default() };
            }
            let result = change(environment);
            write(document, &synced);
            Ok(result)
        })
    }

    /// Forgets the hosts of an account that is gone.
    pub fn forget(directory: &Path, name: &str, url: &str, connection: &str, identifier: &str) -> Result<(), Error> {
        if Self::load(directory)?.get(name, url).is_none() {
            return Ok(());
        }
        Self::edit(directory, name, url, |known| {
            known
                .tenants
                .retain(|tenant| (tenant.connection.as_str(), tenant.identifier.as_str()) != (connection, identifier));
        })
    }

    /// Forgets the environment of this name.
    pub fn remove(directory: &Path, name: &str) -> Result<(), Error> {
        let path = path(directory);
        if !path.exists() {
            return Ok(());
        }
        file::update(&path, |document| {
            let mut synced = read(&path, std::mem::take(document))?;
            synced.environments.remove(name);
            write(document, &synced);
            Ok(())
        })
    }
}

impl Services {
    /// Adds what is known about the connections of the services, and the connections of the environment `active` that no
    /// service names. `environment_of` finds a service's environment; `own` are the environments' hosts.
    pub fn adopt<'a>(
        &mut self,
        active: (&str, Option<&SyncedEnvironment>),
        environment_of: impl Fn(&Service) -> Option<&'a SyncedEnvironment>,
        own: &[Authority],
    ) {
        let claims = self.unusable.iter_mut().map(|unusable| &mut unusable.claim);
        for service in self.list.iter_mut().chain(claims) {
            if let Some(learned) = environment_of(service).and_then(|known| known.learned(service, own)) {
                service.learned = learned;
            }
        }
        let (environment, Some(active)) = active else { return };
        let environment = (environment != DEFAULT_ENVIRONMENT).then(|| environment.to_owned());
        let provider_of = |connection: &SyncedConnection| connection.provider.to_ascii_lowercase();
        let mut count: BTreeMap<String, usize> = BTreeMap::new();
        for connection in &active.connections {
            *count.entry(provider_of(connection)).or_default() += 1;
        }
        for connection in active.connections.iter().filter(|connection| is_connection_name(&connection.name)) {
            let is_known = |service: &Service| {
                service.connection == connection.name
                    && environment_of(service).is_some_and(|e| std::ptr::eq(e, active))
            };
            if self.list.iter().any(is_known) {
                continue;
            }
            let slug =
                catalogue::provider(&connection.provider).map_or(provider_of(connection), |row| row.slug.to_owned());
            let by_connection = Some(service_name(&connection.name)).filter(|name| !name.is_empty());
            let by_connection = by_connection.unwrap_or_else(|| "connection".to_owned());
            let is_alone = count.get(&provider_of(connection)) == Some(&1);
            // The name of an entry that cannot be used is the user's, too.
            let is_free = |name: &String| self.get(name).is_none() && self.unusable(name).is_none() && !name.is_empty();
            let mut names = [is_alone.then(|| service_name(&slug)), Some(by_connection.clone())].into_iter().flatten();
            let Some(name) = names.find(is_free).or_else(|| (2..).map(|n| numbered(&by_connection, n)).find(is_free))
            else {
                continue;
            };
            let service = Service::new(&name, &connection.name, Origin::Sync);
            let learned = active.learned(&service, own).unwrap_or_default();
            self.list.push(Service { learned, environment: environment.clone(), ..service });
        }
    }
}

/// The text as a service name.
fn service_name(text: &str) -> String {
    let plain: String = text
        .to_ascii_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '-' })
        .collect();
    plain.trim_start_matches(['-', '_']).chars().take(LONGEST_NAME).collect()
}

fn numbered(name: &str, number: u32) -> String {
    let number = format!("-{number}");
    let room = LONGEST_NAME - number.len();
    name.chars().take(room).chain(number.chars()).collect()
}

fn read(path: &Path, document: Map<String, Value>) -> Result<Synced, Error> {
    if document.is_empty() {
        return Ok(Synced::default());
    }
    let wrong = |message: String| Error::Entry { path: path.to_owned(), message };
    let synced: Synced = serde_json::from_value(Value::Object(document)).map_err(|error| wrong(error.to_string()))?;
    if synced.version == VERSION {
        Ok(synced)
    } else {
        Err(wrong("it was written by another version of scalekit-auth; this one reads version 1".to_owned()))
    }
}

fn write(document: &mut Map<String, Value>, synced: &Synced) {
    if let Ok(Value::Object(new)) = serde_json::to_value(synced) {
        *document = new;
    }
}

fn path(directory: &Path) -> PathBuf {
    directory.join(FILE)
}
