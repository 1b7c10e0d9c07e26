//! Which credential helpers git asks for a host, and tells about our tokens.

mod helper;

use std::process::{Command, Stdio};

pub use helper::{is_ours, unstartable};

use super::programs;
use crate::error::{Error, Kind};
use crate::resolve::Target;
use crate::store::SECRET_VARIABLES;

/// `credential[.URL].helper` of system, user and environment, in git's order.
pub struct Settings(Vec<Setting>);

struct Setting {
    /// The URL or URL pattern of the section; `None` is every host.
    url: Option<String>,
    helper: String,
}

impl Settings {
    /// Asks git, away from any repository: a repository's configuration is not the user's word.
    pub fn read() -> Result<Self, Error> {
        let output = git()?
            .args(["config", "--null", "--get-regexp", r"^credential\.(.*\.)?helper$"])
            .output()
            .map_err(failed)?;
        // Exit code 1 is git's word for "no such setting".
        if !matches!(output.status.code(), Some(0 | 1)) {
            return Err(failed(String::from_utf8_lossy(&output.stderr).trim()));
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let settings = text.split('\0').filter(|entry| !entry.is_empty()).map(|entry| {
            let (key, helper) = entry.split_once('\n').unwrap_or((entry, ""));
            let url = key.strip_prefix("credential.").and_then(|rest| rest.strip_suffix(".helper"));
            Setting { url: url.map(str::to_owned), helper: helper.to_owned() }
        });
        Ok(Self(settings.collect()))
    }

    /// The helpers that git asks for `target`; an empty one drops those before it.
    pub fn chain(&self, target: &Target) -> Vec<&str> {
        self.effective(target).into_iter().map(|setting| setting.helper.as_str()).collect()
    }

    /// Helpers of others that are configured for this very host.
    pub fn helpers_of_this_host(&self, target: &Target) -> Vec<&str> {
        let effective = self.effective(target).into_iter();
        let own = effective.filter(|setting| setting.url.is_some() && !is_ours(&setting.helper));
        own.map(|setting| setting.helper.as_str()).collect()
    }

    fn effective(&self, target: &Target) -> Vec<&Setting> {
        let mut chain = Vec::new();
        for setting in self.0.iter().filter(|setting| setting.applies(target)) {
            if setting.helper.is_empty() {
                chain.clear();
            } else {
                chain.push(setting);
            }
        }
        chain
    }
}

impl Setting {
    /// Whether git uses the section for `target`. Patterns are git's own matter, so git is asked: in a configuration that
    /// consists of this one section.
    fn applies(&self, target: &Target) -> bool {
        let Some(url) = &self.url else { return true };
        if *url == format!("{}://{}", target.scheme.name(), target.authority) {
            return true;
        }
        let Ok(mut git) = git() else { return false };
        let output = git
            .envs([("GIT_CONFIG_NOSYSTEM", "1"), ("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_COUNT", "1")])
            .env("GIT_CONFIG_KEY_0", format!("credential.{url}.probe"))
            .env("GIT_CONFIG_VALUE_0", "yes")
            .args(["config", "--get-urlmatch", "credential.probe", &target.to_string()])
            .output();
        output.is_ok_and(|output| output.stdout == b"yes\n")
    }
}

fn git() -> Result<Command, Error> {
    let Some(program) = programs::on_path("git").next() else {
        return Err(Error::new(Kind::Failed, "there is no git on PATH").next("install git"));
    };
    let mut git = Command::new(program);
    git.current_dir("/").stdin(Stdio::null());
    for name in SECRET_VARIABLES {
        git.env_remove(name);
    }
    Ok(git)
}

fn failed(why: impl std::fmt::Display) -> Error {
    Error::new(Kind::Failed, "git cannot be asked for its configuration").why(why)
}
