//! What rests in the cache: a token, and until when.

use std::fmt::Write;

use crate::secret::Secret;
use crate::service::{Credential, CredentialKind};

/// The first line of every entry; another version's entries are none.
const VERSION: &str = "2";

/// A credential as it rests. The times are seconds.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What to authenticate with.
    pub credential: Credential,
    /// When the token expires, since 1970; `None` if that is not known.
    pub expires_at: Option<i64>,
    /// Scopes that were asked for and are not in the token.
    pub refused_scopes: Vec<String>,
}

impl Entry {
    /// An entry of a bearer token.
    pub fn bearer(token: Secret<String>, expires_at: Option<i64>) -> Self {
        Self { credential: Credential::bearer(token), expires_at, refused_scopes: Vec::new() }
    }

    /// What tells this credential from another one of the account.
    pub fn secret(&self) -> &Secret<String> {
        self.credential.secret()
    }
}

/// When an entry was put down, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ttl {
    /// Since 1970, by the clock on the wall.
    pub since: i64,
    /// Since the machine's start, which no change of the clock moves.
    pub since_boot: i64,
    /// For how long it is good.
    pub seconds: i64,
}

impl Ttl {
    /// How long it is good from now on: not at all once either clock says that its time is over, nor where the wall's was
    /// set back behind its beginning.
    pub fn left(&self, now: i64, now_boot: i64) -> i64 {
        let (age, age_boot) = (now.saturating_sub(self.since), now_boot.saturating_sub(self.since_boot));
        if age < 0 || age_boot < 0 {
            return 0;
        }
        self.seconds.saturating_sub(age.max(age_boot)).max(0)
    }
}

/// The bytes of an entry: lines that end in LF, in the order of [`decode`].
pub(super) fn encode(entry: &Entry, ttl: &Ttl) -> Secret<Vec<u8>> {
    let Entry { credential, expires_at, refused_scopes } = entry;
    let kind = match credential.kind {
        CredentialKind::Bearer => "bearer",
        CredentialKind::ApiKey => "api_key",
        CredentialKind::Basic => "basic",
    };
    let scopes = refused_scopes.join(" ");
    // Large enough from the start, so that no copy is left behind by growing.
    let longest: usize = credential.fields().map(|(name, value)| name.len() + value.expose().len() + 2).sum();
    let mut text = String::with_capacity(longest + 256 + scopes.len());
    let Ttl { since, since_boot, seconds } = ttl;
    let expires_at = expires_at.map(|at| at.to_string()).unwrap_or_default();
    for line in [VERSION, &since.to_string(), &since_boot.to_string(), &seconds.to_string(), &expires_at, &scopes, kind]
    {
        let _ = writeln!(text, "{line}");
    }
    for (name, value) in credential.fields() {
        let _ = writeln!(text, "{name}\n{}", value.expose());
    }
    Secret::new(text.into_bytes())
}

/// Reads the bytes of an entry (protocol.md, section 6, from the format on); anything else is nothing.
pub fn decode(bytes: &[u8]) -> Option<(Entry, Ttl)> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut lines = text.split('\n');
    let mut line = || lines.next();
    if line()? != VERSION {
        return None;
    }
    let ttl = Ttl { since: number(line()?)?, since_boot: number(line()?)?, seconds: number(line()?)? };
    let expires_at = match line()? {
        "" => None,
        text => Some(number(text)?),
    };
    let refused_scopes = line()?.split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned).collect();
    let kind = match line()? {
        "bearer" => CredentialKind::Bearer,
        "api_key" => CredentialKind::ApiKey,
        "basic" => CredentialKind::Basic,
        _ => return None,
    };
    let mut fields = Vec::new();
    loop {
        match (line(), line()) {
            // The end of the last line.
            (Some(""), None) => break,
            (Some(name), Some(value)) if !name.is_empty() && !value.is_empty() => {
                fields.push((name.to_owned(), Secret::new(value.to_owned())));
            }
            _ => return None,
        }
    }
    if text.contains(['\r', '\0']) {
        return None;
    }
    let credential = Credential::of_fields(Some(kind), fields)?;
    Some((Entry { credential, expires_at, refused_scopes }, ttl))
}

fn number(text: &str) -> Option<i64> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn its_time_is_over_by_either_clock_and_when_the_clock_was_set_back() {
        let ttl = Ttl { since: 1000, since_boot: 50, seconds: 60 };
        assert_eq!(ttl.left(1000, 50), 60);
        assert_eq!(ttl.left(1059, 109), 1);
        assert_eq!(ttl.left(1060, 110), 0);
        assert_eq!(ttl.left(999, 60), 0, "set back behind its beginning");
        assert_eq!(ttl.left(1001, 110), 0, "set back since");
        assert_eq!(ttl.left(1060, 51), 0, "set forward");
        assert_eq!(ttl.left(1001, 10), 0, "another boot");
    }

    #[test]
    fn what_is_cut_short_or_foreign_is_nothing() {
        let ttl = Ttl { since: 1, since_boot: 2, seconds: 3 };
        let whole = encode(&Entry::bearer(Secret::new("token".into()), Some(9)), &ttl);
        let whole = whole.expose();
        assert!(decode(whole).is_some());
        for length in 0..whole.len() {
            assert!(decode(&whole[..length]).is_none(), "{length} bytes of it");
        }
        assert!(decode(&[whole, &b"host=evil"[..]].concat()).is_none());
        assert!(decode(b"1\n1\n2\n3\n\n\nbearer\n\ntoken").is_none());
    }

    proptest! {
        #[test]
        fn what_is_put_down_is_taken_up(secret in "[\\x21-\\x7e]{1,60}", username in "[^\\r\\n\\x00]{1,20}", which in 0..4,
            expires_at in any::<Option<i64>>(), scopes in proptest::collection::vec("[a-z:]{1,9}", 0..3),
            numbers in any::<[i64; 3]>()) {
            let secret = || Secret::new(secret.clone());
            let fields = match which {
                0 => vec![("token", secret())],
                1 => vec![("api_key", secret())],
                2 => vec![("username", Secret::new(username.clone())), ("password", secret())],
                _ => vec![("api_key", secret()), ("app_key", secret()), ("dd_site", Secret::new(username.clone()))],
            };
            let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            let credential = Credential::of_fields(None, fields).unwrap();
            let plain = |credential: &Credential| -> Vec<(String, String)> {
                credential.fields().map(|(name, value)| (name.to_owned(), value.expose().clone())).collect()
            };
            let (kind, known) = (credential.kind, plain(&credential));
            let entry = Entry { credential, expires_at, refused_scopes: scopes.clone() };
            let ttl = Ttl { since: numbers[0], since_boot: numbers[1], seconds: numbers[2] };
            let (read, when) = decode(encode(&entry, &ttl).expose()).unwrap();
            prop_assert_eq!(when, ttl);
            prop_assert_eq!((read.credential.kind, plain(&read.credential)), (kind, known));
            prop_assert_eq!((read.expires_at, read.refused_scopes), (expires_at, scopes));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), now in any::<[i64; 2]>()) {
            if let Some((entry, ttl)) = decode(&bytes) {
                prop_assert!(!entry.secret().expose().contains(['\r', '\n', '\0']));
                ttl.left(now[0], now[1]);
            }
        }
    }
}
