//! Tools whose configuration is text: a block of lines in it lets the tool ask us.

use std::path::{Path, PathBuf};

use super::block::{self, Place};
use super::edit::Edit;
use super::kubeconfig;
use super::links::{self, Links};
use super::toml_line;
use crate::broker::Broker;
use crate::error::{Error, Kind};
use crate::resolve::{Rule, rules};
use crate::suggest;
use crate::system::System;
use crate::system::places::Places;
use crate::target::Target;

/// A tool of this kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Text {
    Bazel,
    Pip,
    Uv,
    Cargo,
    Go,
    Terraform,
    Pnpm,
    Kubectl,
}

/// What a tool's file gets.
struct Wanted {
    lines: String,
    place: Place,
    /// What it asks us about then.
    what: String,
}

/// The change.
pub(super) struct Plan {
    pub(super) edit: Edit,
    pub(super) after: String,
    what: String,
}

/// How a tool is set up: for which places, as which user of a kubeconfig, and whether in the place of another's lines.
pub(super) struct How<'a> {
    pub(super) broker: &'a Broker,
    pub(super) links: &'a Links,
    pub(super) places: &'a [String],
    pub(super) user: Option<&'a str>,
    pub(super) replace: bool,
}

impl Text {
    /// Its name after `setup`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Bazel => "bazel",
            Self::Pip => "pip",
            Self::Uv => "uv",
            Self::Cargo => "cargo",
            Self::Go => "go",
            Self::Terraform => "terraform",
            Self::Pnpm => "pnpm",
            Self::Kubectl => "kubectl",
        }
    }

    /// The user's configuration file.
    pub(super) fn file(self) -> Result<PathBuf, Error> {
        Ok(self.file_in(&Places::here()?))
    }

    fn open(self) -> Result<Edit, Error> {
        Edit::open(&self.file()?)
    }

    fn file_in(self, places: &Places) -> PathBuf {
        let (system, named) = (places.system, |name: &str| places.variable(name));
        match self {
            Self::Bazel => places.home(".bazelrc"),
            Self::Pip => named("PIP_CONFIG_FILE").unwrap_or_else(|| {
                // On a Mac pip reads its own directory if that is there, and else the one from Linux.
                let native = places.native_settings().join("pip");
                let directory = if native.is_dir() { native } else { places.settings().join("pip") };
                directory.join(if system == System::Windows { "pip.ini" } else { "pip.conf" })
            }),
            Self::Uv => places.settings().join("uv/uv.toml"),
            Self::Cargo => {
                let directory = named("CARGO_HOME").unwrap_or_else(|| places.home(".cargo"));
                // Its old name, which cargo prefers where both are there.
                let old = directory.join("config");
                if old.is_file() { old } else { directory.join("config.toml") }
            }
            Self::Go => named("GOENV").unwrap_or_else(|| places.native_settings().join("go/env")),
            Self::Terraform => named("TF_CLI_CONFIG_FILE").unwrap_or_else(|| match system {
                System::Windows => places.settings().join("terraform.rc"),
                _ => places.home(".terraformrc"),
            }),
            Self::Pnpm => named("NPM_CONFIG_USERCONFIG").unwrap_or_else(|| places.home(".npmrc")),
            Self::Kubectl => match named("KUBECONFIG") {
                Some(several) => std::env::split_paths(&several).next().unwrap_or(several),
                None => places.home(".kube/config"),
            },
        }
    }

    /// Plans the change; refuses where the tool asks somebody else already, unless it shall be replaced.
    pub(super) fn plan(self, how: &How<'_>) -> Result<Plan, Error> {
        let edit = self.open()?;
        let text = edit.exists().then_some(edit.before());
        let earlier = block::lines(edit.before()).unwrap_or_default();
        let rest = text.and_then(block::without).unwrap_or_else(|| text.map(str::to_owned));
        let rest = rest.as_deref().unwrap_or_default();
        let Wanted { lines, place, what } = self.wanted(how, earlier, rest, edit.path())?;
        let after = block::put(text, &lines, |_| place);
        Ok(Plan { edit, after, what })
    }

    /// `earlier` are our lines of an earlier set-up, `rest` is the file without them.
    fn wanted(self, how: &How<'_>, earlier: &str, rest: &str, path: &Path) -> Result<Wanted, Error> {
        let program = how.links.program().display().to_string();
        let taken = |what: String| Error::new(Kind::Usage, what);
        let unreadable = |why: String| {
            Error::new(Kind::NotConfigured, format!("{} cannot be read and is left as it is", path.display())).why(why)
        };
        match self {
            Self::Bazel => {
                let mut hosts =
                    hosts(how, |rule| rule.git_username.is_some_and(|name| !name.is_empty()) || is_git_hosts(rule))?;
                keep_named(how, earlier, &mut hosts, |line| {
                    line.split_once("--credential_helper=")?.1.split('=').next()
                });
                let flag = |host: &String| format!("--credential_helper={host}=");
                let other = hosts.iter().find(|host| rest.contains(&flag(host)));
                if let (Some(host), false) = (other, how.replace) {
                    return Err(taken(format!("{} has another helper for {host} already", path.display()))
                        .next("--replace: the last line counts, and ours is the last"));
                }
                // Bazel takes the path of a program and no words after it.
                let helper = how.links.needed("bazel-scalekit")?.display().to_string();
                let line = |host: &String| match helper.contains(char::is_whitespace) {
                    true => format!("common \"{}{helper}\"\n", flag(host)),
                    false => format!("common {}{helper}\n", flag(host)),
                };
                Ok(Wanted {
                    lines: hosts.iter().map(line).collect(),
                    place: Place::End,
                    what: format!("bazel asks us for {}", hosts.join(", ")),
                })
            }
            Self::Pip => {
                how.must_have_no_places(self)?;
                let setting = "keyring-provider = subprocess\n";
                let (place, found) = ini_key(rest, "global", "keyring-provider");
                if found.is_some_and(|value| value != "subprocess") && !how.replace {
                    return Err(taken(format!("{} has another keyring-provider already", path.display()))
                        .next("--replace puts ours in its place; `setup --undo` brings it back"));
                }
                let head = if place == Place::End { "[global]\n" } else { "" };
                Ok(Wanted { lines: format!("{head}{setting}"), place, what: how.keyring(self)? })
            }
            Self::Uv => {
                how.must_have_no_places(self)?;
                let found = toml_line::key(rest, &["keyring-provider"]).map_err(unreadable)?;
                if found.as_ref().is_some_and(|found| found.value.trim() != "\"subprocess\"") && !how.replace {
                    return Err(taken(format!("{} has another keyring-provider already", path.display()))
                        .next("--replace puts ours in its place; `setup --undo` brings it back"));
                }
                let start = rest.len() - rest.trim_start_matches('\u{feff}').len();
                let place = found.map_or(Place::Before(start), |found| Place::Instead(found.lines));
                Ok(Wanted { lines: "keyring-provider = \"subprocess\"\n".into(), place, what: how.keyring(self)? })
            }
            Self::Cargo => {
                how.must_have_no_places(self)?;
                let mut helper = how.links.needed("cargo-credential-scalekit")?.display().to_string();
                if helper.contains(char::is_whitespace) {
                    // cargo takes the text apart at blanks, and finds a bare name by PATH.
                    helper = "cargo-credential-scalekit".into();
                }
                let found = toml_line::key(rest, &["registry", "global-credential-providers"]).map_err(unreadable)?;
                // cargo asks the last one first, and the next where that declines.
                let mut providers = match &found {
                    Some(found) => found.strings().map_err(unreadable)?,
                    None => vec!["cargo:token".to_owned()],
                };
                providers.retain(|provider| !provider.ends_with("cargo-credential-scalekit"));
                providers.push(helper);
                let shown: Vec<String> = providers.iter().map(|provider| toml_line::quoted(provider)).collect();
                let setting = format!("global-credential-providers = [{}]\n", shown.join(", "));
                let head = toml_line::head(rest, "registry").map_err(unreadable)?;
                let (place, lines) = match (found, head) {
                    (Some(found), _) => (Place::Instead(found.lines), setting),
                    (None, Some(below)) => (Place::Before(below), setting),
                    (None, None) => (Place::End, format!("[registry]\n{setting}")),
                };
                Ok(Wanted { lines, place, what: "cargo asks us for the registries of your services".into() })
            }
            Self::Go => {
                how.must_have_no_places(self)?;
                for (name, value) in [("GOENV", "off"), ("GOAUTH", "")] {
                    if std::env::var(name).is_ok_and(|set| set == value || (value.is_empty() && !set.is_empty())) {
                        return Err(taken(format!("the variable {name} is set"))
                            .why("go takes it before the setting in its file")
                            .next(format!("unset {name}, then {}", suggest::setup("go"))));
                    }
                }
                let quoted = match (program.contains(' '), program.contains('"')) {
                    (false, false) => program,
                    (_, false) => format!("\"{program}\""),
                    (_, true) => format!("'{program}'"),
                };
                let (place, found) = plain_key(rest, "GOAUTH");
                // go takes `off` alone, and no empty command.
                let others = match found.unwrap_or("netrc").trim() {
                    "" | "off" => String::new(),
                    others => format!("; {others}"),
                };
                let lines = format!("GOAUTH={quoted} goauth{others}\n");
                Ok(Wanted { lines, place, what: "go asks us for the modules of your services".into() })
            }
            Self::Terraform => {
                how.must_have_no_places(self)?;
                let is_helper = |line: &str| {
                    let rest = line.trim_start().strip_prefix("credentials_helper");
                    rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_whitespace() || c == '"'))
                };
                if rest.lines().any(is_helper) {
                    return Err(taken(format!("{} has another credentials_helper already", path.display()))
                        .why("Terraform takes one alone")
                        .next("remove that block first"));
                }
                let lines = "credentials_helper \"scalekit\" {\n}\n".to_owned();
                Ok(Wanted { lines, place: Place::End, what: "terraform asks us for the hosts of your services".into() })
            }
            Self::Pnpm => {
                let mut registries = registries(how)?;
                keep_named(how, earlier, &mut registries, |line| {
                    Some(line.strip_prefix("//")?.split_once("/:tokenHelper=")?.0)
                });
                let key = |registry: &String| format!("//{registry}/:");
                let other = registries.iter().find(|registry| {
                    let begins = |line: &str, name: &str| line.trim_start().starts_with(&(key(registry) + name));
                    let mut others = rest.lines().filter(|line| !self.is_named_in(line));
                    others.any(|line| begins(line, "tokenHelper") || begins(line, "_authToken"))
                });
                if let Some(registry) = other {
                    return Err(taken(format!("{} has a token for {registry} already", path.display()))
                        .next("remove that line first"));
                }
                let mut lines = String::new();
                for registry in &registries {
                    let host = registry.split('/').next().unwrap_or_default();
                    let link = how.links.own(&format!("scalekit-token@{host}"))?;
                    lines += &format!("{}tokenHelper={}\n", key(registry), link.display());
                }
                Ok(Wanted { lines, place: Place::End, what: format!("pnpm asks us for {}", registries.join(", ")) })
            }
            Self::Kubectl => {
                how.must_have_no_places(self)?;
                let Some(user) = how.user else {
                    return Err(Error::new(Kind::Usage, "setup kubectl needs the name of a user")
                        .next(suggest::setup("kubectl").option("--user", "NAME")));
                };
                let is_other =
                    |line: &str| line.trim_start().starts_with("- name: ") && !line.trim_end().ends_with(user);
                if earlier.lines().any(is_other) {
                    return Err(taken("another user of the kubeconfig asks us already".into()).next(
                        "`setup kubectl --undo` takes that one out; its `exec` can also be copied to a second user",
                    ));
                }
                let (lines, place) = kubeconfig::user(rest, user, &program)
                    .map_err(|why| Error::new(Kind::Usage, format!("{} is left as it is", path.display())).why(why))?;
                Ok(Wanted { lines, place, what: format!("kubectl asks us as the user {user}") })
            }
        }
    }

    /// Terraform finds its helper in its folder of plug-ins alone.
    fn link() -> Result<PathBuf, Error> {
        let places = Places::here()?;
        let directory = match places.system {
            System::Windows => places.settings().join("terraform.d"),
            _ => places.home(".terraform.d"),
        };
        Ok(directory.join("plugins").join(places.system.executable("terraform-credentials-scalekit")))
    }

    /// Makes the link that the tool needs, if it needs one.
    pub(super) fn make_link(self, links: &Links) -> Result<(), Error> {
        if self == Self::Terraform { links.at(&Self::link()?) } else { Ok(()) }
    }

    /// Takes away the links that no tool needs any more.
    pub(super) fn remove_links(self) -> Result<(), Error> {
        match self {
            Self::Terraform => links::remove(&Self::link()?),
            Self::Pnpm => links::remove_own(|name| name.starts_with("scalekit-token@")),
            Self::Pip | Self::Uv if !Self::Pip.has_block() && !Self::Uv.has_block() => {
                links::remove_own(|name| name == "keyring")
            }
            _ => Ok(()),
        }
    }

    /// Whether it asks us: by our lines in its file, wherever they stand, and for the command `keyring` by PATH as well.
    pub(super) fn asks_us(self) -> bool {
        let Ok(edit) = self.open() else { return false };
        let is_set = block::lines(edit.before()).is_some() || self.is_named_in(edit.before());
        is_set && (!matches!(self, Self::Pip | Self::Uv) || links::is_own_first("keyring"))
    }

    /// Whether our lines are in its file.
    fn has_block(self) -> bool {
        self.open().is_ok_and(|edit| block::lines(edit.before()).is_some())
    }

    /// Whether a text sends it to us. Programs that write their files anew drop the remarks that tell our lines.
    fn is_named_in(self, text: &str) -> bool {
        let name = match self {
            Self::Bazel => "bazel-scalekit",
            Self::Pip | Self::Uv => return false,
            Self::Cargo => "cargo-credential-scalekit",
            Self::Go | Self::Kubectl => "scalekit-auth",
            Self::Terraform => "credentials_helper \"scalekit\"",
            Self::Pnpm => "scalekit-token@",
        };
        text.contains(name)
    }

    /// Where it is sent to us though none of our lines is left to take out.
    pub(super) fn left_behind(self) -> Option<PathBuf> {
        let edit = self.open().ok()?;
        self.is_named_in(edit.before()).then(|| edit.path().to_owned())
    }

    /// The change that takes our lines out again; `None` if there are none.
    pub(super) fn undo(self) -> Result<Option<(Edit, Option<String>)>, Error> {
        let edit = self.open()?;
        Ok(block::without(edit.before()).map(|rest| (edit, rest)))
    }
}

impl Plan {
    pub(super) fn carry_out(&self) -> Result<&str, Error> {
        self.edit.write(Some(&self.after))?;
        Ok(&self.what)
    }
}

impl How<'_> {
    fn must_have_no_places(&self, tool: Text) -> Result<(), Error> {
        match self.places.is_empty() {
            true => Ok(()),
            false => Err(Error::new(Kind::Usage, format!("setup {} takes no hosts", tool.name()))
                .next(suggest::setup(tool.name()))),
        }
    }

    /// Makes the command `keyring` in a directory of its own, and says what is left to do.
    fn keyring(&self, tool: Text) -> Result<String, Error> {
        let link = self.links.own("keyring")?;
        let directory = link.parent().unwrap_or(Path::new("/")).display().to_string();
        Ok(format!(
            "{} asks the command keyring, which is ours once {directory} is first on PATH: export PATH=\"{directory}:$PATH\"",
            tool.name()
        ))
    }
}

/// Hosts of the provider of a git host, such as its API and its downloads.
fn is_git_hosts(rule: &Rule<'_>) -> bool {
    rule.service.row().is_some_and(|row| row.git_username.is_some())
}

/// The hosts asked for, else those of the rules that `is_usual` takes.
fn hosts(how: &How<'_>, is_usual: impl Fn(&Rule<'_>) -> bool) -> Result<Vec<String>, Error> {
    let mut hosts: Vec<String> = Vec::new();
    let all: Vec<Rule<'_>> = how.broker.services.iter().flat_map(rules).collect();
    if how.places.is_empty() {
        for rule in all.iter().filter(|rule| rule.pattern.is_https() && rule.pattern.is_exact() && is_usual(rule)) {
            let host = rule.pattern.authority().host.clone();
            if !hosts.contains(&host) {
                hosts.push(host);
            }
        }
    }
    for place in how.places {
        let wrong = |why| Error::new(Kind::Usage, format!("{place} is no host")).why(why);
        let target = match place.contains("://") {
            true => Target::from_url(place).map_err(wrong)?.0,
            false => Target::from_host(place).map_err(wrong)?,
        };
        must_be_claimed(&all, &target, place)?;
        hosts.push(target.authority.host);
    }
    match hosts.is_empty() {
        false => Ok(hosts),
        true => Err(Error::new(Kind::NotConfigured, "no configured service has such hosts")
            .next(format!("{} first", suggest::config_new("SERVICE")))),
    }
}

/// Adds the places of an earlier set-up, where this one names some of its own.
fn keep_named(how: &How<'_>, earlier: &str, places: &mut Vec<String>, named: impl Fn(&str) -> Option<&str>) {
    if how.places.is_empty() {
        return;
    }
    for place in earlier.lines().filter_map(named) {
        if !places.iter().any(|known| known == place) {
            places.push(place.to_owned());
        }
    }
}

fn must_be_claimed(all: &[Rule<'_>], target: &Target, place: &str) -> Result<(), Error> {
    match all.iter().any(|rule| rule.pattern.claims_host(target)) {
        true => Ok(()),
        false => Err(Error::new(Kind::NotConfigured, format!("no configured service answers for {place}"))
            .next(format!("{} if one should", suggest::config_host("HOST")))),
    }
}

/// npm's registries: those asked for, with a path where they have one, else GitHub's.
fn registries(how: &How<'_>) -> Result<Vec<String>, Error> {
    const GITHUB: &str = "npm.pkg.github.com";
    let all: Vec<Rule<'_>> = how.broker.services.iter().flat_map(rules).collect();
    let usual = [GITHUB.to_owned()];
    let asked = if how.places.is_empty() { &usual[..] } else { how.places };
    let mut registries = Vec::new();
    for place in asked {
        let url = if place.contains("://") { place.clone() } else { format!("https://{place}") };
        let plain = url.split_once("://").map_or("", |(_, rest)| rest).trim_end_matches('/');
        let wrong = |why| Error::new(Kind::Usage, format!("{place} is no registry")).why(why);
        let (target, _) = Target::from_url(&url).map_err(wrong)?;
        must_be_claimed(&all, &target, place)?;
        // The program is told the host alone, by the name of its link.
        let host = Target::from_url(&format!("{}://{}", target.scheme.name(), target.authority)).map_err(wrong)?.0;
        if !all.iter().any(|rule| rule.pattern.claims(&host)) {
            return Err(Error::new(
                Kind::Usage,
                format!("no configured service answers for the whole of {}", target.authority),
            )
            .why("pnpm does not say which path it asks about"));
        }
        registries.push(plain.to_owned());
    }
    Ok(registries)
}

/// Where a key of a section of an INI file goes, and its value where it is there.
fn ini_key<'a>(text: &'a str, section: &str, key: &str) -> (Place, Option<&'a str>) {
    let (mut at, mut is_inside, mut below) = (0, false, None);
    for line in text.split_inclusive('\n') {
        let next = at + line.len();
        let bare = line.trim();
        // What comes after the last bracket is no part of the head.
        if let Some((head, _)) = bare.strip_prefix('[').and_then(|rest| rest.rsplit_once(']')) {
            is_inside = head == section;
            if is_inside {
                below = Some(next);
            }
        } else if is_inside
            && let Some((name, value)) = bare.split_once(['=', ':'])
            && name.trim().to_lowercase().replace('_', "-") == key
        {
            return (Place::Instead(at..next), Some(value.trim()));
        }
        at = next;
    }
    match below {
        Some(at) if text[..at].ends_with('\n') => (Place::Before(at), None),
        // A head without anything below is the last line: another one of the same name would be an error.
        Some(at) => (Place::Before(at), None),
        None => (Place::End, None),
    }
}

/// The same for a file of `KEY=VALUE` lines.
fn plain_key<'a>(text: &'a str, key: &str) -> (Place, Option<&'a str>) {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let next = at + line.len();
        if let Some(value) = line.strip_prefix(key).and_then(|rest| rest.strip_prefix('=')) {
            return (Place::Instead(at..next), Some(value.trim_end()));
        }
        at = next;
    }
    (Place::End, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_where_each_system_has_them() {
        let on = |system, text: Text| text.file_in(&Places::of(system, "/h", |_| None)).display().to_string();
        assert_eq!(on(System::Linux, Text::Go), "/h/.config/go/env");
        assert_eq!(on(System::MacOs, Text::Go), "/h/Library/Application Support/go/env");
        assert_eq!(on(System::Windows, Text::Go), "/h/AppData/Roaming/go/env");
        assert_eq!(on(System::Windows, Text::Pip), "/h/AppData/Roaming/pip/pip.ini");
        assert_eq!(on(System::MacOs, Text::Pip), "/h/.config/pip/pip.conf");
        assert_eq!(on(System::Windows, Text::Uv), "/h/AppData/Roaming/uv/uv.toml");
        assert_eq!(on(System::Windows, Text::Terraform), "/h/AppData/Roaming/terraform.rc");
        assert_eq!(on(System::MacOs, Text::Terraform), "/h/.terraformrc");
        for text in [Text::Bazel, Text::Cargo, Text::Pnpm, Text::Kubectl] {
            assert_eq!(on(System::Linux, text), on(System::Windows, text));
        }
    }

    #[test]
    fn a_key_of_an_ini_file_is_found_in_its_section_alone() {
        let text = "[install]\nkeyring_provider = x\n[global]\ntimeout = 9\nkeyring-provider: import\n";
        let (place, value) = ini_key(text, "global", "keyring-provider");
        assert_eq!((value, place), (Some("import"), Place::Instead(52..77)));
        assert_eq!(&text[52..77], "keyring-provider: import\n");
        assert_eq!(ini_key("[global] # mine\nKeyring_Provider = x\n", "global", "keyring-provider").1, Some("x"));
        assert_eq!(ini_key("[global]\nx = 1\n", "global", "keyring-provider"), (Place::Before(9), None));
        assert_eq!(ini_key("[install]\n", "global", "keyring-provider"), (Place::End, None));
    }

    #[test]
    fn a_plain_key_is_found_at_the_beginning_of_its_line() {
        assert_eq!(plain_key("GOX=1\nGOAUTH=off\n", "GOAUTH"), (Place::Instead(6..17), Some("off")));
        assert_eq!(plain_key("XGOAUTH=off\n", "GOAUTH"), (Place::End, None));
    }
}
