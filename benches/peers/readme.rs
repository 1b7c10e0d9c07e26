//! The numbers in the README.

use std::fmt::Write;
use std::fs;

use super::cases::{self, at_distance};
use super::chosen::{self, Row};
use super::measure::Results;
use super::report::{Costs, significant};
use super::{machine, peers};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
const BEGIN: &str = "<!-- cost: begin -->\n";
const END: &str = "<!-- cost: end -->\n";

/// Replaces what is between the marks.
pub fn write(results: &Results, costs: &Costs, executable: u64) {
    let text = fs::read_to_string(PATH).expect("the README can be read");
    let (before, rest) = text.split_once(BEGIN).expect("the README has the first mark");
    let (_, after) = rest.split_once(END).expect("the README has the second mark");
    let table = table(results, costs);
    let (date, machine, size) = (machine::date(), machine::description(), executable as f64 / 1e6);
    let note = format!(
        "Medians of {date} on {machine}.\n\
         The ratios are taken pair by pair between runs of the same round. \"Nothing cached\" is a read of the keyring, and two\n\
         requests on one connection. The SDK only gets the client token here; the account's would be another connection. The\n\
         executable has {size:.1} MB.\n"
    );
    fs::write(PATH, format!("{before}{BEGIN}{table}\n{note}{END}{after}")).expect("the README can be written");
}

fn table(results: &Results, costs: &Costs) -> String {
    let mut text =
        format!("| one answer | ms | {} = 1 | memory, KB | requests |\n|---|--:|--:|--:|--:|\n", peers::STORE);
    let far = [cases::CLIENT, cases::COLD].map(|case| at_distance(case, cases::NEAR_BY));
    let far = far.iter().filter_map(|name| chosen::row(results, name, true, peers::STORE));
    for row in chosen::rows(results).into_iter().chain(far).chain(chosen::rows_at_once(results)) {
        text += &line(results, costs, &row);
    }
    text
}

fn line(results: &Results, costs: &Costs, row: &Row) -> String {
    let Row { name, label, is_ours, ratio } = row;
    let contender = results.find(name).expect("a chosen row was measured");
    let label = if *is_ours { format!("**{label}**") } else { label.clone() };
    let ratio = ratio.map(significant).unwrap_or_default();
    let kilobytes = costs.kilobytes(name).map(|size| format!("{size:.0}")).unwrap_or_default();
    let requests = contender.range(|traffic| traffic.requests).1;
    let mut text = String::new();
    let _ = writeln!(text, "| {label} | {:.2} | {ratio} | {kilobytes} | {requests} |", contender.median());
    text
}
