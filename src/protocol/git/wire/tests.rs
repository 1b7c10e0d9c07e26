use super::*;
use crate::target::Case;
use proptest::prelude::*;

#[test]
fn what_git_2_47_writes_is_understood() {
    let request = Request::decode(
        b"capability[]=authtype\ncapability[]=state\nprotocol=https\nhost=github.com:8443\npath=a/b.git\nusername=bob\n\
          wwwauth[]=Bearer realm=\"a, Basic b\", error=\"invalid_token\"\n",
    )
    .unwrap();
    assert_eq!(request.target().unwrap().to_string(), "https://github.com:8443/a/b.git");
    assert!(request.knows_authtype && request.knows_state && request.offers_bearer && !request.offers_basic);
    assert_eq!(request.username.as_deref(), Some("bob"));
}

#[test]
fn challenges_are_told_apart_within_one_header() {
    assert!(offers(b"Bearer realm=\"x\", Basic realm=\"y\"", "basic"));
    assert!(offers(b"NEGOTIATE, basic", "basic"));
    assert!(offers(b"Bearer realm=\"f\xfcr, Bearer\", Basic realm=\"\xff\"", "basic"));
    assert!(!offers(b"Bearer realm=\"Basic\"", "basic"));
    assert!(!offers(b"Basically x", "basic"));
}

#[test]
fn hostile_input_is_refused_as_a_whole() {
    for (input, error) in [
        (&b"protocol=https\nhost=github.com\r\n"[..], Error::Byte),
        (b"protocol=https\rhost=github.com\nhost=evil.net\n", Error::Byte),
        (b"protocol=https\nhost=github.com\0.evil.net\n", Error::Byte),
        (b"protocol=https\nhost=evil.net\nhost=github.com\n", Error::Duplicate),
        (b"protocol=https\nhost\n", Error::Line),
    ] {
        assert_eq!(Request::decode(input).unwrap_err(), error, "{input:?}");
    }
    let long = format!("path={}\n", "x".repeat(LONGEST_LINE));
    assert_eq!(Request::decode(long.as_bytes()).unwrap_err(), Error::Length);
}

#[test]
fn what_is_not_utf_8_matters_only_where_it_is_used() {
    let request = |more: &[u8]| {
        let input = [b"protocol=https\nhost=github.com\nwwwauth[]=Basic realm=\"f\xfcr\"\nx\xff=\xff\n", more].concat();
        Request::decode(&input).unwrap()
    };
    let latin = request(b"path=acme/f\xfcr\nstate[]=scalekit:\xff\nusername=f\xfcr\npassword=f\xfcr\n");
    assert!(latin.offers_basic && latin.state.is_none() && latin.password.is_none());
    assert_eq!(latin.username.as_deref(), Some("f\u{fffd}r"), "a name that asks for somebody");
    let target = latin.target().unwrap();
    assert_ne!(target, request(b"path=acme/f\xe9r\n").target().unwrap(), "bytes are compared");
    assert!(
        target.is_below("", Case::Exact) && !target.is_below("/acme", Case::Ignored),
        "a path that is not plain is below no other"
    );
    let strange = Request::decode(b"protocol=https\nhost=github.com\xff\n").unwrap();
    assert!(strange.target().is_none());
}

#[test]
fn missing_protocol_or_host_is_no_target() {
    for input in ["protocol=https\n", "host=github.com\n", "protocol=https\nhost=\n", "protocol=ftp\nhost=a.b\n", ""] {
        assert!(Request::decode(input.as_bytes()).unwrap().target().is_none(), "{input}");
    }
}

#[test]
fn only_our_own_state_is_ours_and_an_empty_value_resets() {
    let request = Request::decode(b"state[]=other:1\nstate[]=scalekit:abc\n").unwrap();
    assert_eq!(request.state.as_deref(), Some("abc"));
    let request = Request::decode(b"capability[]=state\ncapability[]=\nwwwauth[]=Basic\nwwwauth[]=\n").unwrap();
    assert!(!request.knows_state && !request.offers_basic);
}

#[test]
fn answers_are_complete() {
    let extras = Extras { expires_at: Some(5), state: Some("id".into()), again: true };
    let basic = Answer::Basic { username: "x-access-token".into(), password: Secret::new("t".into()) };
    assert_eq!(
        basic.encode(&extras).expose(),
        "capability[]=state\nusername=x-access-token\npassword=t\npassword_expiry_utc=5\nstate[]=scalekit:id\ncontinue=1\n\n"
    );
    let bearer = Answer::Ephemeral { authtype: "Bearer", credential: Secret::new("t".into()) };
    assert_eq!(
        bearer.encode(&Extras::default()).expose(),
        "capability[]=authtype\nauthtype=Bearer\ncredential=t\nephemeral=1\n\n"
    );
    assert_eq!(
        Answer::ephemeral_basic("x-access-token", &Secret::new("t".into())).encode(&Extras::default()).expose(),
        "capability[]=authtype\nauthtype=Basic\ncredential=eC1hY2Nlc3MtdG9rZW46dA==\nephemeral=1\n\n"
    );
    assert_eq!(Answer::Quit.encode(&Extras::default()).expose(), "quit=1\n\n");
}

#[test]
fn what_was_sent_is_read_from_either_form() {
    for (input, expected) in [
        ("username=u\npassword=t\n", &[("basic", "t")][..]),
        ("authtype=Bearer\ncredential=t\n", &[("bearer", "t")]),
        ("credential=t\n", &[("bearer", "t")]),
        ("authtype=basic\ncredential=dTp0OnQ=\n", &[("basic", "t:t")]),
        ("authtype=Basic\ncredential=dTp0OnQ\n", &[]),
        ("authtype=Basic\ncredential=dQ==\n", &[]),
        ("authtype=Digest\ncredential=t\n", &[]),
        ("username=u\n", &[]),
    ] {
        let sent = Request::decode(input.as_bytes()).unwrap().sent();
        let sent: Vec<_> = sent.iter().map(|(scheme, token)| (*scheme, token.expose().as_str())).collect();
        assert_eq!(sent, expected, "{input}");
    }
}

proptest! {
    #[test]
    fn no_input_makes_it_panic(input in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(request) = Request::decode(&input) {
            let _ = request.target();
        }
    }

    #[test]
    fn what_we_answer_reads_back_the_same(username in "[^\r\n\0]{1,10}", password in "[^\r\n\0]{1,20}") {
        let answer = Answer::Basic { username: username.clone(), password: Secret::new(password.clone()) };
        let text = answer.encode(&Extras::default());
        let read = Request::decode(text.expose().as_bytes()).unwrap();
        prop_assert_eq!(read.username, Some(username.clone()));
        let secret = read.password.unwrap();
        prop_assert_eq!(secret.expose(), &password);
        let username = username.replace(':', "");
        let text = Answer::ephemeral_basic(&username, &secret).encode(&Extras::default());
        let sent = Request::decode(text.expose().as_bytes()).unwrap().sent();
        prop_assert_eq!((sent[0].0, sent[0].1.expose()), ("basic", &password));
    }
}
