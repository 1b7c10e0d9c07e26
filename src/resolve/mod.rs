//! From a target to the one service that answers for it, or the reason why none does. No I/O.

pub mod account;
pub mod catalogue;
pub mod pattern;
pub mod target;

use std::cmp::Reverse;

pub use account::{Account, Chosen, account};
pub use pattern::Pattern;
pub use target::{Authority, Target};

use crate::config::{Service, Services};
use crate::error::{Error as Shown, Kind};

/// Where a rule comes from; an earlier source beats a later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// `--host` of the user's.
    User,
    /// The built-in catalogue.
    BuiltIn,
}

impl Source {
    /// How messages name it.
    pub fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::BuiltIn => "built-in",
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
    /// The user name for git there; `None` where the provider serves no repositories.
    pub git_username: Option<&'static str>,
    /// The user name for a container registry there; `None` where there is none.
    pub registry_username: Option<&'static str>,
}

/// The rules of a service: the hosts its user named, else its provider's own.
pub fn rules(service: &Service) -> Vec<Rule<'_>> {
    let row = service.row();
    let (git, registry) = row.map_or((None, None), |row| (row.git_username, row.registry_username));
    if !service.hosts.is_empty() {
        let registry = registry.or(git).unwrap_or(catalogue::DEFAULT_GIT_USERNAME);
        let rule = |pattern: &Pattern| Rule {
            source: Source::User,
            pattern: pattern.clone(),
            service,
            git_username: Some(git.unwrap_or(catalogue::DEFAULT_GIT_USERNAME)),
            registry_username: (!catalogue::is_no_registry(&pattern.authority().host)).then_some(registry),
        };
        return service.hosts.iter().map(rule).collect();
    }
    row.map_or(&[][..], |row| row.places)
        .iter()
        .map(|place| Rule {
            source: Source::BuiltIn,
            pattern: Pattern::built_in(place.host, place.path),
            service,
            git_username: git.filter(|_| place.git),
            registry_username: registry.filter(|_| place.registry),
        })
        .collect()
}

/// Why no service answers for a target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No rule matches.
    #[error("no configured service answers for {0}")]
    Nobody(String),
    /// A Scalekit environment itself; its token endpoint is not a place for account tokens.
    #[error("{0} is the environment's own host, which never gets an account's token")]
    OwnHost(String),
    /// Equally good rules of several services.
    #[error("{target} belongs equally to the services {services}")]
    Ambiguous {
        /// The target.
        target: String,
        /// The services' names.
        services: String,
    },
    /// The host has several accounts and none is of this name.
    #[error("no account {username} among those configured for {target} ({services})")]
    UnknownUsername {
        /// The target.
        target: String,
        /// The user name in the URL or request.
        username: String,
        /// The services' names.
        services: String,
    },
}

impl From<Error> for Shown {
    fn from(error: Error) -> Self {
        match &error {
            Error::Nobody(_) => Shown::new(Kind::NotConfigured, &error)
                .next("`scalekit-auth config SERVICE CONNECTION --host HOST` if one should; `scalekit-auth list` shows what is there"),
            Error::OwnHost(_) => Shown::new(Kind::NotConfigured, &error),
            Error::Ambiguous { .. } => Shown::new(Kind::Ambiguous, &error).next(
                "decide with `scalekit-auth config SERVICE CONNECTION --host HOST/PATH`, or ask by the service's name",
            ),
            Error::UnknownUsername { .. } => Shown::new(Kind::Ambiguous, &error)
                .next("`scalekit-auth config SERVICE CONNECTION --identifier NAME` adds one; or leave the user name out of the URL"),
        }
    }
}

/// The rule that answers for `target`: a service whose identifier is `username`, else the best rule; source first, then
/// exact hosts before stars, then the longer path. `own` are the environments' hosts, which nobody may claim.
pub fn resolve<'a>(
    services: &'a Services,
    target: &Target,
    username: Option<&str>,
    own: &[Authority],
) -> Result<Rule<'a>, Error> {
    if own.iter().any(|own| is_same_place(own, &target.authority)) {
        return Err(Error::OwnHost(target.authority.to_string()));
    }
    let mut matching: Vec<Rule<'a>> =
        services.iter().flat_map(rules).filter(|rule| rule.pattern.matches(target)).collect();
    matching.sort_by_key(|rule| (rule.source, Reverse(rule.pattern.precision())));
    let username = username.filter(|name| !catalogue::is_magic_username(name));
    if let Some(username) = username {
        if let Some(at) = matching.iter().position(|rule| rule.service.identifier.as_deref() == Some(username)) {
            return Ok(matching.swap_remove(at));
        }
        let several = matching.iter().any(|rule| rule.service.name != matching[0].service.name);
        if several {
            return Err(Error::UnknownUsername {
                target: target.to_string(),
                username: username.to_owned(),
                services: names(&matching),
            });
        }
    }
    let Some(best) = matching.first() else {
        return Err(Error::Nobody(target.to_string()));
    };
    let rank = |rule: &Rule<'_>| (rule.source, rule.pattern.precision());
    let equals: Vec<_> = matching.iter().filter(|rule| rank(rule) == rank(best)).cloned().collect();
    if equals.iter().any(|rule| rule.service.name != best.service.name) {
        return Err(Error::Ambiguous { target: target.to_string(), services: names(&equals) });
    }
    Ok(matching.swap_remove(0))
}

/// Loopback hosts tell servers apart by port; elsewhere a host is a host.
fn is_same_place(own: &Authority, asked: &Authority) -> bool {
    own.host == asked.host && (own.port == asked.port || !own.is_loopback())
}

fn names(rules: &[Rule<'_>]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for rule in rules {
        if !names.contains(&rule.service.name.as_str()) {
            names.push(&rule.service.name);
        }
    }
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn services(document: Value) -> Services {
        Services::from_document(document.as_object().unwrap())
    }

    fn answer(services: &Services, url: &str) -> Result<String, Error> {
        let (target, username) = Target::from_url(url).unwrap();
        let own = [Authority { host: "acme.scalekit.com".into(), port: None }];
        resolve(services, &target, username.as_deref(), &own).map(|rule| rule.service.name.clone())
    }

    #[test]
    fn hosts_and_paths_find_their_service() {
        let services = services(json!({
            "gmail": {"connection_name": "gmail_1"}, "googledrive": {"connection_name": "googledrive-x"},
            "googlecalendar": {"connection_name": "googlecalendar-x"}, "github": {"connection_name": "github-x"},
            "work": {"connection_name": "github-w", "hosts": ["github.com/acme"]},
            "zen": {"connection_name": "zendesk-x", "hosts": ["acme.zendesk.com"]},
        }));
        for (url, name) in [
            ("https://gmail.googleapis.com/gmail/v1/users/me/messages", "gmail"),
            ("https://www.googleapis.com/drive/v3/files?x=1", "googledrive"),
            ("https://www.googleapis.com/calendar/v3/", "googlecalendar"),
            ("https://github.com/torvalds/linux.git", "github"),
            ("https://github.com/acme/app.git", "work"),
            ("https://acme.zendesk.com/api/v2/tickets.json", "zen"),
        ] {
            assert_eq!(answer(&services, url), Ok(name.into()), "{url}");
        }
        for url in [
            "https://www.googleapis.com/youtube/v3",
            "https://other.zendesk.com/",
            "http://github.com/",
            "https://www.googleapis.com/calendar/../drive/v3",
            "https://acme.scalekit.com/api/v1",
        ] {
            assert!(answer(&services, url).is_err(), "{url}");
        }
    }

    #[test]
    fn equals_are_an_error_and_a_known_username_decides() {
        let services = services(json!({
            "one": {"connection_name": "github-1", "identifier": "alice"},
            "two": {"connection_name": "github-2", "identifier": "bob"},
        }));
        assert!(matches!(answer(&services, "https://github.com/x"), Err(Error::Ambiguous { .. })));
        assert_eq!(answer(&services, "https://bob@github.com/x"), Ok("two".into()));
        assert!(matches!(answer(&services, "https://eve@github.com/x"), Err(Error::UnknownUsername { .. })));
        // Our own answer coming back says nothing about the account.
        assert!(matches!(answer(&services, "https://x-access-token@github.com/x"), Err(Error::Ambiguous { .. })));
    }

    #[test]
    fn with_one_account_any_username_is_answered() {
        let services = services(json!({"github": {"connection_name": "github-1", "identifier": "alice"}}));
        assert_eq!(answer(&services, "https://git@github.com/x"), Ok("github".into()));
    }

    #[test]
    fn registries_have_their_user_names_and_other_hosts_have_none() {
        let services = services(json!({
            "github": {"connection_name": "github-1"}, "gitlab": {"connection_name": "gitlab-1"},
            "bitbucket": {"connection_name": "bitbucket-1", "hosts": ["cr.acme.com", "bitbucket.org"]},
            "work": {"connection_name": "github-2", "hosts": ["*.acme.dev", "api.github.com"]},
            "other": {"connection_name": "c", "hosts": ["http://127.0.0.1:5000"]},
        }));
        let username = |url: &str| {
            let target = Target::from_url(url).unwrap().0;
            resolve(&services, &target, None, &[]).unwrap().registry_username
        };
        for (url, name) in [
            ("https://ghcr.io", Some("x-access-token")),
            ("https://registry.gitlab.com/a/b", Some("oauth2")),
            ("https://cr.acme.com", Some("x-token-auth")),
            ("https://cr.acme.dev", Some("x-access-token")),
            ("http://127.0.0.1:5000", Some("oauth2")),
            ("https://github.com", None),
            ("https://gitlab.com", None),
            ("https://bitbucket.org", None),
            ("https://api.github.com", None),
        ] {
            assert_eq!(username(url), name, "{url}");
        }
    }

    #[test]
    fn the_environments_own_host_is_never_a_target() {
        let services = services(json!({"x": {"connection_name": "c", "hosts": ["acme.scalekit.com"]}}));
        assert!(matches!(answer(&services, "https://acme.scalekit.com/"), Err(Error::OwnHost(_))));
        assert!(matches!(answer(&services, "https://acme.scalekit.com:444/"), Err(Error::OwnHost(_))));
    }
}
