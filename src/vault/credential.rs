//! What a connected account authenticates with, and the characters that may travel.

use super::text::{Text, Texts};
use super::wire::AuthorizationDetails;
use crate::header::is_visible_ascii;
use crate::secret::Secret;
use crate::service::{Credential, CredentialKind, is_key, is_known};

/// Why an ACTIVE account yields no credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoCredential {
    /// The reply holds none.
    #[error("the environment does not return this account's credentials, it withholds them")]
    Withheld,
    /// AWS-style sessions, whose secret part Scalekit never returns.
    #[error("accounts of a trusted identity provider have no token")]
    TrustedIdp,
    /// Each request is signed with a secret that does not travel.
    #[error("its provider wants OAuth 1.0a, which signs each request anew, so there is no token to hand out")]
    OAuth1,
    /// The connection needs no credential.
    #[error("this connection needs no authentication, so there is no token")]
    NoAuth,
    /// Characters that no header or protocol line may carry.
    #[error("the credential holds characters that cannot be sent")]
    Malformed,
}

/// The credential among what the vault holds for an account. Which of several is taken is what `authorization_type` says.
pub(super) fn credential(
    details: AuthorizationDetails,
    authorization_type: Option<&str>,
) -> Result<Credential, NoCredential> {
    let AuthorizationDetails { oauth_token, static_auth, google_dwd, trusted_idp } = details;
    let oauth = oauth_token.and_then(|oauth| oauth.access_token.secret());
    let delegated = google_dwd.and_then(|dwd| dwd.access_token.secret());
    let stored = static_auth.map(|auth| auth.details);
    match authorization_type {
        Some("TRELLO_OAUTH1") => return Err(NoCredential::OAuth1),
        Some("TRUSTED_IDP") => return Err(NoCredential::TrustedIdp),
        Some("NO_AUTH") => return Err(NoCredential::NoAuth),
        _ => {}
    }
    let kind = match authorization_type {
        Some("API_KEY") => Some(CredentialKind::ApiKey),
        Some("BASIC" | "BASIC_AUTH") => Some(CredentialKind::Basic),
        Some("BEARER_TOKEN") => Some(CredentialKind::Bearer),
        _ => None,
    };
    let of_stored = || stored.map(|stored| of_fields(kind, stored)).transpose().map(Option::flatten);
    // A type of typed credentials puts them first, any other one the token.
    let token = match authorization_type {
        Some("GOOGLE_DWD") => delegated.or(oauth),
        _ => oauth.or(delegated),
    };
    let token = || token.map(|token| visible(token).map(Credential::bearer)).transpose();
    let found = match kind {
        Some(_) => of_stored()?.map_or_else(token, |found| Ok(Some(found)))?,
        None => token()?.map_or_else(of_stored, |found| Ok(Some(found)))?,
    };
    found.ok_or(if trusted_idp.is_some() { NoCredential::TrustedIdp } else { NoCredential::Withheld })
}

/// What was typed in, under the names that the provider chose. Of a name that only the provider knows, a value with a line's end
/// is for no header, such as a private key; it is empty then, so that nothing else passes for the only secret.
fn of_fields(kind: Option<CredentialKind>, details: Texts) -> Result<Option<Credential>, NoCredential> {
    let mut fields = Vec::new();
    for (name, value) in details.0 {
        let Some(value) = value.secret() else { continue };
        match is_one_line(value.expose()) && (!is_key(&name) || is_visible_ascii(value.expose())) {
            true if !name.is_empty() && is_one_line(&name) => fields.push((name, value)),
            false if is_known(&name) => return Err(NoCredential::Malformed),
            false if is_one_line(&name) => fields.push((name, Secret::new(String::new()))),
            _ => {}
        }
    }
    Ok(Credential::of_fields(kind, fields))
}

fn visible(token: Secret<String>) -> Result<Secret<String>, NoCredential> {
    if is_visible_ascii(token.expose()) { Ok(token) } else { Err(NoCredential::Malformed) }
}

fn is_one_line(text: &str) -> bool {
    !text.contains(['\r', '\n', '\0'])
}

/// The client token in a reply of `/oauth/token`.
pub(super) fn bearer(text: Text) -> Option<Secret<String>> {
    text.secret().and_then(|token| visible(token).ok())
}
