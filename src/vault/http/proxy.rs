//! Which proxy leads to a host, if any: `HTTPS_PROXY`, else `ALL_PROXY`, unless `NO_PROXY` names the host.

use std::net::IpAddr;

use ureq::Proxy;

use super::super::Error;
use crate::target::Authority;

/// The port of an environment URL that names none.
const HTTPS_PORT: u16 = 443;

/// The variables that name a proxy, the first one that is set wins.
const VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// A proxy, and how messages name it: without the password that its URL may hold.
pub(super) struct Route {
    pub proxy: Proxy,
    pub name: String,
    pub variable: &'static str,
    /// How the variable names a user and a password.
    pub login: String,
}

/// The proxy to `authority`. Loopback is never proxied. A variable that cannot be read is an error: going out directly is
/// not what its owner asked for.
pub(super) fn to(authority: &Authority) -> Result<Option<Route>, Error> {
    let get = |name: &str| std::env::var(name).ok().map(|value| value.trim().to_owned()).filter(|v| !v.is_empty());
    let is_exempt = get("NO_PROXY").or_else(|| get("no_proxy")).is_some_and(|list| is_exempt(&list, authority));
    if is_exempt || authority.is_loopback() {
        return Ok(None);
    }
    let Some((variable, url)) = VARIABLES.iter().find_map(|name| Some((*name, get(name)?))) else { return Ok(None) };
    let proxy = Proxy::new(&url).map_err(|_| Error::Proxy(variable))?;
    if !has_usable_port(&proxy) {
        return Err(Error::ProxyPort(variable));
    }
    let place = format!("{}:{}", proxy.host(), proxy.port());
    let name = format!("{place} of {variable}");
    let login = format!("{variable}={}://USER:PASSWORD@{place}", proxy.uri().scheme_str().unwrap_or("http"));
    Ok(Some(Route { proxy, name, variable, login }))
}

/// Whether the port is a number, or left out. ureq takes the usual one for any other.
fn has_usable_port(proxy: &Proxy) -> bool {
    let place = proxy.uri().authority().map_or("", |authority| authority.as_str());
    let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
    split_port(place).1.is_none_or(|port| port.is_empty() || port.parse::<u16>().is_ok_and(|port| port > 0))
}

/// The way to `authority` in words, and whether a proxy is on it. A proxy's user name and password are no part of it.
pub(crate) fn way_to(authority: &Authority) -> Result<(String, bool), Error> {
    if let Some(route) = to(authority)? {
        return Ok((format!("by the proxy {}", route.name), true));
    }
    let is_set = |names: &[&'static str]| {
        names.iter().copied().find(|name| std::env::var(name).is_ok_and(|value| !value.trim().is_empty()))
    };
    let words = match is_set(&VARIABLES) {
        None => "none, no variable names one".to_owned(),
        Some(variable) if authority.is_loopback() => format!("none, since {variable} does not count for loopback"),
        Some(variable) => {
            let exempting = is_set(&["NO_PROXY", "no_proxy"]).unwrap_or("NO_PROXY");
            format!("none, since {exempting} excepts {authority} from {variable}")
        }
    };
    Ok((words, false))
}

/// Whether `NO_PROXY` names the host: a list, separated by commas or blanks, of names that stand for what is below them
/// as well, addresses, networks as `10.0.0.0/8`, each but these perhaps with a port, and `*` for every host.
fn is_exempt(list: &str, authority: &Authority) -> bool {
    let host = authority.host.trim_matches(['[', ']']);
    let address: Option<IpAddr> = host.parse().ok();
    let is_meant = |entry: &str| {
        if entry == "*" || address.is_some_and(|address| is_in_network(entry, address)) {
            return true;
        }
        let (name, port) = split_port(entry);
        if port.is_some_and(|port| port.parse() != Ok(authority.port.unwrap_or(HTTPS_PORT))) {
            return false;
        }
        if let (Some(address), Ok(other)) = (address, name.parse::<IpAddr>()) {
            return address == other;
        }
        let name = name.trim_start_matches("*.").trim_start_matches('.');
        let is_below = || host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'));
        !name.is_empty() && (name == host || is_below())
    };
    let entries = list.split(|c: char| c == ',' || c.is_whitespace()).filter(|entry| !entry.is_empty());
    entries.map(str::to_ascii_lowercase).any(|entry| is_meant(&entry))
}

/// A name or address, without brackets, and the port behind it.
fn split_port(entry: &str) -> (&str, Option<&str>) {
    if let Some((address, rest)) = entry.strip_prefix('[').and_then(|entry| entry.split_once(']')) {
        return (address, rest.strip_prefix(':'));
    }
    match entry.split_once(':') {
        Some((name, port)) if !port.contains(':') => (name, Some(port)),
        // A bare IPv6 address.
        _ => (entry, None),
    }
}

/// Whether `address` is in the network `ADDRESS/BITS`.
fn is_in_network(network: &str, address: IpAddr) -> bool {
    let Some((base, bits)) = network.split_once('/') else { return false };
    let (Ok(base), Ok(bits)) = (base.trim_matches(['[', ']']).parse::<IpAddr>(), bits.parse::<u32>()) else {
        return false;
    };
    // All addresses to the left of 128 bits, so that both kinds are compared alike.
    let left = |address: IpAddr| match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()) << 96, 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    };
    let ((base, longest), (address, other)) = (left(base), left(address));
    longest == other && bits <= longest && (base ^ address).checked_shr(128 - bits).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::Scheme;
    use proptest::prelude::*;

    fn is_exempt(list: &str, host: &str) -> bool {
        super::is_exempt(list, &Authority::parse(Scheme::Https, host).unwrap())
    }

    #[test]
    fn no_proxy_names_a_host_and_what_is_below_it() {
        assert!(is_exempt("a.com, .scalekit.com", "acme.scalekit.com"));
        assert!(is_exempt("scalekit.com", "scalekit.com"));
        assert!(is_exempt("a.com *.Scalekit.com\tb.com", "acme.scalekit.com"));
        assert!(is_exempt("*", "x"));
        assert!(!is_exempt("kit.com,, ", "acme.scalekit.com"));
    }

    #[test]
    fn no_proxy_knows_ports_addresses_and_networks() {
        for (list, host) in [
            ("acme.scalekit.com:443", "acme.scalekit.com"),
            ("scalekit.com:443", "acme.scalekit.com"),
            ("acme.scalekit.com:8443", "acme.scalekit.com:8443"),
            ("10.0.0.0/8", "10.1.2.3"),
            ("0.0.0.0/0", "10.1.2.3"),
            ("10.1.2.3/32", "10.1.2.3"),
            ("10.1.2.3:443", "10.1.2.3"),
            ("fd00::1", "[fd00::1]"),
            ("[fd00::1]", "[fd00::1]"),
            ("[fd00::1]:8443", "[fd00::1]:8443"),
            ("fd00::/8", "[fd12::1]"),
            ("::/0", "[fd12::1]"),
            ("fd00:0::1", "[fd00::1]"),
        ] {
            assert!(is_exempt(list, host), "{list} {host}");
        }
        for (list, host) in [
            ("acme.scalekit.com:8443", "acme.scalekit.com"),
            ("acme.scalekit.com:443", "acme.scalekit.com:8443"),
            ("acme.scalekit.com:", "acme.scalekit.com"),
            ("10.0.0.0/8", "11.0.0.1"),
            ("10.0.0.0/33", "10.0.0.1"),
            ("10.0.0.0/", "10.0.0.1"),
            ("10.0.0.0/8", "[fd00::1]"),
            ("::/0", "10.0.0.1"),
            ("0.1.2.3", "10.1.2.3"),
            ("fd00::2", "[fd00::1]"),
            ("10.0.0.0/8", "10.example"),
        ] {
            assert!(!is_exempt(list, host), "{list} {host}");
        }
    }

    proptest! {
        #[test]
        fn no_list_makes_it_panic(list in "[0-9a-f:./\\[\\]*, x]{0,30}", host in "(\\[::1\\]|10\\.0\\.0\\.1|a\\.b)(:[1-9])?") {
            let _ = is_exempt(&list, &host);
        }
    }
}
