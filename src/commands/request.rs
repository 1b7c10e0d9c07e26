//! What is asked about: a service or a place, and whose account.

use std::borrow::Cow;
use std::time::Instant;

use super::load;
use crate::broker::{Broker, checked};
use crate::error::{Error, Kind, without_secrets};
use crate::resolve::{self, Chosen, Decision, Verdict, hint};
use crate::service::{Account, Service, is_service_name};
use crate::suggest::Suggestion;
use crate::target::{Scheme, Target};

/// How many of the places that come near are named in an error.
const MOST_NEAR: usize = 4;

/// What is asked about: the arguments that several commands share.
#[derive(Debug, clap::Args)]
pub(super) struct Request {
    /// A service (gmail), a host (api.github.com) or a URL (https://api.github.com/user)
    pub(super) place: String,
    #[command(flatten)]
    pub(super) whose: AccountSelector,
    /// For the environment's own MCP servers: whether the session's tools may change nothing.
    #[arg(skip)]
    pub(super) is_read_only: bool,
}

/// What a session with one of the environment's own MCP servers may do.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Access {
    /// For the environment's own MCP servers: a token whose tools change nothing
    #[arg(long)]
    pub(super) read_only: bool,
}

/// Whose account it is, and in which environment.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct AccountSelector {
    /// The account of this short name (`config SERVICE CONNECTION --identifier ID --as NAME`)
    #[arg(long = "as", value_name = "NAME")]
    pub(super) name: Option<String>,
    /// Whose account inside the connection
    #[arg(long, value_name = "ID", conflicts_with = "name")]
    pub(super) identifier: Option<String>,
    /// The environment to ask, whatever the service says
    #[arg(long, value_name = "NAME")]
    pub(super) environment: Option<String>,
}

impl AccountSelector {
    /// The question for the token of `place`.
    pub(super) fn request(&self, place: &str, is_read_only: bool) -> Request {
        Request { place: place.to_owned(), whose: self.clone(), is_read_only }
    }

    /// `command` with these options.
    pub(super) fn options(&self, command: Suggestion) -> Suggestion {
        let Self { name, identifier, environment } = self;
        let options = [("--as", name), ("--identifier", identifier), ("--environment", environment)];
        let given = options.into_iter().filter_map(|(option, value)| Some((option, value.as_ref()?)));
        given.fold(command, |command, (option, value)| command.option(option, value))
    }
}

impl Request {
    pub(super) fn place(&self) -> Result<ServiceOrTarget, Error> {
        ServiceOrTarget::parse(&self.place)
    }

    /// The place, if one was named and no service.
    pub(super) fn target(&self) -> Option<Target> {
        match self.place() {
            Ok(ServiceOrTarget::Target(target, _)) => Some(target),
            _ => None,
        }
    }

    pub(super) fn broker(&self, deadline: Instant) -> Result<Broker, Error> {
        load(self.whose.environment.as_deref(), deadline)
    }

    pub(super) fn chosen<'a>(&'a self, username: Option<&'a str>) -> Chosen<'a> {
        let AccountSelector { name, identifier, .. } = &self.whose;
        Chosen { name: name.as_deref(), identifier: identifier.as_deref(), username, ..Chosen::default() }
    }

    /// The service and account whose token is asked for.
    pub(super) fn find_token<'a>(&self, broker: &'a Broker) -> Result<(Cow<'a, Service>, Account), Error> {
        match self.place()? {
            ServiceOrTarget::Service(_) => {
                self.must_not_be_read_only()?;
                self.find(broker).map(|(service, account)| (Cow::Borrowed(service), account))
            }
            ServiceOrTarget::Target(target, username) => self
                .find_at(broker, &target, username.as_deref())?
                .map_err(|decision| explained(broker, decision, &target)),
        }
    }

    /// The same for a target, which may be one of the environment's own MCP servers; else the decision that found nobody.
    pub(super) fn find_at<'a>(
        &self,
        broker: &'a Broker,
        target: &Target,
        username: Option<&str>,
    ) -> Result<Result<(Cow<'a, Service>, Account), Decision<'a>>, Error> {
        let chosen = self.chosen(username);
        if let Some((service, account)) = broker.mcp_server(target, &chosen, self.is_read_only)? {
            return Ok(Ok((Cow::Owned(service), account)));
        }
        self.must_not_be_read_only()?;
        let decision = broker.decide(target, &chosen);
        Ok(match decision.outcome {
            Ok(answer) => Ok((Cow::Borrowed(answer.rule.service), checked(answer.account)?)),
            Err(_) => Err(decision),
        })
    }

    pub(super) fn must_not_be_read_only(&self) -> Result<(), Error> {
        match self.is_read_only {
            false => Ok(()),
            true => Err(Error::new(Kind::Usage, format!("{} is none of the environment's MCP servers", self.place))
                .why("what a token may do elsewhere is decided at its provider")
                .next("leave out --read-only")),
        }
    }

    /// The service and account asked for.
    pub(super) fn find<'a>(&self, broker: &'a Broker) -> Result<(&'a Service, Account), Error> {
        match self.place()? {
            ServiceOrTarget::Service(name) => {
                let service = broker.service(&name)?;
                Ok((service, broker.account(service, &self.chosen(None))?))
            }
            ServiceOrTarget::Target(target, username) => {
                let decision = broker.decide(&target, &self.chosen(username.as_deref()));
                match decision.outcome {
                    Ok(answer) => Ok((answer.rule.service, checked(answer.account)?)),
                    Err(_) => Err(explained(broker, decision, &target)),
                }
            }
        }
    }
}

/// The error of a decision, with what comes near the target.
pub(super) fn explained(broker: &Broker, decision: Decision<'_>, target: &Target) -> Error {
    let error = match decision.outcome {
        Err(error @ resolve::Error::Nobody(_)) => error,
        Err(error) => return error.into(),
        Ok(_) => resolve::Error::Nobody(target.to_string()),
    };
    let error = Error::from(error);
    let mut near: Vec<String> = Vec::new();
    for (rule, verdict) in &decision.considered {
        let (name, pattern) = (&rule.service.name, &rule.pattern);
        let line = match verdict {
            Verdict::OtherProvider => format!("{name} claims {pattern}, but another provider has this path"),
            Verdict::OtherScheme if pattern.is_https() => format!("{name} claims {pattern} over https alone"),
            _ => format!("{name} claims only {pattern}"),
        };
        if !near.contains(&line) {
            near.push(line);
        }
    }
    if !near.is_empty() {
        let others = near.len().saturating_sub(MOST_NEAR);
        near.truncate(MOST_NEAR);
        let more = if others > 0 { format!(" and {others} more") } else { String::new() };
        let error = error.why(near.join(", ") + &more);
        let wants_https = decision
            .considered
            .iter()
            .any(|(rule, verdict)| *verdict == Verdict::OtherScheme && rule.pattern.is_https());
        let is_http = target.scheme == Scheme::Http;
        return if is_http && wants_https { error.next("use https") } else { error };
    }
    // Before all else, where there was nothing that could have been learned.
    let reason = broker.why_nothing_is_synced().or_else(|| {
        let (why, next) = hint(&broker.services, target)?;
        let next = match broker.never_synced() {
            Some(sync) => format!("{sync} finds the connections of your environment; or {next}"),
            None => next,
        };
        Some((why, next))
    });
    match reason {
        Some((why, next)) => error.why(why).next(next),
        None => error,
    }
}

/// An argument that may be a service or a place: with `://`, or with a host and a path, a URL; with `.` or `:` a host; else a
/// service.
pub(super) enum ServiceOrTarget {
    Target(Target, Option<String>),
    Service(String),
}

impl ServiceOrTarget {
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let wrong = |why: &dyn std::fmt::Display| {
            Error::new(Kind::Usage, format!("{:?} is neither a service, a host nor a URL", without_secrets(text)))
                .why(why)
        };
        if text.contains("://") {
            let (target, user) = Target::from_url(text).map_err(|error| wrong(&error))?;
            Ok(Self::Target(target, user))
        } else if let Some((host, path)) = text.split_once('/')
            && host.contains(['.', ':'])
            && !path.is_empty()
        {
            // As people copy it out of a browser, and nothing that only looks like a host.
            Target::from_host(host).map_err(|error| wrong(&error))?;
            Self::parse(&format!("https://{text}"))
        } else if text.contains(['.', ':']) {
            Target::from_host(text).map(|target| Self::Target(target, None)).map_err(|error| wrong(&error))
        } else if is_service_name(&text.to_ascii_lowercase()) {
            // What is there in lower case is suggested where the configuration is known.
            Ok(Self::Service(text.to_owned()))
        } else {
            Err(wrong(&crate::service::SERVICE_RULE))
        }
    }
}
