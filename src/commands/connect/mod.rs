//! `connect`: takes a connected account to ACTIVE. It asks for the link where a person consents, shows it, and waits.

mod browser;
mod line;
mod wait;

use std::io::Read;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::request::Request;
use super::{note, print, print_json};
use crate::broker::{Broker, read_or_create, selector};
use crate::consent::{Consent, Failure, NoLink};
use crate::error::{Error, Kind, plain};
use crate::service::{Account, Service};
use crate::suggest::Subject;
use crate::vault::{self, Return, Status, Vault};
use wait::Waiting;

/// Get a person's consent for an account: show the link, open the browser, wait until the account is ACTIVE
///
/// The account is created if it is missing. The browser is opened only where somebody sits at a terminal, and never if CI
/// or SCALEKIT_AUTH_NO_BROWSER is set.
///
/// An agent without a terminal takes two steps: `connect SERVICE --no-wait --json` gives the link for its person, and
/// `connect SERVICE --wait-only --json` waits until the person is done.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    asked: Request,
    /// Give a link although the account is ACTIVE, to renew its consent
    #[arg(long, conflicts_with_all = ["wait_only", "complete"])]
    renew: bool,
    /// Print a JSON object; failures too
    #[arg(long)]
    json: bool,
    /// Only show the link
    #[arg(long)]
    no_browser: bool,
    /// Print the link and end
    #[arg(long)]
    no_wait: bool,
    /// Ask for no link, only wait for ACTIVE
    #[arg(long, conflicts_with = "no_wait")]
    wait_only: bool,
    /// Do not listen on a loopback port for the browser to come back
    #[arg(long)]
    no_callback: bool,
    /// How long to wait, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    timeout: u64,
    /// Where the browser goes after consent, instead of our loopback port; then `connect --complete` ends it
    #[arg(long, value_name = "URL", conflicts_with_all = ["wait_only", "complete"])]
    user_verify_url: Option<String>,
    /// Say that it was this account's person who consented: the auth_request_id that came to the URL is on stdin
    #[arg(long, conflicts_with_all = ["no_wait", "wait_only"])]
    complete: bool,
}

pub(super) fn run(arguments: &Arguments, deadline: Instant) -> Result<(), Error> {
    match connect(arguments, deadline) {
        Ok(done) if arguments.json => print_json(done.to_json()),
        Ok(done) => print(&format!("{}\n", plain(&done.message()))),
        Err(failure) => {
            if arguments.json {
                print_json(failure.to_json())?;
            }
            Err(failure.into())
        }
    }
}

/// What came of it.
enum Done {
    /// The account is ACTIVE.
    Connected { service: String, connection: String, identifier: String, was_before: bool },
    /// The link, for those who do not wait; `state` comes back to a URL of the caller's.
    Link { consent: Consent, state: Option<String> },
}

impl Done {
    fn connected(service: &Service, account: &Account, was_before: bool) -> Self {
        let (name, connection) = (service.name.clone(), service.connection.clone());
        Self::Connected { service: name, connection, identifier: account.identifier.clone(), was_before }
    }

    fn message(&self) -> String {
        match self {
            Self::Connected { service, identifier, was_before: true, .. } => {
                format!("{service} is connected (identifier {identifier}); nothing to do")
            }
            Self::Connected { service, identifier, was_before: false, .. } => {
                format!("{service} is connected (identifier {identifier})")
            }
            Self::Link { consent, .. } => consent.message(),
        }
    }

    fn to_json(&self) -> Value {
        match self {
            Self::Connected { service, connection, identifier, .. } => json!({
                "version": 1, "status": "ok", "service": service, "connection": connection, "identifier": identifier,
                "account_status": "ACTIVE", "message": self.message(),
            }),
            Self::Link { consent, state } => {
                let mut object = consent.to_json();
                if let Some(state) = state {
                    object["state"] = state.as_str().into();
                }
                object
            }
        }
    }
}

fn connect(arguments: &Arguments, deadline: Instant) -> Result<Done, Failure> {
    let broker = arguments.asked.broker(deadline)?;
    let (service, account) = arguments.asked.find(&broker)?;
    broker.evict(service, |_| true);
    let done = get_consent(arguments, &broker, service, account)?;
    // Somebody may have asked in the meantime.
    broker.evict(service, |_| true);
    Ok(done)
}

fn get_consent(arguments: &Arguments, broker: &Broker, service: &Service, account: Account) -> Result<Done, Failure> {
    if service.client.is_some() {
        let error = Error::new(Kind::Usage, format!("{} is an API client, to which nobody consents", service.name));
        return Err(error.next(broker.subject(service, &account).command("token")).into());
    }
    let vault = broker.patient_vault(service)?;
    let selector = selector(service, &account);
    let patience = Duration::from_secs(arguments.timeout);
    if arguments.complete {
        complete(&vault, &account.identifier, service, &broker.subject(service, &account))?;
    }
    let show = |consent: &Consent| show(consent, arguments.json);
    if arguments.complete || arguments.wait_only {
        let waiting = Waiting::new(vault, service, &account, broker.subject(service, &account));
        return waiting.until_active(patience, show).map(|()| Done::connected(service, &account, false));
    }
    let found = read_or_create(&vault, selector)?;
    // Only a convenience for later: the link is as good where nothing can be written.
    let _ = broker.learn(service, &account, &found.facts);
    if found.status == Status::Active && !arguments.renew {
        return Ok(Done::connected(service, &account, true));
    }
    if arguments.no_wait {
        let consent = link(arguments, broker, &vault, service, &account, found.status)?;
        let (consent, state) = consent;
        return Ok(Done::Link { consent, state });
    }
    let details = vault.details(selector)?;
    tell_kind(service, details.kind.as_deref());
    let mut waiting = Waiting::new(vault, service, &account, broker.subject(service, &account));
    if arguments.renew {
        waiting.for_a_change_since(&details);
    }
    match &arguments.user_verify_url {
        Some(url) => waiting.send_to(url),
        None if arguments.no_callback => {}
        None => waiting.listen(),
    }
    let consent = waiting.new_link(found.status);
    show(&consent)?;
    if let (Ok(link), false, true) = (&consent.link, arguments.no_browser, browser::is_welcome())
        && !browser::open(&link.link)
    {
        note("no browser could be opened; open the link yourself");
    }
    waiting.until_active(patience, show).map(|()| Done::connected(service, &account, false))
}

/// The link to read while we wait: on stdout, which is JSON's otherwise.
fn show(consent: &Consent, json: bool) -> Result<(), Failure> {
    if let Err(NoLink::Refused(error)) = &consent.link {
        return Err(no_link(error));
    }
    let line = plain(&consent.message());
    if json {
        note(line);
    } else {
        print(&format!("{line}\n"))?;
    }
    Ok(())
}

/// A link that leads to the caller's URL, or nowhere; and the state that will come there.
fn link(
    arguments: &Arguments,
    broker: &Broker,
    vault: &Vault,
    service: &Service,
    account: &Account,
    status: Status,
) -> Result<(Consent, Option<String>), Failure> {
    let random = || crate::hex::random(32).ok_or_else(|| Error::new(Kind::Failed, "there is no random source"));
    let state = arguments.user_verify_url.as_ref().map(|_| random()).transpose()?;
    let back = arguments.user_verify_url.as_deref().zip(state.as_deref());
    let link = vault
        .magic_link(selector(service, account), back.map(|(url, state)| Return { url, state }))
        .map_err(|error| no_link(&error))?;
    let subject = broker.subject(service, account);
    Ok((Consent::new(service, &account.identifier, subject, status, Ok(link)), state))
}

/// An environment that verifies users wants to know where the browser should go.
fn no_link(error: &vault::Error) -> Failure {
    let wants_url =
        matches!(error, vault::Error::Refused { status: 400, reason, .. } if reason.contains("user_verify_url"));
    let shown = Error::from(error.clone());
    Failure::Error(if wants_url {
        shown.next("this environment verifies users: run it without --no-wait and --no-callback, or give --user-verify-url URL")
    } else {
        shown
    })
}

fn complete(vault: &Vault, identifier: &str, service: &Service, subject: &Subject) -> Result<(), Error> {
    let mut id = String::new();
    let read = std::io::stdin().lock().take(1024).read_to_string(&mut id);
    read.map_err(|error| Error::new(Kind::Failed, "stdin cannot be read").why(error))?;
    let id = id.trim();
    if id.is_empty() || !id.bytes().all(|b| (0x21..=0x7e).contains(&b)) {
        return Err(Error::new(Kind::Usage, "there is no auth_request_id on stdin")
            .next(format!("printf %s \"$auth_request_id\" | {}", subject.connect().word("--complete").line())));
    }
    let refused = |error| wait::unverified(error, service, identifier, subject);
    vault.verify_user(id, identifier).map(drop).map_err(refused)
}

/// Some pages ask for more than a click.
fn tell_kind(service: &Service, kind: Option<&str>) {
    let what = match kind {
        Some("API_KEY") => "its API key",
        Some("BASIC" | "BASIC_AUTH") => "a user name and a password",
        Some("BEARER" | "BEARER_TOKEN") => "a token",
        Some("CUSTOM") => "what the provider wants to know",
        _ => return,
    };
    note(format!("{} is no OAuth connection: the page asks for {what}", service.name));
}
