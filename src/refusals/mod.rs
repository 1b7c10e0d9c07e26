//! What is remembered for a moment about tokens that servers refused, so that a refused token is not served again at
//! once and git-lfs, which asks for ever, comes to an end.
//!
//! One small file in the runtime directory (a tmpfs that other users cannot read) under a lock. It holds random ids and
//! fingerprints under a random key; no token, host or name can be read from it. Without a runtime directory nothing is
//! remembered and everything else works.

mod record;

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

use crate::{clock, hex, runtime};
use record::{Content, FINGERPRINT, Fingerprint, Record};

/// How long a refused token is not served again, in seconds.
const REFUSED_FOR: i64 = 60;
/// How long an answer can be recognised when it comes back refused, in seconds.
const ANSWERED_FOR: i64 = 600;
/// The most entries of a kind; older ones are dropped.
const MOST: usize = 64;
/// How long to wait for other processes that hold the file.
const LOCK_WAIT: Duration = Duration::from_millis(500);

/// A token at a place: what was answered, or what was refused.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// Whose token it is and where: the target's host, connection and identifier.
    pub account: &'a [&'a str],
    /// How it is sent. A server that refuses a token as Basic may take it as Bearer.
    pub scheme: &'static str,
    /// The token or password.
    pub token: &'a str,
}

/// The remembered answers, locked until dropped.
#[derive(Debug)]
pub struct Refusals {
    file: File,
    content: Content,
    /// How long the file was, in bytes.
    len: usize,
    key: hmac::Key,
}

impl Refusals {
    /// Opens the file in the user's runtime directory; `None` where there is none or it is not to be had.
    pub fn open() -> Option<Self> {
        Self::open_in(&runtime::directory()?)
    }

    fn open_in(directory: &Path) -> Option<Self> {
        let file = runtime::open(directory, "refusals").ok()?;
        if !runtime::lock(&file, LOCK_WAIT).ok()? {
            return None;
        }
        let mut bytes = vec![0; Content::size(2 * MOST) + 1];
        // A file that is none of ours, or was cut short by a killed process, is an empty one.
        let len = file.read_at(&mut bytes, 0).unwrap_or_default();
        let mut content = match Content::decode(&bytes[..len]) {
            Some(content) => content,
            None => Content { key: random()?, records: Vec::new() },
        };
        let now = clock::wall();
        keep(&mut content.records, now, ANSWERED_FOR, false);
        keep(&mut content.records, now, REFUSED_FOR, true);
        let key = hmac::Key::new(hmac::HMAC_SHA256, &content.key);
        Some(Self { file, content, len, key })
    }

    /// Notes that `answer` is about to be given, and returns a random id for it.
    pub fn answered(&mut self, answer: &Answer<'_>) -> Option<String> {
        let id = random()?;
        let (account, token) = (self.account(answer.account), self.token(answer));
        let secret = self.secret(answer.token);
        let accepted = self.of(false).any(|known| known.token == token && known.accepted);
        self.content.records.push(Record { id, account, token, secret, at: clock::wall(), refused: false, accepted });
        self.save()?;
        Some(hex::encode(&id))
    }

    /// Notes that a server took `answer`.
    pub fn accepted(&mut self, answer: &Answer<'_>) {
        let token = self.token(answer);
        for record in self.content.records.iter_mut().filter(|record| !record.refused && record.token == token) {
            record.accepted = true;
        }
        // What cannot be saved is not remembered; the answer does not depend on it.
        let _ = self.save();
    }

    /// Notes that the answer with this id was refused. A token that was taken a moment ago is left alone: git before 2.54
    /// forgets to send a Bearer token with a large push, and a good token must not suffer for that.
    pub fn refused_id(&mut self, id: &str) {
        if let Some(record) = self.answer(id).filter(|record| !record.accepted).copied() {
            self.refuse(record);
        }
    }

    /// Whether the answer with this id was this very token.
    pub fn was(&self, id: &str, answer: &Answer<'_>) -> bool {
        let token = self.token(answer);
        self.answer(id).is_some_and(|record| record.token == token)
    }

    /// Whether the answer with this id was about this account; `None` if there is no such answer.
    pub fn is_about(&self, id: &str, account: &[&str]) -> Option<bool> {
        self.answer(id).map(|record| record.account == self.account(account))
    }

    /// Whether this very token was answered at this place within the last ten minutes.
    pub fn was_answered(&self, answer: &Answer<'_>) -> bool {
        let token = self.token(answer);
        self.of(false).any(|record| record.token == token)
    }

    /// Notes that `answer` was refused, if it was ours: other helpers' passwords come by here too.
    pub fn refused(&mut self, answer: &Answer<'_>) {
        let token = self.token(answer);
        let known = self.of(false).find(|record| record.token == token).copied();
        if let Some(record) = known {
            self.refuse(record);
        }
    }

    /// Whether this token was refused at this place within the last minute.
    pub fn is_refused(&self, answer: &Answer<'_>) -> bool {
        let token = self.token(answer);
        self.of(true).any(|record| record.token == token)
    }

    /// Whether this token was refused anywhere within the last minute.
    pub fn is_refused_anywhere(&self, token: &str) -> bool {
        let secret = self.secret(token);
        self.of(true).any(|record| record.secret == secret)
    }

    /// How many different tokens of this account were refused within the last minute.
    pub fn count(&self, account: &[&str]) -> usize {
        let account = self.account(account);
        self.of(true).filter(|record| record.account == account).count()
    }

    fn of(&self, refused: bool) -> impl Iterator<Item = &Record> {
        self.content.records.iter().filter(move |record| record.refused == refused)
    }

    fn answer(&self, id: &str) -> Option<&Record> {
        self.of(false).find(|record| hex::encode(&record.id) == id)
    }

    /// Parallel refusals of one token count once.
    fn refuse(&mut self, record: Record) {
        if !self.of(true).any(|known| known.token == record.token) {
            self.content.records.push(Record { at: clock::wall(), refused: true, ..record });
            let _ = self.save();
        }
    }

    fn save(&mut self) -> Option<()> {
        let bytes = self.content.encode();
        self.file.write_all_at(&bytes, 0).ok()?;
        if bytes.len() < self.len {
            self.file.set_len(bytes.len() as u64).ok()?;
        }
        self.len = bytes.len();
        Some(())
    }

    fn account(&self, parts: &[&str]) -> Fingerprint {
        self.fingerprint("account", parts)
    }

    fn token(&self, answer: &Answer<'_>) -> Fingerprint {
        let Answer { account, scheme, token } = answer;
        self.fingerprint("token", &[*account, &[scheme, token]].concat())
    }

    fn secret(&self, token: &str) -> Fingerprint {
        self.fingerprint("secret", &[token])
    }

    fn fingerprint(&self, kind: &str, parts: &[&str]) -> Fingerprint {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(kind.as_bytes());
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        let mut fingerprint = Fingerprint::default();
        fingerprint.copy_from_slice(&context.sign().as_ref()[..FINGERPRINT]);
        fingerprint
    }
}

/// Whether this token was refused anywhere within the last minute, as far as that is remembered.
pub fn is_refused(token: &str) -> bool {
    Refusals::open().is_some_and(|refusals| refusals.is_refused_anywhere(token))
}

/// Drops the records of a kind that are too old, and the oldest where there are too many.
fn keep(records: &mut Vec<Record>, now: i64, seconds: i64, refused: bool) {
    records.retain(|record| record.refused != refused || (now - seconds..=now).contains(&record.at));
    let count = records.iter().filter(|record| record.refused == refused).count();
    let mut surplus = count.saturating_sub(MOST - 1);
    records.retain(|record| {
        let is_dropped = surplus > 0 && record.refused == refused;
        surplus -= usize::from(is_dropped);
        !is_dropped
    });
}

fn random<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const ACCOUNT: &[&str] = &["github.com", "github-x", "ada"];

    fn answer(token: &'static str) -> Answer<'static> {
        Answer { account: ACCOUNT, scheme: "basic", token }
    }

    fn open(directory: &Path) -> Refusals {
        Refusals::open_in(directory).unwrap()
    }

    #[test]
    fn a_refused_answer_is_known_by_its_id_or_by_its_token() {
        let dir = tempfile::tempdir().unwrap();
        let id = open(dir.path()).answered(&answer("one")).unwrap();
        open(dir.path()).answered(&answer("two")).unwrap();
        assert!(!open(dir.path()).is_refused(&answer("one")));
        assert!(open(dir.path()).was_answered(&answer("one")) && !open(dir.path()).was_answered(&answer("three")));
        open(dir.path()).refused_id(&id);
        open(dir.path()).refused_id(&id);
        open(dir.path()).refused(&answer("two"));
        let refusals = open(dir.path());
        assert!(refusals.is_refused(&answer("one")) && refusals.is_refused(&answer("two")));
        assert!(!refusals.is_refused(&Answer { scheme: "bearer", ..answer("one") }));
        assert!(!refusals.is_refused(&Answer { account: &["gist.github.com", "github-x", "ada"], ..answer("one") }));
        assert!(refusals.is_refused_anywhere("one") && !refusals.is_refused_anywhere("three"));
        assert_eq!(refusals.count(ACCOUNT), 2);
    }

    #[test]
    fn an_accepted_token_does_not_suffer_for_one_refusal() {
        let dir = tempfile::tempdir().unwrap();
        open(dir.path()).answered(&answer("one")).unwrap();
        open(dir.path()).accepted(&answer("one"));
        let id = open(dir.path()).answered(&answer("one")).unwrap();
        let mut refusals = open(dir.path());
        refusals.refused_id(&id);
        assert!(refusals.was(&id, &answer("one")) && !refusals.was(&id, &answer("two")));
        assert!(!refusals.is_refused(&answer("one")));
    }

    #[test]
    fn what_was_never_answered_is_not_noted() {
        let dir = tempfile::tempdir().unwrap();
        open(dir.path()).refused(&answer("somebody else's password"));
        open(dir.path()).refused_id("0123");
        assert_eq!(open(dir.path()).count(ACCOUNT), 0);
    }

    #[test]
    fn old_entries_and_a_broken_file_are_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let id = open(dir.path()).answered(&answer("one")).unwrap();
        open(dir.path()).refused_id(&id);
        let file = dir.path().join("refusals");
        let bytes = fs::read(&file).unwrap();
        let mut content = Content::decode(&bytes).unwrap();
        content.records.iter_mut().filter(|record| record.refused).for_each(|record| record.at -= REFUSED_FOR + 1);
        fs::write(&file, content.encode()).unwrap();
        assert!(!open(dir.path()).is_refused(&answer("one")));
        fs::write(&file, &bytes[..bytes.len() - 1]).unwrap();
        assert_eq!(open(dir.path()).count(ACCOUNT), 0);
    }

    #[test]
    fn many_answers_push_out_the_oldest_and_no_refusal() {
        let dir = tempfile::tempdir().unwrap();
        let id = open(dir.path()).answered(&answer("one")).unwrap();
        open(dir.path()).refused_id(&id);
        let others: Vec<_> = (0..2 * MOST).map(|_| open(dir.path()).answered(&answer("two")).unwrap()).collect();
        let refusals = open(dir.path());
        assert!(refusals.is_refused(&answer("one")) && refusals.was(&others[2 * MOST - 1], &answer("two")));
        assert!(refusals.is_about(&id, ACCOUNT).is_none());
        let len = fs::metadata(dir.path().join("refusals")).unwrap().len();
        assert_eq!(len, Content::size(MOST + 1) as u64);
    }
}
