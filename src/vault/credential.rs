//! What a connected account authenticates with, and the characters that may travel.

use super::text::Text;
use super::wire::AuthorizationDetails;
use crate::secret::Secret;
use crate::service::Credential;

/// Why an ACTIVE account yields no credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoCredential {
    /// The reply holds none.
    #[error("the environment does not return this account's credentials")]
    Withheld,
    /// AWS-style sessions, whose secret part Scalekit never returns.
    #[error("accounts of a trusted identity provider have no token")]
    TrustedIdp,
    /// The connection needs no credential.
    #[error("this connection needs no authentication, so there is no token")]
    NoAuth,
    /// Characters that no header or protocol line may carry.
    #[error("the credential holds characters that cannot be sent")]
    Malformed,
}

/// The credential among what the vault holds for an account.
pub(super) fn credential(
    details: AuthorizationDetails,
    authorization_type: Option<&str>,
) -> Result<Credential, NoCredential> {
    let AuthorizationDetails { oauth_token, static_auth, google_dwd, trusted_idp } = details;
    if trusted_idp.is_some() || authorization_type == Some("TRUSTED_IDP") {
        return Err(NoCredential::TrustedIdp);
    }
    let stored = static_auth.and_then(|auth| auth.details);
    let tokens = [
        oauth_token.and_then(|oauth| oauth.access_token.secret()),
        google_dwd.and_then(|dwd| dwd.access_token.secret()),
        stored.as_ref().and_then(|s| s.token.clone().secret()),
        stored.as_ref().and_then(|s| s.bearer_token.clone().secret()),
    ];
    if let Some(token) = tokens.into_iter().flatten().next() {
        return visible(token).map(Credential::Bearer);
    }
    if let Some(stored) = stored {
        if let Some(key) = stored.api_key.secret() {
            return visible(key).map(Credential::ApiKey);
        }
        if let (Some(username), Some(password)) = (stored.username.get(), stored.password.clone().secret()) {
            return basic(username, password);
        }
    }
    match authorization_type {
        Some("NO_AUTH") => Err(NoCredential::NoAuth),
        _ => Err(NoCredential::Withheld),
    }
}

fn visible(token: Secret<String>) -> Result<Secret<String>, NoCredential> {
    if is_visible_ascii(token.expose()) { Ok(token) } else { Err(NoCredential::Malformed) }
}

fn basic(username: &str, password: Secret<String>) -> Result<Credential, NoCredential> {
    let fits = |text: &str| !text.contains(['\r', '\n', '\0']);
    if fits(username) && fits(password.expose()) {
        let username = username.to_owned();
        Ok(Credential::Basic { username, password })
    } else {
        Err(NoCredential::Malformed)
    }
}

pub(super) fn is_visible_ascii(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| (0x21..=0x7e).contains(&b))
}

/// The client token in a reply of `/oauth/token`.
pub(super) fn bearer(text: Text) -> Option<Secret<String>> {
    text.secret().and_then(|token| visible(token).ok())
}
