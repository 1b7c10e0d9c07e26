//! Who is let in to the git server.

use std::collections::HashMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hyper::header::HeaderValue;

use super::Offers;

/// What a client sent along.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Presented {
    pub(super) scheme: Option<String>,
    pub(super) username: Option<String>,
    pub(super) token: Option<String>,
}

impl Presented {
    pub(super) fn read(authorization: Option<&str>) -> Presented {
        let Some((scheme, rest)) = authorization.and_then(|value| value.split_once(' ')) else {
            return Presented::default();
        };
        let (username, token) = if scheme.eq_ignore_ascii_case("basic") {
            let decoded = BASE64_STANDARD.decode(rest).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            let pair = decoded.as_deref().and_then(|text| text.split_once(':'));
            (pair.map(|(name, _)| name.to_owned()), pair.map(|(_, word)| word.to_owned()))
        } else {
            (None, Some(rest.to_owned()))
        };
        Presented { scheme: Some(scheme.to_owned()), username, token }
    }

    fn is(&self, scheme: &str) -> bool {
        self.scheme.as_deref().is_some_and(|given| given.eq_ignore_ascii_case(scheme))
    }
}

/// Says of a token whether it is good.
type Check = Box<dyn Fn(&str) -> bool + Send + Sync>;

/// The tokens that are good, each for ever or for so many requests.
pub(super) struct Door {
    tokens: HashMap<String, Option<u32>>,
    check: Option<Check>,
    username: Option<String>,
    realm: Vec<u8>,
}

impl Default for Door {
    fn default() -> Self {
        Door { tokens: HashMap::new(), check: None, username: None, realm: b"sandbox".to_vec() }
    }
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Door").field("tokens", &self.tokens).field("username", &self.username).finish_non_exhaustive()
    }
}

impl Door {
    pub(super) fn accept(&mut self, tokens: impl IntoIterator<Item = String>) {
        self.tokens = tokens.into_iter().map(|token| (token, None)).collect();
    }

    pub(super) fn accept_for(&mut self, token: &str, requests: u32) {
        self.tokens.insert(token.to_owned(), Some(requests));
    }

    pub(super) fn accept_if(&mut self, check: Check) {
        self.check = Some(check);
    }

    pub(super) fn require_username(&mut self, username: Option<String>) {
        self.username = username;
    }

    pub(super) fn name_realm(&mut self, realm: &[u8]) {
        self.realm = realm.to_vec();
    }

    /// Whether a request may come in; it uses up what is counted.
    pub(super) fn opens(&mut self, offers: Offers, presented: &Presented) -> bool {
        let basic = presented.is("Basic")
            && self.username.as_ref().is_none_or(|name| presented.username.as_ref() == Some(name));
        let right_kind = match offers {
            Offers::Nothing => return true,
            Offers::Basic => basic,
            Offers::Bearer => presented.is("Bearer"),
            Offers::Both => basic || presented.is("Bearer"),
        };
        let token = presented.token.as_deref().filter(|_| right_kind);
        if let (Some(token), Some(check)) = (token, &self.check)
            && check(token)
        {
            return true;
        }
        match token.and_then(|token| self.tokens.get_mut(token)) {
            None | Some(Some(0)) => false,
            Some(None) => true,
            Some(Some(left)) => {
                *left -= 1;
                true
            }
        }
    }

    /// The challenges of a refusal. `invalid_token` is said only to who sent a token, as RFC 6750 has it.
    pub(super) fn challenges(&self, offers: Offers, presented: &Presented) -> Vec<HeaderValue> {
        let error = if presented.is("Bearer") { ", error=\"invalid_token\"" } else { "" };
        let challenge = |scheme: &str, error: &str| {
            let text = [scheme.as_bytes(), b" realm=\"", &self.realm, b"\"", error.as_bytes()].concat();
            // A realm that no header can hold is left out.
            HeaderValue::from_bytes(&text).ok()
        };
        let (basic, bearer) = (|| challenge("Basic", ""), || challenge("Bearer", error));
        let offered = match offers {
            Offers::Basic => vec![basic()],
            Offers::Bearer => vec![bearer()],
            Offers::Both => vec![bearer(), basic()],
            Offers::Nothing => Vec::new(),
        };
        offered.into_iter().flatten().collect()
    }
}
