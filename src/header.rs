//! How a credential travels to a service: the request headers, as the provider wants them.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::catalogue::{Authentication, HeaderTemplate, KEY, Piece};
use crate::error::{Error as Shown, Kind};
use crate::secret::Secret;
use crate::service::{Credential, CredentialKind, Service, is_key};
use crate::suggest::Subject;

/// A request header that carries a credential.
#[derive(Debug)]
pub struct Header {
    /// `Authorization`, or the provider's own.
    pub name: String,
    /// What follows it.
    pub value: Secret<String>,
}

/// Why a credential makes no request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The provider's requests need a field that the account has not.
    #[error("its requests need the field {field}, and the account has {}", .has.join(", "))]
    Missing {
        /// The field, with others that would do instead.
        field: String,
        /// The account's fields.
        has: Vec<String>,
    },
    /// A value that no header may carry.
    #[error("its field {0} holds characters that cannot be sent")]
    Malformed(String),
    /// A call has to fetch another token first.
    #[error("its requests carry a token that a sign-in call with the account's fields gives first")]
    SignIn,
    /// A protocol for a user name and a password, or for one token, cannot carry it.
    #[error("its requests need the {}, and here is room for one value alone", needed(.0))]
    Several(Vec<String>),
}

impl Error {
    /// The error for the account of `service`; `subject` says whose it is.
    pub fn shown(self, service: &Service, subject: &Subject) -> Shown {
        let name = &service.name;
        let error = Shown::new(Kind::VaultRefused, format!("the account of {name} makes no request")).why(&self);
        match self {
            Self::Missing { .. } | Self::Malformed(_) => error.next(format!("{} to enter it again", subject.renew())),
            Self::SignIn => error.next(format!("let the vault make the call: {}", subject.call_by_vault())),
            Self::Several(_) => error.next(format!("{} prints them all", subject.header())),
        }
    }
}

impl Header {
    fn new(name: impl Into<String>, value: String) -> Self {
        Self { name: name.into(), value: Secret::new(value) }
    }

    /// The whole line without its end, such as `Authorization: Bearer TOKEN`.
    pub fn line(&self) -> Secret<String> {
        Secret::new(format!("{}: {}", self.name, self.value.expose()))
    }
}

/// All lines, without the end of the last one.
pub fn lines(headers: &[Header]) -> Secret<String> {
    let lines: Vec<Secret<String>> = headers.iter().map(Header::line).collect();
    Secret::new(lines.iter().map(|line| line.expose().as_str()).collect::<Vec<_>>().join("\n"))
}

/// The headers for a credential of `service`.
pub fn headers(service: &Service, credential: &Credential) -> Result<Vec<Header>, Error> {
    let templates = templates(service, credential)?;
    templates.headers().iter().map(|template| filled(template, credential)).collect()
}

/// The value of the one header `Authorization`, for protocols that carry no other.
pub fn authorization(service: &Service, credential: &Credential) -> Result<Secret<String>, Error> {
    let mut headers = headers(service, credential)?;
    match headers.pop() {
        Some(header) if headers.is_empty() && header.name.eq_ignore_ascii_case("authorization") => Ok(header.value),
        last => Err(Error::Several(headers.into_iter().chain(last).map(|header| header.name).collect())),
    }
}

/// User name and password, for protocols that carry them instead of a header. The name is `None` where the credential is one key
/// or token, which has no name of its own.
pub fn login(service: &Service, credential: &Credential) -> Result<(Option<String>, Secret<String>), Error> {
    let templates = templates(service, credential)?;
    match templates.headers() {
        [template] if template.is_basic() => {
            let pair = rendered(template, credential)?;
            let (username, password) = pair.expose().split_once(':').unwrap_or((pair.expose(), ""));
            Ok((Some(username.to_owned()), Secret::new(password.to_owned())))
        }
        [template] => {
            let key = match credential.key() {
                Some(key) => key.clone(),
                None => filled(template, credential)?.value,
            };
            Ok((None, key))
        }
        several => Err(Error::Several(several.iter().map(|template| template.name.to_string()).collect())),
    }
}

/// The provider's own headers, unless they have no place for what the account has: a token travels as Bearer then, and a user
/// name with its password as Basic.
fn templates(service: &Service, credential: &Credential) -> Result<Authentication, Error> {
    let known = service.known_authentication();
    if known == Some(Authentication::SignIn) {
        return Err(Error::SignIn);
    }
    let names = |wanted: &str| known.iter().flat_map(Authentication::headers).any(|header| uses(header, wanted));
    let is_used = |name: &str| names(name) || (credential.key().is_some() && names(KEY));
    // A key beside a user name has a place that nobody said.
    let is_unclear = !credential.is_pair() && credential.get("username").is_some() && credential.names().any(is_key);
    let pair = "Authorization: Basic base64({username}:{password})";
    let basic = || Authentication::parse(if is_unclear { pair } else { "Basic" }).unwrap_or(Authentication::BEARER);
    Ok(match &known {
        _ if credential.is_pair() && !names("password") => basic(),
        Some(_) if credential.kind == CredentialKind::Bearer && !credential.names().any(is_used) => {
            Authentication::BEARER
        }
        None if credential.kind == CredentialKind::Basic => basic(),
        Some(known) => known.clone(),
        None => Authentication::BEARER,
    })
}

fn uses(template: &HeaderTemplate, field: &str) -> bool {
    template.pieces().any(|piece| match piece {
        Piece::Blank { names, .. } => names.split('|').any(|name| name == field),
        Piece::Text(_) => false,
    })
}

fn filled(template: &HeaderTemplate, credential: &Credential) -> Result<Header, Error> {
    let text = rendered(template, credential)?;
    let value = match template.is_basic() {
        true => format!("Basic {}", BASE64_STANDARD.encode(text.expose())),
        false => text.expose().clone(),
    };
    Ok(Header::new(template.name.as_ref(), value))
}

/// The value with the account's fields in its blanks.
fn rendered(template: &HeaderTemplate, credential: &Credential) -> Result<Secret<String>, Error> {
    let longest: usize = credential.fields().map(|(_, value)| value.expose().len()).sum();
    // Large enough from the start, so that no copy is left behind by growing.
    let mut text = String::with_capacity(template.value.len() + longest * template.pieces().count());
    for piece in template.pieces() {
        match piece {
            Piece::Text(plain) => text.push_str(plain),
            Piece::Blank { names, default } => {
                let field = |name: &str| if name == KEY { credential.key() } else { credential.get(name) };
                match (names.split('|').find_map(field), default) {
                    (Some(value), _) if !may_stand(template, names, value.expose()) => {
                        return Err(Error::Malformed(names.replace('|', " or ")));
                    }
                    (Some(value), _) => text.push_str(value.expose()),
                    (None, Some(default)) => text.push_str(default),
                    (None, None) => {
                        let field = names.replace('|', " or ");
                        return Err(Error::Missing { field, has: credential.names().map(str::to_owned).collect() });
                    }
                }
            }
        }
    }
    Ok(Secret::new(text))
}

/// Whether a value may stand in a blank of these names: a user name has no colon, which would end it (RFC 7617, 2).
fn may_stand(template: &HeaderTemplate, names: &str, value: &str) -> bool {
    match template.is_basic() {
        true => names.split('|').next() != Some("username") || !value.contains(':'),
        false => is_visible_ascii(value),
    }
}

fn needed(names: &[String]) -> String {
    format!("{} {}", if names.len() == 1 { "header" } else { "headers" }, names.join(" and "))
}

/// Whether a header may carry it as it is.
pub fn is_visible_ascii(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| (0x21..=0x7e).contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::Origin;

    fn credential(pairs: &[(&str, &str)]) -> Credential {
        let fields = pairs.iter().map(|(name, value)| ((*name).to_owned(), Secret::new((*value).to_owned())));
        Credential::of_fields(None, fields.collect()).unwrap()
    }

    fn lines(service: &Service, credential: &Credential) -> Result<Vec<String>, Error> {
        let headers = headers(service, credential)?;
        Ok(headers.iter().map(|header| header.line().expose().clone()).collect())
    }

    fn basic(pair: &str) -> String {
        format!("Authorization: Basic {}", BASE64_STANDARD.encode(pair))
    }

    #[test]
    fn each_provider_gets_its_own_headers() {
        let of = |name: &str, pairs: &[(&str, &str)]| {
            lines(&Service::new(name, "c", Origin::User), &credential(pairs)).unwrap().join(" | ")
        };
        assert_eq!(of("notion", &[("token", "T")]), "Authorization: Bearer T");
        assert_eq!(of("brave", &[("api_key", "T")]), "X-Subscription-Token: T");
        assert_eq!(of("zohocrm", &[("token", "T")]), "Authorization: Zoho-oauthtoken T");
        assert_eq!(of("mailgun", &[("api_key", "T")]), basic("api:T"));
        assert_eq!(of("freshdesk", &[("username", "K"), ("domain", "acme.freshdesk.com")]), basic("K:X"));
        assert_eq!(of("freshdesk", &[("api_key", "K")]), basic("K:X"));
        assert_eq!(of("devinmcp", &[("username", "K")]), "Authorization: Bearer K");
        assert_eq!(of("brave", &[("username", "u"), ("password", "T")]), basic("u:T"));
        assert_eq!(
            of("zendesk", &[("token", "T")]),
            "Authorization: Bearer T",
            "its accounts may hold a token instead"
        );
        assert_eq!(of("zendesk", &[("username", "me"), ("api_key", "K")]), basic("me/token:K"));
        assert_eq!(of("zendesk", &[("username", "me"), ("password", "K")]), basic("me/token:K"));
        assert_eq!(of("datadog", &[("api_key", "K"), ("app_key", "A")]), "DD-API-KEY: K | DD-APPLICATION-KEY: A");
        assert_eq!(of("clari_copilot", &[("api_key", "K"), ("api_password", "P")]), "X-Api-Key: K | X-Api-Password: P");
    }

    #[test]
    fn a_service_that_no_row_knows_gets_what_its_account_suggests() {
        let of = |pairs: &[(&str, &str)]| {
            lines(&Service::new("acme", "c", Origin::User), &credential(pairs)).map(|lines| lines.join(" | "))
        };
        assert_eq!(of(&[("api_key", "K")]).unwrap(), "Authorization: Bearer K");
        assert_eq!(of(&[("username", "K")]).unwrap(), basic("K:"));
        assert_eq!(of(&[("secret_token", "K")]).unwrap(), "Authorization: Bearer K");
        let mut unclear = credential(&[("username", "me"), ("api_key", "K")]);
        unclear.kind = CredentialKind::Basic;
        assert!(lines(&Service::new("acme", "c", Origin::User), &unclear).is_err(), "nobody said where the key goes");
        let has = vec!["pat_name".to_owned(), "pat_secret".to_owned()];
        let missing = Error::Missing { field: "key".to_owned(), has };
        assert_eq!(of(&[("pat_name", "n"), ("pat_secret", "s")]), Err(missing));
    }

    #[test]
    fn what_is_missing_and_what_cannot_be_sent_is_named() {
        let of = |name: &str, pairs: &[(&str, &str)]| {
            lines(&Service::new(name, "c", Origin::User), &credential(pairs)).unwrap_err().to_string()
        };
        let missing = of("datadog", &[("api_key", "K"), ("dd_site", "datadoghq.eu")]);
        assert_eq!(missing, "its requests need the field app_key, and the account has api_key, dd_site");
        assert!(of("datadog", &[("api_key", "K K"), ("app_key", "A")]).contains("api_key"));
        assert!(of("tableau", &[("pat_name", "n"), ("pat_secret", "s")]).contains("sign-in"));
    }

    #[test]
    fn what_the_environment_says_counts_where_there_is_no_row() {
        let line = |auth: &str, pairs: &[(&str, &str)]| {
            let mut service = Service::new("acme", "c", Origin::User);
            service.learned.auth = Some(auth.into());
            lines(&service, &credential(pairs)).unwrap().join(" | ")
        };
        assert_eq!(line("X-Key: k=", &[("api_key", "T")]), "X-Key: k=T");
        assert_eq!(line("Authorization: Basic base64({username}:{password=X})", &[("username", "K")]), basic("K:X"));
        assert_eq!(line("x-token: Bearer {token}", &[("token", "T")]), "x-token: Bearer T");
    }

    #[test]
    fn a_protocol_for_one_value_gets_it_or_learns_which_there_are() {
        let of = |name: &str, pairs: &[(&str, &str)]| {
            let login = login(&Service::new(name, "c", Origin::User), &credential(pairs));
            login.map(|(username, password)| (username, password.expose().clone()))
        };
        assert_eq!(of("github", &[("token", "T")]), Ok((None, "T".into())));
        assert_eq!(of("acme", &[("username", "u"), ("password", "p:q")]), Ok((Some("u".into()), "p:q".into())));
        assert_eq!(of("zendesk", &[("username", "u"), ("password", "p")]), Ok((Some("u/token".into()), "p".into())));
        let several = vec!["DD-API-KEY".to_owned(), "DD-APPLICATION-KEY".to_owned()];
        assert_eq!(of("datadog", &[("api_key", "K"), ("app_key", "A")]), Err(Error::Several(several)));
    }
}
