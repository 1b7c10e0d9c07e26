//! What is shown of a text that somebody gave us: of a URL neither user name, password, query nor fragment, and of nothing else what
//! has the form of a token. Whoever quotes such a text in a message asks here.

use std::borrow::Cow;

use crate::error::is_unsafe_on_screen;

/// Stands for what is not shown.
const HIDDEN: &str = "[...]";

/// How the tokens of well-known makers begin.
const TOKEN_PREFIXES: [&str; 18] = [
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "gldt-",
    "glrt-",
    "gloas-",
    "glcbt-",
    "xapp-",
    "ya29.",
    "npm_",
    "pypi-",
    "dckr_pat_",
    "hvs.",
    "eyJ",
];
/// From this length on a text of letters and digits may be a token of any maker.
const TOKEN_LENGTH: usize = 20;
/// No name of a service or host that somebody types is longer.
const LONGEST_NAME: usize = 100;
/// How what names a secret ends.
const SECRET_NAMES: [&str; 8] = ["token", "secret", "password", "passwd", "pass", "key", "authorization", "credential"];

/// A URL, or the host and path of one. What is neither, and so may be anything that came to the wrong place, is not shown.
pub fn url(text: &str) -> String {
    let shown = match text.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme) => {
            // A file's URL names no host.
            let rest = behind_scheme(rest, |host| is_host(host) || rest.starts_with('/'));
            Some(format!("{scheme}://{}", rest.as_deref().unwrap_or(HIDDEN)))
        }
        _ => behind_scheme(text, is_plain_host),
    };
    shown.unwrap_or_else(|| HIDDEN.to_owned())
}

/// What was given where a service, a host or a URL belongs: what can be a name is shown as it was typed.
pub fn place(text: &str) -> Cow<'_, str> {
    let first = text.split(['/', ':']).next().unwrap_or_default();
    let is_name = text.len() <= LONGEST_NAME
        && !text.contains("://")
        && !text.contains(['@', '?', '#', '='])
        && (!is_token(text) || is_plain_host(first));
    if is_name { text.into() } else { url(text).into() }
}

/// A user name, in whose place people put tokens.
pub fn name(text: &str) -> &str {
    if is_token(text) { HIDDEN } else { text }
}

/// A text of another program's or server's: its URLs as [`url`] shows them, without what has the form of a token, and without what
/// is called a secret there.
pub fn foreign(text: &str) -> String {
    let text: String = text.split_inclusive(char::is_whitespace).map(with_plain_urls).collect();
    let mut shown = String::new();
    let (mut name, mut rest) = ("", text.as_str());
    loop {
        let (gap, behind) = rest.split_at(rest.find(is_of_word).unwrap_or(rest.len()));
        shown.push_str(gap);
        if behind.is_empty() {
            return shown;
        }
        let ends_word = |c: char| !is_of_word(c);
        let ends_value = |c: char| c.is_whitespace() || "\"'&,;<>)}".contains(c);
        let is_value = is_value_of(name, gap);
        let end = if is_value { behind.find(ends_value) } else { behind.find(ends_word) };
        let (word, behind) = behind.split_at(end.unwrap_or(behind.len()));
        let is_sent = ["bearer", "basic"].contains(&name.to_ascii_lowercase().as_str())
            && gap == " "
            && word.bytes().any(|byte| byte.is_ascii_digit());
        match is_value || is_sent {
            true => shown.push_str(HIDDEN),
            false => shown.push_str(&plain_word(word)),
        }
        (name, rest) = (word, behind);
    }
}

/// JSON in which what would move the cursor or reorder text stands as an escape: a terminal shows it, and a reader still gets it.
pub fn json(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe_on_screen) {
        return text.into();
    }
    // Outside of texts JSON has none of these but the ends of lines.
    let escaped = |c: char| match c {
        c if is_unsafe_on_screen(c) && !"\n\r\t".contains(c) => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    };
    text.chars().map(escaped).collect::<String>().into()
}

/// Whether a text begins as the tokens of some maker do.
pub fn is_known_token(text: &str) -> bool {
    let is_slack = || text.strip_prefix("xox").is_some_and(|rest| rest.as_bytes().get(1) == Some(&b'-'));
    TOKEN_PREFIXES.iter().any(|prefix| text.len() > prefix.len() && text.starts_with(prefix)) || is_slack()
}

/// Whether a text has the form of a token.
pub fn is_token(text: &str) -> bool {
    let is_long = text.len() >= TOKEN_LENGTH && text.chars().all(|c| is_of_word(c) || c == '=');
    let has = |is: fn(&u8) -> bool| text.as_bytes().iter().any(is);
    is_known_token(text)
        || (is_long && has(u8::is_ascii_alphabetic) && has(u8::is_ascii_digit) && !is_id_of_scalekit(text))
}

/// What stands behind `://`: the host, if it is one, and the path. `None` where it is not clear what is which, as where a password holds
/// what ends a host.
fn behind_scheme(rest: &str, is_host: impl Fn(&str) -> bool) -> Option<String> {
    let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (user, place) = authority.rsplit_once('@').map_or((None, authority), |(user, place)| (Some(user), place));
    let (host, port) = match place.rfind(':') {
        Some(at) if !place[at..].contains(']') => (&place[..at], &place[at + 1..]),
        _ => (place, ""),
    };
    let is_clear = !tail.contains('@') || (user.is_none_or(|user| !user.contains(':')) && place.contains('.'));
    if !is_clear || !is_host(host) || !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let user = user.map_or(String::new(), |_| format!("{HIDDEN}@"));
    let (path, more) = tail.split_at(tail.find(['?', '#']).unwrap_or(tail.len()));
    let more = more.chars().next().map_or(String::new(), |mark| format!("{mark}{HIDDEN}"));
    Some(format!("{user}{place}{}{more}", each_segment(path, is_known_token)))
}

fn each_segment(path: &str, is_hidden: impl Fn(&str) -> bool) -> String {
    let shown = |segment| if is_hidden(segment) { HIDDEN } else { segment };
    path.split('/').map(shown).collect::<Vec<_>>().join("/")
}

fn with_plain_urls(piece: &str) -> String {
    let Some(at) = piece.find("://") else { return piece.to_owned() };
    let scheme = piece[..at].char_indices().rev().take_while(|(_, c)| is_of_scheme(*c)).last();
    let start = scheme.map_or(at, |(start, _)| start);
    let ends = |c: char| c.is_whitespace() || "\"<>".contains(c);
    let end = piece[at..].find(ends).map_or(piece.len(), |end| at + end);
    format!("{}{}{}", &piece[..start], url(&piece[start..end]), with_plain_urls(&piece[end..]))
}

/// A word of another's text. What has slashes is a path, or base64.
fn plain_word(word: &str) -> Cow<'_, str> {
    let is_hidden = |part: &str| is_token(part.trim_end_matches('.')) && !is_plain_host(part.trim_end_matches('.'));
    let has = |is: fn(&u8) -> bool| word.as_bytes().iter().any(is);
    let is_path = word.starts_with(['/', '.', '~']);
    let is_mixed = has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit);
    match word.contains('/') {
        false if is_hidden(word) => HIDDEN.into(),
        true if !is_path && is_mixed && is_hidden(word) => HIDDEN.into(),
        true => each_segment(word, is_hidden).into(),
        false => word.into(),
    }
}

/// Whether a field of this name holds a secret.
pub fn names_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_NAMES.iter().any(|secret| name.ends_with(secret))
}

/// Whether what follows `name` and then `gap` is the value of a secret: `password=`, `"token":"`.
fn is_value_of(name: &str, gap: &str) -> bool {
    (gap.contains('=') || (gap.contains(':') && gap.contains(['"', '\'']))) && names_secret(name)
}

/// `org_24834495392086178` and the like open nothing, and are what support asks for.
fn is_id_of_scalekit(text: &str) -> bool {
    text.split_once('_').is_some_and(|(kind, number)| {
        (1..=8).contains(&kind.len())
            && kind.bytes().all(|byte| byte.is_ascii_lowercase())
            && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

fn is_scheme(text: &str) -> bool {
    (1..=16).contains(&text.len())
        && text.chars().all(is_of_scheme)
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
}

fn is_of_scheme(c: char) -> bool {
    c.is_ascii_alphanumeric() || "+-.".contains(c)
}

fn is_of_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_-.~+/".contains(c)
}

/// Whether a text behind `://` can be meant as a host, spelled wrongly or not.
fn is_host(text: &str) -> bool {
    let is_of_host = |c: char| c.is_alphanumeric() || "-_.:[]*%".contains(c);
    !text.is_empty() && text.chars().all(is_of_host) && !is_known_token(text)
}

/// Whether a text is a host and nothing else, by its form alone: names in lower case with dots, the last one of letters.
fn is_plain_host(text: &str) -> bool {
    let is_of_label = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_label = |label: &str| !label.is_empty() && label.bytes().all(is_of_label) && !is_token(label);
    let ends_as_name = |end: &str| end.len() > 1 && end.bytes().all(|byte| byte.is_ascii_lowercase());
    text.split('.').all(is_label) && text.rsplit_once('.').is_some_and(|(_, end)| ends_as_name(end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn of_a_url_only_what_leads_to_it_is_shown() {
        for (text, shown) in [
            ("https://github.com/a", "https://github.com/a"),
            ("https://ada:hunter2@x@github.com/a", "https://[...]@github.com/a"),
            ("https://ghp_1@github.com", "https://[...]@github.com"),
            ("https://h.com/a?k=SECRET#SECRET", "https://h.com/a?[...]"),
            ("https://h.com#SECRET@h.com", "https://h.com#[...]"),
            ("https://u:SECRET@h.com/?k=SECRET@x", "https://[...]"),
            ("https://u:SEC/RET@h.com/a", "https://[...]"),
            ("https://u:SEC?RET@h.com/a", "https://[...]"),
            ("https://u:1?RET@h", "https://[...]"),
            ("https://u:SECRET", "https://[...]"),
            ("https://medium.com/@ada", "https://medium.com/@ada"),
            ("http://[::1]:8080/a", "http://[::1]:8080/a"),
            ("https://h.com:99999/a", "https://h.com:99999/a"),
            ("https://b\u{fc}cher.de/a", "https://b\u{fc}cher.de/a"),
            ("https://h.com/ghp_SECRET/a", "https://h.com/[...]/a"),
            ("h.com/a?k=SECRET", "h.com/a?[...]"),
            ("u:SECRET@h.com/a", "[...]@h.com/a"),
            ("acme.scalekit.com", "acme.scalekit.com"),
            ("file:///etc/passwd", "file:///etc/passwd"),
            ("file:///u:SECRET@h.com", "file://[...]"),
            ("https:///?k=SECRET", "https:///?[...]"),
            ("SECRET", "[...]"),
            ("SECRET.word", "[...]"),
            ("eyJhbGci.eyJzdWIi.c2ln", "[...]"),
            ("SECRET://h.com", "SECRET://h.com"),
            ("SEC RET://h.com", "[...]"),
        ] {
            assert_eq!(url(text), shown, "{text}");
        }
    }

    #[test]
    fn a_name_is_shown_as_it_was_typed_and_a_token_is_not() {
        for text in ["gihub", "GitHub!", "a b", "github.com:x", "api.acme-2024-prod.example.com/a"] {
            assert_eq!(place(text), text);
        }
        for text in ["ghp_SECRET", "a=SECRET", "x?SECRET", "https://SECRET@h.com", &"x".repeat(200)] {
            assert!(!place(text).contains("SECRET") && place(text).len() < 100, "{text}");
        }
        for token in ["ghp_x", "gho_x", "github_pat_x", "glpat-x", "xoxb-x", "abcdefghij0123456789", "eyJhbGci.x"] {
            assert_eq!(name(token), HIDDEN);
        }
        for text in ["ada", "ada@example.com", "ada.lovelace", "org_24834495392086178", "01234567890123456789"] {
            assert_eq!(name(text), text);
        }
    }

    #[test]
    fn the_text_of_others_stays_useful_and_shows_no_token() {
        for text in [
            "[ERROR] 2026/01/31 08:00:00 no item \"scalekit\" in the vault Private",
            "gpg: public key decryption failed: No secret key",
            "permission denied on https://vault.acme1.example.com:8200/v1/secret/data/app (code 403)",
            "token: expired; the bearer token is invalid",
            "INTERNAL_ERROR: no account ca_24834495392086178 of conn_24834495392086178",
            "/run/secrets/scalekit/2026: No such file",
        ] {
            assert_eq!(foreign(text), text);
        }
        for (text, shown) in [
            ("bad token gho_SECRET.", "bad token [...]"),
            ("bad 'abcdefghij0123456789'", "bad '[...]'"),
            ("{\"access_token\":\"SEC!RET\",\"a\":1}", "{\"access_token\":\"[...]\",\"a\":1}"),
            ("password=SEC!RET&x=1", "password=[...]&x=1"),
            ("Authorization: Bearer SECRET1", "Authorization: Bearer [...]"),
            ("GET https://u:SECRET@h.com/a?k=SECRET: 401", "GET https://[...]@h.com/a?[...] 401"),
            ("key wJalrXUtnFEMI/K7MDENG/bPxRfiCYSECRET", "key [...]"),
        ] {
            assert_eq!(foreign(text), shown);
        }
    }

    proptest! {
        #[test]
        fn nothing_of_a_url_but_its_place_is_shown(before in "[a-z:@%!]{0,6}", after in "[a-z:@/?#&=%!]{0,8}", has_user: bool) {
            let user = if has_user { format!("{before}SECRET{before}@") } else { String::new() };
            let shown = url(&format!("https://{user}h.com/a?{after}SECRET{after}"));
            prop_assert!(!shown.contains("SECRET"), "{}", shown);
        }

        #[test]
        fn a_token_is_shown_nowhere(before in "\\PC{0,20}", after in "( \\PC{0,20})?") {
            let text = format!("{before} ghp_SECRET{after}");
            prop_assert!(!foreign(&text).contains("SECRET"), "{}", foreign(&text));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[\\PC\n]{0,60}") {
            let (_, _, _) = (url(&text), place(&text), foreign(&text));
        }
    }
}
