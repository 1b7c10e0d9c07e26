//! connections.json, what `sync` learned, a URL and options, apart by NUL: whatever they say, one rule answers or none,
//! for the target it names and with the account it is for.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scalekit_auth::service::{DEFAULT_ENVIRONMENT, Origin, Services};
use scalekit_auth::config::{SyncedEnvironment, json};
use scalekit_auth::resolve::{Chosen, Decision, Verdict, decide, rule::For};
use scalekit_auth::target::{Authority, Target};
use serde_json::Value;

fuzz_target!(|input: &[u8]| {
    let mut parts = input.split(|byte| *byte == 0);
    let mut next = || parts.next().unwrap_or_default();
    let Ok(Value::Object(document)) = json::parse(next()) else { return };
    let own = [Authority { host: "auth.acme.com".into(), port: None }];
    let mut services = Services::from_document(&document);
    let environment: Option<SyncedEnvironment> = json::parse_as(next()).ok();
    services.adopt((DEFAULT_ENVIRONMENT, environment.as_ref()), |_| environment.as_ref(), &own);
    let Some((target, username)) = std::str::from_utf8(next()).ok().and_then(|url| Target::from_url(url).ok()) else {
        return;
    };
    let mut option = || std::str::from_utf8(next()).ok().filter(|text| !text.is_empty());
    let chosen = Chosen {
        name: option(),
        identifier: option(),
        username: option().or(username.as_deref()),
        from_environment: option(),
        default: option(),
    };

    let decision = decide(&services, &target, &chosen, &own);
    check(&decision, &target, &chosen);
    assert!(target.authority.host != own[0].host || decision.outcome.is_err());
    let again = Target::from_url(&target.to_string()).unwrap().0;
    assert_eq!(summary(&decision), summary(&decide(&services, &again, &chosen, &own)));
});

fn check(decision: &Decision<'_>, target: &Target, chosen: &Chosen<'_>) {
    let answering: Vec<_> = decision.considered.iter().filter(|(_, verdict)| *verdict == Verdict::Answers).collect();
    assert_eq!(answering.len(), usize::from(decision.outcome.is_ok()));
    let Ok(answer) = &decision.outcome else { return };
    let (rule, service) = (&answer.rule, answer.rule.service);
    assert!(std::ptr::eq(answering[0].0.service, service) && answering[0].0.pattern == rule.pattern);
    assert!(rule.matches(target));

    let identifier = answer.account.identifier.as_str();
    if let For::Only(only) = rule.account {
        assert_eq!(identifier, only);
    }
    match (chosen.name, chosen.identifier, chosen.telling_username()) {
        (Some(name), ..) => {
            assert!(service.accounts.iter().any(|account| account.name == name && account.identifier == identifier));
        }
        (None, Some(asked), _) => assert_eq!(identifier, asked),
        (None, None, Some(username)) => {
            let called = |text| service.account_called(text);
            assert!(called(username).is_none_or(|account| account == identifier));
            // Who is known by the name goes before who is not.
            let mut others = decision
                .considered
                .iter()
                .filter(|(other, _)| other.matches(target) && other.service.account_called(username).is_some());
            assert!(called(username).is_some() || others.all(|(other, _)| other.service.origin == Origin::Sync));
        }
        (None, None, None) => {}
    }
    if service.origin == Origin::Sync {
        let users = |other: &Origin| *other == Origin::User;
        let mut matching = decision.considered.iter().filter(|(other, _)| other.matches(target));
        assert!(!matching.any(|(other, _)| users(&other.service.origin)));
    }
}

fn summary(decision: &Decision<'_>) -> String {
    let answer =
        decision.outcome.as_ref().map(|answer| (answer.rule.to_string(), &answer.rule.service.name, &answer.account));
    let considered: Vec<_> =
        decision.considered.iter().map(|(rule, verdict)| (rule.to_string(), &rule.service.name, verdict)).collect();
    format!("{answer:?} {considered:?}")
}
