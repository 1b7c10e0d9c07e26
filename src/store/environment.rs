//! Client credentials from environment variables and from `.env` files, under the names that Scalekit's documents and
//! skills use.

use std::path::Path;

use super::content::BYTE_ORDER_MARK;
use super::{ClientCredentials, CredentialsOrigin, Error, SECRET_VARIABLES};
use crate::secret::Secret;
use crate::service::EnvironmentUrl;

/// The names for URL, client id and client secret of one convention; a set never takes a value from another one.
type Names = [&'static [&'static str]; 3];

const SCALEKIT: Names =
    [&["SCALEKIT_ENV_URL", "SCALEKIT_ENVIRONMENT_URL"], &["SCALEKIT_CLIENT_ID"], &["SCALEKIT_CLIENT_SECRET"]];
const TOOL: Names = [&["TOOL_ENV_URL"], &["TOOL_CLIENT_ID"], &["TOOL_CLIENT_SECRET"]];
/// A file is one source, so there the conventions may mix.
const ANY: Names = [
    &["SCALEKIT_ENV_URL", "SCALEKIT_ENVIRONMENT_URL", "TOOL_ENV_URL"],
    &["SCALEKIT_CLIENT_ID", "TOOL_CLIENT_ID"],
    &["SCALEKIT_CLIENT_SECRET", "TOOL_CLIENT_SECRET"],
];

/// Every name above. Without all of them a child has no set, where without the secret alone it would have a part of one.
pub fn credential_variables() -> impl Iterator<Item = &'static str> {
    let sets = [SCALEKIT, TOOL].into_iter().flatten().flatten().copied();
    sets.chain(SECRET_VARIABLES.iter().copied())
}

/// A complete set in the variables that `get` knows; `None` if not one of them is set, an error if only some are.
/// The `SCALEKIT_` names win over the `TOOL_` ones. An empty variable counts as unset; blanks and line ends around a value,
/// as files and CI systems add them, are no part of it.
pub fn from_variables(get: impl Fn(&str) -> Option<String>) -> Result<Option<ClientCredentials>, Error> {
    let scalekit = collect(&get, &SCALEKIT)?;
    let tool = collect(&get, &TOOL)?;
    Ok(scalekit.or(tool))
}

/// The complete set in a `.env` file.
pub fn from_dotenv(path: &Path) -> Result<ClientCredentials, Error> {
    let unreadable = |reason: &str| Error::File(format!("{}: {reason}", path.display()));
    let text = std::fs::read_to_string(path).map(Secret::new).map_err(|error| unreadable(&error.to_string()))?;
    let text = text.expose().trim_start_matches(BYTE_ORDER_MARK);
    let mut values = Vec::new();
    for entry in dotenvy::from_read_iter(text.as_bytes()) {
        // dotenvy's message quotes the line, which may hold the secret.
        let (name, value) = entry.map_err(|_| unreadable("a line cannot be read as NAME=VALUE"))?;
        values.push((name, Secret::new(value)));
    }
    // As in a shell, a later line replaces an earlier one.
    let get = |name: &str| values.iter().rev().find(|(n, _)| n == name).map(|(_, value)| value.expose().clone());
    let found = collect(&get, &ANY)?.map(|found| ClientCredentials { origin: CredentialsOrigin::Given, ..found });
    found.ok_or_else(|| unreadable("it sets none of the variables SCALEKIT_ENV_URL, SCALEKIT_CLIENT_ID, SCALEKIT_CLIENT_SECRET (or the TOOL_ ones)"))
}

fn collect(get: &impl Fn(&str) -> Option<String>, names: &Names) -> Result<Option<ClientCredentials>, Error> {
    let [url, client_id, client_secret] = names;
    let values = [value(get, url)?, value(get, client_id)?, value(get, client_secret)?];
    match values {
        [None, None, None] => Ok(None),
        [Some(url), Some(client_id), Some(client_secret)] => Ok(Some(ClientCredentials {
            url: EnvironmentUrl::parse(&url.1)?,
            client_id: client_id.1,
            client_secret: Secret::new(client_secret.1),
            origin: CredentialsOrigin::Variable(client_secret.0),
        })),
        values => {
            let set: Vec<_> = values.iter().flatten().map(|(name, _)| *name).collect();
            let missing: Vec<_> =
                values.iter().zip(names).filter(|(value, _)| value.is_none()).map(|(_, names)| names[0]).collect();
            Err(Error::Partial { set, missing })
        }
    }
}

fn value(
    get: &impl Fn(&str) -> Option<String>,
    names: &'static [&'static str],
) -> Result<Option<(&'static str, String)>, Error> {
    let mut found: Option<(&'static str, String)> = None;
    for name in names {
        let Some(value) = get(name).map(Secret::new) else { continue };
        let value = value.expose().trim_matches(|c: char| c.is_whitespace() || c == BYTE_ORDER_MARK).to_owned();
        if value.is_empty() {
            continue;
        }
        match &found {
            Some((first, other)) if *other != value => return Err(Error::Conflict(first, name)),
            Some(_) => {}
            None => found = Some((name, value)),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Option<ClientCredentials>, Error> {
        from_variables(|name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
    }

    #[test]
    fn a_set_is_complete_or_refused() {
        assert!(read(&[]).unwrap().is_none());
        let url = ("SCALEKIT_ENV_URL", "https://a.scalekit.com/");
        let (id, secret) = (("SCALEKIT_CLIENT_ID", "skc_1"), ("SCALEKIT_CLIENT_SECRET", "s"));
        assert_eq!(read(&[url, id, secret]).unwrap().unwrap().url.as_str(), "https://a.scalekit.com");
        for partial in [&[url][..], &[id], &[secret], &[url, id], &[url, secret], &[id, secret]] {
            assert!(matches!(read(partial), Err(Error::Partial { .. })), "{partial:?}");
        }
        let padded = [(url.0, " https://a.scalekit.com/\r\n"), (id.0, "\tskc_1 "), (secret.0, "\u{feff}s\r\n")];
        let found = read(&padded).unwrap().unwrap();
        assert_eq!((found.url.as_str(), &*found.client_id), ("https://a.scalekit.com", "skc_1"));
        assert_eq!(found.client_secret.expose(), "s");
        assert!(read(&[(secret.0, " \r\n")]).unwrap().is_none());
        assert!(matches!(read(&[url, id, ("TOOL_CLIENT_SECRET", "s")]), Err(Error::Partial { .. })));
        assert!(matches!(read(&[url, id, secret, ("TOOL_ENV_URL", "https://b.c")]), Err(Error::Partial { .. })));
    }

    #[test]
    fn two_names_for_one_value_must_agree() {
        let both = [("SCALEKIT_ENV_URL", "https://a.b"), ("SCALEKIT_ENVIRONMENT_URL", "https://c.d")];
        assert!(matches!(read(&both), Err(Error::Conflict(..))));
    }
}
