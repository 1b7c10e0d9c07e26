//! What `client create` can know before the call: where the secret will be stored, and which service will stand for it.

use crate::broker::Broker;
use crate::commands::config::{check_hosts, pattern};
use crate::commands::homes::{HomeArgument, mark_as_written};
use crate::error::{Error, Kind};
use crate::service::{ApiClient, Environment, HomeChoice, Origin, SERVICE_RULE, Service, is_service_name};
use crate::suggest;

/// Where the secret of a client that is about to be created goes.
pub(super) struct Prepared {
    url: String,
    organization: String,
    home: HomeChoice,
    service: Option<Service>,
}

impl Prepared {
    /// Checks the service and its hosts, and that something can be stored in the home.
    pub fn check(
        broker: &Broker,
        organization: &str,
        home: Option<&HomeArgument>,
        service: Option<&str>,
        hosts: &[String],
    ) -> Result<Self, Error> {
        let service = service.map(|name| draft(broker, name, hosts)).transpose()?;
        let name = broker.active_environment();
        let Some(url) = broker.url_of(name) else { return Err(crate::broker::not_logged_in(name)) };
        let mut home = match home {
            None => HomeChoice::Keyring,
            Some(HomeArgument::Command) => {
                return Err(Error::new(Kind::Usage, "a command takes no secret")
                    .next("--home keyring or file:PATH; or --hand-over, which prints the secret for another program"));
            }
            Some(home) => home.choice(false, &[])?,
        };
        mark_as_written(&mut home);
        let prepared = Self { url, organization: organization.to_owned(), home, service };
        // The client's id is not known yet, and two may be created at once.
        super::secret::probe(&prepared.place(&format!("new-{}", std::process::id())))?;
        Ok(prepared)
    }

    /// Where the secret of this client goes.
    pub fn place(&self, client_id: &str) -> Environment {
        self.machine(client_id).environment()
    }

    /// The service that stands for this client.
    pub fn service(&self, client_id: &str) -> Option<Service> {
        let mut service = self.service.clone()?;
        service.connection = client_id.to_owned();
        service.identifier = Some(client_id.to_owned());
        service.client = Some(Box::new(self.machine(client_id)));
        Some(service)
    }

    fn machine(&self, client_id: &str) -> ApiClient {
        ApiClient {
            url: self.url.clone(),
            client_id: client_id.to_owned(),
            organization: Some(self.organization.clone()),
            scopes: Vec::new(),
            username: None,
            home: self.home.clone(),
        }
    }
}

fn draft(broker: &Broker, name: &str, hosts: &[String]) -> Result<Service, Error> {
    if !is_service_name(name) {
        return Err(Error::new(Kind::Usage, format!("{name:?} cannot be a service")).why(SERVICE_RULE));
    }
    let known = broker.services.get(name).is_some_and(|service| service.origin == Origin::User);
    if known || broker.services.unusable(name).is_some() {
        return Err(Error::new(Kind::Usage, format!("there is a service {name} already"))
            .next(format!("choose another name, or {} first", suggest::remove(name))));
    }
    let mut service = Service::new(name, "", Origin::User);
    service.hosts = hosts.iter().map(|text| pattern(text)).collect::<Result<_, _>>()?;
    check_hosts(broker, &service)?;
    Ok(service)
}
