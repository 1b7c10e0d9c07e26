//! What an account authenticates with.

use crate::secret::Secret;

/// What an account authenticates with: named values, such as `token` alone, or `username` and `password`, or the keys that a
/// provider chose. No value holds CR, LF or NUL; one that did is empty, and makes no request.
#[derive(Debug, Clone)]
pub struct Credential {
    /// What the account calls it.
    pub kind: CredentialKind,
    /// Name and value, in the order of the names.
    fields: Vec<(String, Secret<String>)>,
}

/// What kind of credential it is, where a provider leaves that open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialKind {
    /// A bearer token (RFC 6750).
    Bearer,
    /// An API key; in which header it travels is the provider's matter.
    ApiKey,
    /// A user name, with a password or alone.
    Basic,
}

/// The field of a token.
pub const TOKEN: &str = "token";
const USERNAME: &str = "username";
const PASSWORD: &str = "password";
/// The names under which accounts hold one token or key, those that a request wants first.
const KEYS: &[&str] = &[TOKEN, "bearer_token", "access_token", "api_key", "api_token", "apikey", "key"];
/// What stands beside a credential and says where it is good; such a value is no secret.
const PLACES: &[&str] = &[
    "account",
    "base_url",
    "company",
    "dc",
    "dd_site",
    "domain",
    "host",
    "instance",
    "instance_url",
    "region",
    "shop",
    "site",
    "site_content_url",
    "subdomain",
    "url",
    "version",
    "workspace",
];

impl Credential {
    /// A bearer token.
    pub fn bearer(token: Secret<String>) -> Self {
        Self { kind: CredentialKind::Bearer, fields: vec![(TOKEN.to_owned(), token)] }
    }

    /// What an account holds under names that its provider chose. `None` where there is nothing but what says where it is.
    pub fn of_fields(kind: Option<CredentialKind>, mut fields: Vec<(String, Secret<String>)>) -> Option<Self> {
        fields.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        let mut credential = Self { kind: CredentialKind::ApiKey, fields };
        credential.names().find(|name| !is_place(name))?;
        let has = |name: &str| credential.get(name).is_some();
        credential.kind = match kind {
            _ if credential.is_pair() => CredentialKind::Basic,
            Some(CredentialKind::Basic) if !has(USERNAME) => CredentialKind::ApiKey,
            Some(kind) => kind,
            None if KEYS[..3].iter().any(|name| has(name)) => CredentialKind::Bearer,
            None if credential.key().is_some() && KEYS.iter().all(|name| !has(name)) && has(USERNAME) => {
                CredentialKind::Basic
            }
            None => CredentialKind::ApiKey,
        };
        Some(credential)
    }

    /// The fields, in the order of their names.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &Secret<String>)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The fields' names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|(name, _)| name.as_str())
    }

    /// The value of this field.
    pub fn get(&self, name: &str) -> Option<&Secret<String>> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// The one token or key, by whatever name: the only secret there is, such as a user name alone, is one as well.
    pub fn key(&self) -> Option<&Secret<String>> {
        let named = KEYS.iter().find_map(|name| self.get(name));
        named.or_else(|| {
            let mut secrets = self.fields.iter().filter(|(name, _)| !is_place(name));
            // A password is the half of something.
            secrets.next().filter(|(name, _)| secrets.next().is_none() && name != PASSWORD).map(|(_, value)| value)
        })
    }

    /// User name and password, where it has both.
    pub fn pair(&self) -> Option<(&Secret<String>, &Secret<String>)> {
        self.get(USERNAME).zip(self.get(PASSWORD))
    }

    /// Whether it has a user name and a password.
    pub fn is_pair(&self) -> bool {
        self.pair().is_some()
    }

    /// The value that tells this credential from another one of the account: the password, the key or token, else the first
    /// secret there is.
    pub fn secret(&self) -> &Secret<String> {
        let pair = self.pair().map(|(_, password)| password);
        let is_one = |(name, value): &&(String, Secret<String>)| !is_place(name) && !value.expose().is_empty();
        let first = || self.fields.iter().find(is_one).map(|(_, value)| value);
        pair.or_else(|| self.key()).or_else(first).unwrap_or(&self.fields[0].1)
    }
}

/// Whether a field of this name is one token or key.
pub fn is_key(name: &str) -> bool {
    KEYS.contains(&name)
}

/// Whether a field of this name is a part of a credential in every account that has it.
pub fn is_known(name: &str) -> bool {
    is_key(name) || name == USERNAME || name == PASSWORD
}

/// Whether a field of this name says where a credential is good.
pub fn is_place(name: &str) -> bool {
    PLACES.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: Option<CredentialKind>, pairs: &[(&str, &str)]) -> Option<Credential> {
        let fields = pairs.iter().map(|(name, value)| ((*name).to_owned(), Secret::new((*value).to_owned())));
        Credential::of_fields(kind, fields.collect())
    }

    #[test]
    fn the_key_is_found_by_whatever_name() {
        let key = |pairs: &[(&str, &str)]| of(None, pairs)?.key().map(|key| key.expose().clone());
        for name in ["token", "bearer_token", "api_key", "username", "personal_access_token"] {
            assert_eq!(key(&[(name, "K"), ("domain", "acme.example.com")]).as_deref(), Some("K"), "{name}");
        }
        assert_eq!(key(&[("username", "u"), ("password", "p")]), None);
        assert_eq!(key(&[("pat_name", "n"), ("pat_secret", "s")]), None, "which of them is not known");
        assert_eq!(key(&[("username", "u"), ("private_key", "k")]), None, "a user name beside a secret is none");
        assert_eq!(key(&[("domain", "acme.example.com")]), None);
        assert_eq!(key(&[("password", "p")]), None, "the half of something");
        assert_eq!(key(&[("client_email", "x@y"), ("private_key", "")]), None, "what cannot be sent counts");
    }

    #[test]
    fn the_kind_is_what_the_account_says_as_far_as_its_fields_allow() {
        let kind = |kind, pairs: &[(&str, &str)]| of(kind, pairs).map(|credential| credential.kind);
        assert_eq!(kind(None, &[("token", "T")]), Some(CredentialKind::Bearer));
        assert_eq!(kind(None, &[("api_key", "K")]), Some(CredentialKind::ApiKey));
        assert_eq!(kind(None, &[("username", "K")]), Some(CredentialKind::Basic));
        assert_eq!(kind(Some(CredentialKind::Bearer), &[("username", "K")]), Some(CredentialKind::Bearer));
        assert_eq!(
            kind(Some(CredentialKind::ApiKey), &[("username", "u"), ("password", "p")]),
            Some(CredentialKind::Basic)
        );
        assert_eq!(kind(Some(CredentialKind::Basic), &[("api_key", "K")]), Some(CredentialKind::ApiKey));
        assert_eq!(kind(Some(CredentialKind::Basic), &[("domain", "acme.example.com")]), None);
    }
}
