//! The user names that hosts of packages want beside a token, whatever service answers for them.

/// Domains, and the user name at each of them and below.
const USERNAMES: &[(&str, &str)] = &[
    // cloud.google.com/artifact-registry/docs/python/authentication, docker/authentication
    ("pkg.dev", "oauth2accesstoken"),
    ("gcr.io", "oauth2accesstoken"),
    // docs.gitlab.com/api/packages, "Authenticate with a token"; the same for repositories
    ("gitlab.com", "oauth2"),
    // docs.gitea.com/development/oauth2-provider
    ("gitea.com", "oauth2"),
    // support.atlassian.com/bitbucket-cloud/docs/using-project-access-tokens
    ("bitbucket.org", "x-token-auth"),
];

/// The user name that this host wants beside a token, if it wants a certain one. GitHub Packages (docs.github.com, "Working with the npm
/// registry") and Azure Artifacts (learn.microsoft.com/azure/devops/artifacts, "Use a personal access token") take any.
pub fn username_at(host: &str) -> Option<&'static str> {
    let is_at = |domain: &str| host == domain || super::is_below(host, domain);
    USERNAMES.iter().find(|(domain, _)| is_at(domain)).map(|(_, name)| *name)
}

/// Whether it is one of these.
pub fn is_username(name: &str) -> bool {
    USERNAMES.iter().any(|(_, known)| *known == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_stands_for_what_is_below_it() {
        assert_eq!(username_at("europe-python.pkg.dev"), Some("oauth2accesstoken"));
        assert_eq!(username_at("gitlab.com"), Some("oauth2"));
        for host in ["npm.pkg.github.com", "evilpkg.dev", "pkg.dev.evil.com"] {
            assert_eq!(username_at(host), None, "{host}");
        }
    }
}
