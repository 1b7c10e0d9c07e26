//! A call that the vault makes itself: curl talks to the vault, which adds the credential and passes the provider's answer on
//! unchanged. What is in curl's pipe is the client token and whose account it is.

use std::ffi::OsString;

use serde::Deserialize;

use super::program::{Call, Curl, Watched};
use super::{COMMAND, Context, check, lines, note, refusal};
use crate::audit::Outcome;
use crate::broker::{Asked, Broker};
use crate::consent::Failure;
use crate::error::{Error, Kind, plain};
use crate::service::{Account, Service};
use crate::target::{Scheme, Target};
use crate::trace::step;
use crate::vault::{PROXY_HEADERS, ProxyCall};

/// A call, and whose credential it needs.
pub(super) struct ByVault<'a> {
    pub(super) broker: &'a Broker,
    pub(super) service: &'a Service,
    pub(super) account: &'a Account,
    pub(super) target: &'a Target,
    /// The URL as it was understood.
    pub(super) url: &'a str,
}

impl ByVault<'_> {
    /// Runs curl and ends with its exit status. `is_active` says that the vault called the account so a moment ago.
    pub(super) fn call(&self, curl: &Curl, own: &[OsString], is_active: bool) -> Result<(), Error> {
        let call = self.prepared(own, is_active);
        let Self { broker, service, account, target, .. } = self;
        let outcome = call.as_ref().map_or_else(|failure| Outcome::Refused(failure.kind()), |_| Outcome::ByVault);
        broker.record(Asked { command: COMMAND, target: Some(target), service, account }, outcome);
        let call = call?;
        let scheme = if call.url.starts_with("https:") { Scheme::Https } else { Scheme::Http };
        let headers = lines(&call.headers);
        let watched = curl.watch(&Call { url: &call.url, scheme, headers: Some(&headers), own })?;
        if let Some(sentence) = self.error_of(&watched) {
            note(sentence);
        }
        step!("exit: status {} of curl", watched.code);
        std::process::exit(watched.code)
    }

    /// The call, once nothing speaks against it.
    fn prepared(&self, own: &[OsString], is_active: bool) -> Result<ProxyCall, Failure> {
        if self.service.client.is_some() {
            return Err(Error::new(Kind::Usage, format!("{} is an API client, not a connection", self.service.name))
                .why("the vault makes calls for connected accounts alone")
                .next("leave out --via-vault")
                .into());
        }
        if self.service.mcp.is_some() {
            return Err(Error::new(Kind::Usage, "the environment's own MCP servers are called directly")
                .why("the vault's proxy calls providers alone")
                .next("leave out --via-vault")
                .into());
        }
        for header in PROXY_HEADERS {
            check(own, Context { header: Some(header), show_secrets: false }).map_err(refusal)?;
        }
        self.broker.must_travel(self.service, self.account)?;
        let proxy_url = self.broker.proxy_url(self.service)?;
        let path = self.path_below(proxy_url.as_deref())?;
        if let Some(template) = proxy_url.filter(|url| url.contains("{{")) {
            self.must_be_the_accounts(&template)?;
        }
        self.broker.proxy_call(self.service, self.account, &path, is_active)
    }

    /// Where blanks of the provider's address are the account's to fill in, the vault calls the host that they say, whatever the URL is.
    fn must_be_the_accounts(&self, template: &str) -> Result<(), Error> {
        let Self { broker, service, account, target, .. } = self;
        let host = broker.host_of(service, account, template)?;
        match &host {
            Some(host) if host.claims_host(target) => Ok(()),
            _ => {
                let is = host.map_or("is not known".to_owned(), |host| format!("is {}", host.without_path()));
                Err(Error::new(Kind::VaultRefused, format!("the vault does not call {target} for {}", service.name))
                    .why(format!("the host of the account {} {is}", account.identifier))
                    .next("call a URL of that host"))
            }
        }
    }

    /// The path and query of the URL below `proxy_url`, the place where the vault's calls for the connection begin.
    fn path_below(&self, proxy_url: Option<&str>) -> Result<String, Error> {
        let Self { service, target, url, .. } = self;
        let origin = format!("{}://{}", target.scheme.name(), target.authority);
        let rest = url.strip_prefix(&origin).unwrap_or_default();
        let (path, query) = rest.split_at(rest.find('?').unwrap_or(rest.len()));
        if leaves_its_folder(path) {
            return Err(Error::new(Kind::Usage, "the URL cannot be called through the vault")
                .why("its path has dot segments, which could lead to the vault's own routes")
                .next("write the path that is meant"));
        }
        let Some(proxy_url) = proxy_url else { return Ok(rest.to_owned()) };
        match below(&format!("{origin}{path}"), proxy_url) {
            Some(path) => Ok(format!("{path}{query}")),
            None => {
                let begin = proxy_url.trim_end_matches('/');
                Err(Error::new(Kind::VaultRefused, format!("the vault does not call {target} for {}", service.name))
                    .why(format!("its calls for this connection begin with {begin}"))
                    .next("call a URL below that"))
            }
        }
    }

    /// What is to be said where the answer is the vault's own error and no provider's.
    fn error_of(&self, watched: &Watched) -> Option<String> {
        let (name, connection) = (&self.service.name, &self.service.connection);
        let heads = String::from_utf8_lossy(&watched.heads);
        let printed = String::from_utf8_lossy(&watched.body);
        // With -i the heads are printed, too.
        let body = printed.rsplit("\r\n\r\n").next().unwrap_or_default();
        let status = heads.lines().rfind(|line| line.starts_with("HTTP/"))?.split(' ').nth(1)?;
        if status == "502" && !body.trim_start().starts_with(['{', '[', '<']) {
            let what = plain(body.trim());
            return Some(format!("the vault could not make the call for {name}: {what}"));
        }
        let ProxyError { detail, code } = serde_json::from_slice(body.trim().as_bytes()).ok()?;
        let detail = plain(&detail);
        Some(match (status, code.as_str()) {
            ("401", "UNAUTHORIZED") => {
                self.broker.forget_client_token(self.service);
                format!("the vault refused its own client token ({detail}); run the command again")
            }
            (_, "TOOL_PROXY_DISABLED") => {
                format!("the vault makes no calls for {name}: its proxy is switched off for this provider ({detail})")
            }
            ("404", "NOT_FOUND") => format!(
                "the vault knows no account {} of the connection {connection} ({detail})",
                self.account.identifier
            ),
            _ => return None,
        })
    }
}

/// An error of the proxy itself, which holds nothing else.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProxyError {
    detail: String,
    code: String,
}

/// Whether a server could read the path as one that goes up, in whatever spelling.
fn leaves_its_folder(path: &str) -> bool {
    let mut plain = path.to_ascii_lowercase();
    // An encoded percent sign may be read twice.
    while plain.contains("%25") {
        plain = plain.replace("%25", "%");
    }
    let plain = plain.replace("%2e", ".").replace("%2f", "/").replace("%5c", "/").replace('\\', "/");
    // A server may drop what follows a semicolon, and control characters; and read UTF-8 that is none.
    let is_odd = ["%c0", "%c1", "%00", "%09", "%0a", "%0d"].iter().any(|odd| plain.contains(odd));
    is_odd || plain.split('/').any(|segment| matches!(segment.split(';').next(), Some("." | "..")))
}

/// What follows `base` in `url`, both without a query. Names in `{{ }}` stand for a part of one segment, whatever it is.
fn below<'a>(url: &'a str, base: &str) -> Option<&'a str> {
    let mut rest = url;
    for (nth, segment) in base.trim_end_matches('/').split('/').enumerate() {
        if nth > 0 {
            rest = rest.strip_prefix('/')?;
        }
        let end = rest.find('/').unwrap_or(rest.len());
        let is_same = match segment.split_once("{{") {
            Some((before, blank)) => {
                let after = blank.rsplit_once("}}")?.1;
                let inside = rest[..end].strip_prefix(before).and_then(|inside| inside.strip_suffix(after));
                inside.is_some_and(|inside| !inside.is_empty())
            }
            None => rest[..end].eq_ignore_ascii_case(segment),
        };
        if !is_same {
            return None;
        }
        rest = &rest[end..];
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_path_is_what_follows_the_providers_address() {
        for (url, base, path) in [
            ("https://slack.com/api/auth.test", "https://slack.com/api", Some("/auth.test")),
            ("https://slack.com/api/auth.test", "https://slack.com/api/", Some("/auth.test")),
            ("https://slack.com/api", "https://slack.com/api", Some("")),
            ("https://slack.com/apix", "https://slack.com/api", None),
            ("https://slack.com/", "https://slack.com/api", None),
            ("https://evil.net/api/x", "https://slack.com/api", None),
            ("https://slack.com:444/api/x", "https://slack.com/api", None),
            ("http://slack.com/api/x", "https://slack.com/api", None),
            ("https://acme.zendesk.com/api/v2/x", "https://{{domain}}/api", Some("/v2/x")),
            ("https://acme.zendesk.com/v2/x", "https://{{subdomain}}.zendesk.com", Some("/v2/x")),
            ("https://.zendesk.com/v2/x", "https://{{subdomain}}.zendesk.com", None),
            (
                "https://api.atlassian.com/ex/jira/1/rest",
                "https://api.atlassian.com/ex/jira/{{cloud_id}}",
                Some("/rest"),
            ),
            ("https://api.atlassian.com/ex/jira", "https://api.atlassian.com/ex/jira/{{cloud_id}}", None),
        ] {
            assert_eq!(below(url, base), path, "{url} {base}");
        }
    }

    #[test]
    fn no_path_leads_to_the_vaults_own_routes() {
        for path in [
            "/../api/v1",
            "/a/..",
            "/..;/x",
            "/%c0%ae%c0%ae/x",
            "/.%09./x",
            "/%2e%2e/api",
            "/a/.%2E/b",
            "/a%2f..%2fb",
            "/%252e%252e/api",
            "/..%5capi",
            "/./x",
        ] {
            assert!(leaves_its_folder(path), "{path}");
        }
        for path in ["", "/v1/x", "/projects/acme%2Fapp", "/a..b", "/...", "/%2Ehidden"] {
            assert!(!leaves_its_folder(path), "{path}");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(url in "https://[a-z.{}/%é]{0,20}", base in "https://[a-z.{}/%é]{0,20}") {
            let _ = (below(&url, &base), leaves_its_folder(&url));
        }
    }
}
