//! The host check: what passes is what the text spells, and reads back the same; patterns match no look-alike.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scalekit_auth::service::Pattern;
use scalekit_auth::target::Target;

fuzz_target!(|text: &str| {
    if let Ok((target, _)) = Target::from_url(text) {
        assert!(text.to_ascii_lowercase().contains(&target.authority.host));
        assert!(target.authority.host.is_ascii());
        assert_eq!(Target::from_url(&target.to_string()).unwrap().0, target);
        let (spelled, _) = text.split_once("://").unwrap();
        assert!(spelled.eq_ignore_ascii_case(target.scheme.name()));
        for scheme in ["https", "smtp", "smtps", "imaps"] {
            let github = Pattern::parse(&format!("{scheme}://github.com")).unwrap();
            let is_github = target.authority.to_string() == "github.com" && spelled.eq_ignore_ascii_case(scheme);
            assert_eq!(github.claims_host(&target), is_github);
        }
    }
    if let Ok(pattern) = Pattern::parse(text) {
        assert_eq!(Pattern::parse(&pattern.to_string()), Ok(pattern));
    }
});
