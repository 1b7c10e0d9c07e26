//! What is printed.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::cases;
use super::cost::Cost;
use super::measure::{Contender, Group, Results};
use super::peers;

/// Memory and system calls by contender.
pub struct Costs(pub BTreeMap<String, Cost>);

impl Costs {
    pub fn kilobytes(&self, name: &str) -> Option<f64> {
        self.0.get(name)?.kilobytes
    }

    fn calls(&self, name: &str) -> Option<u64> {
        self.0.get(name)?.total()
    }
}

/// The peers that ratios are taken against: head of the column, and what the contender's name contains.
const BASES: [(&str, &str); 3] = [("store", peers::STORE), ("libsecret", peers::LIBSECRET), ("SDK", peers::ANY_SDK)];

/// What has to be known to read the tables.
pub const NOTES: &str = "\
x store, x libsecret, x SDK: the median of the ratios between runs of the same round.
KB: the most memory at a time; calls: system calls, with those of threads and children. Both without any distance.
requests and connections: what the vault saw in one run (least-most), tokens of both kinds together.
Distance: every chunk of bytes is held back for half a round trip in either direction, and what a client says before it
has heard anything for a whole one more, in place of the connection's set-up. localhost is in /etc/hosts: no DNS.
Scalekit's Python SDK: importing it, making a client and getting the client token is all it does here. The account's
token would be another connection and request; so its time is less, and our ratio more, than in truth.
The helpers of git and docker, and gh, talk to nobody; git-credential-oauth is asked about a host it does not know.
";

/// One table for each group.
pub fn tables(results: &Results, costs: &Costs) -> String {
    results.0.iter().map(|group| table(group, costs) + "\n").collect()
}

fn table(group: &Group, costs: &Costs) -> String {
    let base = |part: &str| group.contenders.iter().find(|contender| contender.name.contains(part));
    let bases: Vec<(&str, &Contender)> = BASES.iter().filter_map(|(head, part)| Some((*head, base(part)?))).collect();
    let width = group.contenders.iter().map(|contender| contender.name.len()).max().unwrap_or(0);
    let mut text = format!("{} ({} rounds, median)\n{:<width$} {:>9}", group.title, group.rounds, "", "ms");
    for (head, _) in &bases {
        let _ = write!(text, " {:>11}", format!("x {head}"));
    }
    let _ = writeln!(text, " {:>9} {:>6} {:>9} {:>7}", "KB", "calls", "requests", "connec.");
    for contender in &group.contenders {
        let Contender { name, .. } = contender;
        let _ = write!(text, "{name:<width$} {:>9.3}", contender.median());
        for (_, base) in &bases {
            let ratio = group.ratio(name, &base.name).map(significant).unwrap_or_default();
            let _ = write!(text, " {ratio:>11}");
        }
        let kilobytes = costs.kilobytes(name).map(|size| format!("{size:.0}")).unwrap_or_default();
        let calls = costs.calls(name).map(|count| count.to_string()).unwrap_or_default();
        let range =
            |(least, most): (u64, u64)| if least == most { most.to_string() } else { format!("{least}-{most}") };
        let requests = range(contender.range(|traffic| traffic.requests));
        let connections = range(contender.range(|traffic| traffic.connections));
        let _ = write!(text, " {kilobytes:>9} {calls:>6} {requests:>9} {connections:>7}");
        if contender.failures() > 0 {
            let _ = write!(text, "  {} of {} FAILED", contender.failures(), contender.runs.len() * contender.at_once);
        }
        text.push('\n');
    }
    text
}

/// A ratio with as many digits as it deserves.
pub fn significant(ratio: f64) -> String {
    match ratio {
        ratio if ratio >= 10.0 => format!("{ratio:.0}"),
        ratio if ratio >= 0.1 => format!("{ratio:.2}"),
        ratio => format!("{ratio:.4}"),
    }
}

/// Which system calls a hit makes, beside those of the program that only begins and ends.
pub fn calls(costs: &Costs) -> String {
    let none = BTreeMap::new();
    let of = |name: &str| costs.0.get(name).map_or(&none, |cost| &cost.calls);
    let (ours, floor, store) = (of(cases::HIT), of(peers::NOTHING), of(peers::STORE));
    let mut names: Vec<&String> = ours.keys().collect();
    names.sort_by_key(|name| std::cmp::Reverse(ours[*name]));
    let total = |calls: &BTreeMap<String, u64>| calls.values().sum::<u64>();
    let mut text = format!(
        "System calls of \"{}\": {}; {}: {}; {}: {}\n",
        cases::HIT,
        total(ours),
        peers::STORE,
        total(store),
        peers::NOTHING,
        total(floor)
    );
    let _ = writeln!(text, "{:<20} {:>6} {:>6} {:>6}", "", "ours", "store", "empty");
    for name in names {
        let count = |calls: &BTreeMap<String, u64>| calls.get(name).copied().unwrap_or(0);
        let _ = writeln!(text, "{name:<20} {:>6} {:>6} {:>6}", ours[name], count(store), count(floor));
    }
    text
}
