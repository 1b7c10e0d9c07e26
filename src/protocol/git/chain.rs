//! Which credential helpers git asks for a host, and tells about our tokens.

mod helper;
mod lines;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub use helper::{has_option, stray_word, unstartable};

use crate::error::{Error, Kind};
use crate::programs;
use crate::store::SECRET_VARIABLES;
use crate::target::Target;

/// A configuration file is far smaller; a repository's may be anything.
const LARGEST_FILE: u64 = 1 << 20;

/// How much of the environment one question takes.
const LARGEST_QUERY: usize = 64 * 1024;

/// From this version on git knows `password_expiry_utc`.
pub const KNOWS_EXPIRY: (u32, u32) = (2, 40);

/// From this version on git knows `authtype` and `credential`.
pub const KNOWS_AUTHTYPE: (u32, u32) = (2, 46);

/// From this version on git sends a credential of `authtype` with a push over 1 MiB, too.
pub const KEEPS_EPHEMERAL: (u32, u32) = (2, 54);

/// The version of the git on PATH, if it tells one.
pub fn version() -> Option<(u32, u32)> {
    let output = git().ok()?.arg("--version").output().ok()?;
    programs::version(&String::from_utf8_lossy(&output.stdout), "git version ")
}

/// Whether git, here, goes elsewhere for `target`: to another host, or by another scheme than it has (`url.*.insteadOf`).
pub fn is_rewritten(target: &Target) -> bool {
    let url = match target.path() {
        Some("/") => format!("{}://{}/", target.scheme.name(), target.authority),
        _ => target.to_string(),
    };
    let rewritten = std::env::current_dir().ok().and_then(|directory| {
        let output = git_in(&directory).ok()?.args(["ls-remote", "--get-url", "--", &url]).output().ok()?;
        output.status.success().then_some(output.stdout)
    });
    let Some(rewritten) = rewritten else { return false };
    let rewritten = String::from_utf8_lossy(&rewritten);
    let origin = |target: &Target| (target.scheme, target.authority.clone());
    !Target::from_url(rewritten.trim_end()).is_ok_and(|(other, _)| origin(&other) == origin(target))
}

/// `credential[.URL].helper` wherever git finds it, in git's order.
pub struct Settings(Vec<Setting>);

/// One of them.
pub struct Setting {
    /// As git prints it.
    key: String,
    pub helper: String,
    /// The file, and its line where that is certain; `None` is a command line or environment variables.
    place: Option<(PathBuf, Option<usize>)>,
    /// Whether it is there in every directory, and so not a repository's.
    pub is_everywhere: bool,
}

impl Settings {
    /// As git sees them away from any repository, whose configuration is not the user's word.
    pub fn read() -> Result<Self, Error> {
        Ok(Self(settings(&mut git()?, Path::new("/"))?))
    }

    /// As git sees them in the current directory: who is told about a token there. Reading them runs nothing of a
    /// repository's, and git leaves out a repository that is another user's (`safe.directory`).
    pub fn here() -> Result<Self, Error> {
        let everywhere = Self::read()?;
        let Ok(directory) = std::env::current_dir() else { return Ok(everywhere) };
        let mut here = settings(&mut git_in(&directory)?, &directory)?;
        let mut known: Vec<_> = everywhere.0.iter().collect();
        for setting in &mut here {
            let is_same =
                |one: &&Setting| (&one.key, &one.helper, &one.place) == (&setting.key, &setting.helper, &setting.place);
            let found = known.iter().position(is_same);
            setting.is_everywhere = found.is_some();
            found.map(|at| known.remove(at));
        }
        Ok(Self(here))
    }

    /// The helpers that git asks for `target`; an empty one drops those before it.
    pub fn chain(&self, target: &Target) -> Vec<&Setting> {
        chain(self.applying(target).into_iter())
    }

    /// The same without what a repository configures.
    pub fn chain_everywhere(&self, target: &Target) -> Vec<&Setting> {
        chain(self.applying(target).into_iter().filter(|setting| setting.is_everywhere))
    }

    /// The last one that drops those before it.
    pub fn last_reset(&self, target: &Target) -> Option<&Setting> {
        self.applying(target).into_iter().rev().find(|setting| setting.helper.is_empty())
    }

    /// Helpers of others that are configured for this very host.
    pub fn helpers_of_this_host(&self, target: &Target) -> Vec<&Setting> {
        let mut chain = self.chain(target);
        chain.retain(|setting| setting.url().is_some() && !setting.is_ours());
        chain
    }

    /// Those that git uses for `target`, in git's order.
    fn applying(&self, target: &Target) -> Vec<&Setting> {
        let origin = format!("{}://{}", target.scheme.name(), target.authority);
        let urls: BTreeSet<&str> = self.0.iter().filter_map(Setting::url).filter(|url| *url != origin).collect();
        let mut matching = matching(&urls.into_iter().collect::<Vec<_>>(), target);
        matching.insert(&origin);
        self.0.iter().filter(|setting| setting.url().is_none_or(|url| matching.contains(url))).collect()
    }
}

fn chain<'a>(settings: impl Iterator<Item = &'a Setting>) -> Vec<&'a Setting> {
    let mut chain = Vec::new();
    for setting in settings {
        if setting.helper.is_empty() {
            chain.clear();
        } else {
            chain.push(setting);
        }
    }
    chain
}

impl Setting {
    /// Whether it leads to this program. A repository may call anything by our name, so its helper has to be this very file.
    pub fn is_ours(&self) -> bool {
        helper::is_ours(&self.helper) && (self.is_everywhere || helper::is_this_program(&self.helper))
    }

    /// What is wrong with it where the user's own file cannot put it right.
    pub fn remedy(&self) -> Option<&'static str> {
        match self.place {
            None => Some("unset the variables GIT_CONFIG_COUNT and GIT_CONFIG_PARAMETERS"),
            Some(_) if self.is_everywhere => None,
            Some(_) => Some("remove that line"),
        }
    }

    /// The URL or URL pattern of the section; `None` is every host.
    fn url(&self) -> Option<&str> {
        self.key.strip_prefix("credential.")?.strip_suffix(".helper")
    }
}

/// The URLs and patterns of sections that git uses for `target`. Patterns are git's own matter, so git is asked: in configurations
/// that consist of these sections alone, as many at once as go well into the environment of a process.
fn matching<'a>(mut urls: &[&'a str], target: &Target) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    while !urls.is_empty() {
        let mut length = 0;
        let fits = |url: &&&str| {
            length += url.len() + 100;
            length <= LARGEST_QUERY
        };
        let (some, rest) = urls.split_at(urls.iter().take_while(fits).count().max(1));
        found.extend(matching_of(some, target));
        urls = rest;
    }
    found
}

/// [`matching`] with one call.
fn matching_of<'a>(urls: &[&'a str], target: &Target) -> Vec<&'a str> {
    let Ok(mut git) = git() else { return Vec::new() };
    git.envs([("GIT_CONFIG_NOSYSTEM", "1"), ("GIT_CONFIG_GLOBAL", "/dev/null")]);
    git.env("GIT_CONFIG_COUNT", urls.len().to_string());
    for (at, url) in urls.iter().enumerate() {
        git.env(format!("GIT_CONFIG_KEY_{at}"), format!("credential.{url}.probe{at}"));
        git.env(format!("GIT_CONFIG_VALUE_{at}"), "yes");
    }
    let output = git.args(["config", "--get-urlmatch", "credential", &target.to_string()]).output();
    let Ok(output) = output else { return Vec::new() };
    let text = String::from_utf8_lossy(&output.stdout);
    let at = |line: &str| line.strip_prefix("credential.probe")?.strip_suffix(" yes")?.parse::<usize>().ok();
    text.lines().filter_map(at).filter_map(|at| urls.get(at).copied()).collect()
}

impl fmt::Display for Setting {
    /// The helper, and where it is configured. Only the program is named: an argument could hold a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let helper = match self.helper.split(' ').next().unwrap_or_default() {
            "" => "an empty helper",
            _ if self.helper.starts_with('!') => "a shell command",
            program => program,
        };
        match &self.place {
            None => write!(f, "{helper} (environment variables)"),
            Some((file, None)) => write!(f, "{helper} ({})", file.display()),
            Some((file, Some(line))) => write!(f, "{helper} ({}, line {line})", file.display()),
        }
    }
}

/// What this git, run in `directory`, has configured.
fn settings(git: &mut Command, directory: &Path) -> Result<Vec<Setting>, Error> {
    let query = ["config", "--null", "--show-origin", "--get-regexp", r"^credential\.(.*\.)?helper$"];
    let output = git.args(query).output().map_err(failed)?;
    // Exit code 1 is git's word for "no such setting".
    if !matches!(output.status.code(), Some(0 | 1)) {
        return Err(failed(String::from_utf8_lossy(&output.stderr).trim()));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let parts: Vec<&str> = text.split_terminator('\0').collect();
    // git tells files of a repository as seen from the top of its work tree.
    let is_relative = |origin: &str| origin.strip_prefix("file:").is_some_and(|path| !path.starts_with('/'));
    let top = parts.chunks(2).any(|pair| is_relative(pair[0])).then(|| top_of(directory)).flatten();
    let top = top.as_deref().unwrap_or(directory);
    let mut settings: Vec<Setting> = Vec::new();
    for pair in parts.chunks_exact(2) {
        let (key, helper) = pair[1].split_once('\n').unwrap_or((pair[1], ""));
        let place = pair[0].strip_prefix("file:").map(|path| (top.join(path), None));
        settings.push(Setting { key: key.to_owned(), helper: helper.to_owned(), place, is_everywhere: true });
    }
    find_lines(&mut settings);
    Ok(settings)
}

/// Fills in the lines of those files in which each key stands as often as git says, in the same order.
fn find_lines(settings: &mut [Setting]) {
    let mut files: BTreeMap<PathBuf, Vec<(String, usize)>> = BTreeMap::new();
    for (file, _) in settings.iter().filter_map(|setting| setting.place.as_ref()) {
        files.entry(file.clone()).or_insert_with_key(|file| {
            let is_readable = file.metadata().is_ok_and(|data| data.is_file() && data.len() <= LARGEST_FILE);
            let text = is_readable.then(|| std::fs::read(file).ok()).flatten();
            text.and_then(|text| lines::helpers(&text)).unwrap_or_default()
        });
    }
    for (file, found) in files {
        let mut lines: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        found.into_iter().for_each(|(key, line)| lines.entry(key).or_default().push(line));
        let mut places: BTreeMap<&str, Vec<&mut Option<usize>>> = BTreeMap::new();
        for Setting { key, place, .. } in settings.iter_mut() {
            if let Some((_, line)) = place.as_mut().filter(|(other, _)| *other == file) {
                places.entry(key).or_default().push(line);
            }
        }
        for (key, places) in places {
            let lines = lines.get(key).filter(|lines| lines.len() == places.len());
            places.into_iter().zip(lines.into_iter().flatten()).for_each(|(place, line)| *place = Some(*line));
        }
    }
}

/// The top of the work tree that `directory` is in.
fn top_of(directory: &Path) -> Option<PathBuf> {
    let output = git_in(directory).ok()?.args(["rev-parse", "--show-toplevel"]).output().ok()?;
    let path = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| PathBuf::from(path.trim_end_matches('\n')))
}

/// git outside of any repository, whatever the variables say.
fn git() -> Result<Command, Error> {
    let mut git = git_in(Path::new("/"))?;
    git.env("GIT_DIR", "/dev/null").env_remove("GIT_COMMON_DIR").env_remove("GIT_WORK_TREE");
    Ok(git)
}

fn git_in(directory: &Path) -> Result<Command, Error> {
    let Some(program) = programs::on_path("git").next() else {
        return Err(Error::new(Kind::Failed, "there is no git on PATH").next("install git"));
    };
    let mut git = Command::new(program);
    // With this variable `git config` reads one file alone, and no other part of git does.
    git.current_dir(directory).stdin(Stdio::null()).env_remove("GIT_CONFIG");
    for name in SECRET_VARIABLES {
        git.env_remove(name);
    }
    Ok(git)
}

fn failed(why: impl fmt::Display) -> Error {
    Error::new(Kind::Failed, "git cannot be asked for its configuration").why(why)
}
