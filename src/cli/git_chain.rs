//! Which other credential helpers git would also tell about our tokens.

use std::process::{Command, Stdio};

use crate::broker::Broker;
use crate::resolve::{Pattern, Target, rules};
use crate::store::SECRET_VARIABLES;

/// One line for each place where git asks another helper besides us: git hands every helper what worked, and helpers such
/// as `store` write it to disk.
pub fn warnings(broker: &Broker) -> Vec<String> {
    let Some(settings) = settings() else { return Vec::new() };
    let mut warnings = Vec::new();
    for service in broker.services.iter() {
        for rule in rules(service).iter().filter(|rule| rule.git_username.is_some()) {
            let Some(origin) = rule.pattern.origin() else { continue };
            let Ok((target, _)) = Target::from_url(&origin) else { continue };
            let chain = chain(&settings, &target);
            let others: Vec<_> = chain.iter().filter(|helper| !is_ours(helper)).copied().collect();
            if others.len() < chain.len() && !others.is_empty() {
                let warning = format!(
                    "git also hands the tokens for {origin} to: {}. An empty helper before ours ends that: \
                     git config --global --add credential.{origin}.helper \"\" && \
                     git config --global --add credential.{origin}.helper scalekit",
                    others.join(", ")
                );
                if !warnings.contains(&warning) {
                    warnings.push(warning);
                }
            }
        }
    }
    warnings
}

/// `credential[.URL].helper` of the user and the system, in git's order: URL and value.
fn settings() -> Option<Vec<(Option<String>, String)>> {
    let mut git = Command::new("git");
    git.args(["config", "--null", "--get-regexp", r"^credential\.(.*\.)?helper$"]);
    // Away from any repository: its configuration is not the user's word.
    git.current_dir("/").stdin(Stdio::null()).stderr(Stdio::null());
    for name in SECRET_VARIABLES {
        git.env_remove(name);
    }
    let output = git.output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    let entries = text.split('\0').filter(|entry| !entry.is_empty()).map(|entry| {
        let (key, value) = entry.split_once('\n').unwrap_or((entry, ""));
        let url = key.strip_prefix("credential.").and_then(|rest| rest.strip_suffix(".helper"));
        (url.map(str::to_owned), value.to_owned())
    });
    Some(entries.collect())
}

/// The helpers that git asks for `target`; an empty one drops those before it.
fn chain<'a>(settings: &'a [(Option<String>, String)], target: &Target) -> Vec<&'a str> {
    let applies = |url: &Option<String>| match url {
        None => true,
        Some(url) => Pattern::parse(url).is_ok_and(|pattern| pattern.claims_host(target)),
    };
    let mut chain = Vec::new();
    for (_, value) in settings.iter().filter(|(url, _)| applies(url)) {
        if value.is_empty() {
            chain.clear();
        } else {
            chain.push(value.as_str());
        }
    }
    chain
}

fn is_ours(helper: &str) -> bool {
    helper == "scalekit"
        || helper.contains("git-credential-scalekit")
        || helper.contains("scalekit-auth git-credential")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_helper_drops_those_before_it() {
        let entry = |url: Option<&str>, value: &str| (url.map(str::to_owned), value.to_owned());
        let settings = [
            entry(None, "store"),
            entry(Some("https://github.com"), ""),
            entry(Some("https://github.com"), "scalekit"),
        ];
        let chain_of = |url| chain(&settings, &Target::from_url(url).unwrap().0);
        assert_eq!(chain_of("https://github.com"), ["scalekit"]);
        assert_eq!(chain_of("https://gitlab.com"), ["store"]);
    }
}
