//! What a vault names as hosts, and synced.json, where they are kept: a URL, a provider, an environment's entry and an
//! account's facts, apart by NUL. No host comes out that is anybody else's.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scalekit_auth::service::{DEFAULT_ENVIRONMENT, Pattern, Services, is_service_name};
use scalekit_auth::config::{Synced, SyncedEnvironment, json};
use scalekit_auth::resolve::learn::{self, Hosts};
use scalekit_auth::target::Authority;
use scalekit_auth::catalogue;

fuzz_target!(|input: &[u8]| {
    let _ = serde_json::from_slice::<Synced>(input);
    let _ = json::parse_as::<Synced>(input);

    let own = [Authority { host: "auth.acme.com".into(), port: None }];
    let mut parts = input.split(|byte| *byte == 0);
    let mut text = || parts.next().and_then(|part| std::str::from_utf8(part).ok());
    let (Some(url), Some(provider), Some(environment)) = (text(), text(), text()) else { return };
    let facts: Vec<(String, String)> = std::iter::from_fn(|| Some((text()?.to_owned(), text()?.to_owned()))).collect();

    match learn::hosts_of(url, provider, &own) {
        Ok(Hosts::Exact(pattern)) => {
            check(&pattern, provider, &own);
            let rest = url.strip_prefix("https://").unwrap().to_ascii_lowercase();
            assert!(rest.starts_with(&pattern.authority().host));
        }
        Ok(Hosts::Template(template)) => assert_eq!(template, url),
        Err(_) => {}
    }
    // Any text, not a template alone: synced.json may hold what it likes.
    if let Ok(Some(pattern)) = learn::fill(url, &facts, provider, &own) {
        check(&pattern, provider, &own);
        check_fixed_part(url, &pattern);
        if let Some(row) = catalogue::provider(provider).filter(|row| !row.tenants.is_empty()) {
            check_tenant(&pattern, row);
        }
    }
    if let Some(row) = catalogue::provider(provider) {
        for pattern in learn::tenants(row, &facts, &own) {
            check(&pattern, provider, &own);
            check_tenant(&pattern, row);
        }
    }
    if let Ok(environment) = json::parse_as::<SyncedEnvironment>(environment.as_bytes()) {
        check_adopted(&environment, &own);
    }
});

fn check(pattern: &Pattern, provider: &str, own: &[Authority]) {
    let host = pattern.authority().host.as_str();
    assert!(pattern.is_exact() && pattern.is_https(), "{pattern}");
    assert!(psl::domain_str(host).is_some(), "{pattern} is a public suffix");
    assert!(own.iter().all(|own| own.host != host), "{pattern} is the environment's own");
    let base = catalogue::provider(provider).map(|row| row.base);
    assert!(catalogue::places_at(host).all(|(row, _)| Some(row.base) == base), "{pattern} is another provider's");
    assert_eq!(Pattern::parse(&pattern.to_string()).as_ref(), Ok(pattern));
}

fn check_tenant(pattern: &Pattern, row: &catalogue::Provider) {
    let host = &pattern.authority().host;
    assert!(row.tenants.iter().any(|domain| catalogue::is_below(host, domain)), "{pattern} is no tenant of {}", row.id);
}

/// What stands around a template's one blank stays around what fills it.
fn check_fixed_part(template: &str, pattern: &Pattern) {
    let Some(((before, blank), rest)) =
        template.split_once("://").and_then(|(_, rest)| Some((rest.split_once("{{")?, rest)))
    else {
        return;
    };
    let place = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let Some((_, after)) = blank.split_once("}}") else { return };
    if place.contains("}}") && !after.contains("{{") {
        let after = &after[..after.find(['/', '?', '#', ':']).unwrap_or(after.len())];
        let host = &pattern.authority().host;
        assert!(host.starts_with(&before.to_ascii_lowercase()) || before.contains(':'), "{pattern}");
        assert!(host.ends_with(&after.to_ascii_lowercase()) || before.contains(':'), "{pattern}");
    }
}

fn check_adopted(environment: &SyncedEnvironment, own: &[Authority]) {
    let mut services = Services::default();
    services.adopt((DEFAULT_ENVIRONMENT, Some(environment)), |_| Some(environment), own);
    let mut names = Vec::new();
    for service in services.iter() {
        let provider = service.learned.provider.as_deref().unwrap_or_default();
        let tenants = service.learned.tenants.iter().map(|(_, pattern)| pattern);
        service.learned.hosts.iter().chain(tenants).for_each(|pattern| check(pattern, provider, own));
        assert!(is_service_name(&service.name), "{}", service.name);
        names.push(&service.name);
    }
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "two services of one name");
}
