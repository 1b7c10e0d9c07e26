//! The environments' own MCP servers: the one place on an environment's host that is a target, with a token of its own.

use super::{Broker, checked};
use crate::cache::Entry;
use crate::error::{Error, Kind};
use crate::resolve::Chosen;
use crate::service::{Account, DEFAULT_ENVIRONMENT, EnvironmentUrl, McpServer, McpSession, Origin, Service};
use crate::target::{Case, Target};
use crate::vault::{self, Vault};

impl Broker {
    /// The MCP server at `target`, as a service, and whose session it is; `None` if it is no place of an environment's MCP servers.
    pub fn mcp_server(
        &self,
        target: &Target,
        chosen: &Chosen<'_>,
        is_read_only: bool,
    ) -> Result<Option<(Service, Account)>, Error> {
        let Some(environment) = self.environment_at(target) else { return Ok(None) };
        // A path that could be read in two ways is none.
        let path = target.path().filter(|_| target.is_below("/mcp", Case::Exact));
        let Some(server) = path.and_then(McpServer::at) else { return Ok(None) };
        let known = self.services.iter().find(|service| match &server {
            McpServer::Connection(key) => service.connection == *key && self.environment_name(service) == environment,
            McpServer::Configuration(_) => false,
        });
        let mut service = known.cloned().unwrap_or_else(|| {
            let named = (environment != DEFAULT_ENVIRONMENT).then(|| environment.to_owned());
            Service { environment: named, ..Service::new(server.id(), server.id(), Origin::Sync) }
        });
        service.mcp = Some(McpSession { server, is_read_only });
        let account = checked(self.account(&service, chosen)?)?;
        Ok(Some((service, account)))
    }

    /// The name of the environment that is at `target`'s scheme, host and port.
    fn environment_at(&self, target: &Target) -> Option<&str> {
        let origin = format!("{}://{}", target.scheme.name(), target.authority);
        let is_there = |name: &str| {
            self.url_of(name).is_some_and(|url| EnvironmentUrl::parse(&url).is_ok_and(|url| url.as_str() == origin))
        };
        let active = self.active_environment();
        let stored = self.environments.iter().map(|environment| environment.name.as_str());
        let mut names = std::iter::once(active).chain(stored);
        names.find(|name| is_there(name) && self.forced_environment().is_none_or(|forced| forced == *name))
    }

    /// A session token for the MCP server that `service` is.
    pub(super) fn session_token(
        &self,
        vault: &Vault,
        service: &Service,
        session: &McpSession,
        account: &Account,
    ) -> Result<Entry, Error> {
        match vault.session_token(session, &account.identifier) {
            Ok(minted) => Ok(Entry::bearer(minted.token, minted.expires_at)),
            Err(vault::Error::NotFound) => {
                let id = session.server.id();
                Err(Error::new(Kind::VaultRefused, format!("the environment has no MCP server for {id}"))
                    .why(vault::Error::NotFound)
                    .next(match session.server {
                        McpServer::Connection(_) => {
                            format!("{} shows its connections", crate::suggest::list(self.forced_environment()))
                        }
                        McpServer::Configuration(_) => {
                            "Scalekit dashboard, AgentKit > MCP Configs, shows the ids of those that are there"
                                .to_owned()
                        }
                    }))
            }
            Err(vault::Error::Refused { status: 403, reason, .. }) => {
                Err(Error::new(Kind::VaultRefused, format!("no session token for {}", service.name))
                    .why(format!("the client may not make one{reason}")))
            }
            Err(error) => Err(error.into()),
        }
    }
}
