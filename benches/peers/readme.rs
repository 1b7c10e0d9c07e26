//! The numbers in the README, and all of them in docs/cost.md.

use std::fmt::Write;
use std::fs;

use super::chosen::{self, Row};
use super::measure::Results;
use super::report::{Costs, significant};
use super::{machine, peers};

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/cost.md");
const BEGIN: &str = "<!-- cost: begin -->\n";
const END: &str = "<!-- cost: end -->\n";

/// Writes the tables of both.
pub fn write(results: &Results, costs: &Costs, executable: u64) {
    let (date, machine, size) = (machine::date(), machine::description(), executable as f64 / 1e6);
    let note = format!(
        "Medians of {date} on {machine}.\n\
         The ratios are taken pair by pair between runs of the same round. \"Nothing cached\" is a read of the keyring, and two\n\
         requests on one connection. The SDK only gets the client token here; the account's would be another connection. The\n\
         executable has {size:.1} MB.\n"
    );
    let (rows, far, at_once) = (chosen::rows(results), chosen::rows_far(results), chosen::rows_at_once(results));
    let all = rows.iter().chain(&far).chain(&at_once);
    replace(PAGE, &format!("{}\n{note}", table(results, costs, all)));
    let ours = rows.iter().filter(|row| row.is_ours || row.name == peers::STORE);
    replace(README, &table(results, costs, ours));
}

/// Replaces what is between the marks.
fn replace(path: &str, new: &str) {
    let text = fs::read_to_string(path).expect("the document can be read");
    let (before, rest) = text.split_once(BEGIN).expect("it has the first mark");
    let (_, after) = rest.split_once(END).expect("it has the second mark");
    fs::write(path, format!("{before}{BEGIN}{new}{END}{after}")).expect("the document can be written");
}

fn table<'a>(results: &Results, costs: &Costs, rows: impl Iterator<Item = &'a Row>) -> String {
    let header = format!("| one answer | ms | {} = 1 | memory, KB | requests |\n|---|--:|--:|--:|--:|\n", peers::STORE);
    rows.fold(header, |text, row| text + &line(results, costs, row))
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
