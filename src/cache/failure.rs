//! A failure as those learn it who waited for it: fifty that want one token need not fail one after another.

use serde::{Deserialize, Serialize};

use super::clock;
use crate::consent::{Consent, Failure};
use crate::error::Error;
use crate::secret::Secret;
use crate::vault::{MagicLink, Status};

/// What is left for them, and when it happened.
#[derive(Debug, Serialize, Deserialize)]
struct Left {
    /// Nanoseconds since the machine's start.
    at: u64,
    what: What,
}

#[derive(Debug, Serialize, Deserialize)]
enum What {
    Consent {
        service: String,
        connection: String,
        identifier: String,
        status: String,
        link: String,
        link_expires_at: Option<i64>,
    },
    Error(Error),
}

/// `failure` as bytes, with the time.
pub(super) fn encode(failure: &Failure) -> Secret<Vec<u8>> {
    let what = match failure {
        Failure::Consent(consent) => match &consent.link {
            Ok(MagicLink { link, expires_at }) => What::Consent {
                service: consent.service.clone(),
                connection: consent.connection.clone(),
                identifier: consent.identifier.clone(),
                status: consent.status.word().to_owned(),
                link: link.clone(),
                link_expires_at: *expires_at,
            },
            Err(_) => What::Error(failure.clone().into()),
        },
        Failure::Error(error) => What::Error(error.clone()),
    };
    Secret::new(serde_json::to_vec(&Left { at: clock::nanoseconds(), what }).unwrap_or_default())
}

/// The failure in `bytes`, if it happened after `began`, in nanoseconds since the machine's start. Whoever came later
/// makes an attempt of their own.
pub fn decode(bytes: &[u8], began: u64) -> Option<Failure> {
    let Left { at, what } = serde_json::from_slice(bytes).ok()?;
    if at < began {
        return None;
    }
    Some(match what {
        What::Error(error) => Failure::Error(error),
        What::Consent { service, connection, identifier, status, link, link_expires_at } => {
            let link = Ok(MagicLink { link, expires_at: link_expires_at });
            let status = Status::from_word(&status);
            Failure::Consent(Box::new(Consent { service, connection, identifier, status, link }))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use proptest::prelude::*;

    #[test]
    fn only_who_waited_learns_of_it() {
        let before = clock::nanoseconds();
        let error = Error::new(Kind::VaultRefused, "no").why("because").next("do");
        let bytes = encode(&error.clone().into());
        let Some(Failure::Error(read)) = decode(bytes.expose(), before) else { panic!("it is there") };
        assert_eq!(read, error);
        assert!(decode(bytes.expose(), clock::nanoseconds() + 1).is_none());
    }

    #[test]
    fn a_link_is_passed_on_whole() {
        let consent = Consent {
            service: "gmail".into(),
            connection: "gmail-x".into(),
            identifier: "ada".into(),
            status: Status::PendingAuth,
            link: Ok(MagicLink { link: "https://acme.scalekit.com/x".into(), expires_at: Some(7) }),
        };
        let failure = Failure::Consent(Box::new(consent));
        let read = decode(encode(&failure).expose(), 0).unwrap();
        assert_eq!(read.to_json(), failure.to_json());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes, 0);
        }
    }
}
