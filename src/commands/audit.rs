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
    /// Only what is not older: 90s, 30m, 1h, 7d, or a time such as 2026-01-31T08:00:00Z
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
        false => format!("nothing is written down any more; {} stays", path.display()),
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
    found.retain(is_asked);
    if found.is_empty() && !arguments.follow {
        let is_on = Environments::load(&config::directory()?)?.is_audited;
        let off = || format!("; the audit is off, {} switches it on", suggest::typed(&["audit", "on"]));
        note(format!("nothing was written down{}", if is_on { String::new() } else { off() }));
    }
    tell(&found, arguments, true)?;
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
        tell(&more, arguments, false)?;
    }
}

fn tell(records: &[Record], arguments: &Arguments, is_first: bool) -> Result<(), Error> {
    if records.is_empty() {
        return Ok(());
    }
    if arguments.json {
        let lines: Vec<u8> = records.iter().flat_map(Record::encode).collect();
        return print(&String::from_utf8_lossy(&lines));
    }
    let mut rows = Vec::new();
    if is_first {
        let heads = ["TIME", "RESULT", "FROM", "COMMAND", "SERVICE", "IDENTIFIER", "TARGET", "ASKED BY"];
        rows.push(heads.map(str::to_owned));
    }
    rows.extend(records.iter().map(row));
    print(&table(&rows))
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
            .next("write a span, such as 90s, 30m, 1h or 7d, or a time, such as 2026-01-31T08:00:00Z")
    };
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Ok(time.as_second());
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
        for (text, seconds) in [("90s", 90), ("30m", 1800), ("30min", 1800), ("1h", 3600), ("7d", 604_800), ("0s", 0)] {
            assert_eq!(span(text), Some(seconds), "{text}");
        }
        assert_eq!(since("2026-01-02T03:04:05Z").unwrap(), 1_767_323_045);
        for wrong in
            ["", "1", "h", "-1h", "1.5h", "1 h", "1w", "99999999999999999999s", "9223372036854775807d", "today"]
        {
            assert!(since(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in "[0-9]{0,25}\\PC{0,3}") {
            let _ = since(&text);
        }
    }
}
