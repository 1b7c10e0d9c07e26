//! Paths, their case, and the user names that give way to them.

use super::*;

/// `home` has the host, `work` the path `/acme` on it.
fn two_accounts(provider: &str, host: &str) -> Services {
    services(json!({"svc": {"connection_name": "c", "provider": provider, "identifier": "me", "accounts": {
        "home": {"identifier": "me", "hosts": [host]},
        "work": {"identifier": "me@acme.com", "hosts": [format!("{host}/acme")]}}}}))
}

fn who(services: &Services, url: &str) -> Result<String, Error> {
    account_of(services, url, &Chosen::default())
}

#[test]
fn git_hosts_compare_owners_without_case_and_apis_with_it() {
    for (provider, host) in [
        ("GITHUB", "github.com"),
        ("GITHUB", "ghe.acme.test"),
        ("GITLAB", "gitlab.com"),
        ("BITBUCKET", "bitbucket.org"),
        ("AZUREDEVOPS", "dev.azure.com"),
    ] {
        let services = two_accounts(provider, host);
        for path in ["acme/app.git", "Acme/app.git", "ACME", "acme/"] {
            assert_eq!(
                who(&services, &format!("https://{host}/{path}")),
                Ok("svc me@acme.com".into()),
                "{host}/{path}"
            );
        }
        for path in ["acme-labs/app", "acm", "Acme/../x", "ACME%2fapp", ""] {
            assert_eq!(who(&services, &format!("https://{host}/{path}")), Ok("svc me".into()), "{host}/{path}");
        }
    }
    for (provider, host) in [("GMAIL", "www.googleapis.com"), ("ZENDESK", "acme.zendesk.com")] {
        let services = two_accounts(provider, host);
        assert_eq!(who(&services, &format!("https://{host}/acme/x")), Ok("svc me@acme.com".into()), "{host}");
        assert_eq!(who(&services, &format!("https://{host}/Acme/x")), Ok("svc me".into()), "{host}");
    }
    let graph = services(json!({"outlook": {"connection_name": "outlook-1"}}));
    assert_eq!(answer(&graph, "https://graph.microsoft.com/V1.0/Me/Messages"), Ok("outlook".into()));
    let google = services(json!({"googledrive": {"connection_name": "googledrive-1"}}));
    assert!(answer(&google, "https://www.googleapis.com/Drive/v3").is_err());
}

#[test]
fn two_paths_that_differ_in_case_alone_are_told_apart_by_their_spelling() {
    let services = services(json!({
        "one": {"connection_name": "github-1", "hosts": ["git.acme.test/Acme"]},
        "two": {"connection_name": "github-2", "hosts": ["git.acme.test/acme"]},
    }));
    assert_eq!(answer(&services, "https://git.acme.test/Acme/x"), Ok("one".into()));
    assert_eq!(answer(&services, "https://git.acme.test/acme/x"), Ok("two".into()));
    assert!(matches!(answer(&services, "https://git.acme.test/ACME/x"), Err(Error::Ambiguous { .. })));
}

#[test]
fn an_account_goes_by_its_short_name_in_any_case() {
    let services = two_accounts("GITHUB", "github.com");
    assert_eq!(who(&services, "https://Work@github.com/x"), Ok("svc me@acme.com".into()));
    assert_eq!(who(&services, "https://HOME@github.com/acme"), Ok("svc me".into()));
}

#[test]
fn an_unknown_user_name_gives_way_to_a_path_of_one_account() {
    let services = services(json!({"azure": {"connection_name": "azure-1", "accounts": {
        "one": {"identifier": "a", "hosts": ["dev.azure.com/org1"]},
        "two": {"identifier": "b", "hosts": ["dev.azure.com/org2"]}}}}));
    assert_eq!(who(&services, "https://org2@dev.azure.com/org2/p/_git/r"), Ok("azure b".into()));
    assert_eq!(who(&services, "https://Org1@dev.azure.com/Org1/p/_git/r"), Ok("azure a".into()));
    assert!(who(&services, "https://org3@dev.azure.com/org3/p/_git/r").is_err());
    for (name, place) in [("two", "org1"), ("b", "org1")] {
        let refused = who(&services, &format!("https://{name}@dev.azure.com/{place}/r"));
        assert!(matches!(refused, Err(Error::NoSuchAccount { .. })), "{refused:?}");
    }
}

#[test]
fn the_names_that_git_hosts_put_there_decline_nothing_and_select_nobody() {
    let services = several();
    for name in ["git", "gitlab-ci-token", "oauth2", "x-token-auth", "x-access-token", "x-oauth-basic"] {
        let url = |path: &str| format!("https://{name}@github.com/{path}");
        assert_eq!(who(&services, &url("x")), Ok("github alice".into()), "{name}");
        assert_eq!(who(&services, &url("acme/x")), Ok("github alice@acme.com".into()), "{name}");
    }
    assert!(matches!(who(&services, "https://eve@github.com/x"), Err(Error::NoSuchAccount { .. })));
    assert_eq!(who(&services, "https://eve@github.com/acme/x"), Ok("github alice@acme.com".into()));
}

#[test]
fn hosts_of_accounts_take_the_place_of_the_providers_own() {
    let services =
        services(json!({"ghe": {"connection_name": "x", "provider": "GITHUB", "identifier": "me", "accounts": {
        "me": {"identifier": "me", "hosts": ["ghe.acme.test"]}, "you": "you"}}}));
    assert_eq!(who(&services, "https://ghe.acme.test/a/b"), Ok("ghe me".into()));
    for host in ["github.com", "gist.github.com", "api.github.com", "raw.githubusercontent.com", "ghcr.io"] {
        assert!(matches!(who(&services, &format!("https://{host}/a")), Err(Error::Nobody(_))), "{host}");
    }
    let refused = who(&services, "https://you@ghe.acme.test/a").unwrap_err();
    assert!(
        matches!(refused, Error::NoSuchAccount { command, .. } if command.line().ends_with("--as you --host ghe.acme.test"))
    );
    let (why, _) = hint(&services, &Target::from_host("github.com").unwrap()).unwrap();
    assert!(why.contains("ghe has other hosts in their place: ghe.acme.test"), "{why}");
}

#[test]
fn a_row_leaves_the_paths_alone_that_another_row_claims() {
    let one = |name: &str| services(json!({name: {"connection_name": format!("{name}-1")}}));
    for (name, url, other) in [
        ("fathom", "https://api.fathom.ai/mcp", "https://api.fathom.ai/external/v1/meetings"),
        ("supadata", "https://api.supadata.ai/mcp/x", "https://api.supadata.ai/v1/transcript"),
        ("zoom", "https://api.zoom.us/v2/zra/conversations", "https://api.zoom.us/v2/users/me"),
        ("mixpanelanalytics", "https://mixpanel.com/api/app/data-deletions", "https://mixpanel.com/api/app/me"),
    ] {
        let services = one(name);
        assert!(matches!(answer(&services, url), Err(Error::Nobody(_))), "{url}");
        assert_eq!(answer(&services, other), Ok(name.into()));
    }
    // One token is good for all of Microsoft Graph.
    assert_eq!(answer(&one("microsoft365"), "https://graph.microsoft.com/v1.0/me/messages"), Ok("microsoft365".into()));
    let said = services(json!({"fathom": {"connection_name": "fathom-1", "hosts": ["api.fathom.ai"]}}));
    assert_eq!(answer(&said, "https://api.fathom.ai/mcp"), Ok("fathom".into()));
}
