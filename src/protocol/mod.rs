//! The helper protocols, and the seam between them and the rest. A protocol is one file or folder here and one row of
//! [`PROTOCOLS`]: its names, what its argv asks for, how a request becomes targets, and how an answer becomes bytes. All
//! else is the driver's: reading with a limit, resolving, cache and vault, refused tokens, the one write, the line on
//! stderr.
//! protocol.md describes every protocol byte by byte.

pub mod askpass;
pub mod bazel;
pub mod cargo;
pub mod docker;
mod driver;
pub mod git;
pub mod goauth;
pub mod keyring;
pub mod kubernetes;
pub mod nuget;
mod place;
pub mod pnpm;
mod resolved;
pub mod terraform;

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::time::Instant;

pub use driver::{read_stdin, serve};
pub use resolved::Resolved;

use crate::broker::Token;
use crate::error::Error;
use crate::refusals::REPORTED;
use crate::resolve::Rule;
use crate::secret::Secret;
use crate::service::Account;
use crate::target::Target;

/// A helper protocol that the name of the executable selects, or a sub-command.
pub struct Protocol {
    /// The name of a link to the executable that selects it. What follows an `@` in the name comes before the words.
    pub link: &'static str,
    /// The sub-command that selects it, for configurations that hold a command line but no link.
    pub command: &'static str,
    /// Whether this word after the sub-command is the protocol's own; another, such as `--help`, is a person's.
    pub is_word: fn(&OsStr) -> bool,
    /// What the words after the name or sub-command ask for.
    pub call: fn(&[OsString]) -> Call,
    /// The exit status where stdout cannot be written.
    pub unwritten: u8,
}

/// Those whose links are put beside the executable.
pub static PROTOCOLS: [&Protocol; 7] = [
    &git::PROTOCOL,
    &docker::PROTOCOL,
    &bazel::PROTOCOL,
    &cargo::PROTOCOL,
    &terraform::PROTOCOL,
    &nuget::PROTOCOL,
    &askpass::PROTOCOL,
];

/// Those that need no link, or one in a place of its own, such as `keyring`, which would hide another program.
static WITHOUT_LINK: [&Protocol; 4] = [&keyring::PROTOCOL, &pnpm::PROTOCOL, &goauth::PROTOCOL, &kubernetes::PROTOCOL];

fn all() -> impl Iterator<Item = &'static Protocol> {
    PROTOCOLS.into_iter().chain(WITHOUT_LINK)
}

/// The sub-commands of all helper protocols.
pub fn commands() -> impl Iterator<Item = &'static str> {
    all().map(|protocol| protocol.command)
}

/// What a tool asks for with its argv.
pub enum Call {
    /// A credential, by the request on stdin.
    Get(Box<dyn Get>),
    /// Something that no other protocol has; done within the deadline.
    Own(fn(Instant) -> Reply),
    /// An answer that is always the same.
    Say(Reply),
}

/// All that a tool gets.
pub struct Reply {
    /// All of stdout.
    pub text: Secret<String>,
    /// The exit status.
    pub status: u8,
}

impl Reply {
    /// Exit status 0.
    pub fn done(text: impl Into<String>) -> Self {
        Self { text: Secret::new(text.into()), status: 0 }
    }

    /// Exit status 1.
    pub fn failed(text: impl Into<String>) -> Self {
        Self { text: Secret::new(text.into()), status: 1 }
    }
}

/// A call for a credential, with the options of its argv.
pub trait Get {
    /// What of stdin is its request.
    fn input(&self) -> Input;
    /// What the tool waits for before it asks.
    fn greeting(&self) -> &'static str {
        ""
    }
    /// Understands all of stdin. `Err` is what the tool gets for something that is no request.
    fn decode(&self, input: &[u8]) -> Result<Box<dyn Request>, Refused>;
    /// What the tool gets where no credential can be had, with the reason on stderr.
    fn failed(&self, failure: Failure, error: &Error) -> Reply;
    /// What the tool gets for a host that is none of ours.
    fn not_ours(&self) -> Reply;
}

/// What of stdin a protocol reads, up to so many bytes. More than that is decoded up to one byte more, so that it is seen to be too
/// long.
#[derive(Debug, Clone, Copy)]
pub enum Input {
    /// Nothing: the request is in argv or the environment.
    Nothing,
    /// All of it.
    All(usize),
    /// Its first line, after which the tool waits for the answer.
    Line(usize),
}

/// How far a call came that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// It was not found out whose token it would be.
    Request,
    /// The account is known, and its token cannot be had.
    Token,
    /// Several tokens were refused in a row, so asking again, or asking others, is of no use.
    Repeated,
}

/// A request that is refused before anybody is asked about it.
pub struct Refused {
    /// What the tool gets.
    pub reply: Reply,
    /// What stderr says.
    pub error: Option<Error>,
}

/// An answer that is complete but for its id, which tells it apart from later ones where one was given.
pub type Answer<'a> = Box<dyn FnOnce(Option<String>) -> Reply + 'a>;

/// One decoded request.
pub trait Request {
    /// What the tool wants to talk to; of several spellings the likelier first.
    fn targets(&self) -> &[Target];

    /// The user name in the request.
    fn username(&self) -> Option<&str> {
        None
    }

    /// The user name that goes beside the token, where the protocol has one; `None` if the place of `rule` is not for this
    /// protocol.
    fn serves(&self, rule: &Rule<'_>, target: &Target, account: &Account) -> Option<String>;

    /// Why a request about a host of ours gets no answer all the same.
    fn objection(&self) -> Option<Error> {
        None
    }

    /// The path, where the tool tells it, and how the token will be sent: by these a refused token is known again.
    fn sent(&self) -> (Option<&[u8]>, &'static str);

    /// The id that an answer a moment ago carried, if the server refused that one.
    fn earlier(&self) -> Option<&str> {
        None
    }

    /// The answer. `None` where the account's credential is none for this protocol.
    fn encode(&self, resolved: &Resolved<'_>, token: &Token) -> Result<Option<Answer<'_>>, Error>;

    /// What may be the reason, besides a revoked consent, that a server refused a token that the vault gives again.
    fn why_refused(&self) -> String {
        REPORTED.to_owned()
    }

    /// What else may be the reason where the server takes the same token elsewhere.
    fn limit(&self) -> Option<String> {
        None
    }
}

/// The protocol that `args` select, the program's own name first, and the words after its name or sub-command. A tool waits for
/// the answer, so the tree of all commands is not built for it; only a person asks for help, or misspells an option.
pub fn select(args: &[OsString]) -> Option<(&'static Protocol, Cow<'_, [OsString]>)> {
    let (name, words) = args.split_first()?;
    match by_name(Path::new(name)) {
        Some((protocol, None)) => return Some((protocol, words.into())),
        Some((protocol, Some(first))) => {
            return Some((protocol, [&[first.into()], words].concat().into()));
        }
        None => {}
    }
    let (command, words) = words.split_first()?;
    let protocol = all().find(|protocol| command == protocol.command)?;
    words.iter().all(|word| (protocol.is_word)(word)).then_some((protocol, words.into()))
}

/// For protocols whose words never begin with a dash, or are their own if they do.
fn is_no_help(word: &OsStr) -> bool {
    word != "-h" && word != "--help"
}

/// The protocol of this name, and what follows an `@` in it, as in `scalekit-token@HOST`.
fn by_name(argv0: &Path) -> Option<(&'static Protocol, Option<&OsStr>)> {
    let find = |name: &OsStr| all().find(|protocol| name == protocol.link);
    if let Some(protocol) = argv0.file_stem().and_then(find) {
        return Some((protocol, None));
    }
    let (name, rest) = argv0.file_name()?.to_str()?.split_once('@')?;
    let rest = rest.strip_suffix(".exe").unwrap_or(rest);
    Some((find(OsStr::new(name))?, Some(OsStr::new(rest))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::{RECEIVERS, short};

    #[test]
    fn every_protocol_may_be_named_as_one_who_may_have_a_token() {
        assert!(commands().all(|command| RECEIVERS.contains(&short(command))));
    }

    #[test]
    fn the_base_name_decides() {
        let link = |argv0: &str| by_name(Path::new(argv0)).map(|(protocol, _)| protocol.link);
        assert_eq!(link("/a/b/git-credential-scalekit"), Some("git-credential-scalekit"));
        assert_eq!(link("git-credential-scalekit.exe"), Some("git-credential-scalekit"));
        assert_eq!(link("bin/docker-credential-scalekit"), Some("docker-credential-scalekit"));
        assert_eq!(link("scalekit-auth"), None);
        let host = |argv0: &str| by_name(Path::new(argv0)).and_then(|(_, rest)| Some(rest?.to_str()?.to_owned()));
        assert_eq!(host("/b/scalekit-token@npm.pkg.github.com").as_deref(), Some("npm.pkg.github.com"));
        assert_eq!(host("scalekit-token@a.b:8080.exe").as_deref(), Some("a.b:8080"));
        assert_eq!(link("other@npm.pkg.github.com"), None);
    }
}
