//! The rows that the README and its picture show.

use super::cases::{self, at_distance, many};
use super::measure::Results;
use super::peers;

/// One of them.
pub struct Row {
    /// The contender's name.
    pub name: String,
    /// What it is called here.
    pub label: String,
    pub is_ours: bool,
    /// Against git-credential-store in the same kind of race.
    pub ratio: Option<f64>,
}

/// One answer each, from the quickest to the slowest.
pub fn rows(results: &Results) -> Vec<Row> {
    let theirs = [peers::STORE, peers::CACHE, peers::LIBSECRET, peers::DOCKER, peers::GH, peers::KEYRING, peers::SDK];
    let ours = [cases::DECLINED, cases::HIT, cases::CLIENT, cases::COLD];
    let all = theirs.map(|name| (name, false)).into_iter().chain(ours.map(|name| (name, true)));
    let mut rows: Vec<Row> = all.filter_map(|(name, is_ours)| row(results, name, is_ours, peers::STORE)).collect();
    rows.sort_by(|a, b| a.ratio.unwrap_or(0.0).total_cmp(&b.ratio.unwrap_or(0.0)));
    rows
}

/// Fifty answers at once, from the quickest to the slowest.
pub fn rows_at_once(results: &Results) -> Vec<Row> {
    let all = [(peers::STORE, false), (peers::LIBSECRET, false), (cases::HIT, true), (cases::COLD, true)];
    let base = many(peers::STORE);
    let mut rows: Vec<Row> =
        all.iter().filter_map(|(name, is_ours)| row(results, &many(name), *is_ours, &base)).collect();
    rows.sort_by(|a, b| a.ratio.unwrap_or(0.0).total_cmp(&b.ratio.unwrap_or(0.0)));
    rows
}

/// One answer each, the vault being far away. These races have no peers to be compared with, pair by pair.
pub fn rows_far(results: &Results) -> Vec<Row> {
    let far = [cases::CLIENT, cases::COLD].map(|case| at_distance(case, cases::NEAR_BY));
    far.iter().filter_map(|name| row(results, name, true, peers::STORE)).collect()
}

/// `None` for who is not here.
fn row(results: &Results, name: &str, is_ours: bool, base: &str) -> Option<Row> {
    results.find(name)?;
    let label = if is_ours { format!("scalekit-auth, {name}") } else { name.to_owned() };
    Some(Row { name: name.to_owned(), label, is_ours, ratio: results.ratio(name, base) })
}
