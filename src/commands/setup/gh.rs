//! `setup gh`: gh asks no helper, so there is nothing to write into its files. What can be done is to look whether it will
//! work, and to say what to type.

use crate::broker::Broker;
use crate::error::{Error, Kind};
use crate::programs;
use crate::protocol::git::chain::Settings;
use crate::resolve::{self, rules};
use crate::service::Service;
use crate::suggest;
use crate::target::Target;

/// The line for the shell's own file.
pub(super) fn alias(broker: &Broker) -> Result<String, Error> {
    if programs::on_path("gh").next().is_none() {
        return Err(Error::new(Kind::NotConfigured, "gh is not on PATH")
            .next(format!("install it (https://cli.github.com), then {}", suggest::setup("gh"))));
    }
    let service = service(broker)?;
    // Without git there is nobody who would ask gh.
    if programs::on_path("git").next().is_some() {
        let settings = Settings::read()?;
        let origins = rules(service).into_iter().filter(|rule| rule.git_username.is_some());
        for origin in origins.filter_map(|rule| rule.pattern.origin()) {
            check(&settings, &origin)?;
        }
    }
    // A service of another name for the provider may claim github.com, too.
    let variable = if is_github(service) { "" } else { "=GH_TOKEN" };
    Ok(suggest::gh_alias(&format!("{}{variable}", service.name)))
}

fn is_github(service: &Service) -> bool {
    service.row().is_some_and(|row| row.base == "github")
}

/// The service that gh's tokens come from: the one of github.com, else the only one of another host.
fn service(broker: &Broker) -> Result<&Service, Error> {
    let github = Target::from_host("github.com").map_err(|error| Error::new(Kind::Failed, error))?;
    match broker.resolve(&github, None) {
        Ok(answer) => return Ok(answer.rule.service),
        Err(resolve::Error::Nobody(_)) => {}
        Err(error) => return Err(error.into()),
    }
    let of_github: Vec<&Service> = broker.services.iter().filter(|service| is_github(service)).collect();
    match of_github.as_slice() {
        [] => Err(Error::new(Kind::NotConfigured, "no service of GitHub is configured").next(format!(
            "{}, or {}",
            suggest::sync(broker.active_environment()),
            suggest::config_new("github")
        ))),
        [only] => Ok(only),
        several => {
            let names: Vec<&str> = several.iter().map(|service| service.name.as_str()).collect();
            Err(Error::new(Kind::Ambiguous, "several services of GitHub are configured, and none for github.com")
                .why(names.join(", "))
                .next(format!("`{}`, or another of them", suggest::gh_alias(names[0]))))
        }
    }
}

/// Refuses where git asks gh before us, as after `gh auth setup-git`: gh would answer with its own stored token.
fn check(settings: &Settings, origin: &str) -> Result<(), Error> {
    let Ok((target, _)) = Target::from_url(origin) else { return Ok(()) };
    let chain = settings.chain(&target);
    let mut before = chain.iter().take_while(|setting| !setting.is_ours());
    match before.find(|setting| is_gh(&setting.helper)) {
        None => Ok(()),
        Some(helper) => Err(Error::new(Kind::NotConfigured, format!("git asks gh for {origin}, not us"))
            .why(format!("its helper there is {helper}, from `gh auth setup-git`"))
            .next(format!("{}, then {}", suggest::setup("git").word("--replace"), suggest::setup("gh")))),
    }
}

fn is_gh(helper: &str) -> bool {
    helper.starts_with('!') && helper.ends_with("gh auth git-credential")
}
