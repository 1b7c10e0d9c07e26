//! The host check: what passes is what the text spells, and reads back the same; patterns match no look-alike.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scalekit_auth::resolve::{Pattern, Target};

fuzz_target!(|text: &str| {
    if let Ok((target, _)) = Target::from_url(text) {
        assert!(text.to_ascii_lowercase().contains(&target.authority.host));
        assert!(target.authority.host.is_ascii());
        assert_eq!(Target::from_url(&target.to_string()).unwrap().0, target);
        let github = Pattern::parse("github.com").unwrap();
        assert_eq!(github.claims_host(&target), target.authority.to_string() == "github.com" && text[..5].eq_ignore_ascii_case("https"));
    }
    if let Ok(pattern) = Pattern::parse(text) {
        assert_eq!(Pattern::parse(&pattern.to_string()), Ok(pattern));
    }
});
