//! The file's form: a header with the random key, then records of one size, so that a call that only looks something up
//! reads it in one piece and parses next to nothing.

/// The first bytes of the file; one of another version is an empty one.
const HEADER: &[u8; 8] = b"sk-ref\0\x02";
/// Length of the random key, in bytes.
pub(super) const KEY: usize = 32;
/// Bytes of a fingerprint, and of an id.
pub(super) const FINGERPRINT: usize = 16;
/// Bytes of a record: five fingerprints, the time, a flag and a number.
const RECORD: usize = 5 * FINGERPRINT + 8 + 2;

/// The first bytes of an HMAC-SHA-256, or a random id.
pub(super) type Fingerprint = [u8; FINGERPRINT];

/// An answer, and what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record {
    pub id: Fingerprint,
    /// Whose token it is, and where.
    pub account: Fingerprint,
    /// The token, where and how it was sent.
    pub token: Fingerprint,
    /// The token alone.
    pub secret: Fingerprint,
    /// The path of a refusal that holds for this path alone; else zeroes.
    pub path: Fingerprint,
    /// When, in seconds since 1970.
    pub at: i64,
    /// A server refused it; else it was answered.
    pub refused: bool,
    /// How many refusals are not held against it yet, since the server took it.
    pub spared: u8,
}

/// Everything in the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Content {
    pub key: [u8; KEY],
    pub records: Vec<Record>,
}

impl Content {
    /// The largest file with so many records, in bytes.
    pub(super) const fn size(records: usize) -> usize {
        HEADER.len() + KEY + records * RECORD
    }

    /// `None` where it is none of ours, or was cut short.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (key, records) = bytes.strip_prefix(HEADER)?.split_first_chunk::<KEY>()?;
        let records = records.chunks(RECORD).map(Record::decode).collect::<Option<_>>()?;
        Some(Self { key: *key, records })
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(Self::size(self.records.len()));
        bytes.extend_from_slice(HEADER);
        bytes.extend_from_slice(&self.key);
        for Record { id, account, token, secret, path, at, refused, spared } in &self.records {
            for part in [id, account, token, secret, path] {
                bytes.extend_from_slice(part);
            }
            bytes.extend_from_slice(&at.to_be_bytes());
            bytes.extend_from_slice(&[u8::from(*refused), *spared]);
        }
        bytes
    }
}

impl Record {
    fn decode(bytes: &[u8]) -> Option<Self> {
        let (id, rest) = bytes.split_first_chunk()?;
        let (account, rest) = rest.split_first_chunk()?;
        let (token, rest) = rest.split_first_chunk()?;
        let (secret, rest) = rest.split_first_chunk()?;
        let (path, rest) = rest.split_first_chunk()?;
        let (at, flags) = rest.split_first_chunk()?;
        let &[refused, spared] = flags else { return None };
        Some(Self {
            id: *id,
            account: *account,
            token: *token,
            secret: *secret,
            path: *path,
            at: i64::from_be_bytes(*at),
            refused: refused != 0,
            spared,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(key in any::<[u8; KEY]>(), parts in
            proptest::collection::vec((any::<[Fingerprint; 5]>(), any::<i64>(), any::<bool>(), any::<u8>()), 0..4),
            cut in 1..RECORD) {
            let records = parts.into_iter().map(|([id, account, token, secret, path], at, refused, spared)|
                Record { id, account, token, secret, path, at, refused, spared }).collect();
            let content = Content { key, records };
            let bytes = content.encode();
            prop_assert_eq!(bytes.len(), Content::size(content.records.len()));
            prop_assert_eq!(Content::decode(&bytes[..bytes.len().saturating_sub(cut)]), None);
            prop_assert_eq!(Content::decode(&bytes), Some(content));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            Content::decode(&bytes);
            Content::decode(&[&HEADER[..], &bytes].concat());
        }
    }
}
