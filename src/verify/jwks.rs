//! An environment's key set: where it is, and what of it can sign a token.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::Error;
use crate::config::json;
use crate::service::EnvironmentUrl;
use crate::shown;
use crate::vault::{self, Http, Limit};

const DISCOVERY: &str = "/.well-known/openid-configuration";
/// Where keys are if discovery does not say: Scalekit's own path, then the usual one.
const USUAL: [&str; 2] = ["/keys", "/.well-known/jwks.json"];

/// The sizes of RSA keys, in bits, that are both safe and quick to check.
const BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
/// No real set comes near this.
const MOST_KEYS: usize = 100;

/// How long a reply that does not say is believed.
const USUAL_LIFETIME: Duration = Duration::from_secs(3600);
/// Shorter than this would make every token a request, longer would keep a withdrawn key.
const LIFETIME: std::ops::RangeInclusive<Duration> = Duration::from_secs(60)..=Duration::from_secs(24 * 3600);

/// An RSA key that signs with RS256, in the form that JWK gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Key {
    pub kid: String,
    n: String,
    e: String,
}

/// As much of a JWK (RFC 7517) as tells whether it is one.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: String,
    n: String,
    e: String,
    #[serde(rename = "use", default)]
    usage: Option<String>,
    #[serde(default)]
    alg: Option<String>,
    #[serde(default)]
    key_ops: Option<Vec<String>>,
}

impl Key {
    /// The key for the JWT library; one that is too short or too long is refused.
    pub fn to_decoding_key(&self) -> Result<DecodingKey, Error> {
        let decoded = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| Error::Key);
        let (n, e) = (decoded(&self.n)?, decoded(&self.e)?);
        // RFC 7518 forbids leading zeros, and some libraries write one all the same.
        let n = &n[n.iter().take_while(|byte| **byte == 0).count()..];
        let bits = n.first().map_or(0, |first| n.len() * 8 - first.leading_zeros() as usize);
        if !BITS.contains(&bits) {
            return Err(Error::Key);
        }
        Ok(DecodingKey::from_rsa_raw_components(n, &e))
    }
}

/// The keys of a JWK set that sign with RS256; those for anything else are left out. `None` if it is no such set, or if
/// two of its keys have one id.
pub(super) fn parse(body: &[u8]) -> Option<Vec<Key>> {
    let document = json::parse(body).ok()?;
    let all = document.get("keys")?.as_array().filter(|all| all.len() <= MOST_KEYS)?;
    let mut keys: Vec<Key> = Vec::new();
    for key in all.iter().filter_map(usable) {
        if keys.iter().any(|known| known.kid == key.kid) {
            return None;
        }
        keys.push(key);
    }
    Some(keys)
}

fn usable(key: &Value) -> Option<Key> {
    let Jwk { kty, kid, n, e, usage, alg, key_ops } = Jwk::deserialize(key).ok()?;
    let fits = kty == "RSA"
        && usage.is_none_or(|usage| usage == "sig")
        && alg.is_none_or(|alg| alg == "RS256")
        && key_ops.is_none_or(|ops| ops.iter().any(|op| op == "verify"));
    fits.then_some(Key { kid, n, e })
}

/// Fetches the keys, and says how long they may be believed.
pub(super) fn fetch(environment: &EnvironmentUrl, limit: Limit) -> Result<(Vec<Key>, Duration), Error> {
    let http = Http::new(environment, limit)?;
    let named = match http.get("GET its metadata", format!("{environment}{DISCOVERY}"))? {
        Some(reply) => {
            json::parse(reply.body.expose()).ok().and_then(|d| Some(d.get("jwks_uri")?.as_str()?.to_owned()))
        }
        None => None,
    };
    let places = match named {
        Some(named) => {
            check_origin(environment, &named)?;
            vec![named]
        }
        None => USUAL.map(|path| format!("{environment}{path}")).to_vec(),
    };
    for place in places {
        if let Some(reply) = http.get("GET its public keys", place)?
            && let Some(keys) = parse(reply.body.expose())
        {
            return Ok((keys, lifetime(reply.header("cache-control"), reply.header("age"))));
        }
    }
    Err(vault::Error::Unreadable("the request for its keys").into())
}

/// Keys are only taken from where the client secret goes, too; https wherever the environment is.
fn check_origin(environment: &EnvironmentUrl, place: &str) -> Result<(), Error> {
    let foreign = || Error::ForeignKeys(shown::foreign(place));
    let url = Url::parse(place).map_err(|_| foreign())?;
    let own = Url::parse(environment.as_str()).map_err(|_| foreign())?;
    let is_plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    if is_plain && url.origin() == own.origin() { Ok(()) } else { Err(foreign()) }
}

/// `Cache-Control` (RFC 9111, 5.2.2), less the time that the reply spent in caches.
fn lifetime(cache_control: Option<&str>, age: Option<&str>) -> Duration {
    let mut told = None;
    for part in cache_control.unwrap_or_default().split(',').map(str::trim) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        if name.eq_ignore_ascii_case("no-store") || name.eq_ignore_ascii_case("no-cache") {
            return *LIFETIME.start();
        }
        if name.eq_ignore_ascii_case("max-age") {
            // More digits than a number has are a long time all the same.
            let digits = value.trim_matches('"');
            let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            told = is_number.then(|| Duration::from_secs(digits.parse().unwrap_or(u64::MAX)));
        }
    }
    let age = age.and_then(|age| age.trim().parse().ok()).unwrap_or(0);
    let lifetime = told.unwrap_or(USUAL_LIFETIME).saturating_sub(Duration::from_secs(age));
    lifetime.clamp(*LIFETIME.start(), *LIFETIME.end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn key(kid: &str, other: &Value) -> Value {
        let mut key = json!({"kty": "RSA", "kid": kid, "n": "AQAB", "e": "AQAB"});
        for (name, value) in other.as_object().unwrap() {
            key[name] = value.clone();
        }
        key
    }

    #[test]
    fn only_rsa_keys_that_sign_with_rs256_are_taken() {
        let set = json!({"keys": [
            key("plain", &json!({})),
            key("whole", &json!({"use": "sig", "alg": "RS256", "key_ops": ["verify"], "x5c": ["x"]})),
            key("encrypts", &json!({"use": "enc"})),
            key("other", &json!({"alg": "RS512"})),
            key("signs", &json!({"key_ops": ["sign"]})),
            key("curve", &json!({"kty": "EC"})),
            {"kty": "RSA", "n": "AQAB", "e": "AQAB"}, {"kty": "oct", "k": "c2VjcmV0", "kid": "secret"}, 7,
        ]});
        let keys = parse(set.to_string().as_bytes()).unwrap();
        assert_eq!(keys.iter().map(|key| key.kid.as_str()).collect::<Vec<_>>(), ["plain", "whole"]);
    }

    #[test]
    fn a_set_in_which_an_id_stands_twice_is_none() {
        let set = |keys: &[Value]| parse(json!({"keys": keys}).to_string().as_bytes());
        assert_eq!(set(&[]), Some(vec![]));
        assert_eq!(set(&[key("a", &json!({})), key("a", &json!({"n": "AQAC"}))]), None);
        assert_eq!(parse(br#"{"keys": [], "keys": []}"#), None);
        assert_eq!(parse(b"<html>"), None);
        assert_eq!(parse(b"[]"), None);
    }

    #[test]
    fn the_size_of_a_key_counts_without_leading_zeros() {
        let is_usable = |bytes: &[u8]| {
            let n = URL_SAFE_NO_PAD.encode(bytes);
            Key { kid: "a".into(), n, e: "AQAB".into() }.to_decoding_key().is_ok()
        };
        assert!(is_usable(&[0x80; 256]) && is_usable(&[&[0][..], &[0x80; 256]].concat()) && is_usable(&[0xff; 1024]));
        assert!(!is_usable(&[]) && !is_usable(&[0; 300]) && !is_usable(&[0xff; 255]) && !is_usable(&[0xff; 1025]));
        assert!(!is_usable(&[&[0x7f][..], &[0xff; 255]].concat()));
    }

    #[test]
    fn keys_come_from_the_environments_own_origin_only() {
        let check =
            |environment: &str, place: &str| check_origin(&EnvironmentUrl::parse(environment).unwrap(), place).is_ok();
        let own = "https://acme.scalekit.com";
        assert!(check(own, "https://acme.scalekit.com/keys") && check(own, "https://ACME.scalekit.com:443/a?b=c"));
        assert!(check("http://127.0.0.1:8200", "http://127.0.0.1:8200/keys"));
        for place in [
            "http://acme.scalekit.com/keys",
            "https://acme.scalekit.com:8443/keys",
            "https://evil.example/keys",
            "https://acme.scalekit.com@evil.example/keys",
            "https://me@acme.scalekit.com/keys",
            "https://acme.scalekit.com/keys#x",
            "https://acme.scalekit.com.evil.example/keys",
            "file:///etc/passwd",
            "data:application/json,{}",
            "/keys",
            "",
        ] {
            assert!(!check(own, place), "{place}");
        }
        assert!(!check("http://127.0.0.1:8200", "https://127.0.0.1:8200/keys"));
        assert!(!check("http://127.0.0.1:8200", "http://127.0.0.1:8201/keys"));
    }

    #[test]
    fn the_lifetime_is_the_replys_within_bounds() {
        let seconds = |control: &str, age: Option<&str>| lifetime(Some(control), age).as_secs();
        assert_eq!(lifetime(None, None).as_secs(), 3600);
        assert_eq!(seconds("public, max-age=600", None), 600);
        assert_eq!(seconds("Max-Age=\"600\"", Some("100")), 500);
        assert_eq!(seconds("max-age=0", None), 60);
        assert_eq!(seconds("no-store", None), 60);
        assert_eq!(seconds("max-age=600, no-cache", None), 60);
        assert_eq!(seconds("max-age=99999999999999999999999", None), 24 * 3600);
        assert_eq!(seconds("max-age=-1", None), 3600);
        assert_eq!(seconds("max-age=600", Some("601")), 60);
        assert_eq!(seconds("s-maxage=7, immutable", Some("x")), 3600);
    }
}
