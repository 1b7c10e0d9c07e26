//! How a credential travels to a service: the request header, as the provider wants it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::catalogue::Authentication;
use crate::secret::Secret;
use crate::service::Credential;
use crate::service::Service;

/// The whole header line without its end, such as `Authorization: Bearer TOKEN`. An account of user name and password
/// travels as Basic (RFC 7617) whatever the provider's other accounts do.
pub fn header(service: &Service, credential: &Credential) -> Secret<String> {
    match (credential, service.authentication()) {
        (Credential::Basic { username, password }, _) => basic(username, password.expose()),
        (Credential::Bearer(token) | Credential::ApiKey(token), Authentication::Header { name, prefix }) => {
            Secret::new(format!("{name}: {prefix}{}", token.expose()))
        }
        (Credential::Bearer(key) | Credential::ApiKey(key), Authentication::Basic { username: Some(username) }) => {
            basic(username, key.expose())
        }
        (Credential::Bearer(key) | Credential::ApiKey(key), Authentication::Basic { username: None }) => {
            basic(key.expose(), "")
        }
    }
}

fn basic(username: &str, password: &str) -> Secret<String> {
    let pair = Secret::new(format!("{username}:{password}"));
    Secret::new(format!("Authorization: Basic {}", BASE64_STANDARD.encode(pair.expose())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::Origin;

    #[test]
    fn each_provider_gets_its_own_header() {
        let line = |name: &str, credential: &Credential| {
            header(&Service::new(name, "c", Origin::User), credential).expose().clone()
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
        let line = header(&service, &Credential::ApiKey(Secret::new("T".into())));
        assert_eq!(line.expose(), "X-Key: k=T");
    }
}
