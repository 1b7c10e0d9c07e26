//! Which services have an MCP server, and at which URL.

use crate::broker::Broker;
use crate::commands::request::explained;
use crate::error::{Error, Kind};
use crate::resolve::{Chosen, rules};
use crate::service::{Pattern, Service};
use crate::suggest;
use crate::target::Target;

/// A service's MCP server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::commands) struct Server {
    /// The service's name, which the client's entry gets.
    pub(in crate::commands) name: String,
    pub(in crate::commands) url: String,
}

/// The servers of the services asked for, each as `SERVICE` or `SERVICE=URL`; without any, of all services that are MCP servers.
/// Of those, one that is in the way of another is left out, which `left_out` is told.
pub(super) fn wanted(
    broker: &Broker,
    client: &str,
    asked: &[String],
    left_out: &mut impl FnMut(String),
) -> Result<Vec<Server>, Error> {
    let mut servers: Vec<Server> = Vec::new();
    for text in asked {
        let (name, url) = match text.split_once('=') {
            Some((name, url)) => (name, Some(url.to_owned())),
            None => (text.as_str(), None),
        };
        let service = broker.service(name)?;
        let server = match url {
            Some(url) => Server { name: service.name.clone(), url },
            None => server(broker, client, service)?,
        };
        check(broker, &server)?;
        if !servers.contains(&server) {
            servers.push(server);
        }
    }
    if asked.is_empty() {
        for service in broker.services.iter().filter(|service| is_mcp(service)) {
            let found = server(broker, client, service).and_then(|server| check(broker, &server).map(|()| server));
            match found {
                Ok(server) => servers.push(server),
                Err(error) => left_out(format!("{} is left out: {}", service.name, error.line())),
            }
        }
    }
    if servers.is_empty() {
        let own = broker.services.iter().find(|service| service.learned.mcp_server_url.is_some());
        return Err(Error::new(Kind::NotConfigured, "no configured service is an MCP server").next(match own {
            Some(own) => format!(
                "name a service whose tools Scalekit offers as a server, such as {}",
                suggest::setup(client).word(&own.name)
            ),
            None => format!(
                "{} finds those of your environment, {} adds one",
                suggest::sync(broker.active_environment()),
                suggest::config_new("linearmcp")
            ),
        }));
    }
    Ok(servers)
}

/// The services that are MCP servers, without asking anybody.
pub(in crate::commands) fn known(broker: &Broker) -> Vec<String> {
    broker.services.iter().filter(|service| is_mcp(service)).map(|service| service.name.clone()).collect()
}

/// Whether the service is an MCP server: by its provider's name, or by a place that it has.
fn is_mcp(service: &Service) -> bool {
    is_named_so(service) || rules(service).iter().any(|rule| looks_so(&rule.pattern))
}

fn is_named_so(service: &Service) -> bool {
    service.provider().ok().flatten().is_some_and(|provider| provider.to_lowercase().ends_with("mcp"))
}

fn looks_so(place: &Pattern) -> bool {
    place.authority().host.starts_with("mcp.") || place.path().split('/').any(|part| part == "mcp")
}

fn server(broker: &Broker, client: &str, service: &Service) -> Result<Server, Error> {
    let url = if is_mcp(service) { endpoint(broker, service) } else { service.learned.mcp_server_url.clone() };
    match url {
        Some(url) => Ok(Server { name: service.name.clone(), url }),
        None => {
            let error = Error::new(Kind::NotConfigured, format!("no MCP server of {} is known", service.name));
            let with_url = suggest::setup(client).word(format!("{}=URL", service.name));
            Err(error.next(match service.learned.provider {
                Some(_) => format!("{with_url} if it has one"),
                None => format!("{} may find one, or {with_url}", suggest::sync(broker.environment_name(service))),
            }))
        }
    }
}

/// The URL of a service that is an MCP server: the one that the environment itself calls, where it is the service's; else the
/// place that looks like one, or its first, with the path that most servers have.
fn endpoint(broker: &Broker, service: &Service) -> Option<String> {
    let places: Vec<Pattern> = rules(service).into_iter().map(|rule| rule.pattern).collect();
    let is_named_so = is_named_so(service);
    let is_its_server = |url: &String| {
        let is_one = is_named_so || Pattern::parse(url).is_ok_and(|place| looks_so(&place));
        let is_own = |target: &Target| places.iter().any(|place| place.claims(target));
        is_one && !url.contains("{{") && Target::from_url(url).is_ok_and(|(target, _)| is_own(&target))
    };
    // A vault that cannot be asked is no reason to do nothing.
    let called = broker.proxy_url(service).ok().flatten().filter(is_its_server);
    called.or_else(|| {
        let exact = || places.iter().filter(|place| place.is_exact());
        let place = exact().find(|place| looks_so(place)).or_else(|| exact().next().filter(|_| is_named_so))?;
        let path = if place.has_path() { place.path() } else { "/mcp" };
        Some(place.origin()? + path)
    })
}

/// The URL alone has to lead to the service, since it is all that the client says later.
fn check(broker: &Broker, server: &Server) -> Result<(), Error> {
    let wrong = |why: &dyn std::fmt::Display| {
        Error::new(Kind::Usage, format!("the URL for {} is no MCP server", server.name)).why(why)
    };
    let (target, username) = Target::from_url(&server.url).map_err(|error| wrong(&error))?;
    if broker.mcp_server(&target, &Chosen::default(), false)?.is_some() {
        return Ok(());
    }
    let decision = broker.decide(&target, &Chosen { username: username.as_deref(), ..Chosen::default() });
    match &decision.outcome {
        Ok(answer) if answer.rule.service.name == server.name => Ok(()),
        Ok(answer) => {
            let other = &answer.rule.service.name;
            let what = format!("for {target} the service {other} answers, not {}", server.name);
            Err(Error::new(Kind::Ambiguous, what).next(format!("{} says why", suggest::which(&target.to_string()))))
        }
        Err(_) => Err(explained(broker, decision, &target)),
    }
}
