//! A failure as those learn it who waited for it: fifty that want one token need not fail one after another.

use crate::clock;
use crate::consent::{Consent, Failure};
use crate::error::{Error, Kind, Mark};
use crate::secret::Secret;
use crate::suggest::Subject;
use crate::vault::{MagicLink, Status};

/// The word before a consent; an error has the code of its kind there.
const CONSENT: &str = "consent";
/// The word before an error about a credential that the vault does not hand out.
const WITHHELD: &str = "withheld";

/// `failure` as bytes, with the time: lines in the order of [`decode`]. A consent without a link is an error.
pub(super) fn encode(failure: &Failure) -> Secret<Vec<u8>> {
    let at = clock::nanoseconds().to_string();
    let lines = match failure {
        Failure::Consent(consent) if consent.link.is_ok() => {
            let Consent { service, connection, identifier, status, link, subject: _ } = &**consent;
            let (link, until) = link.as_ref().map(|link| (link.link.clone(), link.expires_at)).unwrap_or_default();
            let until = until.map(|at| at.to_string()).unwrap_or_default();
            let status = status.word().to_owned();
            vec![at, CONSENT.to_owned(), service.clone(), connection.clone(), identifier.clone(), status, link, until]
        }
        other => {
            let error = Error::from(other.clone());
            let [what, why, next] = error.parts().map(str::to_owned);
            let kind = if error.has(Mark::Withheld) { WITHHELD } else { error.kind().code() };
            vec![at, kind.to_owned(), what, why, next]
        }
    };
    Secret::new(lines.join("\n").into_bytes())
}

/// The failure in `bytes`, if it happened after `began`, in nanoseconds since the machine's start. Whoever came later
/// makes an attempt of their own.
pub fn decode(bytes: &[u8], began: u64) -> Option<Failure> {
    let lines: Vec<&str> = std::str::from_utf8(bytes).ok()?.split('\n').collect();
    let (at, kind, rest) = match &lines[..] {
        [at, kind, rest @ ..] => (at, *kind, rest),
        _ => return None,
    };
    if at.parse::<u64>().ok()? < began {
        return None;
    }
    match *rest {
        [service, connection, identifier, status, link, until] if kind == CONSENT => {
            let link = Ok(MagicLink { link: link.to_owned(), expires_at: until.parse().ok() });
            let [service, connection, identifier] = [service, connection, identifier].map(str::to_owned);
            let status = Status::from_word(status);
            // Who waits for it knows how to say it.
            let subject = Subject::default();
            Some(Failure::Consent(Box::new(Consent { service, connection, identifier, status, link, subject })))
        }
        [what, why, next] if kind == WITHHELD => {
            Some(Error::of_parts(Kind::VaultRefused, [what, why, next]).marked(Mark::Withheld).into())
        }
        [what, why, next] => Some(Failure::Error(Error::of_parts(Kind::from_code(kind)?, [what, why, next]))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_who_waited_learns_of_it() {
        let before = clock::nanoseconds();
        let error = Error::new(Kind::VaultRefused, "no").why("because").next("do");
        let bytes = encode(&error.clone().into());
        let Some(Failure::Error(read)) = decode(bytes.expose(), before) else { panic!("it is there") };
        assert_eq!(read, error);
        let withheld = error.clone().marked(Mark::Withheld);
        let Some(Failure::Error(read)) = decode(encode(&withheld.clone().into()).expose(), before) else {
            panic!("it is there")
        };
        assert_eq!(read, withheld);
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
            subject: Subject::default(),
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
