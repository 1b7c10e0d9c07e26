//! Contenders in the same rounds, and what comes of it: medians, and ratios pair by pair.

use std::time::Duration;

use super::program::Program;
use super::stage::{Stage, Traffic};

/// Rounds at the beginning that do not count.
const WARM_UP: usize = 2;

/// A program in a race.
pub struct Contender {
    pub name: String,
    pub program: Program,
    /// How many of it run at the same time.
    pub at_once: usize,
    /// Whether it starts without tokens in the cache.
    pub is_cold: bool,
    /// How far away the vault is.
    pub round_trip: Duration,
    /// One for each round.
    pub runs: Vec<Run>,
}

/// One timed run.
pub struct Run {
    pub milliseconds: f64,
    pub failures: usize,
    /// What the vault saw of it.
    pub traffic: Traffic,
}

impl Contender {
    pub fn new(name: impl Into<String>, program: &Program) -> Self {
        let (round_trip, runs) = (Duration::ZERO, Vec::new());
        Self { name: name.into(), program: program.clone(), at_once: 1, is_cold: false, round_trip, runs }
    }

    pub fn cold(self) -> Self {
        Self { is_cold: true, ..self }
    }

    pub fn at(self, round_trip: Duration) -> Self {
        Self { round_trip, ..self }
    }

    /// Runs it once on an undelayed line, untimed: what is measured next finds the caches of the machine, and its own unless
    /// it is cold, as its rivals find theirs.
    pub fn prepare(&self, stage: &Stage) {
        stage.line.set(Duration::ZERO);
        self.program.time(1);
        if self.is_cold {
            stage.forget_tokens();
        }
        stage.line.set(self.round_trip);
    }

    fn run(&self, stage: &Stage) -> Run {
        self.prepare(stage);
        let before = stage.traffic();
        let (time, failures) = self.program.time(self.at_once);
        Run { milliseconds: milliseconds(time), failures, traffic: stage.traffic().since(before) }
    }

    pub fn median(&self) -> f64 {
        median(self.runs.iter().map(|run| run.milliseconds).collect())
    }

    pub fn failures(&self) -> usize {
        self.runs.iter().map(|run| run.failures).sum()
    }

    /// The least and the most that any run made of requests, or of connections.
    pub fn range(&self, of: impl Fn(Traffic) -> u64) -> (u64, u64) {
        let counts = || self.runs.iter().map(|run| of(run.traffic));
        (counts().min().unwrap_or(0), counts().max().unwrap_or(0))
    }
}

/// Contenders that are compared with each other: all of them run in every round.
pub struct Group {
    pub title: &'static str,
    pub rounds: usize,
    pub contenders: Vec<Contender>,
}

impl Group {
    /// The order turns round with every round, so that nobody always runs behind the same one.
    pub fn run(&mut self, stage: &Stage) {
        stage.forget_tokens();
        for round in 0..WARM_UP + self.rounds {
            let count = self.contenders.len();
            for place in 0..count {
                let contender = &mut self.contenders[if round % 2 == 0 { place } else { count - 1 - place }];
                let run = contender.run(stage);
                if round >= WARM_UP {
                    contender.runs.push(run);
                }
            }
        }
    }

    pub fn find(&self, name: &str) -> Option<&Contender> {
        self.contenders.iter().find(|contender| contender.name == name)
    }

    /// The median of the ratios between runs of the same round.
    pub fn ratio(&self, name: &str, against: &str) -> Option<f64> {
        let (ours, theirs) = (self.find(name)?, self.find(against)?);
        let pairs = ours.runs.iter().zip(&theirs.runs);
        Some(median(pairs.map(|(ours, theirs)| ours.milliseconds / theirs.milliseconds).collect()))
    }
}

/// All groups after their races.
pub struct Results(pub Vec<Group>);

impl Results {
    /// From the first group that has it.
    pub fn find(&self, name: &str) -> Option<&Contender> {
        self.0.iter().find_map(|group| group.find(name))
    }

    /// From the first group that has both.
    pub fn ratio(&self, name: &str, against: &str) -> Option<f64> {
        self.0.iter().find_map(|group| group.ratio(name, against))
    }
}

pub fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// The middle of values of which there is at least one.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let (low, high) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
    f64::midpoint(low, high)
}
