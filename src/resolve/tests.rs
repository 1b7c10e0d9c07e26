//! The resolver as a whole.

mod paths;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::service::{Origin, Pattern, Service, Services};
use crate::target::{Authority, Target};

fn services(document: Value) -> Services {
    Services::from_document(document.as_object().unwrap())
}

fn answer(services: &Services, url: &str) -> Result<String, Error> {
    let (target, username) = Target::from_url(url).unwrap();
    let own = [Authority { host: "acme.scalekit.com".into(), port: None }];
    let chosen = Chosen { username: username.as_deref(), ..Chosen::default() };
    decide(services, &target, &chosen, &own).outcome.map(|answer| answer.rule.service.name.clone())
}

/// Service and identifier.
fn account_of(services: &Services, url: &str, chosen: &Chosen<'_>) -> Result<String, Error> {
    let (target, username) = Target::from_url(url).unwrap();
    let chosen = Chosen { username: username.as_deref(), ..*chosen };
    let answer = decide(services, &target, &chosen, &[]).outcome?;
    Ok(format!("{} {}", answer.rule.service.name, answer.account.identifier))
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
    assert!(matches!(answer(&services, "https://eve@github.com/x"), Err(Error::NoSuchAccount { .. })));
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
        decide(&services, &target, &Chosen::default(), &[]).outcome.unwrap().rule.registry_username
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

fn several() -> Services {
    services(json!({
        "github": {"connection_name": "github-1", "identifier": "alice", "accounts": {
            "home": "alice", "work": {"identifier": "alice@acme.com", "hosts": ["github.com/acme"]}}},
        "gmail": {"connection_name": "gmail-1"},
    }))
}

#[test]
fn names_in_the_request_come_before_paths_and_paths_before_the_usual_account() {
    let services = several();
    let none = Chosen::default();
    let account = |url: &str, chosen: &Chosen<'_>| account_of(&services, url, chosen);
    assert_eq!(account("https://github.com/linux", &none), Ok("github alice".into()));
    assert_eq!(account("https://github.com/acme/app", &none), Ok("github alice@acme.com".into()));
    assert_eq!(account("https://home@github.com/acme/app", &none), Ok("github alice".into()));
    assert_eq!(account("https://work@github.com/linux", &none), Ok("github alice@acme.com".into()));
    assert_eq!(account("https://alice%40acme.com@github.com/linux", &none), Ok("github alice@acme.com".into()));
    assert_eq!(account("https://x-access-token@github.com/linux", &none), Ok("github alice".into()));
    let by = |name, identifier| Chosen { name, identifier, ..none };
    assert_eq!(account("https://home@github.com/", &by(Some("work"), None)), Ok("github alice@acme.com".into()));
    assert_eq!(account("https://home@github.com/", &by(None, Some("eve"))), Ok("github eve".into()));
    let environment = Chosen { from_environment: Some("ci"), default: Some("ada"), ..none };
    assert_eq!(account("https://gmail.googleapis.com/", &environment), Ok("gmail ci".into()));
    assert_eq!(account("https://github.com/", &environment), Ok("github alice".into()));
    assert_eq!(
        account("https://gmail.googleapis.com/", &Chosen { default: Some("ada"), ..none }),
        Ok("gmail ada".into())
    );
    assert_eq!(account("https://gmail.googleapis.com/", &none), Ok("gmail agent".into()));
}

#[test]
fn an_unknown_name_is_declined_with_the_command_that_adds_it() {
    let services = several();
    match account_of(&services, "https://eve@github.com/x", &Chosen::default()) {
        Err(Error::NoSuchAccount { command, .. }) => {
            assert_eq!(command.line(), "scalekit-auth config github github-1 --identifier IDENTIFIER --as eve");
        }
        other => panic!("{other:?}"),
    }
    let by = Chosen { name: Some("club"), ..Chosen::default() };
    assert!(matches!(account_of(&services, "https://github.com/x", &by), Err(Error::NoSuchAccount { .. })));
    // One account: the name says nothing.
    assert!(account_of(&services, "https://git@gmail.googleapis.com/x", &Chosen::default()).is_ok());
}

/// The service `desk` with the tenants' hosts that its accounts named.
fn with_tenants(tenants: &[(&str, &str)]) -> Services {
    let mut services = services(json!({
        "desk": {"connection_name": "zendesk-1", "identifier": "ada", "accounts": {"bob": "bob@beta.com"}},
    }));
    services.each(|service| {
        let pattern = |host: &str| Pattern::parse(host).unwrap();
        service.learned.tenants = tenants.iter().map(|(who, host)| ((*who).to_owned(), pattern(host))).collect();
    });
    services
}

#[test]
fn a_tenants_host_belongs_to_the_account_that_named_it_alone() {
    let services = with_tenants(&[("ada", "acme.zendesk.com"), ("bob@beta.com", "beta.zendesk.com")]);
    let none = Chosen::default();
    assert_eq!(account_of(&services, "https://acme.zendesk.com/api", &none), Ok("desk ada".into()));
    assert_eq!(account_of(&services, "https://beta.zendesk.com/api", &none), Ok("desk bob@beta.com".into()));
    assert!(account_of(&services, "https://bob@acme.zendesk.com/api", &none).is_err());
    let eve = Chosen { identifier: Some("eve"), ..none };
    assert!(account_of(&services, "https://acme.zendesk.com/api", &eve).is_err());
    for url in ["https://evil.zendesk.com/", "https://zendesk.com/", "https://x.acme.zendesk.com/"] {
        assert!(account_of(&services, url, &none).is_err(), "{url}");
    }
}

#[test]
fn accounts_that_share_a_tenant_are_told_apart_by_the_usual_one_or_not_at_all() {
    let both = [("bob@beta.com", "acme.zendesk.com"), ("ada", "acme.zendesk.com")];
    let none = Chosen::default();
    assert_eq!(account_of(&with_tenants(&both), "https://acme.zendesk.com/", &none), Ok("desk ada".into()));
    let strangers = [("eve", "acme.zendesk.com"), ("mallory", "acme.zendesk.com")];
    let outcome = account_of(&with_tenants(&strangers), "https://acme.zendesk.com/", &none);
    assert!(matches!(outcome, Err(Error::Ambiguous { .. })), "{outcome:?}");
}

#[test]
fn what_sync_found_yields_to_what_the_user_wrote() {
    let mut services = services(json!({"mine": {"connection_name": "github-1"}}));
    let mut found = Service::new("github-2", "github-2", Origin::Sync);
    found.learned.hosts = vec![Pattern::parse("github.com").unwrap(), Pattern::parse("git.acme.com").unwrap()];
    services.push(found);
    assert_eq!(answer(&services, "https://github.com/x"), Ok("mine".into()));
    assert_eq!(answer(&services, "https://git.acme.com/x"), Ok("github-2".into()));
    let (target, _) = Target::from_url("https://github.com/x").unwrap();
    let decision = decide(&services, &target, &Chosen::default(), &[]);
    let verdicts: Vec<Verdict> = decision.considered.iter().map(|(_, verdict)| *verdict).collect();
    assert!(verdicts.contains(&Verdict::YieldsToUser) && verdicts.contains(&Verdict::Answers), "{verdicts:?}");
}

#[test]
fn every_rule_that_names_the_host_is_told_with_its_reason() {
    let services = services(json!({
        "a": {"connection_name": "c", "hosts": ["*.acme.com", "git.acme.com:8443"]},
        "b": {"connection_name": "c", "hosts": ["git.acme.com", "git.acme.com/team", "smtp://git.acme.com"]},
    }));
    let (target, _) = Target::from_url("https://git.acme.com/x").unwrap();
    let decision = decide(&services, &target, &Chosen::default(), &[]);
    let told: Vec<String> = decision.considered.iter().map(|(rule, why)| format!("{} {why:?}", rule.pattern)).collect();
    assert_eq!(
        told,
        [
            "git.acme.com Answers",
            "*.acme.com LessPrecise",
            "git.acme.com/team OtherPath",
            "git.acme.com:8443 OtherPort",
            "smtp://git.acme.com OtherScheme",
        ]
    );
}

#[test]
fn mail_is_answered_by_scheme_and_port() {
    let services = several();
    for url in
        ["smtp://smtp.gmail.com:587", "smtps://smtp.gmail.com", "imaps://imap.gmail.com:993", "https://smtp.gmail.com"]
    {
        assert_eq!(answer(&services, url), Ok("gmail".into()), "{url}");
    }
    for url in [
        "smtp://smtp.gmail.com",
        "smtp://smtp.gmail.com:25",
        "imaps://imap.gmail.com:143",
        "smtp://gmail.googleapis.com:587",
    ] {
        assert!(answer(&services, url).is_err(), "{url}");
    }
}

#[test]
fn unknown_hosts_get_the_nearest_row_and_the_command() {
    let none = services(json!({}));
    let command = |url: &str| hint(&none, &Target::from_url(url).unwrap().0).map(|(_, command)| command);
    let is = |command: &str| Some(format!("`{command}`"));
    assert_eq!(command("https://api.notion.com/v1"), is("scalekit-auth config notion CONNECTION"));
    assert_eq!(
        command("https://acme.zendesk.com"),
        is("scalekit-auth config zendesk CONNECTION --host acme.zendesk.com")
    );
    assert_eq!(command("https://api2.notion.com"), is("scalekit-auth config notion CONNECTION --host api2.notion.com"));
    assert_eq!(command("https://evilgithub.com"), None);
    assert_eq!(command("https://github.io"), None);
}

fn document() -> impl Strategy<Value = Value> {
    let host = prop::sample::select(vec![
        "a.com",
        "b.com",
        "x.a.com",
        "*.a.com",
        "a.com/p",
        "a.com/p/q",
        "a.com:81",
        "*.x.a.com",
        "http://127.0.0.1:8080",
    ]);
    prop::collection::vec((prop::collection::vec(host, 0..3), prop::option::of("[ab]")), 0..5).prop_map(|services| {
        let entry = |(index, (hosts, identifier)): (usize, (Vec<&str>, Option<String>))| {
            (format!("s{index}"), json!({"connection_name": "c", "hosts": hosts, "identifier": identifier}))
        };
        Value::Object(services.into_iter().enumerate().map(entry).collect())
    })
}

fn url() -> impl Strategy<Value = String> {
    "(https|http|smtp)://([ab]@)?(a\\.com|b\\.com|x\\.a\\.com|y\\.x\\.a\\.com|127\\.0\\.0\\.1)(:81|:8080)?(/p|/q)?(/q|/p)?"
}

proptest! {
    #[test]
    fn a_rule_that_does_not_match_changes_nothing(document in document(), url in url(), host in "(z\\.[ab]\\.com|c\\.com|\\*\\.b\\.com)(/p)?") {
        let before = services(document.clone());
        let mut more = document;
        more["other"] = json!({"connection_name": "o", "hosts": [host]});
        let after = services(more);
        let chosen = Chosen::default();
        prop_assert_eq!(account_of(&before, &url, &chosen), account_of(&after, &url, &chosen));
    }

    #[test]
    fn printing_the_target_and_reading_it_again_gives_the_same_answer(document in document(), url in url()) {
        let services = services(document);
        let (target, _) = Target::from_url(&url).unwrap();
        let (again, _) = Target::from_url(&target.to_string()).unwrap();
        prop_assert_eq!(&again, &target);
        let outcome = |target: &Target| decide(&services, target, &Chosen::default(), &[]).outcome.map(|a| a.rule.service.name.clone());
        prop_assert_eq!(outcome(&again), outcome(&target));
    }

    #[test]
    fn there_is_one_answer_or_none(document in document(), url in url()) {
        let services = services(document);
        let (target, username) = Target::from_url(&url).unwrap();
        let chosen = Chosen { username: username.as_deref(), ..Chosen::default() };
        let decision = decide(&services, &target, &chosen, &[]);
        let answers = decision.considered.iter().filter(|(_, verdict)| *verdict == Verdict::Answers).count();
        prop_assert_eq!(answers, usize::from(decision.outcome.is_ok()));
        if let Ok(answer) = decision.outcome {
            prop_assert!(answer.rule.matches(&target));
        }
    }
}
