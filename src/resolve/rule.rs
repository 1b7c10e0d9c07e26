//! The claims of services on targets: the user's hosts, what `sync` learned, the built-in catalogue.

use std::fmt;

use super::catalogue::{self, DEFAULT_GIT_USERNAME, Place, Provider};
use super::pattern::{Fit, Pattern};
use super::target::Target;
use crate::config::{Service, Services};

/// Where a rule comes from; an earlier source beats a later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// `--host` of the user's.
    User,
    /// `sync`, or what an account said about its tenant.
    Synced,
    /// The built-in catalogue.
    BuiltIn,
}

impl Source {
    /// How messages name it.
    pub fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Synced => "synced",
            Self::BuiltIn => "built-in",
        }
    }
}

/// Which account of the service a rule is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum For<'a> {
    /// Any.
    Any,
    /// This identifier, unless the request names another.
    Rather(&'a str),
    /// This identifier and no other: the host is its tenant's.
    Only(&'a str),
}

impl<'a> For<'a> {
    /// The identifier, if it names one.
    pub fn identifier(self) -> Option<&'a str> {
        match self {
            Self::Any => None,
            Self::Rather(identifier) | Self::Only(identifier) => Some(identifier),
        }
    }
}

/// One claim of a service on targets.
#[derive(Debug, Clone)]
pub struct Rule<'a> {
    /// Who made the claim.
    pub source: Source,
    /// What it covers.
    pub pattern: Pattern,
    /// Whose claim it is.
    pub service: &'a Service,
    /// Which of the service's accounts it is for.
    pub account: For<'a>,
    /// The user name for git there; `None` where the provider serves no repositories, empty where a token is sent as Bearer
    /// alone.
    pub git_username: Option<&'a str>,
    /// The user name for a container registry there; `None` where there is none.
    pub registry_username: Option<&'a str>,
}

impl<'a> Rule<'a> {
    fn of_user(service: &'a Service, pattern: &Pattern, account: For<'a>) -> Self {
        if let Some(client) = &service.client {
            let username = client.username.as_deref();
            let rule = Self::synced(service, pattern, account, Source::User);
            return Self { git_username: username.or(Some("")), registry_username: username, ..rule };
        }
        let row = service.row();
        let (git, registry) = row.map_or((None, None), |row| (row.git_username, row.registry_username));
        let registry = registry.or(git).unwrap_or(DEFAULT_GIT_USERNAME);
        let is_registry = !pattern.is_mail() && !catalogue::is_no_registry(&pattern.authority().host);
        Self {
            git_username: (!pattern.is_mail()).then_some(git.unwrap_or(DEFAULT_GIT_USERNAME)),
            registry_username: is_registry.then_some(registry),
            ..Self::synced(service, pattern, account, Source::User)
        }
    }

    fn synced(service: &'a Service, pattern: &Pattern, account: For<'a>, source: Source) -> Self {
        Self { source, pattern: pattern.clone(), service, account, git_username: None, registry_username: None }
    }

    fn built_in(service: &'a Service, row: &Provider, place: &Place) -> Self {
        Self {
            git_username: row.git_username.filter(|_| place.git),
            registry_username: row.registry_username.filter(|_| place.registry),
            ..Self::synced(service, &Pattern::of_place(place), For::Any, Source::BuiltIn)
        }
    }
}

impl fmt::Display for Rule<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.pattern, self.source.word())
    }
}

/// The rules of a service: the hosts its user named, else what `sync` learned and its provider's own.
pub fn rules(service: &Service) -> Vec<Rule<'_>> {
    let mut rules = configured(service, |_| true);
    if service.hosts.is_empty()
        && let Some(row) = service.row()
    {
        rules.extend(row.places.iter().map(|place| Rule::built_in(service, row, place)));
    }
    rules
}

/// The rules of all services that name the target's host, whatever their scheme, port and path. The catalogue is looked up
/// by host, so its size does not count.
pub(super) fn rules_naming<'a>(services: &'a Services, target: &Target) -> Vec<Rule<'a>> {
    let places: Vec<_> = catalogue::places_at(&target.authority.host).collect();
    let mut rules = Vec::new();
    for service in services.iter() {
        rules.extend(configured(service, |pattern| pattern.fit(target) != Fit::OtherHost));
        if places.is_empty() || !service.hosts.is_empty() {
            continue;
        }
        let Some(row) = service.row() else { continue };
        let own = places.iter().filter(|(provider, _)| provider.base == row.base);
        rules.extend(own.map(|(_, place)| Rule::built_in(service, row, place)));
    }
    rules
}

/// All but the built-in ones.
fn configured(service: &Service, wanted: impl Fn(&Pattern) -> bool) -> Vec<Rule<'_>> {
    let mut rules = Vec::new();
    for account in &service.accounts {
        let hosts = account.hosts.iter().filter(|pattern| wanted(pattern));
        rules.extend(hosts.map(|pattern| Rule::of_user(service, pattern, For::Rather(&account.identifier))));
    }
    rules.extend(service.hosts.iter().filter(|p| wanted(p)).map(|p| Rule::of_user(service, p, For::Any)));
    if service.hosts.is_empty() {
        let learned = &service.learned;
        // A host that accounts named as their tenant's is for them alone.
        let is_tenants = |host: &Pattern| learned.tenants.iter().any(|(_, own)| own.authority() == host.authority());
        let hosts = learned.hosts.iter().filter(|host| !is_tenants(host)).map(|pattern| (pattern, For::Any));
        let tenants = learned.tenants.iter().map(|(identifier, pattern)| (pattern, For::Only(identifier)));
        rules.extend(
            hosts
                .chain(tenants)
                .filter(|(pattern, _)| wanted(pattern))
                .map(|(pattern, account)| Rule::synced(service, pattern, account, Source::Synced)),
        );
    }
    rules
}
