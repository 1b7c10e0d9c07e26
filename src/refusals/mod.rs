//! What is remembered for a moment about tokens that servers refused, so that a refused token is not served again at
//! once and git-lfs, which asks for ever, comes to an end.
//!
//! One small file in the runtime directory (a tmpfs that other users cannot read) under a lock. It holds random ids and
//! fingerprints under a random key; no token, host or name can be read from it. Without a runtime directory nothing is
//! remembered and everything else works.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::time::Duration;

use ring::hmac;
use serde::{Deserialize, Serialize};

use crate::{hex, runtime};

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

#[derive(Debug, Default, Serialize, Deserialize)]
struct State {
    key: String,
    answered: Vec<Entry>,
    refused: Vec<Entry>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Entry {
    id: String,
    account: String,
    /// The token, where and how it was sent.
    token: String,
    /// The token alone.
    secret: String,
    at: i64,
    /// A server took it.
    accepted: bool,
}

/// The remembered answers, locked until dropped.
#[derive(Debug)]
pub struct Refusals {
    file: File,
    state: State,
    key: hmac::Key,
}

impl Refusals {
    /// Opens the file in the user's runtime directory; `None` where there is none or it is not to be had.
    pub fn open() -> Option<Self> {
        Self::open_in(&runtime::directory()?)
    }

    fn open_in(directory: &Path) -> Option<Self> {
        let mut file = runtime::open(directory, "refusals").ok()?;
        if !runtime::lock(&file, LOCK_WAIT).ok()? {
            return None;
        }
        let mut text = String::new();
        // A file cut short by a killed process is an empty one.
        let mut state: State = match file.read_to_string(&mut text) {
            Ok(_) => serde_json::from_str(&text).unwrap_or_default(),
            Err(_) => State::default(),
        };
        if state.key.len() < 64 {
            state = State { key: hex::random(32)?, ..State::default() };
        }
        let now = now();
        keep(&mut state.answered, now, ANSWERED_FOR);
        keep(&mut state.refused, now, REFUSED_FOR);
        let key = hmac::Key::new(hmac::HMAC_SHA256, state.key.as_bytes());
        Some(Self { file, state, key })
    }

    /// Notes that `answer` is about to be given, and returns a random id for it.
    pub fn answered(&mut self, answer: &Answer<'_>) -> Option<String> {
        let id = hex::random(16)?;
        let (account, token) = (self.account(answer.account), self.token(answer));
        let secret = self.secret(answer.token);
        let accepted = self.state.answered.iter().any(|known| known.token == token && known.accepted);
        let entry = Entry { id: id.clone(), account, token, secret, at: now(), accepted };
        self.state.answered.push(entry);
        self.save()?;
        Some(id)
    }

    /// Notes that a server took `answer`.
    pub fn accepted(&mut self, answer: &Answer<'_>) {
        let token = self.token(answer);
        for entry in self.state.answered.iter_mut().filter(|entry| entry.token == token) {
            entry.accepted = true;
        }
        // What cannot be saved is not remembered; the answer does not depend on it.
        let _ = self.save();
    }

    /// Notes that the answer with this id was refused. A token that was taken a moment ago is left alone: git before 2.54
    /// forgets to send a Bearer token with a large push, and a good token must not suffer for that.
    pub fn refused_id(&mut self, id: &str) {
        let known = self.state.answered.iter().find(|entry| entry.id == id).cloned();
        if let Some(entry) = known.filter(|entry| !entry.accepted) {
            self.refuse(entry);
        }
    }

    /// Whether the answer with this id was this very token.
    pub fn was(&self, id: &str, answer: &Answer<'_>) -> bool {
        let token = self.token(answer);
        self.state.answered.iter().any(|entry| entry.id == id && entry.token == token)
    }

    /// Whether the answer with this id was about this account; `None` if there is no such answer.
    pub fn is_about(&self, id: &str, account: &[&str]) -> Option<bool> {
        let entry = self.state.answered.iter().find(|entry| entry.id == id)?;
        Some(entry.account == self.account(account))
    }

    /// Whether this very token was answered at this place within the last ten minutes.
    pub fn was_answered(&self, answer: &Answer<'_>) -> bool {
        let token = self.token(answer);
        self.state.answered.iter().any(|entry| entry.token == token)
    }

    /// Notes that `answer` was refused, if it was ours: other helpers' passwords come by here too.
    pub fn refused(&mut self, answer: &Answer<'_>) {
        let token = self.token(answer);
        if let Some(entry) = self.state.answered.iter().find(|entry| entry.token == token).cloned() {
            self.refuse(entry);
        }
    }

    /// Whether this token was refused at this place within the last minute.
    pub fn is_refused(&self, answer: &Answer<'_>) -> bool {
        let token = self.token(answer);
        self.state.refused.iter().any(|entry| entry.token == token)
    }

    /// Whether this token was refused anywhere within the last minute.
    pub fn is_refused_anywhere(&self, token: &str) -> bool {
        let secret = self.secret(token);
        self.state.refused.iter().any(|entry| entry.secret == secret)
    }

    /// How many different tokens of this account were refused within the last minute.
    pub fn count(&self, account: &[&str]) -> usize {
        let account = self.account(account);
        self.state.refused.iter().filter(|entry| entry.account == account).count()
    }

    /// Parallel refusals of one token count once.
    fn refuse(&mut self, entry: Entry) {
        if !self.state.refused.iter().any(|known| known.token == entry.token) {
            self.state.refused.push(Entry { at: now(), ..entry });
            let _ = self.save();
        }
    }

    fn save(&mut self) -> Option<()> {
        let text = serde_json::to_vec(&self.state).ok()?;
        self.file.rewind().ok()?;
        self.file.set_len(0).ok()?;
        self.file.write_all(&text).ok()
    }

    fn account(&self, parts: &[&str]) -> String {
        self.fingerprint("account", parts)
    }

    fn token(&self, answer: &Answer<'_>) -> String {
        let Answer { account, scheme, token } = answer;
        self.fingerprint("token", &[*account, &[scheme, token]].concat())
    }

    fn secret(&self, token: &str) -> String {
        self.fingerprint("secret", &[token])
    }

    fn fingerprint(&self, kind: &str, parts: &[&str]) -> String {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(kind.as_bytes());
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        hex::encode(context.sign().as_ref())
    }
}

/// Whether this token was refused anywhere within the last minute, as far as that is remembered.
pub fn is_refused(token: &str) -> bool {
    Refusals::open().is_some_and(|refusals| refusals.is_refused_anywhere(token))
}

fn keep(entries: &mut Vec<Entry>, now: i64, seconds: i64) {
    entries.retain(|entry| (now - seconds..=now).contains(&entry.at));
    let surplus = entries.len().saturating_sub(MOST);
    entries.drain(..surplus);
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
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
        let text = fs::read_to_string(&file).unwrap();
        assert!(!text.contains("one") && !text.contains("github"));
        let mut state: State = serde_json::from_str(&text).unwrap();
        state.refused[0].at -= REFUSED_FOR + 1;
        fs::write(&file, serde_json::to_vec(&state).unwrap()).unwrap();
        assert!(!open(dir.path()).is_refused(&answer("one")));
        fs::write(&file, &text[..text.len() / 2]).unwrap();
        assert_eq!(open(dir.path()).count(ACCOUNT), 0);
    }
}
