//! What is remembered for a moment about tokens that servers refused, so that a refused token is not served again at
//! once and git-lfs, which asks for ever, comes to an end.
//!
//! One small file in the runtime directory (a tmpfs that other users cannot read) under a lock. It holds random ids and
//! fingerprints under a random key; no token, host or name can be read from it. Without a runtime directory nothing is
//! remembered and everything else works.

mod record;

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::time::Duration;

use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

use crate::{clock, hex, runtime, system};
use record::{Content, FINGERPRINT, Fingerprint, Record};

/// The file in the runtime directory.
const FILE: &str = "refusals";
/// How long a refused token is not served again, in seconds.
const REFUSED_FOR: i64 = 60;
/// How long an answer can be recognised when it comes back refused, in seconds.
const ANSWERED_FOR: i64 = 600;
/// So many refusals without a path are not held against a token that the server took.
const SPARED: u8 = 2;
/// The most entries of a kind; older ones are dropped.
const MOST: usize = 64;
/// How long to wait for other processes that hold the file.
const LOCK_WAIT: Duration = Duration::from_millis(500);

/// Why a token that a server refused is not handed out by other commands and protocols than the one that reported it.
pub const REPORTED: &str = "a server refused it within the last minute, and the vault gives the same token again";

/// A token on its way to a server.
#[derive(Debug, Clone, Copy)]
pub struct Sent<'a> {
    /// The server's host and port.
    pub origin: &'a str,
    /// The path, where the tool tells it.
    pub path: Option<&'a [u8]>,
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
        let file = runtime::open(directory, FILE).ok()?;
        if !runtime::lock(&file, LOCK_WAIT).ok()? {
            return None;
        }
        let mut bytes = vec![0; Content::size(2 * MOST) + 1];
        // A file that is none of ours, or was cut short by a killed process, is an empty one.
        let len = system::read_at(&file, &mut bytes).unwrap_or_default();
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

    /// Notes that this is about to be answered for `account`, and returns a random id for it.
    pub fn answered(&mut self, account: &[&str], sent: &Sent<'_>) -> Option<String> {
        let id = random()?;
        let (token, path) = (self.token(sent), Fingerprint::default());
        let spared = self.of(false).filter(|known| known.token == token).map(|known| known.spared).max().unwrap_or(0);
        let (account, secret) = (self.account(account), self.secret(sent.token));
        let record = Record { id, account, token, secret, path, at: clock::wall(), refused: false, spared };
        self.content.records.push(record);
        self.save()?;
        Some(hex::encode(&id))
    }

    /// Notes that a server took what was answered; `false` if it was none of ours.
    pub fn accepted(&mut self, sent: &Sent<'_>) -> bool {
        self.spare(self.token(sent), SPARED);
        self.was_answered(sent)
    }

    /// Notes that the answer with this id was refused.
    pub fn refused_id(&mut self, id: &str, path: Option<&[u8]>) {
        if let Some(record) = self.answer(id).copied() {
            self.refuse(record, path);
        }
    }

    /// Whether the answer with this id was this very token.
    pub fn was(&self, id: &str, sent: &Sent<'_>) -> bool {
        let token = self.token(sent);
        self.answer(id).is_some_and(|record| record.token == token)
    }

    /// Whether the answer with this id was about this account; `None` if there is no such answer.
    pub fn is_about(&self, id: &str, account: &[&str]) -> Option<bool> {
        self.answer(id).map(|record| record.account == self.account(account))
    }

    /// Whether this very token was answered for this host within the last ten minutes.
    pub fn was_answered(&self, sent: &Sent<'_>) -> bool {
        let token = self.token(sent);
        self.of(false).any(|record| record.token == token)
    }

    /// Whether the host took this very token within the last ten minutes, and did not refuse it several times since then.
    pub fn is_accepted(&self, sent: &Sent<'_>) -> bool {
        let token = self.token(sent);
        self.of(false).any(|record| record.token == token && record.spared > 0)
    }

    /// Notes that this was refused, if it was ours: other helpers' passwords come by here too. `false` if it was not.
    pub fn refused(&mut self, sent: &Sent<'_>) -> bool {
        let token = self.token(sent);
        let known = self.of(false).find(|record| record.token == token).copied();
        if let Some(record) = known {
            self.refuse(record, sent.path);
        }
        known.is_some()
    }

    /// Whether this token was refused there within the last minute.
    pub fn is_refused(&self, sent: &Sent<'_>) -> bool {
        let (token, path) = (self.token(sent), self.path(sent.path));
        self.of(true)
            .any(|record| record.token == token && (record.path == Fingerprint::default() || record.path == path))
    }

    /// Whether this token was refused within the last minute, and no host takes it.
    pub fn is_refused_anywhere(&self, token: &str) -> bool {
        let secret = self.secret(token);
        self.of(true).any(|record| record.secret == secret)
            && !self.of(false).any(|record| record.secret == secret && record.spared > 0)
    }

    /// How many different tokens of this account were refused within the last minute, and not taken.
    pub fn count(&self, account: &[&str]) -> usize {
        let account = self.account(account);
        let refused = self.of(true).filter(|record| record.account == account).map(|record| record.token);
        let is_taken = |token: &Fingerprint| self.of(false).any(|record| record.token == *token && record.spared > 0);
        refused.filter(|token| !is_taken(token)).collect::<BTreeSet<_>>().len()
    }

    fn of(&self, refused: bool) -> impl Iterator<Item = &Record> {
        self.content.records.iter().filter(move |record| record.refused == refused)
    }

    fn answer(&self, id: &str) -> Option<&Record> {
        self.of(false).find(|record| hex::encode(&record.id) == id)
    }

    /// A host that takes a token may refuse it for one repository (Azure DevOps answers 401 where the account has no access),
    /// and git before 2.54 forgets to send a Bearer token with a large push. So a refusal holds for the path alone where git
    /// tells it, and one without a path is held against a token that was taken a moment ago only when more of them follow.
    fn refuse(&mut self, record: Record, path: Option<&[u8]>) {
        if path.is_none() && record.spared > 0 {
            return self.spare(record.token, record.spared - 1);
        }
        let path = self.path(path);
        // Parallel refusals of one token count once.
        if !self.of(true).any(|known| known.token == record.token && known.path == path) {
            self.content.records.push(Record { at: clock::wall(), refused: true, path, ..record });
            // What cannot be saved is not remembered; the answer does not depend on it.
            let _ = self.save();
        }
    }

    fn spare(&mut self, token: Fingerprint, spared: u8) {
        let mut is_changed = false;
        for record in self.content.records.iter_mut().filter(|record| !record.refused && record.token == token) {
            is_changed |= record.spared != spared;
            record.spared = spared;
        }
        if is_changed {
            let _ = self.save();
        }
    }

    fn save(&mut self) -> Option<()> {
        let bytes = self.content.encode();
        system::write_at(&self.file, &bytes).ok()?;
        if bytes.len() < self.len {
            self.file.set_len(bytes.len() as u64).ok()?;
        }
        self.len = bytes.len();
        Some(())
    }

    fn account(&self, parts: &[&str]) -> Fingerprint {
        self.fingerprint("account", parts.iter().map(|part| part.as_bytes()))
    }

    fn token(&self, sent: &Sent<'_>) -> Fingerprint {
        let Sent { origin, path: _, scheme, token } = sent;
        self.fingerprint("token", [origin.as_bytes(), scheme.as_bytes(), token.as_bytes()])
    }

    /// Zeroes where there is none.
    fn path(&self, path: Option<&[u8]>) -> Fingerprint {
        path.map(|path| self.fingerprint("path", [path])).unwrap_or_default()
    }

    fn secret(&self, token: &str) -> Fingerprint {
        self.fingerprint("secret", [token.as_bytes()])
    }

    fn fingerprint<'a>(&self, kind: &str, parts: impl IntoIterator<Item = &'a [u8]>) -> Fingerprint {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(kind.as_bytes());
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut fingerprint = Fingerprint::default();
        fingerprint.copy_from_slice(&context.sign().as_ref()[..FINGERPRINT]);
        fingerprint
    }
}

/// Whether this token was refused within the last minute and no host takes it, as far as that is remembered.
pub fn is_refused(token: &str) -> bool {
    // Where there is no file, none has to be made.
    let (directory, is_usable) = runtime::place();
    let refusals = || Refusals::open_in(&directory);
    is_usable
        && directory.join(FILE).is_file()
        && refusals().is_some_and(|refusals| refusals.is_refused_anywhere(token))
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

    fn sent(token: &str) -> Sent<'_> {
        Sent { origin: "github.com", path: None, scheme: "basic", token }
    }

    fn open(directory: &Path) -> Refusals {
        Refusals::open_in(directory).unwrap()
    }

    fn answer(directory: &Path, token: &str) -> String {
        open(directory).answered(ACCOUNT, &sent(token)).unwrap()
    }

    #[test]
    fn a_refused_answer_is_known_by_its_id_or_by_its_token() {
        let dir = tempfile::tempdir().unwrap();
        let id = answer(dir.path(), "one");
        answer(dir.path(), "two");
        assert!(!open(dir.path()).is_refused(&sent("one")));
        assert!(open(dir.path()).was_answered(&sent("one")) && !open(dir.path()).was_answered(&sent("three")));
        open(dir.path()).refused_id(&id, None);
        open(dir.path()).refused_id(&id, None);
        open(dir.path()).refused(&sent("two"));
        let refusals = open(dir.path());
        assert!(refusals.is_refused(&sent("one")) && refusals.is_refused(&sent("two")));
        assert!(refusals.is_refused(&Sent { path: Some(b"a/b"), ..sent("one") }));
        assert!(!refusals.is_refused(&Sent { scheme: "bearer", ..sent("one") }));
        assert!(!refusals.is_refused(&Sent { origin: "gist.github.com", ..sent("one") }));
        assert!(refusals.is_refused_anywhere("one") && !refusals.is_refused_anywhere("three"));
        assert_eq!(refusals.count(ACCOUNT), 2);
    }

    #[test]
    fn a_refusal_of_a_path_holds_for_this_path() {
        let dir = tempfile::tempdir().unwrap();
        let at = |path: &'static str| Sent { path: Some(path.as_bytes()), ..sent("one") };
        answer(dir.path(), "one");
        open(dir.path()).refused(&at("b"));
        let refusals = open(dir.path());
        assert!(refusals.is_refused(&at("b")) && !refusals.is_refused(&at("a")) && !refusals.is_refused(&sent("one")));
        // Nobody took it yet, so it may be dead.
        assert!(refusals.is_refused_anywhere("one"));
        drop(refusals);
        answer(dir.path(), "one");
        open(dir.path()).accepted(&at("a"));
        let refusals = open(dir.path());
        assert!(refusals.is_refused(&at("b")) && !refusals.is_refused_anywhere("one"));
        assert_eq!(refusals.count(ACCOUNT), 0);
    }

    #[test]
    fn a_token_that_was_taken_does_not_suffer_for_one_refusal_but_for_several() {
        let dir = tempfile::tempdir().unwrap();
        answer(dir.path(), "one");
        open(dir.path()).accepted(&sent("one"));
        let id = answer(dir.path(), "one");
        open(dir.path()).refused_id(&id, None);
        let refusals = open(dir.path());
        assert!(refusals.was(&id, &sent("one")) && !refusals.was(&id, &sent("two")));
        assert!(!refusals.is_refused(&sent("one")) && refusals.is_accepted(&sent("one")));
        drop(refusals);
        open(dir.path()).refused(&sent("one"));
        assert!(!open(dir.path()).is_refused(&sent("one")));
        open(dir.path()).refused(&sent("one"));
        let refusals = open(dir.path());
        assert!(refusals.is_refused(&sent("one")) && refusals.is_refused_anywhere("one"));
        assert!(!refusals.is_accepted(&sent("one")));
    }

    #[test]
    fn what_was_never_answered_is_not_noted() {
        let dir = tempfile::tempdir().unwrap();
        open(dir.path()).refused(&sent("somebody else's password"));
        open(dir.path()).accepted(&sent("somebody else's password"));
        open(dir.path()).refused_id("0123", None);
        assert_eq!(open(dir.path()).count(ACCOUNT), 0);
        assert_eq!(fs::metadata(dir.path().join("refusals")).unwrap().len(), 0);
    }

    #[test]
    fn old_entries_and_a_broken_file_are_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let id = answer(dir.path(), "one");
        open(dir.path()).refused_id(&id, None);
        let file = dir.path().join("refusals");
        let bytes = fs::read(&file).unwrap();
        let mut content = Content::decode(&bytes).unwrap();
        content.records.iter_mut().filter(|record| record.refused).for_each(|record| record.at -= REFUSED_FOR + 1);
        fs::write(&file, content.encode()).unwrap();
        assert!(!open(dir.path()).is_refused(&sent("one")));
        fs::write(&file, &bytes[..bytes.len() - 1]).unwrap();
        assert_eq!(open(dir.path()).count(ACCOUNT), 0);
    }

    #[test]
    fn many_answers_push_out_the_oldest_and_no_refusal() {
        let dir = tempfile::tempdir().unwrap();
        let id = answer(dir.path(), "one");
        open(dir.path()).refused_id(&id, None);
        let others: Vec<_> = (0..2 * MOST).map(|_| answer(dir.path(), "two")).collect();
        let refusals = open(dir.path());
        assert!(refusals.is_refused(&sent("one")) && refusals.was(&others[2 * MOST - 1], &sent("two")));
        assert!(refusals.is_about(&id, ACCOUNT).is_none());
        let len = fs::metadata(dir.path().join("refusals")).unwrap().len();
        assert_eq!(len, Content::size(MOST + 1) as u64);
    }
}
