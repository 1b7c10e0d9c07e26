//! The catalogue against real API URLs and hostile ones: each real one finds its provider, and no hostile one any token.

use crate::common;
use std::collections::BTreeMap;

use common::{Finished, World};
use scalekit_auth::catalogue::{self, Provider};
use scalekit_auth::target::Target;
use serde_json::{Value, json};

const REAL: &str = include_str!("../data/urls.tsv");
const HOSTILE: &str = include_str!("../data/hostile.txt");
const AUTH: &str = "/api/v1/connected_accounts/auth";

/// Provider and URL.
fn real_urls() -> Vec<(&'static Provider, &'static str)> {
    let line = |line: &'static str| {
        let (slug, url) = line.split_once('\t').expect("slug, tab, URL");
        (catalogue::provider(slug).unwrap_or_else(|| panic!("{slug} has no row")), url)
    };
    REAL.lines().map(line).collect()
}

/// A service for each provider with hosts of its own, which knows the tenants that the URLs name.
fn all_services() -> Value {
    let mut tenants: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (row, url) in real_urls() {
        let host = Target::from_url(url).unwrap().0.authority.host;
        if row.tenants.iter().any(|domain| catalogue::is_below(&host, domain)) {
            tenants.entry(row.base).or_default().push(host);
        }
    }
    let rows = catalogue::providers().iter().filter(|row| row.base == row.slug);
    let services = rows.map(|row| {
        let hosts = tenants.remove(row.slug).unwrap_or_default();
        let accounts = json!({"own": {"identifier": "ada", "hosts": hosts}});
        (row.slug.to_owned(), json!({"connection_name": "c", "provider": row.id, "accounts": accounts}))
    });
    Value::Object(services.collect())
}

#[test]
fn real_api_urls_find_their_provider() {
    let world = World::new();
    world.write_connections(&all_services().to_string());
    let urls = real_urls();
    assert!(urls.len() >= 300, "{} URLs", urls.len());
    let mut wrong = Vec::new();
    for (row, url) in &urls {
        let got = world.run(&["which", "--json", url]);
        let answer: Value = serde_json::from_str(&got.stdout).unwrap();
        if answer["answer"]["service"] != row.base {
            wrong.push(format!("{url} is {}'s, but: {}", row.slug, got.stdout));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join(""));
    assert_eq!(world.sandbox.counts().tcp_connections, 0);
}

/// Whose URL it is where that provider alone is configured; nobody's with a dash.
const ALONE: &[(&str, &str)] = &[
    ("outlook", "https://graph.microsoft.com/v1.0/users/ada@acme.com/messages?$top=1"),
    ("outlook", "https://graph.microsoft.com/beta/me/calendarView"),
    ("outlook", "https://graph.microsoft.com/V1.0/Me/MailFolders/inbox"),
    ("outlook", "https://graph.microsoft.com/v1.0/groups/g1/events"),
    ("outlook", "https://graph.microsoft.com/v1.0/me/"),
    ("onedrive", "https://graph.microsoft.com/v1.0/users/u1/drive/root/children"),
    ("onedrive", "https://graph.microsoft.com/beta/shares/u!abc/driveItem"),
    ("microsoftexcel", "https://graph.microsoft.com/v1.0/me/drive/items/1/workbook/worksheets"),
    ("microsoftexcel", "https://graph.microsoft.com/v1.0/me"),
    ("onenote", "https://graph.microsoft.com/v1.0/users/u1/onenote/pages"),
    ("sharepoint", "https://graph.microsoft.com/v1.0/sites/s1/drive/root:/a.txt"),
    ("sharepoint", "https://graph.microsoft.com/v1.0/sites/s1/onenote/pages"),
    ("sharepoint", "https://graph.microsoft.com/v1.0/users/u1/followedSites"),
    ("microsoftteams", "https://graph.microsoft.com/v1.0/users/u1/presence"),
    ("microsoftteams", "https://graph.microsoft.com/v1.0/groups/g1/team"),
    ("microsoft365", "https://graph.microsoft.com/v1.0/me/todo/lists"),
    ("jira", "https://api.atlassian.com/me"),
    ("confluence", "https://api.atlassian.com/me"),
    ("jiraservicemanagement", "https://api.atlassian.com/oauth/token/accessible-resources"),
    ("jiraservicemanagement", "https://api.atlassian.com/jsm/ops/api/c1/v1/alerts"),
    ("gmail", "https://www.googleapis.com/upload/gmail/v1/users/me/messages/send"),
    ("gmail", "https://www.googleapis.com/resumable/upload/gmail/v1/users/me/drafts"),
    ("googledrive", "https://drivelabels.googleapis.com/v2/labels"),
    ("youtube", "https://www.googleapis.com/batch/youtube/v3"),
    ("bigquery", "https://www.googleapis.com/upload/bigquery/v2/projects/p/jobs"),
    ("bigquery", "https://bigqueryconnection.googleapis.com/v1/projects/p/locations/us/connections"),
    ("googleanalytics", "https://analyticsreporting.googleapis.com/v4/reports:batchGet"),
    ("github", "https://npm.pkg.github.com/@acme%2fapp"),
    ("githubpat", "https://models.github.ai/inference/chat/completions"),
    ("zohocrm", "https://content.zohoapis.eu/crm/v8/upload"),
    ("jiminny", "https://app.jiminny.eu/customer/api/v1/me"),
    ("hubspot", "https://api-eu1.hubapi.com/crm/v3/objects/contacts"),
    ("apollo", "https://app.apollo.io/api/v1/users/api_profile"),
    ("zoom", "https://zoom.us/rec/download/abc"),
    ("mailgun", "https://storage-europe-west1.api.mailgun.net/v3/domains/acme.com/messages/1"),
    ("twilio", "https://verify.sydney.au1.twilio.com/v2/Services"),
    ("twilio", "https://api.ie1.twilio.com/2010-04-01/Accounts.json"),
    ("quickbooks", "https://sandbox-accounts.platform.intuit.com/v1/openid_connect/userinfo"),
    ("cloudfaremcp", "https://graphql.mcp.cloudflare.com/mcp"),
    ("clickupmcp", "https://mcp.clickup.com/mcp"),
    ("pipedrivemcp", "https://mcp.pipedrive.ai/mcp"),
    ("outlook", "-https://graph.microsoft.com/v1.0/me/messagesX"),
    ("outlook", "-https://graph.microsoft.com/v1.0/me/drive"),
    ("outlook", "-https://graph.microsoft.com/v1.0/users"),
    ("outlook", "-https://graph.microsoft.com/v1.0/users//messages"),
    ("outlook", "-https://graph.microsoft.com/v1.0/users/a/b/messages"),
    ("outlook", "-https://graph.microsoft.com/v2.0/me"),
    ("outlook", "-https://graph.microsoft.com.evil.net/v1.0/me"),
    ("jira", "-https://api.atlassian.com/mex"),
    ("jira", "-https://api.atlassian.com/me/x"),
    ("twilio", "-https://evil.ie1.twilio.com/2010-04-01"),
    ("twilio", "-https://api.dublin.ie1.twilio.com.evil.net/2010-04-01"),
    ("zoom", "-https://zoom.us/j/123"),
    ("bigquery", "-https://www.googleapis.com/drive/v3/files"),
];

/// The URLs of a case file that stands beside the checkout, where there is one, each with its connector.
fn cases() -> Vec<(String, String)> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/cases/urls.tsv");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let mut columns = line.split('\t').map(str::to_owned);
            let (url, slug) = (columns.next().unwrap(), columns.next().unwrap());
            (slug, url)
        })
        .collect()
}

#[test]
fn each_url_is_found_where_its_connector_alone_is_configured() {
    let world = World::new();
    let own = ALONE.iter().map(|(slug, url)| ((*slug).to_owned(), (*url).to_owned()));
    let mut wrong = Vec::new();
    for (slug, url) in own.chain(cases()) {
        // A URL that no connector had is nobody's still where none of it is configured.
        let (slug, url, is_found) = match (slug.as_str(), url.strip_prefix('-')) {
            ("-", _) => ("github", url.as_str(), false),
            (slug, Some(url)) => (slug, url, false),
            (slug, None) => (slug, url.as_str(), true),
        };
        let provider = catalogue::provider_of_name(slug).map_or(slug.to_uppercase(), |row| row.id.to_owned());
        world.write_connections(&json!({slug: {"connection_name": "c", "provider": provider}}).to_string());
        let got = world.run(&["which", "--json", url]);
        let answer: Value = serde_json::from_str(&got.stdout).unwrap();
        if (answer["answer"]["service"] == slug) != is_found {
            wrong.push(format!("{slug} {url}: {}", got.stdout));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join(""));
}

#[test]
fn the_narrower_of_two_connectors_answers_for_microsoft_graph() {
    let world = World::new();
    let services = ["microsoft365", "outlook", "onedrive"];
    let services =
        services.map(|slug| (slug.to_owned(), json!({"connection_name": "c", "provider": slug.to_uppercase()})));
    world.write_connections(&Value::Object(services.into_iter().collect()).to_string());
    for (path, service) in [
        ("v1.0/me/messages", "outlook"),
        ("v1.0/users/u1/drive/root", "onedrive"),
        ("v1.0/me/todo/lists", "microsoft365"),
        ("v1.0/$batch", "microsoft365"),
    ] {
        let got = world.ok(&["which", "--json", &format!("https://graph.microsoft.com/{path}")]);
        let answer: Value = serde_json::from_str(&got.stdout).unwrap();
        assert_eq!(answer["answer"]["service"], service, "{path}");
    }
    // Of those that may answer alike, the one that is good for all of it.
    let got = world.ok(&["which", "https://graph.microsoft.com/v1.0/me"]);
    assert!(got.stdout.contains("service      microsoft365\n"), "{got:?}");
    let services = json!({"outlook": {"connection_name": "outlook"}, "onedrive": {"connection_name": "onedrive"}});
    world.write_connections(&services.to_string());
    let got = world.run(&["which", "https://graph.microsoft.com/v1.0/me"]).exit(8);
    assert!(got.stderr.contains("onedrive") && got.stderr.contains("outlook"), "{got:?}");
}

/// `\\`, `\t`, `\r`, `\n` and `\u{..}` stand for what they stand for in Rust.
fn unescape(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('\\') {
        text.push_str(before);
        let (c, length) = match after.as_bytes()[0] {
            b't' => ('\t', 1),
            b'r' => ('\r', 1),
            b'n' => ('\n', 1),
            b'\\' => ('\\', 1),
            b'u' => {
                let (code, _) = after[2..].split_once('}').unwrap();
                (char::from_u32(u32::from_str_radix(code, 16).unwrap()).unwrap(), code.len() + 3)
            }
            other => panic!("an escape {other} in {line}"),
        };
        text.push(c);
        rest = &after[length..];
    }
    text + rest
}

fn hostile() -> Vec<String> {
    HOSTILE.lines().filter(|line| !line.starts_with('#')).map(unescape).collect()
}

/// Services of the kinds that the hostile URLs are after: whole hosts, paths on a shared host, a tenant, a star, a listed
/// loopback host.
fn targets_of_hostility() -> World {
    let world = World::new();
    let mut document = json!({
        "zendesk": {"connection_name": "zendesk", "hosts": ["acme.zendesk.com"]},
        "forge": {"connection_name": "forge", "hosts": ["*.acme.dev", "http://127.0.0.1:8080"]},
    });
    for slug in ["github", "gmail", "googlecalendar", "googledrive", "notion", "slack", "salesforce", "freshdesk"] {
        document[slug] = json!({"connection_name": slug});
    }
    for (name, entry) in document.as_object_mut().unwrap() {
        entry["identifier"] = "ada".into();
        world.seed(name, &name.to_ascii_uppercase(), &format!("token-of-{name}"));
    }
    world.write_connections(&document.to_string());
    world
}

#[test]
fn no_hostile_url_gets_a_token() {
    let world = targets_of_hostility();
    let all = hostile();
    assert!(all.len() >= 150, "{} URLs", all.len());
    for url in &all {
        // No operating system passes a NUL in an argument.
        if !url.contains('\0') {
            let got = world.run(&["token", "--", url]);
            assert!(got.stdout.is_empty() && [Some(2), Some(3)].contains(&got.code), "{url:?}: {got:?}");
        }
        // As git would take it apart.
        if let Some((protocol, rest)) = url.split_once("://") {
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            let got = world.helper("get", &format!("protocol={protocol}\nhost={host}\npath={path}\n\n"));
            assert!(got.stdout.is_empty(), "{url:?}: {got:?}");
        }
        let got = common::finish(world.command("docker-credential-scalekit").arg("get"), url);
        assert!(got.code == Some(1) && !got.stdout.contains("token-of"), "{url:?}: {got:?}");
        for (protocol, got) in asked_by_tools(&world, url) {
            assert!(!got.stdout.contains("token-of"), "{protocol} {url:?}: {got:?}");
        }
    }
    assert_eq!(world.count(AUTH), 0);
}

/// What the tools that name their place by a URL get for this one.
fn asked_by_tools(world: &World, url: &str) -> Vec<(&'static str, Finished)> {
    let cargo = json!({"v": 1, "registry": {"index-url": format!("sparse+{url}")}, "kind": "get"});
    let cluster = json!({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
        "spec": {"cluster": {"server": url}}});
    let say = |words: &[&str], input: &str| common::finish(world.command(common::EXE).args(words), input);
    let mut all = vec![
        ("cargo", say(&["cargo", "--cargo-plugin"], &format!("{cargo}\n"))),
        ("bazel", say(&["bazel", "get"], &json!({"uri": url}).to_string())),
    ];
    if !url.contains('\0') {
        let mut kubernetes = world.command(common::EXE);
        kubernetes.arg("kubernetes").env("KUBERNETES_EXEC_INFO", cluster.to_string());
        all.push(("kubernetes", common::finish(&mut kubernetes, "")));
        all.push(("keyring", say(&["keyring", "get", url, "ada"], "")));
        all.push(("goauth", say(&["goauth", url], "HTTP/1.1 401 Unauthorized\n\n")));
        all.push(("terraform", say(&["terraform", "get", url], "")));
        all.push(("askpass", say(&["askpass", &format!("Password for '{url}': ")], "")));
    }
    all
}

#[test]
fn the_services_that_the_hostile_urls_are_after_do_answer() {
    let world = targets_of_hostility();
    for (url, service) in [
        ("https://api.github.com/user", "github"),
        ("https://API.GitHub.com:443/user?x#y", "github"),
        ("https://git@github.com/acme/app.git", "github"),
        ("https://gmail.googleapis.com/gmail/v1/users/me/profile", "gmail"),
        ("smtp://smtp.gmail.com:587", "gmail"),
        ("https://www.googleapis.com/calendar/v3/calendars", "googlecalendar"),
        ("https://www.googleapis.com/upload/drive/v3/files", "googledrive"),
        ("https://slack.com/api/auth.test", "slack"),
        ("https://acme.zendesk.com/api/v2/tickets.json", "zendesk"),
        ("https://git.acme.dev/x", "forge"),
        ("http://127.0.0.1:8080/x", "forge"),
        ("github.com", "github"),
        ("ghcr.io:443", "github"),
    ] {
        assert_eq!(world.ok(&["token", url]).stdout, format!("token-of-{service}\n"), "{url}");
    }
}

#[test]
fn a_host_with_many_paths_is_one_word_for_people_and_all_of_them_for_programs() {
    let world = World::new();
    let told = world.ok(&["config", "outlook", "outlook-x"]);
    assert!(told.stderr.contains("graph.microsoft.com (") && told.stderr.contains(" paths)"), "{told:?}");
    assert!(world.ok(&["list"]).stdout.lines().all(|line| line.len() < 200));
    let told: Value = serde_json::from_str(&world.ok(&["list", "--json"]).stdout).unwrap();
    assert!(told["services"][0]["hosts"].as_array().unwrap().len() > 50, "{told}");
}
