//! `sync`: reads which connections and providers an environment has, and keeps what can be trusted of it in synced.json.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::note;
use crate::broker::{Broker, selector};
use crate::cache;
use crate::catalogue;
use crate::clock;
use crate::config::{self, Synced, SyncedConnection};
use crate::consent::rfc3339;
use crate::error::Error;
use crate::resolve::Chosen;
use crate::resolve::learn::{self, Hosts};
use crate::service::{McpServer, Pattern};
use crate::suggest;
use crate::target::{Authority, Target};
use crate::vault::{self, Connection, Provider, Vault};

/// All pages of an environment, and the accounts of tenants. Nobody waits for this within another tool.
const TIME_LIMIT: Duration = Duration::from_secs(120);

/// Read the environment's connections, so that they are services without `config`
///
/// Each connection that accounts can use becomes a service, named after its provider, with the hosts that the environment
/// names for it. What you configured yourself always comes first. Run it again after a change in the dashboard.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Which environment; by default the one that services belong to
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Error> {
    sync(arguments.environment.as_deref())
}

/// Reads the environment of this name and writes synced.json.
pub(super) fn sync(environment: Option<&str>) -> Result<(), Error> {
    let deadline = Instant::now() + TIME_LIMIT;
    let directory = config::directory()?;
    let (known, is_broken) = match Synced::load(&directory) {
        Ok(known) => (known, false),
        Err(error @ (config::Error::Broken { .. } | config::Error::Entry { .. })) => {
            note(format!("what was synced before cannot be read ({error}) and is written anew"));
            (Synced::default(), true)
        }
        Err(error) => return Err(error.into()),
    };
    let broker = Broker::load_with(known, directory.clone(), environment, deadline)?;
    broker.services.misspelled.iter().chain(&broker.environments.misspelled).for_each(note);
    let name = broker.active_environment().to_owned();
    let vault = broker.vault_of(&name)?;
    let url = broker.url_of(&name).unwrap_or_default();
    // Connections may have changed, and what the client may do.
    cache::evict(|key, _| key.environment == url);
    let Some(connections) = unless_refused(vault.connections(), "connections")? else {
        note(format!("go on with the built-in catalogue: {} names a connection", suggest::config_in("SERVICE", &name)));
        return Ok(());
    };
    let offered = unless_refused(vault.providers(), "providers")?;
    let are_complete = offered.is_some();
    let providers = offered.unwrap_or_default();
    let (usable, unusable): (Vec<_>, Vec<_>) = connections.into_iter().partition(|connection| connection.is_usable);
    let mut found = Found::new(&providers, broker.own_hosts());
    let synced = usable.iter().map(|connection| found.connection(connection)).collect();
    let mut synced = found.without_needless_paths(synced);
    if is_broken {
        Synced::discard(&directory)?;
    }
    Synced::edit(&directory, &name, &url, |known| {
        known.tenants.retain(|tenant| synced.iter().any(|connection| connection.name == tenant.connection));
        if !are_complete {
            synced.iter_mut().for_each(|connection| connection.keep_from(&known.connections));
        }
        known.synced_at = Some(rfc3339(clock::wall()));
        known.connections = synced;
    })?;
    let broker = Broker::load_in(environment, deadline)?;
    found.report(&broker);
    learn_tenants(&broker, &vault, &name)?;
    for connection in &unusable {
        note(format!("the connection {} is left out: it is not set up to the end, or switched off", connection.name));
    }
    let list = suggest::list(environment);
    note(format!("{} connections of {url} are services now; {list} shows them", usable.len()));
    Ok(())
}

/// `None` where the environment does not offer a route; the lists are previews of Scalekit's.
fn unless_refused<T>(reply: Result<T, vault::Error>, what: &str) -> Result<Option<T>, Error> {
    match reply {
        Ok(found) => Ok(Some(found)),
        Err(error @ (vault::Error::NotFound | vault::Error::Refused { status: 403 | 404 | 501, .. })) => {
            note(format!("this environment does not let its {what} be read: {error}"));
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Asks the accounts of services whose provider has tenants for their hosts.
fn learn_tenants(broker: &Broker, vault: &Vault, environment: &str) -> Result<(), Error> {
    let has_tenants = |row: &catalogue::Provider| !row.tenants.is_empty();
    for service in broker.services.iter().filter(|service| broker.environment_name(service) == environment) {
        if !service.row().is_some_and(has_tenants) && service.learned.templates.is_empty() {
            continue;
        }
        let mut accounts = vec![broker.account(service, &Chosen::default())?];
        for account in &service.accounts {
            accounts.push(broker.account(service, &Chosen { name: Some(&account.name), ..Chosen::default() })?);
        }
        accounts.dedup_by(|a, b| a.identifier == b.identifier);
        for account in accounts {
            let details = match vault.details(selector(service, &account)) {
                Err(vault::Error::NotFound | vault::Error::NotEnabled) => continue,
                reply => unless_refused(reply, "accounts")?,
            };
            // The connections are services all the same, and the first token of each tells its host.
            let Some(details) = details else { return Ok(()) };
            for host in broker.learn(service, &account, &details.facts)? {
                note(format!("{host} is the host of {} ({})", account.identifier, service.name));
            }
        }
    }
    Ok(())
}

/// What the environment says, and what of it is not taken over.
struct Found<'a> {
    providers: BTreeMap<&'a str, &'a Provider>,
    own: Vec<Authority>,
    /// Connection, URL, reason.
    refused: Vec<(String, String, learn::Error)>,
}

impl<'a> Found<'a> {
    fn new(providers: &'a [Provider], own: Vec<Authority>) -> Self {
        let providers = providers.iter().map(|provider| (provider.identifier.as_str(), provider)).collect();
        Self { providers, own, refused: Vec::new() }
    }

    fn is_own_mcp_server(&self, url: &str) -> bool {
        Target::from_url(url).is_ok_and(|(target, _)| {
            self.own.contains(&target.authority) && target.path().and_then(McpServer::at).is_some()
        })
    }

    fn connection(&mut self, connection: &Connection) -> SyncedConnection {
        let provider = self.providers.get(connection.provider.as_str()).copied();
        // What has no name left to fill in says more than the provider's own address.
        let proxy_url =
            connection.resolved_proxy_url.clone().or_else(|| provider.and_then(|provider| provider.proxy_url.clone()));
        let (mut hosts, mut templates) = (Vec::new(), Vec::new());
        // Scalekit's own servers for a connection take a token of their own.
        let (own_mcp_server, mcp_server_url) = match &connection.mcp_server_url {
            Some(url) if self.is_own_mcp_server(url) => (Some(url.clone()), None),
            url => (None, url.clone()),
        };
        let mut own_proxy_url = None;
        for (url, is_proxy) in [(proxy_url, true), (mcp_server_url, false)] {
            let Some(url) = url else { continue };
            match learn::hosts_of(&url, &connection.provider, &self.own) {
                Ok(Hosts::Exact(pattern)) if hosts.contains(&pattern) => {}
                Ok(Hosts::Exact(pattern)) => hosts.push(pattern),
                Ok(Hosts::Template(template)) => templates.push(template),
                Err(reason) if is_known(&reason, &connection.provider) => {}
                Err(reason) => {
                    self.refused.push((connection.name.clone(), url, reason));
                    continue;
                }
            }
            if is_proxy {
                own_proxy_url = Some(url);
            }
        }
        let auth = provider.and_then(|provider| provider.auth.iter().find(|(kind, _)| *kind == connection.kind));
        if auth.is_none() && provider.is_some_and(|provider| provider.has_unreadable_auth) {
            note(format!(
                "how requests of {} carry a credential cannot be read from its auth_patterns; Bearer is taken for {}",
                connection.provider, connection.name
            ));
        }
        let (name, provider) = (connection.name.clone(), connection.provider.clone());
        let (auth, is_org_wide) = (auth.map(|(_, auth)| auth.clone()), connection.is_org_wide);
        SyncedConnection {
            name,
            provider,
            hosts,
            templates,
            auth,
            proxy_url: own_proxy_url,
            mcp_server_url: own_mcp_server,
            is_org_wide,
        }
    }

    /// A host of one provider alone is the provider's as a whole; a path matters where several share the host.
    fn without_needless_paths(&self, mut connections: Vec<SyncedConnection>) -> Vec<SyncedConnection> {
        let mut owners: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for connection in &connections {
            for host in &connection.hosts {
                owners.entry(host.authority().to_string()).or_default().insert(connection.provider.clone());
            }
        }
        let is_shared = |host: &Pattern| {
            owners[&host.authority().to_string()].len() > 1
                || catalogue::places_at(&host.authority().host).any(|(_, place)| !place.path.is_empty())
        };
        for connection in &mut connections {
            for host in &mut connection.hosts {
                if !is_shared(host) {
                    *host = host.clone().without_path();
                }
            }
            connection.hosts.dedup();
        }
        connections
    }

    fn report(&self, broker: &Broker) {
        for (connection, url, reason) in &self.refused {
            let shown = crate::error::without_secrets(url);
            let what = format!("{shown}, the address of {connection}, is not taken over: {reason}");
            match broker.services.iter().find(|service| service.connection == *connection) {
                Some(service) => {
                    note(format!(
                        "{what}; if you mean it: {}",
                        suggest::config(service).option("--host", "HOST").line()
                    ));
                }
                None => note(what),
            }
        }
    }
}

/// Scalekit's shared Google and Microsoft hosts: the built-in rows tell the providers on them apart already.
fn is_known(reason: &learn::Error, provider: &str) -> bool {
    let has_places = |row: &catalogue::Provider| !row.places.is_empty();
    matches!(reason, learn::Error::Others { host, .. }
        if catalogue::provider(provider).is_some_and(|row| has_places(row) && row.places.iter().any(|p| p.host == host)))
}

/// After a login: `sync`, if the person at the terminal agrees; the login is done, whatever comes of this.
pub(super) fn offer(environment: &str, ask: impl FnOnce() -> Option<bool>) {
    match ask() {
        Some(true) => {
            if let Err(error) = sync(Some(environment)) {
                note(format!("the connections could not be read: {}", error.line()));
            }
        }
        Some(false) => {}
        None => note(format!("{} reads which connections it has", suggest::sync(environment))),
    }
}
