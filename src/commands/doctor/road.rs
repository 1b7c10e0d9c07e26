//! From the client credentials to the vault and the account in it.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Instant;

use super::check::{Check, too_slow};
use super::service::Answering;
use crate::broker::{Broker, EXPIRY_MARGIN, may_have};
use crate::clock;
use crate::consent::rfc3339;
use crate::error::{Error, Kind};
use crate::header::login;
use crate::protocol::docker::{unanswerable, wire::Answer};
use crate::service::{ClientCredentials, Credential, CredentialsOrigin, Service, client_id_shown};
use crate::suggest::Subject;
use crate::system::System;
use crate::vault::{self, Probe, Vault, authorities, way_to};

/// The links, in the order in which they are walked; the last one is there with an account alone.
pub(super) const NAMES: [&str; 8] = ["credentials", "proxy", "dns", "connection", "tls", "clock", "vault", "account"];

/// Sets out: each link is told as soon as it is known, up to the first one that stops us.
pub(super) fn start(broker: &Arc<Broker>, answering: Option<Arc<Answering>>) -> Receiver<Check> {
    let (sender, receiver) = mpsc::channel();
    let broker = Arc::clone(broker);
    std::thread::spawn(move || {
        // Nobody listens after the time is over.
        walk(&broker, answering.as_deref(), &|check| _ = sender.send(check));
    });
    receiver
}

/// All the links: those that were told by then, and why the others were not.
pub(super) fn walked(told: &Receiver<Check>, has_account: bool, until: Instant) -> Vec<Check> {
    let names = if has_account { &NAMES[..] } else { &NAMES[..NAMES.len() - 1] };
    let mut checks: Vec<Check> = Vec::new();
    loop {
        match told.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(check) => checks.push(check),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                let stuck = names.get(checks.len());
                checks.extend(stuck.map(|name| Check::broken(name, &too_slow("this link, or one behind it,"))));
                break;
            }
        }
    }
    let cause = checks.iter().position(|check| check.failure().is_some()).map_or(NAMES[0], |at| NAMES[at]);
    checks.extend(names[checks.len()..].iter().map(|name| Check::behind(name, cause)));
    checks
}

fn walk(broker: &Broker, answering: Option<&Answering>, tell: &dyn Fn(Check)) {
    let service = answering.map(|one| &one.service);
    let credentials = match broker.read_credentials(service) {
        Ok(credentials) => credentials,
        Err(error) => return tell(Check::broken("credentials", &at_home(broker, service, error))),
    };
    let place = match &credentials.origin {
        CredentialsOrigin::Home { environment, home } => format!("{home} (environment {environment})"),
        CredentialsOrigin::Variable(secret) => format!("in the environment variables, the secret in {secret}"),
        CredentialsOrigin::Given => "given".to_owned(),
    };
    let url = &credentials.url;
    tell(match client_id_shown(&credentials.client_id) {
        Some(id) => Check::ok("credentials", format!("{url}, client {id}, {place}")),
        None => Check::note(
            "credentials",
            format!(
                "{url}, {place}; the client id does not begin with skc_, and is not shown since it may be the secret"
            ),
            "compare client id and client secret with Scalekit dashboard, Settings > API credentials",
        ),
    });
    let (way, is_proxied) = match way_to(credentials.url.authority()) {
        Ok(way) => way,
        Err(error) => return tell(Check::broken("proxy", &error.into())),
    };
    match broker.open(credentials.clone()) {
        Ok(vault) => ask(broker, answering, &vault, &credentials, (&way, is_proxied), tell),
        Err(error) => tell(Check::broken("proxy", &error)),
    }
}

/// With the home in words, where the error does not name it.
fn at_home(broker: &Broker, service: Option<&Service>, error: Error) -> Error {
    let place = match service {
        Some(service) => broker.credentials_source(service).ok(),
        None => broker.environments.get(broker.active_environment()).map(|environment| environment.home.to_string()),
    };
    let [what, why, next] = error.parts();
    match place.filter(|place| !why.contains(place.as_str())) {
        Some(place) => Error::of_parts(error.kind(), [&format!("{what} ({place})"), why, next]),
        None => error,
    }
}

/// One request tells about all that is on its way.
fn ask(
    broker: &Broker,
    answering: Option<&Answering>,
    vault: &Vault,
    credentials: &ClientCredentials,
    (way, is_proxied): (&str, bool),
    tell: &dyn Fn(Check),
) {
    let Probe { lifetime, date, addresses } = vault.probe();
    let host = credentials.url.authority();
    let is_plain = credentials.url.as_str().starts_with("http://");
    let broken_at = lifetime.as_ref().err().map(|error| (link_of(error, is_proxied), error));
    let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let looked_up = if is_proxied { "what is looked up here" } else { "the host" };
    let found = [
        Check::ok("proxy", way),
        Check::ok("dns", format!("{looked_up} is at {}", addresses.join(", "))),
        Check::ok("connection", format!("{host} answers")),
        match is_plain {
            true => Check::skipped("tls", "plain http, which is possible on loopback alone"),
            false => Check::ok("tls", format!("its certificate is trusted; authorities: {}", authorities())),
        },
    ];
    for (name, check) in NAMES[1..].iter().zip(found) {
        match broken_at {
            Some((link, error)) if link == *name => return tell(on_the_way(link, error)),
            _ => tell(check),
        }
    }
    tell(clock(date));
    match lifetime {
        Err(error) => return tell(Check::broken("vault", &error.into())),
        Ok(lifetime) => {
            let lifetime = lifetime.map(|seconds| format!(" for {seconds} s")).unwrap_or_default();
            tell(Check::ok("vault", format!("it gave a client token{lifetime} (POST /oauth/token: status 200)")));
        }
    }
    if let Some(answering) = answering {
        tell(account(broker, vault, answering));
    }
}

/// The link at which this went wrong.
fn link_of(error: &vault::Error, is_proxied: bool) -> &'static str {
    match error {
        vault::Error::Proxy(_) | vault::Error::ProxyPort(_) | vault::Error::Proxied(_) => "proxy",
        vault::Error::Lookup { .. } => "dns",
        vault::Error::Connect { .. } if is_proxied => "proxy",
        vault::Error::Connect { .. } | vault::Error::Timeout(_) | vault::Error::Cut(_) => "connection",
        vault::Error::Tls { .. } => "tls",
        _ => "vault",
    }
}

fn on_the_way(link: &'static str, error: &vault::Error) -> Check {
    let shown = Error::from(error.clone());
    let [what, why, next] = shown.parts();
    if link != "tls" {
        return Check::broken(link, &shown);
    }
    let why = format!("{why}; authorities: {}", authorities());
    // A certificate out of its time may be this machine's fault.
    let next = if why.contains("clock") { format!("{}; {next}", set_clock()) } else { next.to_owned() };
    Check::broken(link, &Error::of_parts(shown.kind(), [what, &why, &next]))
}

/// Whoever is told when a token expires believes this clock.
fn clock(date: Option<i64>) -> Check {
    const NAME: &str = "clock";
    let Some(date) = date else { return Check::skipped(NAME, "the answer did not tell the time") };
    let off = clock::wall() - date;
    let shown = format!("{} s {} the vault's", off.abs(), if off < 0 { "behind" } else { "ahead of" });
    if off.abs() <= EXPIRY_MARGIN {
        return Check::ok(NAME, shown);
    }
    let error = Error::new(Kind::Failed, format!("this machine's clock is {shown}"))
        .why("tokens then seem to expire too early or too late")
        .next(set_clock());
    Check::broken(NAME, &error)
}

fn set_clock() -> &'static str {
    match System::HERE {
        System::Linux => "set the clock: `sudo timedatectl set-ntp true`",
        System::MacOs => "set the clock: `sudo sntp -sS time.apple.com`",
        System::Windows => "set the clock: `w32tm /resync`",
    }
}

fn account(broker: &Broker, vault: &Vault, answering: &Answering) -> Check {
    const NAME: &str = "account";
    let Answering { service, account, .. } = answering;
    if service.client.is_some() {
        return Check::skipped(NAME, "an API client gets its token by its client credentials");
    }
    if service.mcp.is_some() {
        return Check::skipped(NAME, "a session token is made when it is asked for");
    }
    let entry = match broker.inspect(vault, service, account) {
        Ok(entry) => entry,
        Err(error) => return Check::broken(NAME, &error),
    };
    let subject = broker.subject(service, account);
    if let Err(error) = carried(answering, &entry.credential, &subject) {
        return Check::broken(NAME, &error);
    }
    let is_active = format!("{} is ACTIVE", account.identifier);
    match entry.expires_at {
        Some(at) if at <= clock::wall() => {
            let found = format!("{is_active}, but its token is past its expiry, {}", rfc3339(at));
            Check::note(NAME, found, format!("{} if it is refused", subject.renew()))
        }
        Some(at) => Check::ok(NAME, format!("{is_active}, its token is good until {}", rfc3339(at))),
        None => Check::ok(NAME, is_active),
    }
}

/// Whether the tools that ask at the place can carry the credential there: git and docker know a user name and a password alone.
fn carried(answering: &Answering, credential: &Credential, subject: &Subject) -> Result<(), Error> {
    let Answering { service, target, has_git, registry_username, .. } = answering;
    let may_ask = |tool, is_there| is_there && may_have(tool, service).is_ok();
    let has_registry = may_ask("docker", registry_username.is_some());
    if target.is_none() || !(may_ask("git", *has_git) || has_registry) {
        return Ok(());
    }
    let (username, secret) = login(service, credential).map_err(|error| error.shown(service, subject))?;
    match registry_username {
        Some(usual) if has_registry => {
            let username = username.as_ref().unwrap_or(usual);
            let answer = Answer { server_url: "", username, secret: &secret }.encode();
            answer.map(drop).map_err(|error| unanswerable(error, service, subject))
        }
        _ => Ok(()),
    }
}
