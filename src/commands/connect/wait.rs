//! Waiting for ACTIVE: by the browser that comes back, and by asking the vault now and then.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use super::line::Line;
use crate::broker::selector;
use crate::callback::page::Page;
use crate::callback::{Callback, Returned};
use crate::clock;
use crate::commands::note;
use crate::consent::{Consent, Failure, NoLink};
use crate::error::{Error, Kind};
use crate::hex;
use crate::service::{Account, Service};
use crate::suggest::Subject;
use crate::target::{Scheme, Target};
use crate::vault::{self, Details, MagicLink, Return, Selector, Status, Vault};

/// The first pause between two questions to the vault; it grows by half, and a random quarter is taken off.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// How often the line on the terminal is drawn, and Ctrl-C looked for.
const TICK: Duration = Duration::from_millis(200);
/// How many seconds after the vault gave no new link it is asked again.
const LINK_PAUSE: i64 = 5;

enum Event {
    Returned(Returned),
    Request(Result<Details, vault::Error>),
}

/// An account that somebody waits for.
pub(super) struct Waiting {
    vault: Arc<Vault>,
    service: Service,
    account: Account,
    subject: Subject,
    callback: Option<Callback>,
    /// Where the browser goes instead of to us.
    elsewhere: Option<String>,
    consent: Option<Consent>,
    /// When a new link is due, in seconds since 1970.
    link_is_due: Option<i64>,
    was_over_at_once: bool,
    /// While consent is renewed the account is ACTIVE all along; then it must have changed.
    before: Option<Option<String>>,
    events: (Sender<Event>, Receiver<Event>),
    /// Whether Ctrl-C was pressed, from before the link is shown.
    interrupted: Arc<AtomicBool>,
}

/// Becomes true on Ctrl-C.
fn on_interrupt() -> Arc<AtomicBool> {
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        // Without it Ctrl-C ends the program as ever, only less politely.
        let _ = signal_hook::flag::register(signal, interrupted.clone());
    }
    interrupted
}

impl Waiting {
    pub(super) fn new(vault: Vault, service: &Service, account: &Account, subject: Subject) -> Self {
        Self {
            vault: vault.into(),
            service: service.clone(),
            account: account.clone(),
            subject,
            callback: None,
            elsewhere: None,
            consent: None,
            link_is_due: None,
            was_over_at_once: false,
            before: None,
            events: channel(),
            interrupted: on_interrupt(),
        }
    }

    /// ACTIVE counts only once the account has changed since `details`.
    pub(super) fn for_a_change_since(&mut self, details: &Details) {
        self.before = Some(details.updated_at.clone());
    }

    /// Listens for the browser, where the system has a port; the vault is asked all the same.
    pub(super) fn listen(&mut self) {
        let events = self.events.0.clone();
        self.callback = Callback::open(move |returned| {
            // Nobody waits for it any more if the command has ended.
            let _ = events.send(Event::Returned(returned));
        })
        .ok();
    }

    /// Lets the browser go to `url`, whose owner tells the vault about it.
    pub(super) fn send_to(&mut self, url: &str) {
        self.elsewhere = Some(url.to_owned());
    }

    fn selector(&self) -> Selector<'_> {
        selector(&self.service, &self.account)
    }

    /// A link, which leads back to us if we listen.
    pub(super) fn new_link(&mut self, status: Status) -> Consent {
        let back = match (&self.callback, &self.elsewhere) {
            (Some(callback), _) => callback.new_state().map(|state| (callback.url(), state)),
            (None, Some(url)) => hex::random(32).map(|state| (url.clone(), state)),
            (None, None) => None,
        };
        let back = back.as_ref().map(|(url, state)| Return { url, state });
        let link = self.vault.magic_link(self.selector(), back);
        self.link_is_due = match &link {
            Ok(link) => {
                let is_over = link.expires_at.is_some_and(|at| at <= clock::wall());
                // By a clock that is ahead every link is over; the vault would be asked for them without end.
                let was_over = std::mem::replace(&mut self.was_over_at_once, is_over);
                link.expires_at.filter(|_| !(is_over && was_over))
            }
            Err(_) => Some(clock::wall() + LINK_PAUSE),
        };
        let consent = self.consent(status, link.map_err(NoLink::Refused));
        self.consent = Some(consent.clone());
        consent
    }

    fn consent(&self, status: Status, link: Result<MagicLink, NoLink>) -> Consent {
        Consent::new(&self.service, &self.account.identifier, self.subject.clone(), status, link)
    }

    /// Waits until the account is ACTIVE; draws how it goes on a terminal, and asks for a new link when one runs out,
    /// which `show` shows.
    pub(super) fn until_active(
        mut self,
        patience: Duration,
        show: impl Fn(&Consent) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.ask_in_the_background();
        let mut line = Line::new();
        let start = Instant::now();
        let mut status = self.consent.as_ref().map(|consent| consent.status.clone());
        let outcome = loop {
            if self.interrupted.load(Ordering::Relaxed) {
                break Err(self.broken_off());
            }
            if start.elapsed() >= patience {
                // What is told next would stand behind it.
                line.clear();
                break Err(self.timed_out(status, patience));
            }
            line.draw(&self.progress(status.as_ref()));
            match self.events.1.recv_timeout(TICK.min(patience.saturating_sub(start.elapsed()))) {
                Ok(Event::Returned(returned)) => match self.verify(&returned) {
                    Ok(true) => break Ok(()),
                    Ok(false) => {}
                    Err(error) => break Err(error.into()),
                },
                Ok(Event::Request(Ok(details))) => {
                    if self.is_done(&details) {
                        break Ok(());
                    }
                    status = Some(details.status);
                }
                Ok(Event::Request(Err(vault::Error::NotFound))) => break Err(vault::Error::NotFound.into()),
                // What does not answer now may answer next time.
                Ok(Event::Request(Err(_))) | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
            if self.link_is_due.is_some_and(|at| at <= clock::wall()) {
                line.clear();
                let consent = self.new_link(status.clone().unwrap_or(Status::PendingAuth));
                match &consent.link {
                    Ok(_) => show(&consent)?,
                    Err(NoLink::Refused(error)) => note(format!("no new link: {error}")),
                    Err(NoLink::NotAsked) => {}
                }
            }
        };
        line.clear();
        outcome
    }

    fn ask_in_the_background(&self) {
        let (vault, events) = (self.vault.clone(), self.events.0.clone());
        let (service, account) = (self.service.clone(), self.account.clone());
        std::thread::spawn(move || {
            let selector = selector(&service, &account);
            let mut pause = FIRST_PAUSE;
            // The first question is at once: `--wait-only` may find the account ACTIVE.
            while events.send(Event::Request(vault.details(selector))).is_ok() {
                let random = hex::random(1).and_then(|hex| u32::from_str_radix(&hex, 16).ok()).unwrap_or_default();
                std::thread::sleep(pause - pause * random / (4 * 256));
                pause = (pause * 3 / 2).min(LONGEST_PAUSE);
            }
        });
    }

    fn is_done(&self, details: &Details) -> bool {
        let has_changed = self.before.as_ref().is_none_or(|before| details.updated_at != *before);
        details.status == Status::Active && has_changed
    }

    /// `None` without a link, or if nobody knows how long it is good.
    fn seconds_left(&self) -> Option<i64> {
        let link = self.consent.as_ref()?.link.as_ref();
        Some(self.link_is_due.filter(|_| link.is_ok())? - clock::wall())
    }

    /// Tells the vault that it was our person, and the person how it ended. `false` if the account is not ACTIVE yet.
    fn verify(&mut self, returned: &Returned) -> Result<bool, Error> {
        let Account { identifier, .. } = &self.account;
        let (name, provider) = (&self.service.name, self.service.display_name());
        let verified = self.vault.verify_user(returned.auth_request_id.expose(), identifier);
        let is_active = self.vault.details(self.selector()).is_ok_and(|details| details.status == Status::Active);
        let next = match verified {
            // Not pending any more: somebody else told it the vault already.
            Err(vault::Error::Refused { status: 400, .. }) if is_active => None,
            Err(error) => {
                let is_somebody_else = matches!(error, vault::Error::Refused { status: 403, .. });
                let error = unverified(error, &self.service, identifier, &self.subject);
                let who = match is_somebody_else {
                    true => format!(
                        "You signed in to {provider} as a different person than expected. Sign out of {provider} in this \
                         browser, or use another one. "
                    ),
                    false => String::new(),
                };
                let text = format!("{who}{} Go back to your terminal.", sentence(&error.line()));
                returned.show(Page { status: 403, title: "That did not work".into(), text, location: None });
                return Err(error);
            }
            Ok(next) => next,
        };
        let text = format!(
            "{provider} is connected. You can close this tab. The account is {identifier}, for the service {name}."
        );
        let location = next.filter(|url| may_be_sent_to(url));
        returned.show(Page { status: 200, title: "Connected".into(), text, location });
        // The link has done its work; what is left is the vault's.
        self.consent = None;
        self.link_is_due = None;
        self.before = None;
        Ok(is_active)
    }

    fn progress(&self, status: Option<&Status>) -> String {
        let state = status.map_or("asking", Status::word);
        let left = self.seconds_left().map(|left| format!(", link good for {} s", left.max(0))).unwrap_or_default();
        // What changes stands first: an identifier may be longer than the terminal is wide.
        format!("waiting: {state}{left}; {} ({})", self.service.name, self.account.identifier)
    }

    fn wait_command(&self) -> String {
        format!("{} goes on waiting", self.subject.connect().word("--wait-only"))
    }

    fn broken_off(&self) -> Failure {
        let error = Error::new(Kind::Interrupted, format!("stopped waiting for {}", self.service.name));
        error.why("the link stays good until it runs out").next(self.wait_command()).into()
    }

    fn timed_out(&mut self, status: Option<Status>, patience: Duration) -> Failure {
        note(format!("no consent within {} s; {}", patience.as_secs(), self.wait_command()));
        let status = status.unwrap_or(Status::PendingAuth);
        Failure::Consent(Box::new(match self.consent.take() {
            Some(consent) => Consent { status, ..consent },
            None => self.consent(status, Err(NoLink::NotAsked)),
        }))
    }
}

/// The error for consent that the vault does not take for our person's.
pub(super) fn unverified(error: vault::Error, service: &Service, identifier: &str, subject: &Subject) -> Error {
    let name = &service.name;
    let again = format!("{} for a new link", subject.connect());
    match error {
        vault::Error::Refused { status: 403, .. } => {
            Error::new(Kind::VaultRefused, format!("{name} was granted by somebody else than {identifier}"))
                .why("the vault knows the person who consented by another identifier")
                .next(format!("{again}, and open it as {identifier}"))
        }
        vault::Error::NotFound => {
            Error::new(Kind::NeedsAuthorization, format!("the consent for {name} was used already, or is too old"))
                .next(again)
        }
        vault::Error::Refused { status: 400, .. } => {
            Error::new(Kind::NeedsAuthorization, format!("no consent for {name} is waiting to be verified")).next(again)
        }
        error => error.into(),
    }
}

/// Whether the vault may send the browser there: over https, or on this machine.
fn may_be_sent_to(url: &str) -> bool {
    let is_safe = |target: &Target| {
        target.scheme == Scheme::Https || (target.scheme == Scheme::Http && target.authority.is_loopback())
    };
    Target::from_url(url).is_ok_and(|(target, user)| user.is_none() && is_safe(&target))
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(chars).chain(['.']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browser_is_sent_nowhere_else() {
        assert!(may_be_sent_to("https://app.acme.example.com/done?x=1#y") && may_be_sent_to("http://127.0.0.1:9/"));
        for url in
            ["", "//a.com", "javascript:alert(1)", "https://a.com/\r\nX-Evil: 1", "http://a.com", "https://ada@a.com"]
        {
            assert!(!may_be_sent_to(url), "{url}");
        }
    }
}
