use super::*;
use crate::header::is_visible_ascii;
use crate::service::CredentialKind;
use proptest::prelude::*;

fn read(account: &str) -> ConnectedAccount {
    read_account(format!(r#"{{"connected_account":{account}}}"#).as_bytes()).unwrap()
}

#[test]
fn every_kind_of_credential_is_found() {
    let found = |details: &str| {
        let credential = read(&format!(r#"{{"authorization_details":{details}}}"#)).credential.unwrap();
        (credential.kind, credential.key().map(|key| key.expose().clone()))
    };
    let is = |kind, key: &str| (kind, Some(key.to_owned()));
    assert_eq!(found(r#"{"oauth_token":{"access_token":"a","refresh_token":"r"}}"#), is(CredentialKind::Bearer, "a"));
    assert_eq!(found(r#"{"google_dwd":{"access_token":"b"}}"#), is(CredentialKind::Bearer, "b"));
    assert_eq!(found(r#"{"static_auth":{"details":{"token":"c","domain":{"x":1}}}}"#), is(CredentialKind::Bearer, "c"));
    assert_eq!(found(r#"{"static_auth":{"details":{"api_key":"k"}}}"#), is(CredentialKind::ApiKey, "k"));
    assert_eq!(found(r#"{"static_auth":{"details":{"username":"k"}}}"#), is(CredentialKind::Basic, "k"));
    assert_eq!(
        found(r#"{"static_auth":{"details":{"username":"u","password":"p w"}}}"#),
        (CredentialKind::Basic, None)
    );
    let two = read(r#"{"authorization_details":{"static_auth":{"details":{"app_key":"A","api_key":"K"}}}}"#);
    assert_eq!(two.credential.unwrap().names().collect::<Vec<_>>(), ["api_key", "app_key"]);
}

#[test]
fn the_type_says_which_of_several_is_taken() {
    let found = |authorization_type: &str| {
        let account = read(&format!(
            r#"{{"authorization_type":"{authorization_type}","authorization_details":{{"oauth_token":{{"access_token":"o"}},
            "static_auth":{{"details":{{"api_key":"k"}}}},"google_dwd":{{"access_token":"d"}},"trusted_idp":{{"db_user":"x"}}}}}}"#
        ));
        account.credential.map(|credential| credential.secret().expose().clone())
    };
    assert_eq!(found("OAUTH").as_deref(), Ok("o"));
    assert_eq!(found("SMART_FHIR").as_deref(), Ok("o"));
    assert_eq!(found("API_KEY").as_deref(), Ok("k"));
    assert_eq!(found("GOOGLE_DWD").as_deref(), Ok("d"));
    assert_eq!(found("TRUSTED_IDP"), Err(NoCredential::TrustedIdp));
    assert_eq!(found("TRELLO_OAUTH1"), Err(NoCredential::OAuth1));
    assert_eq!(found("NO_AUTH"), Err(NoCredential::NoAuth));
}

#[test]
fn a_field_that_stands_twice_is_refused() {
    let twice = r#"{"connected_account":{"authorization_details":{"static_auth":{"details":{"a":"1","a":"2"}}}}}"#;
    assert!(read_account(twice.as_bytes()).is_err());
}

#[test]
fn what_cannot_be_sent_or_is_not_there_is_told_apart() {
    let why = |account: &str| read(account).credential.unwrap_err();
    assert_eq!(why("{}"), NoCredential::Withheld);
    assert_eq!(why(r#"{"authorization_details":{"oauth_token":{"access_token":""}}}"#), NoCredential::Withheld);
    assert_eq!(why(r#"{"authorization_details":{"trusted_idp":{"db_user":"x"}}}"#), NoCredential::TrustedIdp);
    assert_eq!(why(r#"{"authorization_type":"NO_AUTH"}"#), NoCredential::NoAuth);
    for token in [r"a\r\nb", "a b", r"a\u0000", "ä"] {
        let account = format!(r#"{{"authorization_details":{{"oauth_token":{{"access_token":"{token}"}}}}}}"#);
        assert_eq!(why(&account), NoCredential::Malformed, "{token}");
    }
    let split = r#"{"authorization_details":{"static_auth":{"details":{"username":"u","password":"a\nhost=evil"}}}}"#;
    assert_eq!(why(split), NoCredential::Malformed);
    let place = r#"{"authorization_details":{"static_auth":{"details":{"domain":"acme.example.com"}}}}"#;
    assert_eq!(why(place), NoCredential::Withheld);
}

#[test]
fn the_earlier_expiry_counts() {
    let account = read(
        r#"{"token_expires_at":"2025-01-01T00:00:09Z",
        "authorization_details":{"google_dwd":{"access_token":"b","token_expires_at":"2025-01-01T00:00:05Z"}}}"#,
    );
    assert_eq!(account.expires_at, Some(1_735_689_605));
}

proptest! {
    #[test]
    fn no_reply_makes_it_panic_and_no_bearer_can_split_a_line(body in proptest::collection::vec(any::<u8>(), 0..200),
        token in "\\PC{0,20}") {
        let _ = read_account(&body);
        let text = serde_json::json!({"connected_account": {"authorization_details": {"oauth_token": {"access_token": token}}}});
        if let Ok(credential) = read_account(text.to_string().as_bytes()).unwrap().credential {
            prop_assert!(is_visible_ascii(credential.secret().expose()));
        }
    }
}
