//! How a credential travels to a service: the request header, as the provider wants it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::catalogue::Authentication;
use crate::secret::Secret;
use crate::service::{Credential, Service};

/// A request header that carries a credential.
#[derive(Debug)]
pub struct Header {
    /// `Authorization`, or the provider's own.
    pub name: String,
    /// What follows it.
    pub value: Secret<String>,
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

/// The header for a credential of `service`. An account of user name and password travels as Basic (RFC 7617) whatever the
/// provider's other accounts do.
pub fn header(service: &Service, credential: &Credential) -> Header {
    match (credential, service.authentication()) {
        (Credential::Basic { username, password }, _) => basic(username, password.expose()),
        (Credential::Bearer(token) | Credential::ApiKey(token), Authentication::Header { name, prefix }) => {
            Header::new(name, format!("{prefix}{}", token.expose()))
        }
        (Credential::Bearer(key) | Credential::ApiKey(key), Authentication::Basic { username: Some(username) }) => {
            basic(username, key.expose())
        }
        (Credential::Bearer(key) | Credential::ApiKey(key), Authentication::Basic { username: None }) => {
            basic(key.expose(), "")
        }
    }
}

fn basic(username: &str, password: &str) -> Header {
    let pair = Secret::new(format!("{username}:{password}"));
    Header::new("Authorization", format!("Basic {}", BASE64_STANDARD.encode(pair.expose())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::Origin;

    #[test]
    fn each_provider_gets_its_own_header() {
        let line = |name: &str, credential: &Credential| {
            header(&Service::new(name, "c", Origin::User), credential).line().expose().clone()
        };
        let token = || Secret::new("T".to_owned());
        assert_eq!(line("notion", &Credential::Bearer(token())), "Authorization: Bearer T");
        assert_eq!(line("brave", &Credential::ApiKey(token())), "X-Subscription-Token: T");
        assert_eq!(line("zohocrm", &Credential::Bearer(token())), "Authorization: Zoho-oauthtoken T");
        assert_eq!(line("mailgun", &Credential::ApiKey(token())), "Authorization: Basic YXBpOlQ=");
        assert_eq!(line("freshdesk", &Credential::ApiKey(token())), "Authorization: Basic VDo=");
        let pair = Credential::Basic { username: "u".into(), password: token() };
        assert_eq!(line("brave", &pair), "Authorization: Basic dTpU");
    }

    #[test]
    fn what_the_environment_says_counts_where_there_is_no_row() {
        let mut service = Service::new("acme", "c", Origin::User);
        service.learned.auth = Some("X-Key: k=".into());
        let line = header(&service, &Credential::ApiKey(Secret::new("T".into()))).line();
        assert_eq!(line.expose(), "X-Key: k=T");
    }
}
