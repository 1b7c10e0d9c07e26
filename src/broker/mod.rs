//! The road from a service to its token: the cache, client credentials from their home, the vault. Everything that hands
//! out a credential goes through here.

mod audit;
mod batch;
mod by_vault;
mod environment;
mod fetch;
mod login;
mod mcp;
mod only;
mod source;
mod unreached;

use std::path::PathBuf;
use std::time::Instant;

use crate::cache::{Cache, Entry};
use crate::clock;
use crate::config::{self, Environments, Synced, Tenant};
use crate::consent::{Consent, Failure};
use crate::error::{Error, Kind};
use crate::refusals;
use crate::resolve::{self, Answer, Chosen, Decision, learn};
use crate::service::{
    Account, ClientCredentials, Credential, IDENTIFIER_RULE, Pattern, Service, Services, is_identifier,
};
use crate::shown;
use crate::similar::nearest;
use crate::store;
use crate::suggest;
use crate::target::Target;
use crate::trace::step;
use crate::vault::{self, Facts, MagicLink, Selector, Status, Vault};

use unreached::Unreached;

pub use audit::Asked;
pub use fetch::{read_or_create, refused};
pub use login::not_logged_in;
pub use only::may_have;

/// What is told to tools as expiry lies this many seconds before the real one.
pub const EXPIRY_MARGIN: i64 = 60;

/// The variable that names an environment for every service, as `--environment` does.
const ENVIRONMENT_VARIABLE: &str = "SCALEKIT_AUTH_ENVIRONMENT";

/// The configuration of this user, and the time limit of this run.
pub struct Broker {
    /// The configuration directory.
    pub directory: PathBuf,
    /// The configured services, and those that `sync` found.
    pub services: Services,
    /// The configured environments.
    pub environments: Environments,
    /// The environment of every service, whatever the services say.
    forced_environment: Option<String>,
    /// The identifier in the environment variables.
    identifier: Option<String>,
    /// Whether the connections of the active environment were read once.
    is_synced: bool,
    /// A complete set of environment variables; an incomplete one is an error once credentials are needed.
    variables: Result<Option<ClientCredentials>, store::Error>,
    deadline: Instant,
}

/// A credential ready to be handed out.
#[derive(Debug)]
pub struct Token {
    /// What to authenticate with.
    pub credential: Credential,
    /// The expiry to tell, in seconds since 1970, margin taken off; `None` if there is none or it has passed.
    pub expires_at: Option<i64>,
    /// When it really ends; `None` as above.
    ends_at: Option<i64>,
    /// The vault calls the account ACTIVE, yet its token's expiry has passed.
    pub is_past_expiry: bool,
    /// What the account says about its tenant.
    pub facts: Facts,
    /// Scopes that were asked for and are not in the token.
    pub refused_scopes: Vec<String>,
    /// Whether it comes from the cache.
    is_cached: bool,
}

impl Broker {
    /// Reads the configuration. The keyring and the network are left alone until a token is wanted.
    pub fn load(deadline: Instant) -> Result<Self, Error> {
        Self::load_in(None, deadline)
    }

    /// As [`Broker::load`], with `environment` for every service.
    pub fn load_in(environment: Option<&str>, deadline: Instant) -> Result<Self, Error> {
        let directory = config::directory()?;
        Self::load_with(Synced::load(&directory)?, directory, environment, deadline)
    }

    /// As [`Broker::load_in`], with what `sync` learned as it is given, and from this directory.
    pub fn load_with(
        synced: Synced,
        directory: PathBuf,
        environment: Option<&str>,
        deadline: Instant,
    ) -> Result<Self, Error> {
        let mut broker = Self {
            services: Services::load(&directory)?,
            environments: Environments::load(&directory)?,
            forced_environment: environment.map(str::to_owned).or_else(|| variable(ENVIRONMENT_VARIABLE)),
            identifier: variable("SCALEKIT_IDENTIFIER").or_else(|| variable("TOOL_IDENTIFIER")),
            variables: store::from_variables(|name| std::env::var(name).ok()),
            is_synced: false,
            directory,
            deadline,
        };
        let mut services = std::mem::take(&mut broker.services);
        let known = |name: &str| synced.get(name, &broker.url_of(name)?);
        let active = broker.active_environment();
        let own = broker.own_hosts();
        let is_synced = known(active).is_some_and(|environment| environment.synced_at.is_some());
        services.adopt((active, known(active)), |service| known(broker.environment_name(service)), &own);
        (broker.services, broker.is_synced) = (services, is_synced);
        Ok(broker)
    }

    /// Who answers for `target`, and why.
    pub fn decide(&self, target: &Target, chosen: &Chosen<'_>) -> Decision<'_> {
        let decision = resolve::decide(&self.services, target, &self.completed(chosen), &self.own_hosts());
        Self::trace(target, &decision);
        decision
    }

    /// Tells who was found. A user name that nobody goes by is left out: it may be a token that somebody put into a URL.
    fn trace(target: &Target, decision: &Decision<'_>) {
        match &decision.outcome {
            Ok(Answer { rule, account }) => step!(
                "found: {target} by the rule {rule} is of {}, connection {}, account {} (from {})",
                rule.service.name,
                rule.service.connection,
                account.identifier,
                account.source
            ),
            Err(resolve::Error::Ambiguous { what, .. }) => step!("found: {target} belongs equally to {what}"),
            Err(resolve::Error::NoSuchAccount { .. }) => step!("found: no such account for {target}"),
            Err(resolve::Error::Unusable { service, .. }) => step!("found: {target} is of {service}, unusable"),
            Err(resolve::Error::OwnHost(_)) => step!("found: {target} is an environment's own host"),
            Err(resolve::Error::Nobody(_)) => step!("found: nobody for {target}"),
        }
    }

    /// Who answers for `target`.
    pub fn resolve(&self, target: &Target, username: Option<&str>) -> Result<Answer<'_>, resolve::Error> {
        self.decide(target, &Chosen { username, ..Chosen::default() }).outcome
    }

    /// The identifiers of all accounts that some rule for `target` could answer with.
    pub fn identifiers_at(&self, target: &Target) -> Vec<String> {
        let decision = self.decide(target, &Chosen::default());
        let matching = decision.considered.iter().filter(|(rule, _)| rule.matches(target));
        matching.flat_map(|(rule, _)| rule.service.identifiers()).map(str::to_owned).collect()
    }

    fn completed<'a>(&'a self, chosen: &Chosen<'a>) -> Chosen<'a> {
        let default = self.environments.default_identifier.as_deref();
        Chosen { from_environment: self.identifier.as_deref(), default, ..*chosen }
    }

    /// The service of this name.
    pub fn service(&self, name: &str) -> Result<&Service, Error> {
        if let Some(service) = self.services.get(name) {
            return Ok(service);
        }
        Err(match self.services.unusable(name) {
            Some(unusable) => resolve::Error::unusable(unusable).into(),
            None => self.unknown(name),
        })
    }

    fn unknown(&self, said: &str) -> Error {
        let (said, name) = match shown::is_known_token(said) {
            // It came to the wrong place.
            true => (shown::name(said), "SERVICE".to_owned()),
            false => (said, said.to_ascii_lowercase()),
        };
        let error = Error::new(Kind::NotConfigured, format!("the service {said} is not configured"));
        match nearest(said, self.services.iter().map(|service| service.name.as_str())) {
            Some(near) => error
                .next(format!("did you mean {near}? {} shows the services", suggest::list(self.forced_environment()))),
            None => match self.why_nothing_is_synced() {
                Some((why, next)) => error.why(why).next(next),
                None => {
                    let config = format!(
                        "{}, with the connection name of Scalekit dashboard, AgentKit > Connections",
                        suggest::config_new(&name)
                    );
                    error.next(match self.never_synced() {
                        Some(sync) => format!("{sync} finds the connections of your environment; or {config}"),
                        None => config,
                    })
                }
            },
        }
    }

    /// Whose account of `service` is meant.
    pub fn account(&self, service: &Service, chosen: &Chosen<'_>) -> Result<Account, Error> {
        let Some(account) = resolve::account(service, None, &self.completed(chosen)) else {
            let names: Vec<&str> = service.accounts.iter().map(|account| account.name.as_str()).collect();
            let known =
                if names.is_empty() { "none has a name".to_owned() } else { format!("there are {}", names.join(", ")) };
            let name = chosen.name.unwrap_or_default();
            return Err(Error::new(Kind::Usage, format!("{} has no account {name}", service.name)).why(known).next(
                format!(
                    "{} adds one",
                    suggest::config(service).option("--identifier", "IDENTIFIER").option("--as", name)
                ),
            ));
        };
        step!(
            "found: {}, connection {}, account {} (from {})",
            service.name,
            service.connection,
            account.identifier,
            account.source
        );
        checked(account)
    }

    /// A credential of the connected account: a cached one, else a fresh one of the vault, where the account
    /// is created if it is missing.
    pub fn token(&self, service: &Service, account: &Account) -> Result<Token, Failure> {
        self.cached(service, account, is_usable).map_or_else(|| self.fetched(service, account), Ok)
    }

    /// As [`Broker::token`], where [`Broker::cached`] found nothing.
    pub fn fetched(&self, service: &Service, account: &Account) -> Result<Token, Failure> {
        self.fetch_once(service, account, || self.token_of(&self.vault(service)?, service, account))
    }

    /// The cached credential, if there is one that `is_usable` takes; else it is forgotten.
    pub fn cached(&self, service: &Service, account: &Account, is_usable: impl Fn(&Entry) -> bool) -> Option<Token> {
        let key = self.key(service, account).ok()?;
        self.cache().get(&key, is_usable).map(|entry| Token::new(entry, None))
    }

    fn fetch_once(
        &self,
        service: &Service,
        account: &Account,
        fetch: impl FnOnce() -> Result<(Entry, Facts), Failure>,
    ) -> Result<Token, Failure> {
        let key = self.key(service, account)?;
        let unreached = Unreached::of(&key.environment);
        let found = self.cache().fetch_once(&key, is_usable, || {
            if let Some(error) = unreached.error() {
                return Err(error.into());
            }
            let outcome = fetch();
            unreached.note(match &outcome {
                Err(Failure::Error(error)) => Some(error),
                _ => None,
            });
            outcome
        });
        let (entry, facts) = found.map_err(|failure| match failure {
            // Who asked first may call the connection by another name.
            Failure::Consent(consent) => {
                let subject = self.subject(service, account);
                Failure::Consent(Box::new(Consent { service: service.name.clone(), subject, ..*consent }))
            }
            error => error,
        })?;
        Ok(Token::new(entry, facts))
    }

    /// Where a person consents: a link that is still good, else a new one.
    fn link(
        &self,
        vault: &Vault,
        service: &Service,
        account: &Account,
        status: &Status,
    ) -> Result<MagicLink, vault::Error> {
        let (cache, key) = (self.cache(), self.key(service, account).ok());
        if let Some(link) = key.as_ref().and_then(|key| cache.link(key, status)) {
            return Ok(link);
        }
        let link = vault.magic_link(selector(service, account), None)?;
        if let Some(key) = &key {
            cache.keep_link(key, status, &link);
        }
        Ok(link)
    }

    fn cache(&self) -> Cache {
        Cache::new(self.environments.cache, self.deadline)
    }

    /// Keeps the hosts of the tenant that an account belongs to, where its provider has tenants, and returns them if they are
    /// news. An account that names none, as one without its token does, changes nothing.
    pub fn learn(&self, service: &Service, account: &Account, facts: &Facts) -> Result<Vec<Pattern>, Error> {
        let hosts = self.tenant_hosts(service, facts);
        let known = service.learned.tenants.iter().filter(|(who, _)| *who == account.identifier);
        let known: Vec<&Pattern> = known.map(|(_, host)| host).collect();
        let is_old = hosts.len() == known.len() && hosts.iter().all(|host| known.contains(&host));
        let name = self.environment_name(service);
        let (false, Some(url)) = (is_old || hosts.is_empty(), self.url_of(name)) else { return Ok(Vec::new()) };
        let (connection, identifier) = (service.connection.clone(), account.identifier.clone());
        let tenant = Tenant { connection, identifier, hosts: hosts.clone() };
        let is_new = Synced::edit(&self.directory, name, &url, |environment| environment.note(tenant))?;
        Ok(if is_new { hosts } else { Vec::new() })
    }

    fn tenant_hosts(&self, service: &Service, facts: &Facts) -> Vec<Pattern> {
        let own = self.own_hosts();
        let row = service.row().filter(|row| !row.tenants.is_empty());
        let mut hosts = row.map(|row| learn::tenants(row, &facts.0, &own)).unwrap_or_default();
        let provider = service.provider().ok().flatten().unwrap_or_default();
        for template in &service.learned.templates {
            let filled = learn::fill(template, &facts.0, &provider, &own).ok().flatten();
            hosts.extend(filled.filter(|host| !hosts.contains(host)));
        }
        hosts
    }
}

impl Token {
    /// The expiry for whoever keeps a token without one for good: in its last minute it is the real one.
    pub fn known_expiry(&self) -> Option<i64> {
        self.expires_at.or(self.ends_at)
    }

    /// `facts` are the vault's, and so are not there for what comes from the cache.
    fn new(entry: Entry, facts: Option<Facts>) -> Self {
        let now = clock::wall();
        let told = entry.expires_at.map(|at| at.saturating_sub(EXPIRY_MARGIN));
        Self {
            expires_at: told.filter(|at| *at > now),
            ends_at: entry.expires_at.filter(|at| *at > now),
            is_past_expiry: entry.expires_at.is_some_and(|at| at <= now),
            credential: entry.credential,
            is_cached: facts.is_none(),
            facts: facts.unwrap_or_default(),
            refused_scopes: entry.refused_scopes,
        }
    }
}

/// Whether an entry of the cache may be handed out: not if a server refused it a moment ago.
fn is_usable(entry: &Entry) -> bool {
    !refusals::is_refused(entry.secret().expose())
}

/// How the vault is asked for an account of a service.
pub fn selector<'a>(service: &'a Service, account: &'a Account) -> Selector<'a> {
    let owner = service.owner_of(&account.identifier);
    // Where nobody named an identifier, the owner says whose it is.
    let is_named = owner.is_empty() || account.source != Account::BUILT_IN;
    Selector { connection: &service.connection, identifier: is_named.then_some(&account.identifier), owner }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// What a person or a variable said may be no identifier.
pub fn checked(account: Account) -> Result<Account, Error> {
    if is_identifier(&account.identifier) {
        return Ok(account);
    }
    Err(Error::new(Kind::Usage, format!("the identifier of {} is not one", account.source)).why(IDENTIFIER_RULE))
}
