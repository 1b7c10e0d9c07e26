//! `setup git`: for each host an empty helper, which drops all others, and then ours, in a block of its own at the end of
//! the user's git configuration.
//!
//! The block stands at the end because git collects helpers in the order of the files' lines: lines that git itself adds
//! may land in an older section of the same name, above another tool's helper. `--undo` removes the block, and the file is
//! what it was, to the byte.

use std::path::{Path, PathBuf};

use super::block::{self, Place};
use super::edit::Edit;
use super::links::Links;
use crate::broker::Broker;
use crate::error::{Error, Kind};
use crate::protocol::git::chain::{self, KEEPS_EPHEMERAL, Settings};
use crate::resolve::{self, rules};
use crate::shown;
use crate::suggest;
use crate::system::places::Places;
use crate::system::{System, read_regular};
use crate::target::Target;

/// One host of ours in git's configuration.
struct Host {
    origin: String,
    target: Target,
    /// Some rule tells paths apart there, so git has to send them.
    has_paths: bool,
}

/// The change for `hosts`, by default those of all services; and what has to hold once it is made.
pub(super) struct Plan {
    pub(super) edit: Edit,
    pub(super) after: String,
    hosts: Vec<Host>,
    /// Why no service answers for a host, because several are as good.
    unclear: Vec<String>,
}

/// Plans the change; refuses where another tool's helper is configured for the same host, unless `replace`.
pub(super) fn plan(broker: &Broker, hosts: &[String], helper: &str, replace: bool) -> Result<Plan, Error> {
    let edit = Edit::open(&file()?)?;
    let wanted = if hosts.is_empty() { all_hosts(broker) } else { named_hosts(broker, hosts, edit.before())? };
    if wanted.is_empty() {
        return Err(Error::new(Kind::NotConfigured, "no configured service has a host with git repositories")
            .next(format!("{} first", suggest::config_new("SERVICE"))));
    }
    let settings = Settings::read()?;
    for host in &wanted {
        let others = settings.helpers_of_this_host(&host.target);
        if let (Some(other), false) = (others.first(), replace) {
            return Err(Error::new(
                Kind::Usage,
                format!("git asks another helper for {} already: {other}", host.origin),
            )
            .next("--replace puts ours in its place; `setup --undo` brings it back"));
        }
    }
    let after = block::put(edit.exists().then_some(edit.before()), &section(&wanted, helper), |_| Place::End);
    let unclear = |host: &Host| match broker.resolve(&host.target, None) {
        Err(error @ resolve::Error::Ambiguous { .. }) => Some(Error::from(error).line()),
        _ => None,
    };
    let unclear = wanted.iter().filter_map(unclear).collect();
    Ok(Plan { edit, after, hosts: wanted, unclear })
}

impl Plan {
    /// Makes the change, then asks git whether it will do; if another helper would still see our tokens, everything is
    /// put back.
    pub(super) fn carry_out(&self) -> Result<(), Error> {
        self.edit.write(Some(&self.after))?;
        let problem = Settings::read().map(|settings| self.hosts.iter().find_map(|host| problem(&settings, host)));
        let error = match problem {
            Ok(None) => return Ok(()),
            Ok(Some(error)) | Err(error) => error,
        };
        self.edit.restore()?;
        Err(error)
    }

    /// What no line of ours can put right: whom git tells about tokens in this directory, because its repository says so.
    pub(super) fn warnings(&self) -> Vec<String> {
        // A repository that git cannot read is no failure of what was set up.
        let Ok(settings) = Settings::here() else { return self.unclear.clone() };
        let warning = |host: &Host| {
            let chain = settings.chain(&host.target).into_iter();
            let others: Vec<String> =
                chain.filter(|one| !one.is_everywhere && !one.is_ours()).map(|one| one.to_string()).collect();
            let (origin, others_shown) = (&host.origin, others.join(", "));
            (!others.is_empty()).then(|| {
                format!("in this directory git also hands the tokens for {origin} to: {others_shown}; remove that line")
            })
        };
        let mut warnings = self.unclear.clone();
        warnings.extend(self.hosts.iter().filter_map(warning));
        warnings
    }

    /// The hosts that were asked for.
    pub(super) fn hosts(&self) -> String {
        self.hosts.iter().map(|host| host.origin.as_str()).collect::<Vec<_>>().join(", ")
    }
}

fn problem(settings: &Settings, host: &Host) -> Option<Error> {
    let chain = settings.chain(&host.target);
    let others: Vec<String> = chain.iter().filter(|one| !one.is_ours()).map(ToString::to_string).collect();
    let what = if !others.is_empty() {
        format!("git would still hand the tokens for {} to {}", host.origin, others.join(", "))
    } else if chain.is_empty() {
        format!("git does not read the new lines for {}", host.origin)
    } else {
        return None;
    };
    Some(
        Error::new(Kind::Failed, what)
            .why("another place in git's configuration comes after the user's file, or the file ends in the middle of a value")
            .next("`git config --show-origin --get-regexp credential` shows the places; nothing was changed"),
    )
}

/// The change that takes our block out again; `None` if there is none.
pub(super) fn undo() -> Result<Option<(Edit, Option<String>)>, Error> {
    let edit = Edit::open(&file()?)?;
    let Some(rest) = block::without(edit.before()) else { return Ok(None) };
    Ok(Some((edit, rest)))
}

/// The file that `git config --global` writes.
fn file() -> Result<PathBuf, Error> {
    if let Some(path) = std::env::var_os("GIT_CONFIG_GLOBAL").filter(|path| !path.is_empty()) {
        return Ok(path.into());
    }
    let (own, xdg) = (Places::here()?.home(".gitconfig"), xdg_file()?);
    Ok(if !own.exists() && xdg.exists() { xdg } else { own })
}

/// The file that git reads besides, or in the place of `~/.gitconfig`.
fn xdg_file() -> Result<PathBuf, Error> {
    let directory = crate::config::directory()?;
    Ok(directory.parent().unwrap_or(Path::new("/")).join("git/config"))
}

/// A file of the user's configuration that git cannot read, or would wait for.
pub(in crate::commands) fn unusable_file() -> Option<Error> {
    let xdg = xdg_file().ok()?;
    let files = match std::env::var_os("GIT_CONFIG_GLOBAL") {
        Some(path) => vec![PathBuf::from(path)],
        None => {
            [Places::here().ok().map(|places| places.home(".gitconfig")), Some(xdg)].into_iter().flatten().collect()
        }
    };
    files.into_iter().find_map(|file| {
        // What is no file to others is for git the usual one that says nothing.
        let why = read_regular(&file).err().filter(|_| file != Path::new("/dev/null"))?;
        if why.kind() == std::io::ErrorKind::NotFound {
            return None;
        }
        let shown = file.display().to_string();
        let next = match why.kind() {
            std::io::ErrorKind::PermissionDenied => format!("`chmod u+r {}`", suggest::quoted(&shown)),
            _ => format!("move {shown} away, or put a file in its place"),
        };
        Some(Error::new(Kind::NotConfigured, format!("git cannot read {shown}")).why(why).next(next))
    })
}

fn all_hosts(broker: &Broker) -> Vec<Host> {
    let services = broker.services.iter().flat_map(rules).filter(|rule| rule.git_username.is_some());
    let mut hosts: Vec<Host> = Vec::new();
    for origin in services.filter_map(|rule| rule.pattern.origin()) {
        if !hosts.iter().any(|host| host.origin == origin) {
            hosts.extend(host(broker, &origin).ok());
        }
    }
    hosts
}

/// The hosts in `names`, and those that an earlier run put into the file.
fn named_hosts(broker: &Broker, names: &[String], text: &str) -> Result<Vec<Host>, Error> {
    let mut hosts: Vec<Host> = origins(text).iter().filter_map(|origin| host(broker, origin).ok()).collect();
    for name in names {
        let origin = if name.contains("://") { name.clone() } else { format!("https://{name}") };
        let host = host(broker, &origin)?;
        if !hosts.iter().any(|known| known.origin == host.origin) {
            hosts.push(host);
        }
    }
    Ok(hosts)
}

fn host(broker: &Broker, origin: &str) -> Result<Host, Error> {
    let wrong = |error| Error::new(Kind::Usage, format!("{} is not a host", shown::url(origin))).why(error);
    let (target, _) = Target::from_url(origin).map_err(wrong)?;
    let origin = format!("{}://{}", target.scheme.name(), target.authority);
    let claims: Vec<_> = broker
        .services
        .iter()
        .flat_map(rules)
        .filter(|rule| rule.git_username.is_some() || rule.pattern.is_mail())
        .filter(|rule| rule.pattern.claims_host(&target))
        .collect();
    if claims.is_empty() {
        return Err(Error::new(Kind::NotConfigured, format!("no configured service has repositories at {origin}"))
            .next(format!("{} if one should", suggest::config_host("HOST"))));
    }
    Ok(Host { origin, target, has_paths: claims.iter().any(|rule| rule.pattern.has_path()) })
}

fn section(hosts: &[Host], helper: &str) -> String {
    let mut text = String::new();
    for Host { origin, has_paths, target: _ } in hosts {
        text.push_str(&format!("[credential \"{origin}\"]\n\thelper =\n\thelper = {helper}\n"));
        if *has_paths {
            text.push_str("\tuseHttpPath = true\n");
        }
    }
    text
}

/// The origins in an earlier block.
fn origins(text: &str) -> Vec<String> {
    let block = block::lines(text).unwrap_or_default();
    block
        .lines()
        .filter_map(|line| line.strip_prefix("[credential \"")?.strip_suffix("\"]").map(str::to_owned))
        .collect()
}

/// The options for our line. No other helper is asked for the host, which the helper itself cannot see: git shall not open
/// a password dialog where a token cannot be had. And no other one shall store the token, where this git can do without.
fn options(git: Option<(u32, u32)>) -> &'static str {
    match git {
        Some(version) if version >= KEEPS_EPHEMERAL => " --only-helper --ephemeral",
        _ => " --only-helper",
    }
}

/// Our helper, as this machine's git is to have it.
pub(super) fn helper(links: &Links) -> String {
    let link = links.path_of("git-credential-scalekit");
    helper_value(System::HERE, link.as_deref(), links.program(), options(chain::version()))
}

/// How git's configuration spells our helper: an absolute path, through the shell where it needs quoting. The short name
/// `scalekit` would depend on a PATH that git, started by an editor, a desktop or cron, does not share with this shell; and
/// the path on PATH is one that upgrades keep, as `link` and `program` are found ([`super::links`]).
fn helper_value(system: System, link: Option<&Path>, program: &Path, options: &str) -> String {
    let shown = |path: &Path| system.slashes(path);
    // A shell command is the form that every Git for Windows takes, blanks or not.
    match link.filter(|_| system != System::Windows).map(shown) {
        Some(path) if path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._+@-".contains(&b)) => path + options,
        Some(path) => in_shell(&path, options),
        None => in_shell(&shown(program), &format!(" git-credential{options}")),
    }
}

fn in_shell(path: &str, arguments: &str) -> String {
    let command = format!("!'{}'{arguments}", path.replace('\'', r"'\''"));
    format!("\"{}\"", command.replace('\\', r"\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_for_the_shell_and_for_git() {
        let value =
            |path: &str| helper_value(System::Linux, Some(Path::new(path)), Path::new("/x"), options(Some((2, 53))));
        assert_eq!(
            value("/home/ada/.local/bin/git-credential-scalekit"),
            "/home/ada/.local/bin/git-credential-scalekit --only-helper"
        );
        assert_eq!(value("/some where/it's"), r#""!'/some where/it'\\''s' --only-helper""#);
        let sub_command = helper_value(System::MacOs, None, Path::new("/b/scalekit-auth"), options(Some((2, 54))));
        assert_eq!(sub_command, "\"!'/b/scalekit-auth' git-credential --only-helper --ephemeral\"");
        let program = Path::new(r"C:\Users\Ada Ek\bin\scalekit-auth.exe");
        assert_eq!(
            helper_value(System::Windows, Some(program), program, " --only-helper"),
            "\"!'C:/Users/Ada Ek/bin/scalekit-auth.exe' git-credential --only-helper\""
        );
        assert_eq!(options(None), options(Some((2, 39))), "a git that does not tell is an old one");
    }
}
