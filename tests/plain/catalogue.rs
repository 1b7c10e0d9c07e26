//! The catalogue against real API URLs and hostile ones: each real one finds its provider, and no hostile one any token.

use crate::common;
use std::collections::BTreeMap;

use common::World;
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
    }
    assert_eq!(world.count(AUTH), 0);
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
