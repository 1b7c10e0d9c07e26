//! git's credential helper (git-credential(1), gitcredentials(7)): what its calls ask for, and what is said to it.
//!
//! Declining is silence on stdout and exit status 0, so that the next helper gets its turn. Problems with a host of ours
//! are one line on stderr.

pub(crate) mod chain;
mod report;
pub mod wire;

use std::ffi::{OsStr, OsString};

use super::{Call, Failure, Get, Input, Protocol, Refused, Reply, Request, Resolved};
use crate::broker::Token;
use crate::error::{Error, Kind};
use crate::output::note;
use crate::resolve::Rule;
use crate::service::{Account, CredentialKind};
use crate::target::Target;
use wire::{Answer, CAPABILITIES, Extras, LONGEST_INPUT};

/// The row.
pub static PROTOCOL: Protocol =
    Protocol { link: "git-credential-scalekit", command: "git-credential", is_word, call, unwritten: 0 };

/// Speak git's credential helper protocol on stdin and stdout
// The words of a call are read without clap; this is its help.
#[derive(Debug, clap::Args)]
pub struct Help {
    #[command(flatten)]
    options: Options,
    /// get, store, erase or capability; git gives it
    action: Option<String>,
}

/// What may stand before the action, in the `helper =` line of git's configuration.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
struct Options {
    /// No other helper is configured: where a token cannot be had, git shall not ask the person for a password
    #[arg(long)]
    only_helper: bool,
    /// Give Basic in a form that no other helper stores; git before 2.54 loses it on a push over 1 MiB
    #[arg(long)]
    ephemeral: bool,
}

/// The same as they are spelled.
const OPTIONS: [&str; 2] = ["--only-helper", "--ephemeral"];

/// Options come first; a later word that begins with a dash may be one of a later version.
fn is_word(word: &OsStr) -> bool {
    !word.as_encoded_bytes().starts_with(b"-") || OPTIONS.iter().any(|option| word == *option)
}

/// What git's words ask for. An option of a later version gets no answer, since it may say how the answer has to be; an
/// action of a later version is ignored, as gitcredentials(7) asks.
fn call(words: &[OsString]) -> Call {
    let mut options = Options::default();
    let mut words = words.iter().map(|word| word.to_string_lossy());
    let action = words.find(|word| {
        match &**word {
            "--only-helper" => options.only_helper = true,
            "--ephemeral" => options.ephemeral = true,
            _ => return true,
        }
        false
    });
    match action.as_deref() {
        Some("get") => Call::Get(Box::new(options)),
        Some("store") => Call::Own(report::accepted),
        Some("erase") => Call::Own(report::refused),
        Some("capability") => Call::Say(Reply::done(CAPABILITIES)),
        Some(option) if option.starts_with('-') => {
            note(format!("git-credential-scalekit has no option {option}; it knows --only-helper and --ephemeral"));
            Call::Say(Reply::done(""))
        }
        _ => Call::Say(Reply::done("")),
    }
}

impl Get for Options {
    fn input(&self) -> Input {
        Input::All(LONGEST_INPUT)
    }

    fn decode(&self, input: &[u8]) -> Result<Box<dyn Request>, Refused> {
        let request = wire::Request::decode(input).map_err(|error| Refused {
            reply: Reply::done(""),
            error: Some(Error::new(Kind::Usage, "the request is refused and gets no answer").why(error)),
        })?;
        let in_ascii = request.target_in_ascii();
        let targets = request.target().or(in_ascii.clone()).into_iter().collect();
        let is_ephemeral = self.ephemeral && request.knows_authtype;
        Ok(Box::new(Question { request, targets, in_ascii, is_ephemeral }))
    }

    fn failed(&self, failure: Failure, _: &Error) -> Reply {
        match failure {
            Failure::Request => Reply::done(""),
            Failure::Token if !self.only_helper => Reply::done(""),
            Failure::Token | Failure::Repeated => Reply { text: Answer::Quit.encode(&Extras::default()), status: 0 },
        }
    }

    fn not_ours(&self) -> Reply {
        Reply::done("")
    }
}

/// A `get`.
struct Question {
    request: wire::Request,
    targets: Vec<Target>,
    /// The target, where its host was written in other letters.
    in_ascii: Option<Target>,
    is_ephemeral: bool,
}

impl Request for Question {
    fn targets(&self) -> &[Target] {
        &self.targets
    }

    fn username(&self) -> Option<&str> {
        self.request.username.as_deref()
    }

    fn serves(&self, rule: &Rule<'_>, target: &Target, account: &Account) -> Option<String> {
        serves(self.username(), rule, target, account)
    }

    fn objection(&self) -> Option<Error> {
        let target = self.in_ascii.as_ref()?;
        let error = Error::new(Kind::Usage, "a host with letters outside ASCII gets no token");
        Some(error.why("hosts are compared in their ASCII form alone").next(format!("use the URL {target}")))
    }

    fn sent(&self) -> (Option<&[u8]>, &'static str) {
        (self.request.path(), if self.request.is_bearer_only() { "bearer" } else { "basic" })
    }

    fn earlier(&self) -> Option<&str> {
        self.request.state.as_deref()
    }

    fn encode(&self, resolved: &Resolved<'_>, token: &Token) -> Result<Option<super::Answer<'_>>, Error> {
        let Some(answer) = answer(resolved, &self.request, token, self.is_ephemeral)? else {
            return Ok(None);
        };
        let expires_at = token.expires_at;
        Ok(Some(Box::new(move |id| {
            // The answer to a second question within one git command is the last one.
            let again = self.request.state.is_none();
            let state = id.filter(|_| self.request.knows_state);
            Reply { text: answer.encode(&Extras { expires_at, again, state }), status: 0 }
        })))
    }

    /// Besides a revoked consent, the limits of git itself that end in the same refusal.
    fn why_refused(&self) -> String {
        let same = "the vault gives the same token again";
        match self.limit() {
            Some(limit) => format!("{same}; {limit}"),
            None if self.request.knows_authtype => same.to_owned(),
            None => format!("{same}; if the server takes Bearer only, use git 2.46 or later"),
        }
    }

    /// Where git gets the header itself instead of a password, it may lose it on the way.
    fn limit(&self) -> Option<String> {
        let what = match self.sent().1 {
            "bearer" => "a Bearer token",
            _ if self.is_ephemeral => "a token of --ephemeral",
            _ => return None,
        };
        Some(format!(
            "if this was a push over 1 MiB, git before 2.54 does not send {what} with it: try `git -c http.postBuffer=1g push`"
        ))
    }
}

/// The user name beside a token, if the target's host is one that serves repositories or mail.
fn serves(username: Option<&str>, rule: &Rule<'_>, target: &Target, account: &Account) -> Option<String> {
    if target.scheme.is_mail() { mailbox(username, account) } else { rule.git_username.map(str::to_owned) }
}

/// Mail servers take a token beside the name of its mailbox and no other name (git-send-email(1), git-imap-send(1)).
fn mailbox(asked: Option<&str>, account: &Account) -> Option<String> {
    let mut names = asked.into_iter().chain([account.identifier.as_str()]);
    names.find(|name| name.contains('@')).map(str::to_owned)
}

/// Basic, unless the server offers Bearer and not Basic. `None` where the token is for Bearer alone and the server is not.
fn answer(
    resolved: &Resolved<'_>,
    request: &wire::Request,
    token: &Token,
    is_ephemeral: bool,
) -> Result<Option<Answer>, Error> {
    let bearer_only = || Error::new(Kind::Failed, format!("{} takes Bearer only", resolved.origin));
    let (is_bearer_only, credential) = (request.is_bearer_only(), &token.credential);
    if is_bearer_only {
        return match credential.kind {
            CredentialKind::Bearer if request.knows_authtype => {
                let credential = credential.secret().clone();
                Ok(Some(Answer::Ephemeral { authtype: "Bearer", credential }))
            }
            CredentialKind::Bearer => Err(bearer_only().why("this git cannot send it").next("use git 2.46 or later")),
            _ => Err(bearer_only().why(format!("{} holds no bearer token", resolved.rule.service.name))),
        };
    }
    if resolved.username.is_empty() {
        return Ok(None);
    }
    let (username, password) = resolved.login(token)?;
    let username = username.unwrap_or_else(|| resolved.username.clone());
    Ok(Some(match is_ephemeral {
        true => Answer::ephemeral_basic(&username, &password),
        false => Answer::Basic { username, password },
    }))
}
