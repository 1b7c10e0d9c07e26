//! The built-in providers: which hosts are theirs, how their tokens travel, and how git and registries want to be answered
//! there. The rows stand in `catalogue.toml`; here is how they are found.

mod provider;
mod rows;
mod template;
mod username;

use std::sync::OnceLock;

pub use provider::{Provider, ProviderHost};
pub use template::{Authentication, HeaderTemplate, KEY, Piece};
pub use username::username_at;

use crate::target::suffix::registrable;

impl Provider {
    /// The page that names the hosts.
    pub fn source(&self) -> &'static str {
        rows::source(self.slug)
    }

    /// Whether `host` is one of the provider's own, or a tenant's of it.
    pub fn has_host(&self, host: &str) -> bool {
        places_at(host).any(|(provider, _)| provider.base == self.base)
            || self.tenants.iter().any(|domain| is_below(host, domain))
    }
}

/// Domains besides the catalogue's own tenants below which every name may have another owner, although the public suffix
/// list does not say so.
const SHARED_DOMAINS: &[&str] = &[
    "atlassian.net",
    "slack.com",
    "sharepoint.com",
    "okta.com",
    "visualstudio.com",
    "amazonaws.com",
    "googleusercontent.com",
    "scalekit.com",
    "scalekit.dev",
    "scalekit.cloud",
];

/// All rows, in the order of their slugs.
pub fn providers() -> &'static [&'static Provider] {
    static ALL: OnceLock<Vec<&Provider>> = OnceLock::new();
    ALL.get_or_init(|| all().collect())
}

fn all() -> impl Iterator<Item = &'static Provider> {
    (0..rows::COUNT).map(rows::row)
}

/// The provider with this identifier, in any case.
pub fn provider(id: &str) -> Option<&'static Provider> {
    let found = by_slug(&id.to_ascii_lowercase()).filter(|row| row.id.eq_ignore_ascii_case(id));
    found.or_else(|| rows::by_id(id).map(rows::row))
}

/// The provider whose slug is `name` or begins it, up to `-`, `_` or a space: `github-work`, `gmail_u3134a`.
pub fn provider_of_name(name: &str) -> Option<&'static Provider> {
    let lower = name.to_ascii_lowercase();
    let ends = lower.rmatch_indices(['-', '_', ' ']).map(|(at, _)| at);
    std::iter::once(lower.len()).chain(ends).find_map(|end| by_slug(&lower[..end]))
}

fn by_slug(slug: &str) -> Option<&'static Provider> {
    rows::by_slug(slug).map(rows::row)
}

/// The places on this host, each with the provider that has it first; providers with the same hosts share its `base`.
pub fn places_at(host: &str) -> impl Iterator<Item = (&'static Provider, &'static ProviderHost)> {
    rows::by_host(host).map(|(at, place)| {
        let row = rows::row(at);
        (row, &row.places[place])
    })
}

/// The providers that have tenants, and below which domain `host` is one of them.
pub fn tenancies_of(host: &str) -> impl Iterator<Item = (&'static Provider, &'static str)> {
    rows::tenants().filter(move |(_, domain)| is_below(host, domain)).map(|(at, domain)| (rows::row(at), domain))
}

/// The place that is nearest to `host`, among those below the same registered domain.
pub fn nearest(host: &str) -> Option<(&'static Provider, &'static ProviderHost)> {
    let domain = registrable(host)?;
    let similarity = |place: &ProviderHost| strsim::levenshtein(host, place.host);
    all()
        .flat_map(|row| row.places.iter().map(move |place| (row, place)))
        .filter(|(_, place)| place.host == domain || is_below(place.host, domain))
        .min_by_key(|(_, place)| similarity(place))
}

/// Whether names below `domain` may have different owners, as far as the rows and our list know.
pub fn is_shared_domain(domain: &str) -> bool {
    let crosses = |shared: &str| shared == domain || is_below(shared, domain);
    SHARED_DOMAINS.iter().copied().any(crosses) || rows::tenants().any(|(_, domain)| crosses(domain))
}

/// Whether `host` is a name below `domain`; the domain itself is not.
pub fn is_below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
}

/// Whether the host is a provider's own and no container registry.
pub fn is_no_registry(host: &str) -> bool {
    places_at(host).any(|(_, place)| !place.registry)
}

/// Whether `username` is one that we answer for some host ourselves, and so says nothing about the account.
pub fn is_magic_username(username: &str) -> bool {
    username == DEFAULT_GIT_USERNAME || rows::has_username(username) || username::is_username(username)
}

/// Names that are not written as a slug with a capital letter.
const DISPLAY_NAMES: &[(&str, &str)] = &[
    ("github", "GitHub"),
    ("gitlab", "GitLab"),
    ("hubspot", "HubSpot"),
    ("linkedin", "LinkedIn"),
    ("youtube", "YouTube"),
    ("clickup", "ClickUp"),
    ("bigquery", "BigQuery"),
    ("onedrive", "OneDrive"),
    ("onenote", "OneNote"),
    ("sharepoint", "SharePoint"),
    ("microsoftteams", "Microsoft Teams"),
    ("googlecalendar", "Google Calendar"),
    ("googledocs", "Google Docs"),
    ("googledrive", "Google Drive"),
    ("googlesheets", "Google Sheets"),
    ("googlemeet", "Google Meet"),
    ("pagerduty", "PagerDuty"),
    ("servicenow", "ServiceNow"),
];

/// What people call the provider of this slug.
pub fn display_name(slug: &str) -> String {
    if let Some((_, name)) = DISPLAY_NAMES.iter().find(|(known, _)| *known == slug) {
        return (*name).to_owned();
    }
    let mut chars = slug.chars();
    let first = chars.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}

/// What Gitea, Forgejo and GitLab expect beside an OAuth token; for hosts whose provider has no user name of its own.
pub const DEFAULT_GIT_USERNAME: &str = "oauth2";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_written_as_their_owners_write_them() {
        assert_eq!(display_name("github"), "GitHub");
        assert_eq!(display_name("notion"), "Notion");
        for (slug, _) in DISPLAY_NAMES {
            assert!(by_slug(slug).is_some(), "{slug} has no row");
        }
    }
    use crate::service::Pattern;

    #[test]
    fn every_row_is_a_valid_exact_pattern_and_no_place_stands_twice_in_one() {
        for row in providers() {
            let mut seen = BTreeSet::new();
            assert!(row.source().starts_with("https://"), "{}", row.id);
            assert!(!row.places.is_empty() || !row.tenants.is_empty(), "{} claims nothing", row.id);
            assert!(row.auth.headers().iter().all(HeaderTemplate::is_valid), "{}: {:?}", row.id, row.auth);
            for place in row.places {
                let pattern = Pattern::of_place(place);
                assert_eq!(Pattern::parse(&pattern.to_string()), Ok(pattern.clone()));
                assert!(psl::domain_str(place.host).is_some(), "{} is a public suffix", place.host);
                assert!(seen.insert(pattern.to_string()), "{pattern} stands twice in {}", row.id);
            }
            for tenant in row.tenants {
                assert!(Pattern::parse(&format!("*.{tenant}")).is_err(), "*.{tenant} would be accepted");
                assert!(psl::domain_str(&format!("x.{tenant}")).is_some());
            }
        }
    }

    #[test]
    fn rows_are_found_by_slug_and_host() {
        assert!(providers().is_sorted_by_key(|row| row.slug));
        for row in providers() {
            assert_eq!(provider(row.id).map(|found| found.slug), Some(row.slug));
            assert!(by_slug(row.base).is_some_and(|base| base.base == base.slug));
            for place in row.places {
                assert!(places_at(place.host).any(|(found, _)| found.base == row.base), "{}", place.host);
            }
        }
        assert_eq!(places_at("github.comx").count() + places_at("").count(), 0);
    }

    #[test]
    fn names_lead_to_providers() {
        let id = |name| provider_of_name(name).map(|p| p.id);
        assert_eq!(id("gmail_u3134a"), Some("GMAIL"));
        assert_eq!(id("GitHub-work"), Some("GITHUB"));
        assert_eq!(id("githubpat-work"), Some("GITHUBPAT"));
        assert_eq!(id("githubber"), None);
        assert_eq!(id("-"), None);
    }
}
