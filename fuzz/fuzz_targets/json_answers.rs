//! What `--json` prints of a failure: one line whatever the texts are, and what is read back is what was meant.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scalekit_auth::service::{Account, Origin, Service};
use scalekit_auth::consent::{Consent, Failure, NoLink};
use scalekit_auth::error::{Error, Kind};
use scalekit_auth::suggest::Subject;
use scalekit_auth::vault::{self, MagicLink, Status};
use serde_json::Value;

fuzz_target!(|input: (&str, &str, &str, &str, Option<i64>)| {
    let (name, identifier, word, link, expires_at) = input;
    let service = Service::new(name, word, Origin::User);
    let account = Account { identifier: identifier.to_owned(), source: "the fuzzer", was_named: true };
    let refused = NoLink::Refused(vault::Error::Cut(link.to_owned()));
    let links = [Ok(MagicLink { link: link.to_owned(), expires_at }), Err(refused), Err(NoLink::NotAsked)];
    let subject = Subject::new(&service, &account, Some(word));
    for link in links {
        let consent = Consent::new(&service, identifier, subject.clone(), Status::Other(word.to_owned()), link.clone());
        let read = read_back(&Failure::Consent(Box::new(consent)));
        assert_eq!((&read["service"], &read["connection"]), (&name.into(), &word.into()));
        assert_eq!((&read["identifier"], &read["account_status"]), (&identifier.into(), &word.into()));
        assert_eq!(read["link"], link.map_or(Value::Null, |link| link.link.into()));
    }
    let error = Error::new(Kind::Usage, name).why(identifier).next(word);
    let read = read_back(&Failure::Error(error.clone()));
    assert_eq!((&read["message"], &read["code"]), (&error.line().into(), &"usage".into()));
});

/// What a caller reads in the one line that is printed.
fn read_back(failure: &Failure) -> Value {
    let text = failure.to_json().to_string();
    assert!(!text.contains(['\n', '\r']));
    let read: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(read, failure.to_json());
    assert!(!read["message"].as_str().unwrap().contains(char::is_control));
    read
}
