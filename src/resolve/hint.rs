//! What is said where nobody answers: the nearest that the catalogue knows, and what to do about it.

use super::rule::hosts;
use crate::catalogue;
use crate::service::{DEFAULT_ENVIRONMENT, Service, Services};
use crate::suggest;
use crate::target::Target;

/// For an unknown host: the provider that has it or the names around it, and the command that would let it answer.
pub fn hint(services: &Services, target: &Target) -> Option<(String, String)> {
    let host = &target.authority.host;
    if let Some((row, _)) = catalogue::places_at(host).next() {
        let is_same = |service: &&Service| service.row().is_some_and(|own| own.base == row.base);
        let why = match services.iter().find(is_same) {
            Some(service) => {
                format!(
                    "it is a host of {}, but {} has other hosts in their place: {}",
                    row.id,
                    service.name,
                    hosts(service).join(", ")
                )
            }
            None => format!("it is a host of {}, for which no service is configured", row.id),
        };
        return Some((why, suggest::config_new(row.slug).to_string()));
    }
    let adding = |slug: &str| suggest::config_new(slug).option("--host", target.authority.to_string()).to_string();
    if let Some((row, domain)) = catalogue::tenancies_of(host).next() {
        let why = format!("it is one customer's host below {domain} at {}, and it is not known to be yours", row.id);
        let service = services.iter().find(|service| service.row().is_some_and(|own| own.base == row.base));
        let next = service.map(|service| {
            let (token, config) = (suggest::token(&service.name), suggest::config(service));
            let config = config.option("--host", host);
            format!("{token} asks the account of {} for its host, {config} says it is yours", service.name)
        });
        return Some((why, next.unwrap_or_else(|| adding(row.slug))));
    }
    let (row, place) = catalogue::nearest(host)?;
    Some((format!("{} has {}, which is nearest", row.id, place.host), adding(row.slug)))
}

/// Why a service answers for no host at all, and what to do about it.
pub fn why_no_hosts(service: &Service) -> String {
    let provider = service.provider().ok().flatten();
    let tenants = service.row().map_or(&[][..], |row| row.tenants);
    match (provider, tenants.first()) {
        (Some(_), Some(domain)) => format!(
            "your own host below {domain} is not known yet; {} asks the account for it, or name it with --host NAME.{domain}",
            suggest::token(&service.name)
        ),
        (Some(provider), None) => {
            let sync = suggest::sync(service.environment.as_deref().unwrap_or(DEFAULT_ENVIRONMENT));
            format!("no hosts of {provider} are built in; {sync} may know them, or name them with --host HOST")
        }
        (None, _) => "no provider is known for it; name one with --provider, or hosts with --host".to_owned(),
    }
}
