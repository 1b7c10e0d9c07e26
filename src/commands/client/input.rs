//! The API's limits for what a client is made of, checked before a call.

use crate::commands::note;
use crate::error::{Error, Kind};
use crate::vault::NewClient;

const LONGEST_NAME: usize = 128;
const LONGEST_DESCRIPTION: usize = 512;
const LONGEST_CLAIM_KEY: usize = 128;
const LONGEST_ID: usize = 32;
/// The prefix of organizations' ids.
pub(super) const ORGANIZATION: &str = "org_";
/// The prefix of API clients' ids.
pub(super) const CLIENT: &str = "m2morg_";

/// What a client is made of, as `create` and `update` take it.
#[derive(Debug, clap::Args)]
pub(super) struct Fields {
    /// What it is for, at most 512 characters
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// What its tokens may be used for, as resource:action; may be repeated
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// Whom its tokens are for, such as api.example.com; may be repeated
    #[arg(long = "audience", value_name = "AUDIENCE")]
    audience: Vec<String>,
    /// A claim of its tokens; may be repeated
    #[arg(long = "claim", value_name = "KEY=VALUE")]
    claims: Vec<String>,
    /// How long its tokens are good, in seconds
    #[arg(long, value_name = "SECONDS")]
    expiry: Option<u64>,
}

impl Fields {
    /// With the name, as the API takes it. An empty value is refused, since the API takes it for one that was not given.
    pub fn checked(&self, name: Option<&str>) -> Result<NewClient, Error> {
        let Self { description, scopes, audience, claims, expiry } = self;
        if let Some(name) = name {
            length("name", name, LONGEST_NAME)?;
        }
        if let Some(description) = description {
            length("description", description, LONGEST_DESCRIPTION)?;
        }
        for scope in scopes {
            if scope.is_empty() || scope.contains(|c: char| c.is_whitespace() || c.is_control()) {
                return Err(wrong(format!("{scope:?} cannot be a scope"))
                    .why("scopes are separated by spaces in tokens, so that none can hold one"));
            }
        }
        for audience in audience {
            length("audience", audience, usize::MAX)?;
        }
        if let Some(seconds) = expiry.filter(|seconds| *seconds == 0 || i64::try_from(*seconds).is_err()) {
            return Err(wrong(format!("{seconds} cannot be a lifetime")).why("it is a number of seconds from 1 up"));
        }
        let list = |list: &[String]| (!list.is_empty()).then(|| list.to_owned());
        let claims = pairs(claims)?;
        // Only once nothing is wrong, so that an error is not lost among warnings.
        for scope in scopes.iter().filter(|scope| !is_usual(scope)) {
            note(format!("the scope {scope} is not of the form resource:action"));
        }
        Ok(NewClient {
            name: name.map(str::to_owned),
            description: description.clone(),
            scopes: list(scopes),
            audience: list(audience),
            claims: (!claims.is_empty()).then_some(claims),
            expiry: *expiry,
        })
    }
}

/// Whether `id` can be an id with this prefix. It becomes a part of a URL's path.
pub(super) fn is_id(id: &str, prefix: &str) -> bool {
    id.len() <= LONGEST_ID
        && id.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
}

pub(super) fn organization(id: &str) -> Result<&str, Error> {
    if is_id(id, ORGANIZATION) {
        return Ok(id);
    }
    Err(wrong(format!("{id:?} cannot be the id of an organization"))
        .why(format!("it begins with {ORGANIZATION} and has at most {LONGEST_ID} letters and digits"))
        .next("Scalekit dashboard, Organizations, shows the ids"))
}

fn wrong(what: String) -> Error {
    Error::new(Kind::Usage, what)
}

fn length(what: &str, text: &str, longest: usize) -> Result<(), Error> {
    let length = text.chars().count();
    let why = match length {
        0 => "it is empty".to_owned(),
        _ if length > longest => format!("it has {length} characters, {longest} are allowed"),
        _ if text.contains(char::is_control) => "it holds a control character".to_owned(),
        _ => return Ok(()),
    };
    Err(wrong(format!("the {what} cannot be used")).why(why))
}

fn pairs(claims: &[String]) -> Result<Vec<(String, String)>, Error> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for claim in claims {
        let Some((key, value)) = claim.split_once('=') else {
            return Err(wrong(format!("{claim:?} is no claim")).next("give it as --claim KEY=VALUE"));
        };
        length("claim's key", key, LONGEST_CLAIM_KEY)?;
        if pairs.iter().any(|(known, _)| known == key) {
            return Err(wrong(format!("the claim {key} stands twice")));
        }
        pairs.push((key.to_owned(), value.to_owned()));
    }
    Ok(pairs)
}

fn is_usual(scope: &str) -> bool {
    scope.contains(':') && scope.split(':').all(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_its_prefix_and_nothing_that_leads_elsewhere() {
        assert!(is_id("org_59615193906282635", ORGANIZATION));
        for id in
            ["org_", "59615193906282635", "org_1/clients", "org_1?x", "org_..%2f", &format!("org_{}", "1".repeat(29))]
        {
            assert!(!is_id(id, ORGANIZATION), "{id}");
        }
    }

    #[test]
    fn a_scope_is_usually_a_resource_and_an_action() {
        assert!(is_usual("deploy:apps") && is_usual("a:b:c"));
        assert!(!is_usual("deploy") && !is_usual("deploy:") && !is_usual(":apps"));
    }

    #[test]
    fn claims_are_keys_with_values() {
        let pairs = |claims: &[&str]| pairs(&claims.iter().map(|&claim| claim.to_owned()).collect::<Vec<_>>());
        assert_eq!(pairs(&["a=b=c", "d="]).unwrap(), [("a".into(), "b=c".into()), ("d".into(), String::new())]);
        assert!(pairs(&["a"]).is_err() && pairs(&["=a"]).is_err() && pairs(&["a=1", "a=2"]).is_err());
        assert!(
            pairs(&[&format!("{}=1", "k".repeat(128))]).is_ok() && pairs(&[&format!("{}=1", "k".repeat(129))]).is_err()
        );
    }
}
