//! What is compared with what.

use std::time::Duration;

use super::measure::{Contender, Group};
use super::peers::{self, Peers};
use super::stage::{Setup, Stage};

/// So many at once.
pub const MANY: usize = 50;
/// How many services a user may have.
const SERVICES: [usize; 4] = [1, 10, 100, 1000];
const BATCHES: [usize; 3] = [1, 10, 50];
/// In milliseconds.
pub const NEAR_BY: u64 = 30;
pub const FAR_AWAY: u64 = 100;

pub const DECLINED: &str = "host not ours";
pub const HIT: &str = "token cached";
pub const BY_NAME: &str = "token cached, asked by service name";
pub const CLIENT: &str = "client token cached";
pub const COLD: &str = "nothing cached";

/// The same case elsewhere.
pub fn at_distance(case: &str, milliseconds: u64) -> String {
    format!("{case}, {milliseconds} ms away")
}

/// The same case, [`MANY`] at once.
pub fn many(case: &str) -> String {
    format!("{MANY} x {case}")
}

/// All races. With `is_quick` there are just enough rounds to see that everything works.
pub fn groups(stage: &Stage, peers: &Peers, is_quick: bool) -> Vec<Group> {
    let cases = Cases { stage, peers, is_quick };
    vec![
        cases.one(),
        cases.slow(),
        cases.at_once(),
        cases.services(),
        cases.batches(),
        cases.distance("The vault 30 ms away (round trip)", NEAR_BY, 15),
        cases.distance("The vault 100 ms away (round trip)", FAR_AWAY, 7),
    ]
}

struct Cases<'a> {
    stage: &'a Stage,
    peers: &'a Peers,
    is_quick: bool,
}

impl Cases<'_> {
    fn group(&self, title: &'static str, rounds: usize, contenders: Vec<Contender>) -> Group {
        let rounds = if self.is_quick { rounds.min(3) } else { rounds };
        Group { title, rounds, contenders }
    }

    /// Those of these peers that are here.
    fn peers(&self, names: &[&'static str]) -> Vec<Contender> {
        names.iter().filter_map(|name| Some(Contender::new(*name, self.peers.get(name)?))).collect()
    }

    /// The four states of the cache, as git meets them.
    fn states(&self) -> [Contender; 4] {
        let Self { stage, .. } = self;
        let client = Setup { keeps_accounts: false, ..Setup::USUAL };
        [
            Contender::new(DECLINED, &stage.decline(Setup::USUAL)),
            Contender::new(HIT, &stage.get(Setup::USUAL)),
            Contender::new(CLIENT, &stage.get(client)),
            Contender::new(COLD, &stage.get(Setup::USUAL)).cold(),
        ]
    }

    fn by_name(&self) -> Contender {
        Contender::new(BY_NAME, &self.stage.token(Setup::USUAL))
    }

    fn one(&self) -> Group {
        let mut all =
            self.peers(&[peers::NOTHING, peers::STORE, peers::CACHE, peers::LIBSECRET, peers::DOCKER, peers::OAUTH]);
        all.extend(self.states());
        all.push(self.by_name());
        self.group("One answer", 250, all)
    }

    /// Apart from the others, since it would not do to wait for these so often.
    fn slow(&self) -> Group {
        let mut all = self.peers(&[peers::STORE, peers::LIBSECRET, peers::GH, peers::KEYRING, peers::SDK]);
        all.extend(self.states());
        all.push(self.by_name());
        self.group("One answer, beside the slow ones", 20, all)
    }

    fn at_once(&self) -> Group {
        let mut all = self.peers(&[peers::STORE, peers::CACHE, peers::LIBSECRET, peers::DOCKER]);
        all.extend(self.states());
        let many = |contender: Contender| Contender { name: many(&contender.name), at_once: MANY, ..contender };
        self.group("Fifty at once, until the last has its answer", 25, all.into_iter().map(many).collect())
    }

    fn services(&self) -> Group {
        let mut all = self.peers(&[peers::STORE]);
        for count in SERVICES {
            let setup = Setup { others: count - 1, ..Setup::USUAL };
            all.push(Contender::new(format!("{DECLINED}, services: {count}"), &self.stage.decline(setup)));
            all.push(Contender::new(format!("{HIT}, services: {count}"), &self.stage.get(setup)));
        }
        self.group("As services grow in number", 100, all)
    }

    fn batches(&self) -> Group {
        let batch = |count| Contender::new(batch(count), &self.stage.batch(count, false)).cold();
        let all = self.peers(&[peers::STORE, peers::LIBSECRET]).into_iter().chain(BATCHES.map(batch));
        self.group("Several tokens in one run, nothing cached", 30, all.collect())
    }

    fn distance(&self, title: &'static str, milliseconds: u64, rounds: usize) -> Group {
        let far = Setup { is_far: true, ..Setup::USUAL };
        let own = [
            Contender::new(CLIENT, &self.stage.get(Setup { keeps_accounts: false, ..far })),
            Contender::new(COLD, &self.stage.get(far)).cold(),
        ];
        let batches = BATCHES.map(|count| Contender::new(batch(count), &self.stage.batch(count, true)).cold());
        let all = self.peers(&[peers::FAR_SDK]).into_iter().chain(own).chain(batches);
        let place = |contender: Contender| {
            let name = at_distance(&contender.name, milliseconds);
            Contender { name, ..contender.at(Duration::from_millis(milliseconds)) }
        };
        self.group(title, rounds, all.map(place).collect())
    }
}

fn batch(count: usize) -> String {
    format!("batch of {count}")
}
