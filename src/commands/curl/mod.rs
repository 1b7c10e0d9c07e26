//! `curl`: the real curl, with the credential of the one URL it is given.
//!
//! curl reads the header from a pipe that it inherits: so it stands in no file, in no process list and in no environment,
//! and what has been read from a pipe cannot be read again by another option of curl's. We become curl, so that signals
//! and the exit code are its own.

mod by_vault;
pub mod options;
mod program;
pub mod table;
mod why;

use std::ffi::OsString;
use std::time::Instant;

use super::found::hand_out;
use super::note;
use super::request::{Access, AccountSelector, explained};
use crate::broker::Asked;
use crate::catalogue::{Authentication, HeaderTemplate};
use crate::consent::Failure;
use crate::error::{Error, Kind, Mark, without_secrets};
use crate::header::lines;
use crate::resolve::{self, Decision};
use crate::secret::Secret;
use crate::target::Target;
use by_vault::ByVault;
use options::{Context, Refused, check};
pub(super) use program::KEEPS_CREDENTIALS;
use program::{Call, Curl};

/// How the audit calls it.
const COMMAND: &str = "curl";

const USAGE: &str = "scalekit-auth curl [OPTIONS] <URL> [CURL OPTIONS]...";

const AFTER_HELP: &str = "\
What stands before the URL is for scalekit-auth, what stands after it for curl. curl's options are checked: those that
could take the credential elsewhere, show it or replace it are refused. ~/.curlrc and ~/.netrc are not read.

Examples:
  scalekit-auth curl https://api.github.com/user
  scalekit-auth curl https://api.github.com/user/repos -sSf --json '{\"name\": \"hello\"}'
  scalekit-auth curl --as work https://gmail.googleapis.com/gmail/v1/users/me/messages -G -d q=is:unread -o mail.json
  generate | scalekit-auth curl https://api.notion.com/v1/pages -H 'Notion-Version: 2022-06-28' --json @-

The exit code is curl's. Where curl was not started it is one of scalekit-auth's, and stderr begins with its name.";

/// Call a URL with curl and a fresh token, which stays out of files, process list and environment
#[derive(Debug, clap::Args)]
#[command(override_usage = USAGE, after_help = AFTER_HELP)]
pub struct Arguments {
    #[command(flatten)]
    whose: AccountSelector,
    /// Call hosts of no service too, without a credential
    #[arg(long)]
    allow_anonymous: bool,
    /// Let the vault make the call with the account's credential, which stays there
    ///
    /// The vault does so on its own where it hands no credential out.
    #[arg(long)]
    via_vault: bool,
    #[command(flatten)]
    access: Access,
    /// Allow -v and -X TRACE, which show the token
    #[arg(long)]
    show_secrets: bool,
    /// The URL, then curl's own options
    #[arg(required = true, num_args = 1.., trailing_var_arg = true, allow_hyphen_values = true, value_names = ["URL"])]
    words: Vec<OsString>,
}

/// Returns only when curl did not start.
pub(super) fn run(arguments: &Arguments, deadline: Instant) -> Result<(), Error> {
    let (url, own) = arguments.words.split_first().ok_or_else(|| Error::new(Kind::Usage, "there is no URL"))?;
    let (target, username) = parse(&url.to_string_lossy())?;
    let asked = arguments.whose.request(&target.to_string(), arguments.access.read_only);
    let broker = asked.broker(deadline)?;
    let answer = match asked.find_at(&broker, &target, username.as_deref())? {
        Ok(answer) => Some(answer),
        Err(Decision { outcome: Err(resolve::Error::Nobody(_)), .. }) if arguments.allow_anonymous => None,
        Err(decision) => return Err(explained(&broker, decision, &target)),
    };
    if let Some((service, _)) = &answer {
        broker.must_serve(service, COMMAND)?;
    }
    let authentication = answer.as_ref().map(|(service, _)| service.authentication());
    let headers = authentication.as_ref().map_or(&[][..], Authentication::headers);
    let follows = check_beside(own, headers, arguments.show_secrets).map_err(refusal)?;
    let curl = Curl::find()?;
    if follows && answer.is_some() {
        curl.must_keep_credentials_on_redirects()?;
    }
    let url = address(&target, &url.to_string_lossy());
    let direct = |headers: Option<&Secret<String>>| {
        Err(curl.become_it(&Call { url: &url, scheme: target.scheme, headers, own }))
    };
    let Some((service, account)) = answer else {
        note(format!("no service answers for {target}; curl runs without a credential"));
        return direct(None);
    };
    let service = &*service;
    let by_vault = || ByVault { broker: &broker, service, account: &account, target: &target, url: &url };
    if arguments.via_vault {
        return by_vault().call(&curl, own, false);
    }
    match broker.token(service, &account) {
        Err(Failure::Error(error)) if error.has(Mark::Withheld) => by_vault().call(&curl, own, true),
        token => {
            let asked = Asked { command: COMMAND, target: Some(&target), service, account: &account };
            direct(Some(&hand_out(&broker, asked, token, |found| Ok(lines(&found.headers()?)))?))
        }
    }
}

/// Checks curl's own options beside each header that carries a part of the credential; says whether redirects are followed.
fn check_beside(own: &[OsString], headers: &[HeaderTemplate], show_secrets: bool) -> Result<bool, Refused> {
    let checked = check(own, Context { header: None, show_secrets })?;
    for header in headers {
        check(own, Context { header: Some(&header.name), show_secrets })?;
    }
    Ok(checked.follows)
}

fn parse(url: &str) -> Result<(Target, Option<String>), Error> {
    if url.starts_with('-') {
        // What follows a short option may be a password.
        let option = url.split('=').next().filter(|option| option.starts_with("--")).unwrap_or("an option");
        return Err(Error::new(Kind::Usage, format!("the URL comes first, before {option}"))
            .why("curl's options follow it")
            .next(USAGE));
    }
    let wrong = |why: &dyn std::fmt::Display| {
        Error::new(Kind::Usage, format!("{:?} cannot be called", without_secrets(url))).why(why).next(USAGE)
    };
    if !url.contains("://") {
        return Err(wrong(&"it is no URL with https:// in front"));
    }
    match Target::from_url(url).map_err(|error| wrong(&error))? {
        (target, _) if target.scheme.is_mail() => {
            Err(wrong(&"only https is called, and http for a listed loopback host"))
        }
        found => Ok(found),
    }
}

/// The URL as it was understood, for a curl that might read another spelling differently: without user name, which selected
/// the account, and fragment, which is never sent.
fn address(target: &Target, url: &str) -> String {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let rest = &rest[rest.find(['/', '?', '#']).unwrap_or(rest.len())..];
    let rest = rest.split('#').next().unwrap_or_default();
    let slash = if rest.starts_with('/') { "" } else { "/" };
    format!("{}://{}{slash}{rest}", target.scheme.name(), target.authority)
}

fn refusal(refused: Refused) -> Error {
    let Refused { option, why } = refused;
    let what = match option.as_str() {
        "" => "a second argument that is no option is refused".to_owned(),
        option => format!("curl's option {option} is refused"),
    };
    let error = Error::new(Kind::Usage, what);
    match option.as_str() {
        "--as" | "--identifier" | "--environment" | "--allow-anonymous" | "--show-secrets" | "--via-vault"
        | "--read-only" => error.why("it is not curl's").next("put it before the URL"),
        _ => error.why(why).next(why.next()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curl_gets_the_url_that_was_understood() {
        let got = |url: &str| address(&Target::from_url(url).unwrap().0, url);
        assert_eq!(got("https://ada@API.GitHub.com:443/user?x=1#y"), "https://api.github.com/user?x=1");
        assert_eq!(got("https://api.github.com?@evil.net/"), "https://api.github.com/?@evil.net/");
        assert_eq!(got("https://api.github.com#@evil.net/"), "https://api.github.com/");
        assert_eq!(got("http://127.0.0.1:3000"), "http://127.0.0.1:3000/");
        assert_eq!(got("https://a.b/{x,y}[1-3]"), "https://a.b/{x,y}[1-3]");
    }
}
