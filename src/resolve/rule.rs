//! The claims of services on targets: the user's hosts, what `sync` learned, the built-in catalogue.

use std::fmt;

use crate::catalogue::{self, DEFAULT_GIT_USERNAME, Provider, ProviderHost};
use crate::service::pattern::{Fit, Pattern};
use crate::service::{Service, Services};
use crate::target::{Case, Target};

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
    /// This identifier and no other: the user said so, or the host is its tenant's.
    Only(&'a str),
}

impl<'a> For<'a> {
    /// The identifier, if it names one.
    pub fn identifier(self) -> Option<&'a str> {
        match self {
            Self::Any => None,
            Self::Only(identifier) => Some(identifier),
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
    /// How the paths there are compared.
    case: Case,
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
        if git.is_none() && registry.is_none() && row.is_some_and(|row| row.has_host(&pattern.authority().host)) {
            // An API of a provider that has neither repositories nor a registry.
            return Self::synced(service, pattern, account, Source::User);
        }
        let registry = registry.or(git).unwrap_or(DEFAULT_GIT_USERNAME);
        let is_registry = !pattern.is_mail() && !catalogue::is_no_registry(&pattern.authority().host);
        Self {
            git_username: (!pattern.is_mail()).then_some(git.unwrap_or(DEFAULT_GIT_USERNAME)),
            registry_username: is_registry.then_some(registry),
            case: case_at(row, &pattern.authority().host),
            ..Self::synced(service, pattern, account, Source::User)
        }
    }

    fn synced(service: &'a Service, pattern: &Pattern, account: For<'a>, source: Source) -> Self {
        let case = if service.row().is_some_and(|row| row.ignore_case) { Case::Ignored } else { Case::Exact };
        Self { source, pattern: pattern.clone(), service, account, git_username: None, registry_username: None, case }
    }

    fn built_in(service: &'a Service, row: &Provider, place: &ProviderHost) -> Self {
        Self {
            git_username: row.git_username.filter(|_| place.git),
            registry_username: row.registry_username.filter(|_| place.registry),
            ..Self::synced(service, &Pattern::of_place(place), For::Any, Source::BuiltIn)
        }
    }
}

impl Rule<'_> {
    /// How far `target` is from this claim. What the user did not say himself leaves the paths that another provider claims on
    /// the same host alone.
    pub fn fit(&self, target: &Target) -> Fit {
        match self.pattern.fit(target, self.case) {
            Fit::Matches if self.source != Source::User && self.is_another_providers(target) => Fit::OtherProvider,
            fit => fit,
        }
    }

    /// Whether it claims `target`.
    pub fn matches(&self, target: &Target) -> bool {
        self.fit(target) == Fit::Matches
    }

    fn is_another_providers(&self, target: &Target) -> bool {
        let row = self.service.row();
        !row.is_some_and(|row| row.whole_host)
            && catalogue::places_at(&target.authority.host).any(|(other, place)| {
                let case = if other.ignore_case { Case::Ignored } else { Case::Exact };
                row.is_none_or(|row| row.base != other.base)
                    && place.path.len() > self.pattern.path().len()
                    && target.is_below(place.path, case)
            })
    }
}

/// Git hosts compare the owners of repositories without case. Where the user names a host that no row knows, and a provider
/// that is a git host or none that is known, the host is taken for one; APIs compare paths byte by byte.
fn case_at(row: Option<&Provider>, host: &str) -> Case {
    let mut places = catalogue::places_at(host).peekable();
    let ignores = match places.peek() {
        Some(_) => places.any(|(provider, place)| place.git || provider.ignore_case),
        None => row.is_none_or(|row| row.ignore_case || row.git_username.is_some()),
    };
    if ignores { Case::Ignored } else { Case::Exact }
}

impl fmt::Display for Rule<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.pattern, self.source.word())
    }
}

/// The rules of a service: the hosts its user named, else what `sync` learned and its provider's own.
pub fn rules(service: &Service) -> Vec<Rule<'_>> {
    let mut rules = configured(service, |_| true);
    if !has_hosts_of_its_own(service)
        && let Some(row) = service.row()
    {
        rules.extend(row.places.iter().map(|place| Rule::built_in(service, row, place)));
    }
    rules
}

/// What a service claims, each host once, whoever named it. A host that is an account's alone is followed by the account's short
/// name.
pub fn hosts(service: &Service) -> Vec<String> {
    let called = |identifier: &str| service.accounts.iter().find(|account| account.identifier == identifier);
    let mut hosts: Vec<String> = Vec::new();
    for rule in rules(service) {
        let host = match rule.account.identifier().and_then(called) {
            Some(account) => format!("{} (as {})", rule.pattern, account.name),
            None => rule.pattern.to_string(),
        };
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    hosts
}

/// As [`hosts`], for people: of a host with more paths than anybody reads, their number.
pub fn hosts_in_short(service: &Service) -> Vec<String> {
    const MOST_PATHS: usize = 4;
    let all = hosts(service);
    let host = |text: &str| text.split('/').next().unwrap_or_default().to_owned();
    let count = |wanted: &str| all.iter().filter(|text| text.contains('/') && host(text) == wanted).count();
    let mut short: Vec<String> = Vec::new();
    for text in &all {
        let name = host(text);
        let line = match count(&name) {
            paths if text.contains('/') && paths > MOST_PATHS => format!("{name} ({paths} paths)"),
            _ => text.clone(),
        };
        if !short.contains(&line) {
            short.push(line);
        }
    }
    short
}

/// The rules of all services, and the claims of those that cannot be used, that name the target's host, whatever their scheme, port and path. The catalogue is looked up
/// by host, so its size does not count.
pub(super) fn rules_naming<'a>(services: &'a Services, target: &Target) -> Vec<Rule<'a>> {
    let places: Vec<_> = catalogue::places_at(&target.authority.host).collect();
    let mut rules = Vec::new();
    let claims = services.unusable.iter().map(|unusable| &unusable.claim);
    for service in services.iter().chain(claims) {
        rules.extend(configured(service, |pattern| pattern.names_host_of(target)));
        if places.is_empty() || has_hosts_of_its_own(service) {
            continue;
        }
        let Some(row) = service.row() else { continue };
        let own = places.iter().filter(|(provider, _)| provider.base == row.base);
        let own: Vec<_> = own.map(|(_, place)| Rule::built_in(service, row, place)).collect();
        // Of the many paths that some providers have on one host, those that fit say all there is to know.
        let fits = |rule: &Rule<'_>| !matches!(rule.pattern.fit(target, rule.case), Fit::OtherPath);
        let does_one_fit = own.iter().any(fits);
        rules.extend(own.into_iter().filter(|rule| !does_one_fit || fits(rule)));
    }
    rules
}

/// Whether the user named hosts in the place of the provider's own: for the service, or for one of its accounts. A path on one
/// of the provider's own hosts, or a tenant's host of it, tells accounts apart and replaces nothing.
pub fn has_hosts_of_its_own(service: &Service) -> bool {
    let is_the_providers = |pattern: &Pattern| {
        let mut known = service.learned.hosts.iter().chain(service.learned.tenants.iter().map(|(_, host)| host));
        known.any(|host| host.authority() == pattern.authority())
            || service.row().is_some_and(|row| row.has_host(&pattern.authority().host))
    };
    let of_accounts = || service.accounts.iter().flat_map(|account| &account.hosts);
    !service.hosts.is_empty() || of_accounts().any(|pattern| !is_the_providers(pattern))
}

/// All but the built-in ones.
fn configured(service: &Service, wanted: impl Fn(&Pattern) -> bool) -> Vec<Rule<'_>> {
    let mut rules = Vec::new();
    for account in &service.accounts {
        let hosts = account.hosts.iter().filter(|pattern| wanted(pattern));
        rules.extend(hosts.map(|pattern| Rule::of_user(service, pattern, For::Only(&account.identifier))));
    }
    rules.extend(service.hosts.iter().filter(|p| wanted(p)).map(|p| Rule::of_user(service, p, For::Any)));
    if !has_hosts_of_its_own(service) {
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
