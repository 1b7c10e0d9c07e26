//! What the program is meant to cost, and whether it does.

use std::fmt;

use super::cases::{self, at_distance, many};
use super::measure::Results;
use super::peers;
use super::report::Costs;

/// A limit, and what was measured.
pub struct Goal {
    what: String,
    limit: f64,
    unit: &'static str,
    /// `None` if it could not be measured.
    got: Option<f64>,
}

impl Goal {
    fn new(what: impl Into<String>, got: Option<f64>, limit: f64, unit: &'static str) -> Self {
        Self { what: what.into(), limit, unit, got }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, limit, unit, got } = self;
        let Some(got) = got else { return write!(f, "not measured  {what} <= {limit}{unit}") };
        let verdict = if got <= limit { "met" } else { "MISSED" };
        write!(f, "{verdict:<12}  {what}: {got:.3}{unit}, limit {limit}{unit}")?;
        if got > limit {
            write!(f, ", over by {:.3}{unit}", got - limit)?;
        }
        Ok(())
    }
}

/// All of them.
pub fn goals(results: &Results, costs: &Costs, executable: u64) -> Vec<Goal> {
    let pair = |name: &str, against: &str, limit| {
        let what = format!("{name}, against {against}");
        Goal::new(what, results.ratio(name, against), limit, "")
    };
    let time = |case: &str, limit, rule: &str| {
        let name = at_distance(case, cases::NEAR_BY);
        let median = results.find(&name).map(|contender| contender.median());
        Goal::new(format!("{name}: {rule}"), median, limit, " ms")
    };
    let most = |name: &str, what: &str, of: fn(super::stage::Traffic) -> u64, limit| {
        let most = results.find(name).map(|contender| contender.range(of).1);
        Goal::new(format!("{name}: {what} at most"), most.map(|most| most as f64), limit, "")
    };
    let requests = |name: &str, limit| most(name, "requests", |traffic| traffic.requests, limit);
    let connections = |name: &str, limit| most(name, "connections", |traffic| traffic.connections, limit);
    let (client, cold) = (at_distance(cases::CLIENT, cases::NEAR_BY), at_distance(cases::COLD, cases::NEAR_BY));
    let (hits, misses) = (many(cases::HIT), many(cases::COLD));
    let failures = results.find(&misses).map(|contender| contender.failures() as f64);
    let round_trip = cases::NEAR_BY as f64;
    let memory = costs.kilobytes(cases::HIT).zip(costs.kilobytes(peers::STORE)).map(|(ours, theirs)| ours / theirs);
    vec![
        pair(cases::HIT, peers::STORE, 0.5),
        pair(cases::DECLINED, peers::STORE, 0.38),
        pair(cases::COLD, peers::LIBSECRET, 0.4),
        pair(cases::COLD, peers::SDK, 0.03),
        time(cases::COLD, 4.0 * round_trip + 8.0, "4 round trips and 8 ms"),
        requests(&cold, 2.0),
        connections(&cold, 1.0),
        time(cases::CLIENT, 3.0 * round_trip + 5.0, "3 round trips and 5 ms"),
        requests(&client, 1.0),
        connections(&client, 1.0),
        pair(&hits, &many(peers::STORE), 0.55),
        requests(&hits, 0.0),
        requests(&misses, 2.0),
        Goal::new(format!("{misses}: failures in all rounds"), failures, 0.0, ""),
        Goal::new(format!("memory, {}, against {}", cases::HIT, peers::STORE), memory, 0.85, ""),
        Goal::new("size of the executable", Some(executable as f64 / 1e6), 4.0, " MB"),
    ]
}
