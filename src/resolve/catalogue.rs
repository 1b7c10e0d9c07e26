//! The built-in providers: which hosts are theirs, and how git and registries want to be answered there. One row a provider, every
//! host exact; the page a row was taken from stands with it.

/// A provider as Scalekit's catalogue names it, and the places that are its own.
#[derive(Debug)]
pub struct Provider {
    /// Scalekit's identifier, upper case.
    pub id: &'static str,
    /// What people call it in service and connection names.
    pub slug: &'static str,
    /// Hosts, and path prefixes where providers share a host.
    pub places: &'static [Place],
    /// Its tenants live under these names; which host is a user's own must be said by the user.
    pub tenants: &'static [&'static str],
    /// The user name that git sends beside a token, for providers with repositories.
    pub git_username: Option<&'static str>,
    /// The user name that docker and its kin send beside a token, for providers with a container registry.
    pub registry_username: Option<&'static str>,
    /// The page that names the hosts.
    pub source: &'static str,
}

/// One exact host of a provider.
#[derive(Debug)]
pub struct Place {
    /// Lower case.
    pub host: &'static str,
    /// Empty, or the prefix that tells providers on one host apart.
    pub path: &'static str,
    /// Whether git repositories are served there.
    pub git: bool,
    /// Whether it is a container registry.
    pub registry: bool,
}

const fn api(host: &'static str) -> Place {
    Place { host, path: "", git: false, registry: false }
}

const fn below(host: &'static str, path: &'static str) -> Place {
    Place { host, path, git: false, registry: false }
}

const fn git(host: &'static str) -> Place {
    Place { host, path: "", git: true, registry: false }
}

const fn registry(host: &'static str) -> Place {
    Place { host, path: "", git: false, registry: true }
}

const fn row(id: &'static str, slug: &'static str, places: &'static [Place], source: &'static str) -> Provider {
    Provider { id, slug, places, tenants: &[], git_username: None, registry_username: None, source }
}

/// The rows, in the order of their slugs.
pub const PROVIDERS: &[Provider] = &[
    Provider {
        git_username: Some("x-token-auth"),
        ..row(
            "BITBUCKET",
            "bitbucket",
            &[git("bitbucket.org"), api("api.bitbucket.org")],
            "https://developer.atlassian.com/cloud/bitbucket/rest/intro/",
        )
    },
    Provider {
        git_username: Some("x-access-token"),
        registry_username: Some("x-access-token"),
        ..row(
            "GITHUB",
            "github",
            &[
                git("github.com"),
                git("gist.github.com"),
                api("api.github.com"),
                api("uploads.github.com"),
                api("raw.githubusercontent.com"),
                registry("ghcr.io"),
            ],
            "https://docs.github.com/en/rest/using-the-rest-api/getting-started-with-the-rest-api",
        )
    },
    Provider {
        git_username: Some("oauth2"),
        registry_username: Some("oauth2"),
        ..row(
            "GITLAB",
            "gitlab",
            &[git("gitlab.com"), registry("registry.gitlab.com")],
            "https://docs.gitlab.com/api/rest/",
        )
    },
    row(
        "GMAIL",
        "gmail",
        &[api("gmail.googleapis.com"), below("www.googleapis.com", "/gmail")],
        "https://developers.google.com/workspace/gmail/api/reference/rest",
    ),
    row(
        "GOOGLECALENDAR",
        "googlecalendar",
        &[below("www.googleapis.com", "/calendar")],
        "https://developers.google.com/workspace/calendar/api/v3/reference",
    ),
    row(
        "GOOGLEDRIVE",
        "googledrive",
        &[below("www.googleapis.com", "/drive"), below("www.googleapis.com", "/upload/drive")],
        "https://developers.google.com/workspace/drive/api/reference/rest/v3",
    ),
    row("HUBSPOT", "hubspot", &[api("api.hubapi.com")], "https://developers.hubspot.com/docs/api/overview"),
    row("LINEAR", "linear", &[api("api.linear.app")], "https://linear.app/developers/graphql"),
    row("NOTION", "notion", &[api("api.notion.com")], "https://developers.notion.com/reference/intro"),
    Provider {
        tenants: &["my.salesforce.com"],
        ..row(
            "SALESFORCE",
            "salesforce",
            &[],
            "https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/",
        )
    },
    row("SLACK", "slack", &[below("slack.com", "/api")], "https://docs.slack.dev/apis/web-api/"),
    Provider {
        tenants: &["zendesk.com"],
        ..row("ZENDESK", "zendesk", &[], "https://developer.zendesk.com/api-reference/")
    },
];

/// Names below which every label may have another owner: no pattern with a star may span them.
pub const TENANT_SUFFIXES: &[&str] = &[
    "my.salesforce.com",
    "zendesk.com",
    "atlassian.net",
    "freshdesk.com",
    "service-now.com",
    "snowflakecomputing.com",
    "sharepoint.com",
    "visualstudio.com",
    "myshopify.com",
    "okta.com",
    "slack.com",
    "github.io",
    "gitlab.io",
    "herokuapp.com",
    "vercel.app",
    "netlify.app",
    "pages.dev",
    "workers.dev",
    "web.app",
    "appspot.com",
    "run.app",
    "azurewebsites.net",
    "cloudfront.net",
    "amazonaws.com",
    "blob.core.windows.net",
    "co.uk",
    "com.au",
    "co.jp",
    "com.br",
    "co.in",
    "scalekit.com",
    "scalekit.dev",
    "scalekit.cloud",
];

/// The provider with this identifier, in any case.
pub fn provider(id: &str) -> Option<&'static Provider> {
    PROVIDERS.iter().find(|p| p.id.eq_ignore_ascii_case(id))
}

/// The provider whose slug is `name` or begins it, up to `-`, `_` or a space: `github-work`, `gmail_u3134a`.
pub fn provider_of_name(name: &str) -> Option<&'static Provider> {
    let lower = name.to_ascii_lowercase();
    PROVIDERS
        .iter()
        .filter(|p| lower.strip_prefix(p.slug).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_', ' '])))
        .max_by_key(|p| p.slug.len())
}

/// Whether the host is a provider's own and no container registry.
pub fn is_no_registry(host: &str) -> bool {
    PROVIDERS.iter().flat_map(|p| p.places).any(|place| place.host == host && !place.registry)
}

/// Whether `username` is one that we answer for some host ourselves, and so says nothing about the account.
pub fn is_magic_username(username: &str) -> bool {
    username == DEFAULT_GIT_USERNAME
        || PROVIDERS.iter().any(|p| [p.git_username, p.registry_username].contains(&Some(username)))
}

/// What Gitea, Forgejo and GitLab expect beside an OAuth token; for hosts whose provider has no user name of its own.
pub const DEFAULT_GIT_USERNAME: &str = "oauth2";

#[cfg(test)]
mod tests {
    use super::super::pattern::Pattern;
    use super::*;

    #[test]
    fn every_row_is_a_valid_exact_pattern_and_no_two_claim_the_same_place() {
        let mut seen = std::collections::BTreeSet::new();
        for provider in PROVIDERS {
            assert!(provider.source.starts_with("https://"), "{}", provider.id);
            for place in provider.places {
                let text = format!("{}{}", place.host, place.path);
                assert_eq!(Pattern::parse(&text), Ok(Pattern::built_in(place.host, place.path)));
                assert!(seen.insert(text), "{} {}", provider.id, place.host);
            }
            for tenant in provider.tenants {
                assert!(TENANT_SUFFIXES.contains(tenant));
            }
        }
    }

    #[test]
    fn names_lead_to_providers() {
        let id = |name| provider_of_name(name).map(|p| p.id);
        assert_eq!(id("gmail_u3134a"), Some("GMAIL"));
        assert_eq!(id("GitHub-work"), Some("GITHUB"));
        assert_eq!(id("githubber"), None);
        assert_eq!(id("outlook"), None);
    }
}
