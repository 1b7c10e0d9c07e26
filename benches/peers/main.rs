//! What an answer costs beside the programs that do a part of the same work, and whether that is what it should cost.
//!
//!     cargo bench --bench peers
//!
//! installs or builds the peers (Debian's packages and PyPI, as root; otherwise it says what is missing), measures for some
//! minutes, and prints tables and goals. `-- --write` puts the numbers into the README and docs/cost.md, and draws
//! `benches/cost.svg`; `-- --quick` has just enough rounds to see that everything works. `-- --layout` measures
//! nothing: it writes `build/layout.ld`, which functions of the program the linker puts side by side.
//!
//! Milliseconds drift between runs, ratios do not: they are taken pair by pair between runs of the same round. The subject is
//! the program as users build it, called as git calls it; the peers are called directly, too, not by way of `git`. The vault
//! is the stand-in on loopback, in this process; distance is added by a delay line. The tokens that this user has in the
//! cache are forgotten on the way.

#[path = "../../tests/common/mod.rs"]
mod common;

mod cases;
mod chosen;
mod cost;
mod delay;
mod goals;
mod layout;
mod machine;
mod measure;
mod peers;
mod program;
mod readme;
mod report;
mod stage;
mod svg;
mod workshop;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use cost::Cost;
use measure::{Group, Results};
use peers::Peers;
use report::Costs;
use stage::Stage;

fn main() -> ExitCode {
    let (mut is_quick, mut is_written, mut is_layout) = (false, false, false);
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--quick" => is_quick = true,
            "--write" => is_written = true,
            "--layout" => is_layout = true,
            // cargo's own.
            "--bench" => {}
            other => {
                eprintln!("{other}: there are --write, --quick and --layout");
                return ExitCode::from(2);
            }
        }
    }
    workshop::install();
    let stage = Stage::new();
    if is_layout {
        layout::write(&stage);
        return ExitCode::SUCCESS;
    }
    let peers = Peers::new(&stage);
    println!("{}, {}\n", machine::date(), machine::description());
    for (name, why) in peers.missing() {
        println!("not here: {name} ({why})");
    }
    for milliseconds in [cases::NEAR_BY, cases::FAR_AWAY] {
        let (first, later) = delay::measured(Duration::from_millis(milliseconds));
        println!(
            "delay line of {milliseconds} ms: connection and first reply {first:.2} ms, a later reply {later:.2} ms"
        );
    }
    let mut groups = cases::groups(&stage, &peers, is_quick);
    for group in &mut groups {
        group.run(&stage);
    }
    let costs = costs(&stage, &groups);
    let results = Results(groups);
    println!("\n{}", report::tables(&results, &costs));
    println!("{}", report::NOTES);
    println!("{}", report::calls(&costs));
    for goal in goals::goals(&results, &costs, stage.size()) {
        println!("{goal}");
    }
    if is_written {
        readme::write(&results, &costs, stage.size());
        svg::write(&results);
    }
    ExitCode::SUCCESS
}

/// Memory and system calls of everything that ran alone and near by.
fn costs(stage: &Stage, groups: &[Group]) -> Costs {
    let mut costs = BTreeMap::new();
    let all = groups.iter().flat_map(|group| &group.contenders);
    for contender in all.filter(|contender| contender.at_once == 1 && contender.round_trip.is_zero()) {
        stage.forget_tokens();
        let prepare = || contender.prepare(stage);
        costs.entry(contender.name.clone()).or_insert_with(|| Cost::of(&contender.program, prepare));
    }
    Costs(costs)
}
