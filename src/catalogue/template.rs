//! The headers of a request as text with blanks, which an account's fields fill in: `Authorization: Basic
//! base64({username}/token:{password|api_key})`.

use std::borrow::Cow;

/// One header. Of a value `Basic base64(…)` what stands in the brackets is a user name, a colon and a password (RFC 7617).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderTemplate {
    /// The header's name.
    pub name: Cow<'static, str>,
    /// What follows it, with blanks: `{field}`, `{field|other}` for the first of them that the account has, `{field=text}` for a
    /// text where it has none. The field `key` is the account's one key or token, whatever its name.
    pub value: Cow<'static, str>,
}

/// How requests of a provider carry a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authentication {
    /// In these headers.
    Headers(Cow<'static, [HeaderTemplate]>),
    /// In a token that a call with the credential has to fetch first.
    SignIn,
}

/// A part of a template's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Stands for itself.
    Text(&'a str),
    /// The first of these fields that the account has, else the default.
    Blank {
        /// The fields' names.
        names: &'a str,
        /// What stands there where the account has none of them.
        default: Option<&'a str>,
    },
}

/// The name of the blank for an account's one key or token.
pub const KEY: &str = "key";

const BASIC: (&str, &str) = ("Basic base64(", ")");
const BEARER: &[HeaderTemplate] =
    &[HeaderTemplate { name: Cow::Borrowed("Authorization"), value: Cow::Borrowed("Bearer {key}") }];

impl HeaderTemplate {
    /// Reads `Name: value`. `None` if the name is none, a brace is left open, or a character has no place in a header.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, value) = text.split_once(": ")?;
        let template = Self { name: name.to_owned().into(), value: value.to_owned().into() };
        template.is_valid().then_some(template)
    }

    /// Whether it can be sent: names of letters, digits, `-` and `_`, values of visible characters and spaces, closed blanks.
    pub fn is_valid(&self) -> bool {
        let is_name = |text: &str, more: &[u8]| {
            !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || more.contains(&b))
        };
        is_name(&self.name, b"-_")
            && self.value.bytes().all(|b| (0x20..=0x7e).contains(&b))
            && self.pieces().all(|piece| match piece {
                Piece::Text(text) => !text.contains(['{', '}']),
                Piece::Blank { names, default } => {
                    names.split('|').all(|name| is_name(name, b"-_"))
                        && !default.is_some_and(|text| text.contains(['{', '}']))
                }
            })
    }

    /// Whether it carries user name and password (RFC 7617).
    pub fn is_basic(&self) -> bool {
        self.pair().is_some()
    }

    fn pair(&self) -> Option<&str> {
        self.value.strip_prefix(BASIC.0)?.strip_suffix(BASIC.1)
    }

    /// The parts of the value, or of what is in the brackets.
    pub fn pieces(&self) -> impl Iterator<Item = Piece<'_>> {
        let mut rest = self.pair().unwrap_or(&self.value);
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            if let Some(blank) = rest.strip_prefix('{')
                && let Some((inside, after)) = blank.split_once('}')
            {
                rest = after;
                let (names, default) = inside.split_once('=').map_or((inside, None), |(n, text)| (n, Some(text)));
                return Some(Piece::Blank { names, default });
            }
            // A brace that nothing closes stays in the text, where `is_valid` finds it.
            let end = rest.char_indices().skip(1).find(|(_, c)| *c == '{').map_or(rest.len(), |(at, _)| at);
            let (text, after) = rest.split_at(end);
            rest = after;
            Some(Piece::Text(text))
        })
    }

    /// The line as it looks, with the fields' names in upper case in their places.
    pub fn sketch(&self) -> String {
        let pieces = self.pieces().map(|piece| match piece {
            Piece::Text(text) => text.to_owned(),
            Piece::Blank { names, .. } => match names.split('|').next().unwrap_or_default() {
                KEY => "TOKEN".to_owned(),
                name => name.to_ascii_uppercase(),
            },
        });
        let scheme = if self.is_basic() { "Basic " } else { "" };
        format!("{}: {scheme}{}", self.name, pieces.collect::<String>())
    }
}

impl Authentication {
    /// RFC 6750, 2.1.
    pub const BEARER: Self = Self::Headers(Cow::Borrowed(BEARER));

    /// Reads what `sync` keeps: a header with blanks, or, as older versions wrote it, `Basic` or a header without a blank, which
    /// the key follows.
    pub fn parse(text: &str) -> Option<Self> {
        let template = match text {
            "Basic" => HeaderTemplate::parse("Authorization: Basic base64({username|key}:{password=})"),
            _ if text.contains('{') => HeaderTemplate::parse(text),
            _ => HeaderTemplate::parse(&format!("{text}{{{KEY}}}")),
        };
        Some(Self::Headers(vec![template?].into()))
    }

    /// The headers; none for a provider that wants a call first.
    pub fn headers(&self) -> &[HeaderTemplate] {
        match self {
            Self::Headers(headers) => headers,
            Self::SignIn => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_is_taken_apart_at_its_blanks() {
        let template =
            HeaderTemplate::parse("Authorization: Basic base64({username}/token:{password|api_key=x})").unwrap();
        assert!(template.is_basic());
        let blank = |names, default| Piece::Blank { names, default };
        assert_eq!(
            template.pieces().collect::<Vec<_>>(),
            [blank("username", None), Piece::Text("/token:"), blank("password|api_key", Some("x"))]
        );
        assert_eq!(template.sketch(), "Authorization: Basic USERNAME/token:PASSWORD");
        assert_eq!(HeaderTemplate::parse("X-Key: {key}").unwrap().sketch(), "X-Key: TOKEN");
        assert!(!HeaderTemplate::parse("Authorization: Basic {key}").unwrap().is_basic(), "encoded already");
    }

    #[test]
    fn what_could_change_the_request_is_no_template() {
        for text in [
            "X-Key {key}",
            "X Key: {key}",
            ": {key}",
            "A: {key",
            "A: key}",
            "A: {}",
            "A: {a b}",
            "A: \r\n{key}",
            "A: {a={}",
        ] {
            assert_eq!(HeaderTemplate::parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_older_versions_kept_is_still_read() {
        let sketch = |text: &str| Authentication::parse(text).unwrap().headers()[0].sketch();
        assert_eq!(sketch("X-Key: k="), "X-Key: k=TOKEN");
        assert_eq!(sketch("Authorization: "), "Authorization: TOKEN");
        assert_eq!(sketch("Basic"), "Authorization: Basic USERNAME:PASSWORD");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_and_what_is_read_is_one_line(text in "\\PC{0,30}|[A-Z]: [{}a-z|=: ]{0,20}") {
            if let Some(template) = HeaderTemplate::parse(&text) {
                prop_assert!(!template.sketch().contains(['\r', '\n']));
            }
        }
    }
}
