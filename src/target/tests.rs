use super::*;
use proptest::prelude::*;

fn host(url: &str) -> Result<String, Error> {
    Target::from_url(url).map(|(target, _)| target.authority.to_string())
}

#[test]
fn hosts_are_lower_cased_and_default_ports_dropped() {
    assert_eq!(host("https://GitHub.COM:443/x"), Ok("github.com".into()));
    assert_eq!(host("https://github.com:8443"), Ok("github.com:8443".into()));
    assert_eq!(host("http://127.0.0.1:80/"), Ok("127.0.0.1".into()));
    assert_eq!(host("https://[::1]:5/"), Ok("[::1]:5".into()));
    assert_eq!(host("smtp://SMTP.gmail.com:587"), Ok("smtp.gmail.com:587".into()));
    assert_eq!(host("imaps://imap.gmail.com:993/INBOX"), Ok("imap.gmail.com".into()));
}

#[test]
fn letters_outside_ascii_get_the_form_in_which_they_are_compared() {
    let letters = |text: &str| Err(Error::Letters(text.into()));
    for host_name in ["bücher.example", "BÜCHER.Example"] {
        assert_eq!(host(&format!("https://{host_name}/a")), letters("xn--bcher-kva.example"));
        assert_eq!(Target::from_host(host_name).map(|_| String::new()), letters("xn--bcher-kva.example"));
    }
    assert_eq!(host("https://me@münchen.de:8443/ä"), letters("xn--mnchen-3ya.de:8443"));
    assert_eq!(host("https://日本語.jp"), letters("xn--wgv71a119e.jp"));
    assert_eq!(host("https://xn--bcher-kva.example"), Ok("xn--bcher-kva.example".into()));
    for text in
        ["https://github.com/ä", "https://github。com", "https://ｇithub.com", "https://git hüb.com", "https://ü:x"]
    {
        assert_eq!(host(text), Err(Error::Byte), "{text}");
    }
}

#[test]
fn an_underscore_is_part_of_a_name() {
    assert_eq!(host("https://my_host.Example.com/"), Ok("my_host.example.com".into()));
    assert_eq!(host("https://_x.example.com/"), Ok("_x.example.com".into()));
}

#[test]
fn spellings_that_a_library_would_smooth_over_are_refused() {
    for url in [
        "https://GITHUB%2ecom/",
        "https:\\\\github.com",
        "https://git\thub.com",
        "https://ｇithub.com",
        "https://github.com./",
        "https://github..com",
        "https://.github.com",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://127.1/",
        "https://github.com:",
        "https://github.com:0443",
        "https://github.com:99999",
        "https://[::0001]/",
        "https://",
        "https:///github.com",
        "https:github.com",
        "https://user:pass@github.com",
        "https://github.com\r\n",
        "https://gíthub.com",
        "https://-github.com",
        "ftp://github.com",
        "github.com",
        "https://github.com\\@evil.net/",
    ] {
        assert!(host(url).is_err(), "{url} gave {:?}", host(url));
    }
}

#[test]
fn user_names_are_split_off_and_decoded() {
    let (target, user) = Target::from_url("https://me%40x.com@github.com/a?b#c").unwrap();
    assert_eq!(user.as_deref(), Some("me@x.com"));
    assert_eq!(target.to_string(), "https://github.com/a");
    assert_eq!(host("https://api.github.com@evil.net/"), Ok("evil.net".into()));
}

#[test]
fn path_prefixes_end_at_segments_and_tricks_match_none() {
    let below = |path: &str| {
        let target = Target::from_git("https", "www.googleapis.com", Some(path.as_bytes())).unwrap();
        target.is_below("/calendar", Case::Exact)
    };
    assert!(below("/calendar") && below("calendar/v3") && below("/calendar/"));
    for path in [
        "/calendars",
        "/",
        "/calendar/../drive",
        "//calendar",
        "/calendar//x",
        "/calendar/%2e%2E/drive",
        "/calendar%2fx",
        "/calendar\\x",
        "/./calendar",
        "/calendar/%5Cx",
        "/calendar/é",
    ] {
        assert!(!below(path), "{path}");
    }
}

#[test]
fn case_counts_where_it_is_said_to() {
    let target = |path: &str| Target::from_git("https", "github.com", Some(path.as_bytes())).unwrap();
    assert!(target("Acme/app").is_below("/acme", Case::Ignored));
    assert!(!target("Acme/app").is_below("/acme", Case::Exact));
    for path in ["acmé/app", "Acme-labs/app", "Acme/../x", "é"] {
        assert!(!target(path).is_below("/acme", Case::Ignored), "{path}");
    }
}

proptest! {
    #[test]
    fn printing_and_reading_again_changes_nothing(text in "((https?|smtps?|imaps)://)?[a-zA-Z0-9.:\\[\\]@%_/-]{0,40}") {
        if let Ok((target, _)) = Target::from_url(&text) {
            let again = Target::from_url(&target.to_string());
            prop_assert_eq!(again.map(|(t, _)| t), Ok(target));
        }
    }

    #[test]
    fn a_host_that_passes_is_what_the_url_library_reads(text in "\\PC{0,30}") {
        let url = format!("https://{text}/");
        if let Ok((target, _)) = Target::from_url(&url) {
            let parsed = Url::parse(&url).unwrap();
            prop_assert_eq!(parsed.host_str(), Some(target.authority.host.as_str()));
        }
    }
}
