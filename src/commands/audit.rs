//! `audit`: who got which credential, for people; and whether it is written down.

use std::time::Duration;

use clap::Subcommand;

use super::{list::table, note, print};
use crate::audit::{self, Reader, Record};
use crate::clock;
use crate::config::{self, Environments};
use crate::error::{Error, Kind};
use crate::suggest;

/// How often `--follow` looks for new lines.
const PAUSE: Duration = Duration::from_millis(250);

/// Show who got which credential, or switch on and off that it is written down
///
/// Once it is on, a line is written for each credential that is handed out, or asked for and not had: when, by which protocol or
/// command, for which place, whose, from the cache or the vault, and by which process. No line holds a token.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    switch: Option<Switch>,
    /// Only what is not older: 90s, 30m, 1h, 7d, 2w, or a time such as 2026-01-31 or 2026-01-31T08:00:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only what is of this service
    #[arg(long, value_name = "SERVICE")]
    service: Option<String>,
    /// Print a JSON object on a line for each
    #[arg(long)]
    json: bool,
    /// Go on with what comes, until Ctrl-C
    #[arg(long)]
    follow: bool,
}

#[derive(Debug, Clone, Copy, Subcommand)]
enum Switch {
    /// Write down from now on which credentials are handed out
    On,
    /// Write nothing down any more; what was written stays
    Off,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Error> {
    match arguments.switch {
        Some(switch) => set(matches!(switch, Switch::On)),
        None => show(arguments),
    }
}

fn set(is_audited: bool) -> Result<(), Error> {
    Environments::put_audit(&config::directory()?, is_audited)?;
    let path = audit::path()?;
    note(match is_audited {
        true => format!("credentials that are handed out are written down in {}", path.display()),
        false if path.exists() => format!("nothing is written down any more; {} stays", path.display()),
        false => "nothing is written down".to_owned(),
    });
    Ok(())
}

fn show(arguments: &Arguments) -> Result<(), Error> {
    let since = arguments.since.as_deref().map(since).transpose()?;
    let cannot = |error| Error::new(Kind::Failed, "the audit cannot be read").why(error);
    let (mut reader, mut found) = Reader::open(audit::directory()?).map_err(cannot)?;
    let is_asked = |record: &Record| {
        since.is_none_or(|since| record.at().is_some_and(|at| at >= since))
            && arguments.service.as_ref().is_none_or(|service| record.service == *service)
    };
    let all = found.len();
    found.retain(is_asked);
    if found.is_empty() && !arguments.follow {
        let is_on = Environments::load(&config::directory()?)?.is_audited;
        let off = || format!("; the audit is off, {} switches it on", suggest::typed(&["audit", "on"]));
        let nothing = match all {
            0 => "nothing was written down".to_owned(),
            1 => "the one line that was written down is not of these".to_owned(),
            _ => format!("none of the {all} lines that were written down is of these"),
        };
        note(nothing + &if is_on { String::new() } else { off() });
    }
    let mut table = Table::default();
    tell(&found, arguments, &mut table)?;
    if reader.strange > 0 {
        note(format!("{} lines of the audit cannot be read and are left out", reader.strange));
    }
    if !arguments.follow {
        return Ok(());
    }
    loop {
        std::thread::sleep(PAUSE);
        let mut more = reader.more().map_err(cannot)?;
        more.retain(is_asked);
        tell(&more, arguments, &mut table)?;
    }
}

/// Rows that come one after another, below the same heads.
#[derive(Default)]
struct Table {
    /// The longest cell of each column so far; none before the heads were printed.
    longest: Option<[String; 8]>,
}

impl Table {
    fn lines(&mut self, rows: Vec<[String; 8]>) -> String {
        let heads = ["TIME", "RESULT", "FROM", "COMMAND", "SERVICE", "IDENTIFIER", "TARGET", "ASKED BY"];
        let is_first = self.longest.is_none();
        let longest = self.longest.get_or_insert_with(|| heads.map(str::to_owned));
        let shown = if is_first { vec![longest.clone()] } else { Vec::new() };
        for row in &rows {
            for (longest, cell) in longest.iter_mut().zip(row) {
                if cell.chars().count() > longest.chars().count() {
                    longest.clone_from(cell);
                }
            }
        }
        // The longest cells make the columns as wide as they were, and are not shown.
        let rows: Vec<_> = [longest.clone()].into_iter().chain(shown).chain(rows).collect();
        table(&rows).split_once('\n').map(|(_, lines)| lines.to_owned()).unwrap_or_default()
    }
}

fn tell(records: &[Record], arguments: &Arguments, table: &mut Table) -> Result<(), Error> {
    if records.is_empty() {
        return Ok(());
    }
    if arguments.json {
        let lines: Vec<u8> = records.iter().flat_map(Record::encode).collect();
        return print(&String::from_utf8_lossy(&lines));
    }
    print(&table.lines(records.iter().map(row).collect()))
}

fn row(record: &Record) -> [String; 8] {
    let from = record.from.map_or("-", |from| match from {
        audit::Origin::Cache => "cache",
        audit::Origin::Vault => "vault",
    });
    let asker = record.asked_by.as_ref().map(|asker| {
        let program = asker.executable.as_deref().map(|path| path.rsplit(['/', '\\']).next().unwrap_or(path));
        let first = format!("{}[{}]", program.unwrap_or("?"), asker.pid);
        std::iter::once(first).chain(asker.parents.iter().cloned()).collect::<Vec<_>>().join(" < ")
    });
    [
        record.at().map_or_else(|| record.time.clone(), clock::local_time),
        record.result.clone(),
        from.to_owned(),
        record.command.clone(),
        record.service.clone(),
        record.identifier.clone(),
        record.target.clone().unwrap_or_else(|| "-".to_owned()),
        asker.unwrap_or_else(|| "-".to_owned()),
    ]
}

/// The time that `text` means, in seconds since 1970.
fn since(text: &str) -> Result<i64, Error> {
    let wrong = || {
        Error::new(Kind::Usage, format!("--since {text:?} is no time"))
            .next("write a span, such as 90s, 30m, 1h, 7d or 2w, or a time, such as 2026-01-31 or 2026-01-31T08:00:00Z")
    };
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Ok(time.as_second());
    }
    // Without a zone it is this machine's.
    if let Ok(time) = text.parse::<jiff::civil::DateTime>()
        && let Ok(time) = time.to_zoned(jiff::tz::TimeZone::system())
    {
        return Ok(time.timestamp().as_second());
    }
    span(text).map(|seconds| clock::wall().saturating_sub(seconds)).ok_or_else(wrong)
}

fn span(text: &str) -> Option<i64> {
    let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let seconds = match unit {
        "s" => 1,
        "m" | "min" => 60,
        "h" => 3600,
        "d" => 24 * 3600,
        "w" => 7 * 24 * 3600,
        _ => return None,
    };
    digits.parse::<i64>().ok()?.checked_mul(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spans_and_times_are_understood() {
        for (text, seconds) in
            [("90s", 90), ("30m", 1800), ("30min", 1800), ("1h", 3600), ("7d", 604_800), ("2w", 1_209_600), ("0s", 0)]
        {
            assert_eq!(span(text), Some(seconds), "{text}");
        }
        assert_eq!(since("2026-01-02T03:04:05Z").unwrap(), 1_767_323_045);
        let midnight = since("2026-01-02").unwrap();
        assert_eq!(since("2026-01-02T03:04:05").unwrap(), midnight + 3 * 3600 + 4 * 60 + 5);
        assert!((midnight - 1_767_312_000).abs() <= 14 * 3600, "{midnight}");
        for wrong in [
            "",
            "1",
            "h",
            "-1h",
            "1.5h",
            "1 h",
            "1y",
            "2026-13-01",
            "99999999999999999999s",
            "9223372036854775807d",
            "today",
        ] {
            assert!(since(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn rows_that_come_later_stand_below_the_same_heads() {
        let cells = |service: &str| ["t", "given", "vault", "git", service, "ada", "-", "sh"].map(str::to_owned);
        let mut table = Table::default();
        let first = table.lines(vec![cells("a-long-service")]);
        let later = table.lines(vec![cells("x")]);
        let place = |line: &str, word: &str| line.find(word).unwrap();
        assert_eq!(first.lines().count(), 2);
        assert_eq!(place(&later, "ada"), place(first.lines().next().unwrap(), "IDENTIFIER"), "{first}{later}");
        assert_eq!(later.lines().count(), 1);
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in "[0-9]{0,25}\\PC{0,3}") {
            let _ = since(&text);
        }
    }
}
