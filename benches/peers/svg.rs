//! The picture in the README: bars on a logarithmic scale, readable on white and on black.

use std::fmt::Write;
use std::fs;

use super::chosen::{self, Row};
use super::measure::Results;
use super::report::significant;
use super::{machine, peers};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/cost.svg");

/// Sizes in pixels.
const WIDTH: f64 = 860.0;
const LEFT: f64 = 290.0;
/// Room for the number behind the longest bar.
const RIGHT: f64 = 60.0;
const TOP: f64 = 64.0;
const STEP: f64 = 26.0;
const BAR: f64 = 16.0;

/// On a background of its own, so that it reads on white and on black.
const STYLE: &str = "\
    text { font: 13px system-ui, sans-serif; fill: #57606a }\n\
    .title { font-size: 15px; font-weight: 600 }\n\
    .small { font-size: 11px }\n\
    .ours { fill: #0969da }\n\
    .theirs { fill: #8c959f }\n\
    .name { font-weight: 600 }\n\
    .paper { fill: #ffffff }\n\
    line { stroke: #8c959f; stroke-opacity: .35 }\n\
    @media (prefers-color-scheme: dark) { .paper { fill: #0d1117 } text { fill: #c9d1d9 } .ours { fill: #4493f8 } .theirs { fill: #6e7681 } }\n";

/// Draws it.
pub fn write(results: &Results) {
    let mut rows = chosen::rows(results);
    let median = |name: &str| results.find(name).map(|contender| contender.median());
    for row in chosen::rows_far(results) {
        let ratio = median(&row.name).zip(median(peers::STORE)).map(|(far, near)| far / near);
        // The whole of it has no room.
        let label = row.label.trim_start_matches("scalekit-auth, ").to_owned();
        rows.push(Row { label, ratio, ..row });
    }
    fs::write(PATH, picture(&rows)).expect("the picture can be written");
}

fn picture(rows: &[Row]) -> String {
    let ratios = || rows.iter().filter_map(|row| row.ratio);
    let least = decade(ratios().fold(1.0, f64::min), f64::floor);
    let most = decade(ratios().fold(1.0, f64::max), f64::ceil);
    let x = |ratio: f64| LEFT + (ratio.log10() - least) / (most - least) * (WIDTH - LEFT - RIGHT);
    let bottom = TOP + STEP * ratios().count() as f64;
    let height = bottom + 44.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         role=\"img\" aria-label=\"Time for one answer against git-credential-store\">\n<style>\n{STYLE}</style>\n\
         <rect class=\"paper\" width=\"{WIDTH}\" height=\"{height}\" rx=\"6\"/>\n\
         <text class=\"title\" x=\"12\" y=\"24\">Time for one answer, {} = 1</text>\n\
         <text class=\"small\" x=\"12\" y=\"42\">Logarithmic scale. The vault is on the same machine, but for the last two.</text>\n",
        peers::STORE
    );
    let mut power = least;
    while power <= most {
        let ratio = 10f64.powf(power);
        let _ = writeln!(
            svg,
            "<line x1=\"{0:.1}\" y1=\"{1}\" x2=\"{0:.1}\" y2=\"{bottom}\"/>\n\
             <text class=\"small\" x=\"{0:.1}\" y=\"{2}\" text-anchor=\"middle\">{ratio}</text>",
            x(ratio),
            TOP - 6.0,
            bottom + 14.0
        );
        power += 1.0;
    }
    for (place, (row, ratio)) in rows.iter().filter_map(|row| Some((row, row.ratio?))).enumerate() {
        let y = TOP + STEP * place as f64;
        let middle = y + BAR / 2.0 + 4.5;
        let (kind, weight) = if row.is_ours { ("ours", "name") } else { ("theirs", "") };
        let _ = writeln!(
            svg,
            "<text class=\"{weight}\" x=\"{}\" y=\"{middle}\" text-anchor=\"end\">{}</text>\n\
             <rect class=\"{kind}\" x=\"{LEFT}\" y=\"{y}\" width=\"{:.1}\" height=\"{BAR}\" rx=\"2\"/>\n\
             <text class=\"{weight}\" x=\"{:.1}\" y=\"{middle}\">{}</text>",
            LEFT - 10.0,
            row.label,
            x(ratio) - LEFT,
            x(ratio) + 6.0,
            significant(ratio)
        );
    }
    let _ = writeln!(
        svg,
        "<text class=\"small\" x=\"12\" y=\"{}\">{}, {}</text>\n</svg>",
        height - 8.0,
        machine::date(),
        machine::description()
    );
    svg
}

/// The power of ten next to `ratio`.
fn decade(ratio: f64, round: fn(f64) -> f64) -> f64 {
    round(ratio.log10())
}
