//! Which environment variable a token goes to.

use crate::catalogue::{is_below, places_at};
use crate::error::{Error, Kind};
use crate::resolve::rule::{For, Source};
use crate::resolve::rules;
use crate::service::{Account, Service};
use crate::target::Authority;

/// Where gh talks to unless told otherwise (`gh help environment`).
pub(super) const GH_HOST: &str = "GH_HOST";
/// What gh sends to hosts other than github.com and those below ghe.com.
const GH_ENTERPRISE_TOKEN: &str = "GH_ENTERPRISE_TOKEN";
/// Below it are the hosts of GitHub Enterprise Cloud with data residency.
const GHE: &str = "ghe.com";

/// Names that a shell, the loader, an interpreter or nearly every program obeys, in upper case. A token there would break
/// the command, or make it do what nobody asked for.
const OBEYED: &[&str] = &[
    "ALL_PROXY",
    "BASHOPTS",
    "BASH_ENV",
    "BROWSER",
    "CDPATH",
    "CLASSPATH",
    "EDITOR",
    "ENV",
    "GCONV_PATH",
    "GH_HOST",
    "GLOBIGNORE",
    "HOME",
    "HOSTALIASES",
    "IFS",
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "LANG",
    "LANGUAGE",
    "LESSCLOSE",
    "LESSOPEN",
    "LOCPATH",
    "LOGNAME",
    "NLSPATH",
    "NODE_EXTRA_CA_CERTS",
    "NODE_OPTIONS",
    "NODE_PATH",
    "OLDPWD",
    "PAGER",
    "PATH",
    "PROMPT_COMMAND",
    "PS0",
    "PS1",
    "PS2",
    "PS4",
    "PWD",
    "RUSTC",
    "RUSTC_WRAPPER",
    "RUSTFLAGS",
    "SHELL",
    "SHELLOPTS",
    "TERM",
    "TERMCAP",
    "TERMINFO",
    "TERMINFO_DIRS",
    "TMPDIR",
    "TZ",
    "USER",
    "VISUAL",
    "ZDOTDIR",
    "_JAVA_OPTIONS",
];
const OBEYED_BEGINNINGS: &[&str] = &[
    "BASH_FUNC_",
    "CURL_",
    "DBUS_",
    "DYLD_",
    "GIT_",
    "GLIBC_",
    "LC_",
    "LD_",
    "MALLOC_",
    "OPENSSL_",
    "PERL",
    "PYTHON",
    "RUBY",
    "SSH_",
    "SSL_CERT_",
    "SUDO_",
    "XDG_",
];
const OBEYED_ENDINGS: &[&str] = &["_ASKPASS", "_EDITOR", "_PAGER", "_PROXY"];
/// Ours, and those of Scalekit's own programs.
const OWN_BEGINNINGS: &[&str] = &["SCALEKIT_", "TOOL_"];

/// The variable for one token.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Destination {
    pub(super) variable: String,
    /// It was chosen because gh reads it.
    pub(super) is_for_gh: bool,
    /// The one host that gh has to be told.
    pub(super) host: Option<String>,
}

/// Divides the text of `--with` into the place and the variable's name.
pub(super) fn split(text: &str) -> Result<(&str, Option<&str>), Error> {
    let Some((place, name)) = text.rsplit_once('=') else { return Ok((text, None)) };
    // Part of a query, or of a password, must not become a name without anybody's noticing.
    if place.contains(['?', '#']) {
        return Err(Error::new(Kind::Usage, "--with takes a URL without query and fragment")
            .next("leave away what stands behind `?` or `#`: it does not choose a token"));
    }
    check(name, "--with SERVICE=NAME").map(|()| (place, Some(name)))
}

/// Whether a value may stand in a variable of this name.
pub(super) fn check(name: &str, option: &str) -> Result<(), Error> {
    let is_name = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !is_name || !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        // What was given is not shown: behind the last = of a URL there may be a password.
        return Err(Error::new(
            Kind::Usage,
            format!("what was given is no NAME of an environment variable, as in {option}"),
        )
        .why("letters, digits and _, not beginning with a digit")
        .next(format!("write `{option}`")));
    }
    let upper = name.to_ascii_uppercase();
    let begins = |list: &[&str]| list.iter().any(|beginning| upper.starts_with(beginning));
    let why = if begins(OWN_BEGINNINGS) {
        "it belongs to Scalekit's own programs"
    } else if OBEYED.contains(&upper.as_str())
        || begins(OBEYED_BEGINNINGS)
        || OBEYED_ENDINGS.iter().any(|ending| upper.ends_with(ending))
    {
        "it changes how programs run"
    } else {
        return Ok(());
    };
    Err(Error::new(Kind::Usage, format!("the variable {name} is not set by exec"))
        .why(why)
        .next(format!("`{option}`, with the name that the command reads")))
}

impl Destination {
    pub(super) fn named(variable: &str) -> Self {
        Self { variable: variable.to_owned(), is_for_gh: false, host: None }
    }

    /// The variable that the tools of the service's provider read; `asked` is the host that was named instead of the service.
    pub(super) fn usual(service: &Service, account: &Account, asked: Option<Authority>) -> Result<Self, Error> {
        let row = service.row();
        let Some(first) = row.and_then(|row| row.variables.first()) else {
            let what = format!("it is not known which variable takes the token of {}", service.name);
            return Err(Error::new(Kind::Usage, what)
                .why("no source of the built-in catalogue names one")
                .next(format!("`--with {}=NAME`, with the name that the command reads", service.name)));
        };
        match row.filter(|row| row.base == "github") {
            Some(_) => Ok(for_gh(first, &hosts(service, account, asked))),
            None => Ok(Self::named(first)),
        }
    }
}

/// The hosts that the user named, as gh would name them.
fn hosts(service: &Service, account: &Account, asked: Option<Authority>) -> Vec<String> {
    let own = rules(service).into_iter().filter(|rule| rule.source == Source::User && rule.pattern.is_https());
    let own = own.filter(|rule| match rule.account {
        For::Any => true,
        For::Only(who) => who == account.identifier,
    });
    let of_rules = own.map(|rule| rule.pattern.authority().clone());
    let all = asked.map_or_else(|| of_rules.collect(), |one| vec![one]);
    let mut hosts: Vec<String> = Vec::new();
    for authority in all {
        let host = gh_host(&authority);
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    hosts
}

/// gh's name for the instance: with data residency, `api.acme.ghe.com` belongs to `acme.ghe.com`.
fn gh_host(authority: &Authority) -> String {
    let host = &authority.host;
    if !is_below(host, GHE) {
        return authority.to_string();
    }
    let labels: Vec<&str> = host.rsplitn(4, '.').take(3).collect();
    labels.into_iter().rev().collect::<Vec<_>>().join(".")
}

fn for_gh(variable: &str, hosts: &[String]) -> Destination {
    let is_githubs_own = |host: &String| places_at(host).any(|(row, _)| row.base == "github");
    if hosts.is_empty() || hosts.iter().any(is_githubs_own) {
        return Destination { is_for_gh: true, ..Destination::named(variable) };
    }
    let takes_usual = hosts.iter().all(|host| is_below(host, GHE));
    let variable = if takes_usual { variable } else { GH_ENTERPRISE_TOKEN };
    let host = (hosts.len() == 1).then(|| hosts[0].clone());
    Destination { is_for_gh: true, host, ..Destination::named(variable) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::providers;
    use crate::service::{Origin, Pattern};

    #[test]
    fn no_variable_of_the_catalogue_is_refused() {
        for name in providers().iter().flat_map(|row| row.variables) {
            assert!(check(name, "").is_ok(), "{name}");
        }
        assert!(check(GH_ENTERPRISE_TOKEN, "").is_ok());
    }

    #[test]
    fn names_that_programs_obey_are_refused_in_any_case() {
        for name in [
            "PATH",
            "HOME",
            "LD_PRELOAD",
            "DYLD_INSERT_LIBRARIES",
            "IFS",
            "BASH_ENV",
            "ENV",
            "SHELLOPTS",
            "PS4",
            "PYTHONSTARTUP",
            "PERL5OPT",
            "RUBYOPT",
            "NODE_OPTIONS",
            "GIT_SSH_COMMAND",
            "SSL_CERT_FILE",
            "https_proxy",
            "HTTP_PROXY",
            "EDITOR",
            "PAGER",
            "MANPAGER_PAGER",
            "TERM",
            "SCALEKIT_CLIENT_SECRET",
            "TOOL_ENV_URL",
            "path",
            "SSH_ASKPASS",
            "GH_HOST",
        ] {
            assert!(check(name, "").is_err_and(|error| error.to_string().contains(name)), "{name}");
        }
        for name in ["", "1A", "A-B", "A B", "Ä", "A.B", "A\0"] {
            assert!(check(name, "").is_err(), "{name:?}");
        }
    }

    #[test]
    fn the_last_equals_sign_divides_and_a_query_is_refused() {
        assert_eq!(split("github").unwrap(), ("github", None));
        assert_eq!(split("github=GH_TOKEN").unwrap(), ("github", Some("GH_TOKEN")));
        assert_eq!(split("https://a=b@github.com=X").unwrap(), ("https://a=b@github.com", Some("X")));
        assert!(split("https://github.com/?a=b").is_err());
        let error = split("https://ada:hunter=2@github.com").unwrap_err();
        assert!(!error.to_string().contains("2@"), "{error}");
    }

    #[test]
    fn gh_is_told_of_hosts_that_are_not_its_usual_one() {
        let usual = |hosts: &[&str], asked: Option<&str>| {
            let hosts = hosts.iter().map(|host| Pattern::parse(host).unwrap()).collect();
            let service = Service { hosts, ..Service::new("github", "github-x", Origin::User) };
            let account = Account { identifier: "ada".into(), source: "", was_named: false };
            let asked = asked.map(|host| Authority { host: host.into(), port: None });
            let found = Destination::usual(&service, &account, asked).unwrap();
            (found.variable, found.host)
        };
        let to = |variable: &str, host: Option<&str>| (variable.to_owned(), host.map(str::to_owned));
        assert_eq!(usual(&[], None), to("GH_TOKEN", None));
        assert_eq!(usual(&["github.com/acme"], None), to("GH_TOKEN", None));
        assert_eq!(usual(&["git.acme.com"], None), to("GH_ENTERPRISE_TOKEN", Some("git.acme.com")));
        assert_eq!(usual(&["git.acme.com:8443"], None), to("GH_ENTERPRISE_TOKEN", Some("git.acme.com:8443")));
        assert_eq!(usual(&["git.acme.com", "git.acme.dev"], None), to("GH_ENTERPRISE_TOKEN", None));
        assert_eq!(
            usual(&["git.acme.com", "git.acme.dev"], Some("git.acme.dev")),
            to("GH_ENTERPRISE_TOKEN", Some("git.acme.dev"))
        );
        assert_eq!(usual(&["github.com", "git.acme.com"], None), to("GH_TOKEN", None));
        assert_eq!(usual(&["acme.ghe.com", "api.acme.ghe.com"], None), to("GH_TOKEN", Some("acme.ghe.com")));
    }
}
