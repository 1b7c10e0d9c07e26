//! A link where a person consents, for as long as it is good: a tool that asks again and again need not get a new one each
//! time. It opens an account to whoever has it, and so rests where tokens do, and nowhere else.

use crate::secret::Secret;
use crate::vault::{MagicLink, Status};

/// `link`, and the state of the account for which it was made: lines in the order of [`decode`]. `None` where it is not known
/// how long it is good.
pub(super) fn encode(status: &Status, link: &MagicLink) -> Option<Secret<Vec<u8>>> {
    let until = link.expires_at?.to_string();
    Some(Secret::new([status.word(), &until, &link.link].join("\n").into_bytes()))
}

/// The link in `bytes`, if it was made for an account in the state `status`: in another one it may be used up.
pub fn decode(bytes: &[u8], status: &Status) -> Option<MagicLink> {
    let lines: Vec<&str> = std::str::from_utf8(bytes).ok()?.split('\n').collect();
    match lines[..] {
        [word, until, link] if word == status.word() && !link.is_empty() => {
            Some(MagicLink { link: link.to_owned(), expires_at: Some(until.parse().ok()?) })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_link_is_for_the_state_in_which_it_was_made() {
        let link = MagicLink { link: "https://acme.scalekit.com/x".into(), expires_at: Some(7) };
        let bytes = encode(&Status::PendingAuth, &link).unwrap();
        assert_eq!(decode(bytes.expose(), &Status::PendingAuth), Some(link.clone()));
        assert_eq!(decode(bytes.expose(), &Status::PendingVerification), None);
        assert!(encode(&Status::Expired, &MagicLink { expires_at: None, ..link }).is_none());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = decode(&bytes, &Status::Expired);
            let _ = decode(&[b"EXPIRED\n", &bytes[..]].concat(), &Status::Expired);
        }
    }
}
