//! Which secret in the vault is the leftover of a rotation that crashed before the secret was stored anywhere.

use crate::config::Rotation;
use crate::vault::ClientSecret;

/// A new secret may be shown as used at the moment it was made.
const USED_WHEN_MADE: i64 = 1;

/// What was added since a rotation began.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Leftover<'a> {
    /// The one that nobody can have.
    pub ours: Option<&'a ClientSecret>,
    /// Those that somebody else may have added.
    pub doubtful: Vec<&'a ClientSecret>,
}

/// A rotation adds one secret and never uses it before it is stored. So one that was used, one of several, and one that could
/// be the secret in use, which ends with `suffix`, are not taken for its leftover.
pub(super) fn find<'a>(secrets: &'a [ClientSecret], rotation: &Rotation, suffix: &str) -> Leftover<'a> {
    let unknown: Vec<&ClientSecret> = secrets.iter().filter(|secret| !rotation.known.contains(&secret.id)).collect();
    let is_unused = |secret: &ClientSecret| match (secret.created_at, secret.last_used_at) {
        (_, None) => true,
        (Some(made), Some(used)) => used <= made + USED_WHEN_MADE,
        (None, Some(_)) => false,
    };
    match unknown[..] {
        [one] if is_unused(one) && one.suffix.as_deref().is_some_and(|end| end != suffix) => {
            Leftover { ours: Some(one), doubtful: Vec::new() }
        }
        _ => Leftover { ours: None, doubtful: unknown },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(id: &str, suffix: Option<&str>, last_used_at: Option<i64>) -> ClientSecret {
        let suffix = suffix.map(str::to_owned);
        ClientSecret { id: id.into(), suffix, status: "ACTIVE".into(), created_at: Some(1000), last_used_at }
    }

    #[test]
    fn only_one_unused_secret_of_another_ending_is_a_leftover() {
        let note = Rotation { client_id: "m2morg_1".into(), known: vec!["sks_1".into()], old: Some("sks_1".into()) };
        let known = secret("sks_1", Some("aaaa"), Some(5000));
        let ours = |secrets: &[ClientSecret]| find(secrets, &note, "aaaa").ours.map(|secret| secret.id.clone());
        assert_eq!(ours(std::slice::from_ref(&known)), None);
        for used in [None, Some(1000), Some(1001)] {
            assert_eq!(ours(&[known.clone(), secret("sks_2", Some("bbbb"), used)]).as_deref(), Some("sks_2"));
        }
        for other in [
            vec![secret("sks_2", Some("bbbb"), Some(1002))],
            vec![secret("sks_2", Some("aaaa"), None)],
            vec![secret("sks_2", None, None)],
            vec![secret("sks_2", Some("bbbb"), None), secret("sks_3", Some("cccc"), None)],
        ] {
            assert_eq!(ours(&[vec![known.clone()], other.clone()].concat()), None, "{other:?}");
        }
    }
}
