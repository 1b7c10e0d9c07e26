//! Scalekit's JSON, read tolerantly: both ways of writing an absent field (left out; empty, zero, null or 1970), snake and
//! camel case, and unknown fields (scalekit-api.md, section 0). Values that are secrets go straight into a
//! [`Secret`](crate::secret::Secret); a refresh token is never taken out of the reply at all.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::text::{Text, Texts};
use crate::secret::Secret;
use crate::shown;

/// Reply of `POST /oauth/token` (RFC 6749, 5.1).
#[derive(Debug, Deserialize)]
pub(super) struct TokenReply {
    #[serde(default)]
    pub access_token: Text,
    #[serde(default)]
    pub expires_in: Option<i64>,
    #[serde(default)]
    pub scope: Text,
}

/// Reply of the routes that return one connected account.
#[derive(Debug, Deserialize)]
pub(super) struct AccountReply {
    #[serde(alias = "connectedAccount", default)]
    pub connected_account: Option<Account>,
}

/// Reply of `GET /api/v1/connected_accounts`.
#[derive(Debug, Deserialize)]
pub(super) struct AccountsReply {
    #[serde(alias = "connectedAccounts", default)]
    pub connected_accounts: Option<Vec<Account>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Account {
    #[serde(default)]
    pub id: Text,
    #[serde(alias = "isOrgWideCredential", default)]
    pub is_org_wide_credential: Option<bool>,
    #[serde(default)]
    pub status: Text,
    #[serde(alias = "authorizationType", default)]
    pub authorization_type: Text,
    #[serde(alias = "authorizationDetails", default)]
    pub authorization_details: Option<AuthorizationDetails>,
    #[serde(alias = "tokenExpiresAt", default)]
    pub token_expires_at: Text,
    #[serde(alias = "updatedAt", default)]
    pub updated_at: Text,
    #[serde(alias = "lastUsedAt", default)]
    pub last_used_at: Text,
    #[serde(alias = "apiConfig", default)]
    pub api_config: Texts,
}

/// The oneof of `authorization_details`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct AuthorizationDetails {
    #[serde(alias = "oauthToken", default)]
    pub oauth_token: Option<OauthToken>,
    #[serde(alias = "staticAuth", default)]
    pub static_auth: Option<StaticAuth>,
    #[serde(alias = "googleDwd", default)]
    pub google_dwd: Option<GoogleDwd>,
    #[serde(alias = "trustedIdp", default)]
    pub trusted_idp: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
pub(super) struct OauthToken {
    #[serde(alias = "accessToken", default)]
    pub access_token: Text,
    #[serde(default)]
    pub domain: Text,
}

#[derive(Debug, Deserialize)]
pub(super) struct GoogleDwd {
    #[serde(alias = "accessToken", default)]
    pub access_token: Text,
    #[serde(alias = "tokenExpiresAt", default)]
    pub token_expires_at: Text,
}

#[derive(Debug, Deserialize)]
pub(super) struct StaticAuth {
    /// Names that the provider's `auth_patterns` choose.
    #[serde(default)]
    pub details: Texts,
}

/// Reply of `POST /api/v1/connected_accounts/magic_link`.
#[derive(Debug, Deserialize)]
pub(super) struct LinkReply {
    #[serde(default)]
    pub link: Text,
    #[serde(default)]
    pub expiry: Text,
}

/// Reply of `POST /api/v1/connected_accounts/user/verify`.
#[derive(Debug, Deserialize)]
pub(super) struct VerifyReply {
    #[serde(alias = "postUserVerifyRedirectUrl", default)]
    pub post_user_verify_redirect_url: Text,
}

/// Reply of `POST /api/v1/mcp/connections/{key_id}/tokens` and of the same for a configuration.
#[derive(Debug, Deserialize)]
pub(super) struct SessionTokenReply {
    #[serde(default)]
    pub token: Text,
    #[serde(alias = "expiresAt", default)]
    pub expires_at: Text,
}

/// Reply of `GET /api/v1/connections/app`.
#[derive(Debug, Deserialize)]
pub(super) struct ConnectionsReply {
    #[serde(default)]
    pub connections: Option<Vec<Connection>>,
    #[serde(alias = "nextPageToken", default)]
    pub next_page_token: Text,
}

#[derive(Debug, Deserialize)]
pub(super) struct Connection {
    #[serde(alias = "keyId", default)]
    pub key_id: Text,
    #[serde(alias = "providerKey", default)]
    pub provider_key: Text,
    #[serde(rename = "type", default)]
    pub kind: Text,
    #[serde(default)]
    pub status: Text,
    #[serde(default)]
    pub enabled: Option<bool>,
    #[serde(alias = "mcpServerUrl", default)]
    pub mcp_server_url: Text,
    #[serde(alias = "resolvedProxyUrl", default)]
    pub resolved_proxy_url: Text,
    #[serde(alias = "authMode", default)]
    pub auth_mode: Text,
}

/// Reply of `GET /api/v1/providers`.
#[derive(Debug, Deserialize)]
pub(super) struct ProvidersReply {
    #[serde(default)]
    pub providers: Option<Vec<Provider>>,
    #[serde(alias = "nextPageToken", default)]
    pub next_page_token: Text,
}

#[derive(Debug, Deserialize)]
pub(super) struct Provider {
    #[serde(default)]
    pub identifier: Text,
    #[serde(alias = "proxyUrl", default)]
    pub proxy_url: Text,
    #[serde(alias = "authPatterns", default)]
    pub auth_patterns: Option<Value>,
}

/// One way to authenticate with a provider (Scalekit's guide to custom connectors).
#[derive(Debug, Deserialize)]
pub(super) struct AuthPattern {
    #[serde(rename = "type", default)]
    pub kind: Text,
    /// What an account is asked for.
    #[serde(default)]
    pub fields: Option<Vec<Field>>,
    #[serde(default)]
    pub auth_header_key_override: Text,
    /// By the fields' names.
    #[serde(default)]
    pub auth_field_mutations: Option<BTreeMap<String, Mutation>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Field {
    #[serde(default)]
    pub field_name: Text,
}

/// What happens to a field's value before it is sent, in the order of these.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Mutation {
    /// Where the account has no value.
    #[serde(default)]
    pub default: Text,
    #[serde(default)]
    pub prefix: Text,
    #[serde(default)]
    pub suffix: Text,
}

/// An error body: `{"code","message","details"}` of the API, or `{"error","error_description"}` of RFC 6749.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ErrorReply {
    #[serde(default)]
    pub message: Text,
    #[serde(default)]
    details: Option<Vec<ErrorDetail>>,
    #[serde(default)]
    pub error: Text,
    #[serde(default)]
    pub error_description: Text,
    /// What stands anywhere in the body under the name of a credential.
    #[serde(skip)]
    pub secrets: Vec<Secret<String>>,
}

#[derive(Debug, Deserialize)]
struct ErrorDetail {
    #[serde(alias = "errorCode", default)]
    error_code: Text,
}

impl ErrorReply {
    /// Reads a body; an empty one where it is something else, such as a proxy's page.
    pub fn read(body: &[u8]) -> Self {
        let reply: Self = serde_json::from_slice(body).unwrap_or_default();
        let mut secrets = Vec::new();
        credentials(&serde_json::from_slice(body).unwrap_or_default(), false, &mut secrets);
        Self { secrets, ..reply }
    }

    /// The first `error_code` among the details.
    pub fn error_code(&self) -> Option<&str> {
        self.details.iter().flatten().find_map(|detail| detail.error_code.get())
    }
}

/// Adds the texts in `value` that stand under the name of a credential, however deep.
fn credentials(value: &Value, is_credential: bool, found: &mut Vec<Secret<String>>) {
    const OF_ACCOUNTS: [&str; 4] = ["authorization_details", "authorizationDetails", "static_auth", "staticAuth"];
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| {
            let is_credential = is_credential || shown::names_secret(name) || OF_ACCOUNTS.contains(&name.as_str());
            credentials(value, is_credential, found);
        }),
        Value::Array(values) => values.iter().for_each(|value| credentials(value, is_credential, found)),
        Value::String(text) if is_credential => found.push(Secret::new(text.clone())),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(text: &str) -> Account {
        serde_json::from_str::<AccountReply>(text).unwrap().connected_account.unwrap()
    }

    #[test]
    fn absent_fields_are_absent_in_every_spelling() {
        for expiry in [
            "",
            r#","token_expires_at":null"#,
            r#","token_expires_at":"""#,
            r#","token_expires_at":0"#,
            r#","token_expires_at":"0""#,
            r#","token_expires_at":"1970-01-01T00:00:00Z""#,
        ] {
            let account = reply(&format!(r#"{{"connected_account":{{"status":"ACTIVE"{expiry}}}}}"#));
            assert_eq!(account.token_expires_at.seconds(), None, "{expiry}");
            assert_eq!(account.status.get(), Some("ACTIVE"));
        }
    }

    #[test]
    fn camel_case_and_nine_digits_are_read() {
        let account = reply(
            r#"{"connectedAccount":{"tokenExpiresAt":"2025-04-16T06:56:05.367190455Z",
            "authorizationDetails":{"oauthToken":{"accessToken":"t","refreshToken":"r"}}}}"#,
        );
        assert_eq!(account.token_expires_at.seconds(), Some(1_744_786_565));
        let token = account.authorization_details.unwrap().oauth_token.unwrap().access_token;
        assert_eq!(token.get(), Some("t"));
    }

    #[test]
    fn a_field_that_stands_twice_is_refused() {
        assert!(serde_json::from_str::<OauthToken>(r#"{"access_token":"a","access_token":"b"}"#).is_err());
        assert!(serde_json::from_str::<OauthToken>(r#"{"access_token":"a","accessToken":"b"}"#).is_err());
    }

    #[test]
    fn error_codes_are_found_among_the_details() {
        let body = r#"{"code":16,"message":"Token empty","details":[{"@type":"x"},{"error_code":"UNAUTHENTICATED"}]}"#;
        let reply: ErrorReply = serde_json::from_str(body).unwrap();
        assert_eq!(reply.error_code(), Some("UNAUTHENTICATED"));
    }

    #[test]
    fn credentials_are_found_wherever_they_stand_in_an_error() {
        let body =
            r#"{"message":"m","details":[{"error_code":"E","accessToken":"a"},{"static_auth":{"details":{"x":"b"}}}]}"#;
        let secrets = ErrorReply::read(body.as_bytes()).secrets;
        assert_eq!(secrets.iter().map(Secret::expose).collect::<Vec<_>>(), ["a", "b"]);
        assert!(ErrorReply::read(b"<html>").secrets.is_empty());
    }
}
