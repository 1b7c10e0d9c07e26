//! Which of the hosts that a vault names are taken over. Whoever may write to an environment, or fill in an account of it,
//! chooses these texts, so they are read as default deny: an exact https host that is nobody else's, or nothing.

use crate::catalogue::{self, Provider};
use crate::service::pattern::{self, Pattern};
use crate::target::suffix::{is_address, is_public_suffix};
use crate::target::{self, Authority, Scheme, Target};

/// Whoever fills these blanks with a single label names a tenant.
const TENANT_BLANKS: &[&str] = &["domain", "subdomain", "instance", "account", "site", "company", "shop", "dc"];

/// Scalekit's own domains; its endpoints want another token.
const SCALEKIT: &[&str] = &["scalekit.com", "scalekit.dev", "scalekit.cloud"];

/// Why a host is not taken over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not a URL of ours.
    #[error("{0}")]
    Target(#[from] target::Error),
    /// Not a host pattern.
    #[error("{0}")]
    Pattern(#[from] pattern::Error),
    /// Plain http shows the token to everyone on the way.
    #[error("it is not https")]
    NotHttps,
    /// A user name has no place there.
    #[error("it holds a user name")]
    UserInfo,
    /// Only exact hosts are learned.
    #[error("it holds a wildcard")]
    Wildcard,
    /// An address may be anybody's tomorrow.
    #[error("it is an IP address or a name of this machine")]
    Address,
    /// Strangers register names there.
    #[error("{0} is a public suffix")]
    PublicSuffix(String),
    /// Scalekit's endpoints want another token.
    #[error("{0} is Scalekit's own host, which wants another token")]
    Scalekit(String),
    /// A host of another provider.
    #[error("{host} is a host of {owner}")]
    Others {
        /// The host.
        host: String,
        /// The provider of the catalogue.
        owner: &'static str,
    },
    /// A tenant's host outside of the domain where its provider has tenants.
    #[error("{0} is outside of the domains where its provider has tenants")]
    Outside(String),
    /// A blank is filled with something that cannot be part of a host.
    #[error("{0} is filled with something that is no part of a host name")]
    Blank(String),
}

/// What a URL of the vault's says about a provider's hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hosts {
    /// One host.
    Exact(Pattern),
    /// A host with blanks that an account fills in.
    Template(String),
}

/// Reads a `proxy_url` or `mcp_server_url` of the provider with this identifier. `own` are the environments' hosts.
pub fn hosts_of(url: &str, provider: &str, own: &[Authority]) -> Result<Hosts, Error> {
    let rest = url.strip_prefix("https://").ok_or(Error::NotHttps)?;
    let place = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    if place.contains("{{") {
        return Ok(Hosts::Template(url.to_owned()));
    }
    if place.contains('*') {
        return Err(Error::Wildcard);
    }
    // A blank further on: what stands before it is the same for every account.
    let fixed = url.find("{{").map_or(url, |blank| &url[..url[..blank].rfind('/').unwrap_or(blank)]);
    exact(fixed, provider, own).map(Hosts::Exact)
}

/// Fills the blanks of `template` from what an account says; `None` where it does not say enough.
pub fn fill(
    template: &str,
    facts: &[(String, String)],
    provider: &str,
    own: &[Authority],
) -> Result<Option<Pattern>, Error> {
    let mut url = String::new();
    let mut rest = template;
    while let Some((before, blank)) = rest.split_once("{{") {
        url.push_str(before);
        let Some((name, after)) = blank.split_once("}}") else { return Err(Error::Blank(template.to_owned())) };
        if url.get("https://".len()..).is_some_and(|rest| rest.contains('/')) {
            // The host is complete; the path before the blank is the same for every account.
            url.truncate(url.rfind('/').unwrap_or(url.len()));
            rest = "";
            break;
        }
        let Some((_, value)) = facts.iter().find(|(key, _)| key == name.trim()) else { return Ok(None) };
        let value = bare_host(value);
        let is_plain = value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b));
        if value.is_empty() || !is_plain {
            return Err(Error::Blank(name.trim().to_owned()));
        }
        url.push_str(value);
        rest = after;
    }
    url.push_str(rest);
    let pattern = exact(&url, provider, own)?;
    let tenants = catalogue::provider(provider).map_or(&[][..], |row| row.tenants);
    let host = &pattern.authority().host;
    if !tenants.is_empty() && !tenants.iter().any(|domain| catalogue::is_below(host, domain)) {
        return Err(Error::Outside(host.clone()));
    }
    Ok(Some(pattern))
}

/// The host of `template` with its blanks filled from what an account says, loopback ones included; `None` where it does not say
/// enough. The path counts for nothing.
pub fn host_of(template: &str, facts: &[(String, String)]) -> Option<Pattern> {
    let (scheme, rest) = template.split_once("://")?;
    let mut host = rest.split('/').next()?.to_owned();
    while let Some((before, blank)) = host.clone().split_once("{{") {
        let (name, after) = blank.split_once("}}")?;
        let (_, value) = facts.iter().find(|(key, _)| key == name.trim())?;
        host = format!("{before}{}{after}", bare_host(value));
    }
    Pattern::parse(&format!("{scheme}://{host}")).ok().filter(Pattern::is_exact)
}

/// The tenant's hosts that an account of a built-in provider names, such as `acme.zendesk.com` or `acme` alone.
pub fn tenants(row: &Provider, facts: &[(String, String)], own: &[Authority]) -> Vec<Pattern> {
    let mut found: Vec<Pattern> = Vec::new();
    for (name, value) in facts {
        let value = bare_host(value).to_ascii_lowercase();
        let is_label = !value.contains('.') && TENANT_BLANKS.contains(&name.as_str());
        let host = match row.tenants {
            [domain] if is_label => format!("{value}.{domain}"),
            // `evil.com/.zendesk.com` ends like a tenant and is none.
            domains if !value.contains(['/', '?', '#']) && domains.iter().any(|d| catalogue::is_below(&value, d)) => {
                value
            }
            _ => continue,
        };
        found.extend(exact(&format!("https://{host}"), row.id, own).ok().filter(|pattern| !found.contains(pattern)));
    }
    found
}

/// `https://acme.example.com/` and `acme.example.com` say the same.
fn bare_host(value: &str) -> &str {
    value.strip_prefix("https://").unwrap_or(value).trim_end_matches('/')
}

fn exact(url: &str, provider: &str, own: &[Authority]) -> Result<Pattern, Error> {
    let (target, user) = Target::from_url(url)?;
    if user.is_some() || url.split('/').nth(2).is_some_and(|place| place.contains('@')) {
        return Err(Error::UserInfo);
    }
    if target.scheme != Scheme::Https {
        return Err(Error::NotHttps);
    }
    let pattern = Pattern::parse(&target.to_string())?;
    check(&pattern, provider, own)?;
    Ok(pattern)
}

/// Whether a learned host may stay the provider's: synced.json is checked again on every start, since the catalogue grows.
pub fn check(pattern: &Pattern, provider: &str, own: &[Authority]) -> Result<(), Error> {
    let authority = pattern.authority();
    let host = authority.host.as_str();
    if !pattern.is_exact() {
        return Err(Error::Wildcard);
    }
    if !pattern.is_https() {
        return Err(Error::NotHttps);
    }
    if is_address(host) || authority.is_loopback() {
        return Err(Error::Address);
    }
    // A person may name such a host; no provider's API has one.
    if host.contains('_') {
        return Err(Error::Target(target::Error::Host));
    }
    if is_public_suffix(host) {
        return Err(Error::PublicSuffix(host.to_owned()));
    }
    let is_scalekit = |domain: &str| host == domain || catalogue::is_below(host, domain);
    if own.iter().any(|own| own.host == host) || SCALEKIT.iter().copied().any(is_scalekit) {
        return Err(Error::Scalekit(host.to_owned()));
    }
    let base = catalogue::provider(provider).map(|row| row.base);
    let of_place = catalogue::places_at(host).map(|(row, _)| row);
    let of_tenant = catalogue::tenancies_of(host).map(|(row, _)| row);
    match of_place.chain(of_tenant).find(|row| Some(row.base) != base) {
        Some(row) => Err(Error::Others { host: host.to_owned(), owner: row.id }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn own() -> Vec<Authority> {
        vec![Authority { host: "auth.acme.com".into(), port: None }]
    }

    fn host(url: &str) -> Result<String, Error> {
        hosts_of(url, "CUSTOM", &own()).map(|hosts| match hosts {
            Hosts::Exact(pattern) => pattern.to_string(),
            Hosts::Template(text) => text,
        })
    }

    fn facts(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn plain_hosts_are_taken_over_up_to_the_first_blank() {
        assert_eq!(host("https://api.acme.com/v1/"), Ok("api.acme.com/v1".into()));
        assert_eq!(host("https://api.acme.com/ex/{{cloud}}/x"), Ok("api.acme.com/ex".into()));
        assert_eq!(host("https://api.acme.com:8443"), Ok("api.acme.com:8443".into()));
        assert_eq!(host("https://{{domain}}/api"), Ok("https://{{domain}}/api".into()));
    }

    #[test]
    fn hosts_that_are_somebody_elses_or_no_hosts_are_refused() {
        for url in [
            "https://api.github.com",
            "https://github.com/acme",
            "https://acme.zendesk.com/api",
            "http://api.acme.com",
            "http://127.0.0.1",
            "https://user@api.acme.com",
            "https://@api.acme.com",
            "https://api.github.com@acme.com",
            "https://*.acme.com",
            "https://com",
            "https://co.uk",
            "https://github.io",
            "https://10.0.0.1",
            "https://[::1]",
            "https://localhost",
            "https://auth.acme.com/mcp",
            "https://auth.acme.com:444/mcp",
            "https://x.scalekit.com/mcp",
            "https://scalekit.dev",
            "https://api.acme.com/a/../b",
            "https://api.acme.com./",
            "ftp://api.acme.com",
            "api.acme.com",
            "",
        ] {
            assert!(host(url).is_err(), "{url} gave {:?}", host(url));
        }
        assert!(hosts_of("https://api.github.com", "GITHUBPAT", &[]).is_ok());
    }

    #[test]
    fn blanks_are_filled_from_the_account_and_stay_inside_of_the_host() {
        let fill = |template: &str, value: &str| {
            fill(template, &facts(&[("domain", value)]), "CUSTOM", &own()).map(|p| p.map(|p| p.to_string()))
        };
        assert_eq!(fill("https://{{domain}}/api", "acme.example.com"), Ok(Some("acme.example.com/api".into())));
        assert_eq!(
            fill("https://{{ domain }}/api", "https://acme.example.com/"),
            Ok(Some("acme.example.com/api".into()))
        );
        assert_eq!(fill("https://{{domain}}.foo.com/v1/{{x}}", "acme"), Ok(Some("acme.foo.com/v1".into())));
        assert_eq!(fill("https://{{other}}/api", "acme"), Ok(None));
        assert!(fill("aaaaaaaä{{domain}}", "acme").is_err());
        for value in ["github.com", "evil.com/", "evil.com/x", "a@b", "a:1", "", "127.0.0.1", "co.uk", "a..b", "ä.com"]
        {
            let answer = fill("https://{{domain}}/api", value);
            assert!(answer.is_err() || value == "evil.com/", "{value} gave {answer:?}");
        }
        let outside = super::fill("https://{{domain}}/api", &facts(&[("domain", "evil.com")]), "ZENDESK", &[]);
        assert_eq!(outside, Err(Error::Outside("evil.com".into())));
    }

    #[test]
    fn tenants_of_built_in_providers_are_found_in_any_fact() {
        let row = catalogue::provider("ZENDESK").unwrap();
        let found = |pairs: &[(&str, &str)]| -> Vec<String> {
            tenants(row, &facts(pairs), &[]).iter().map(Pattern::to_string).collect()
        };
        assert_eq!(found(&[("subdomain", "Acme")]), ["acme.zendesk.com"]);
        assert_eq!(found(&[("x", "https://acme.zendesk.com/"), ("domain", "acme.zendesk.com")]), ["acme.zendesk.com"]);
        assert!(
            found(&[("domain", "zendesk.com"), ("x", "acme"), ("domain", "evil.com"), ("domain", "a/b")]).is_empty()
        );
        for value in
            ["evil.com/.zendesk.com", "evil.com?.zendesk.com", "evil.com#.zendesk.com", "evil.com:1/.zendesk.com"]
        {
            assert_eq!(found(&[("domain", value)]), [""; 0]);
        }
    }

    proptest! {
        #[test]
        fn what_is_learned_is_an_exact_host_below_a_registered_domain(url in "https://[a-z.{}@:*/0-9-]{0,30}", value in "[a-z./@:-]{0,20}") {
            let facts = facts(&[("a", &value)]);
            let exact = match hosts_of(&url, "CUSTOM", &own()) {
                Ok(Hosts::Exact(pattern)) => Some(pattern),
                Ok(Hosts::Template(template)) => fill(&template, &facts, "CUSTOM", &own()).ok().flatten(),
                Err(_) => None,
            };
            if let Some(pattern) = exact {
                prop_assert!(psl::domain_str(&pattern.authority().host).is_some(), "{}", pattern);
                prop_assert!(pattern.is_exact());
            }
        }
    }
}
