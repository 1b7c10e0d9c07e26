//! The clock on the wall, and the one that runs from the machine's start, which nobody sets.

use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) use crate::system::nanoseconds;

/// Seconds since 1970.
pub(crate) fn wall() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// The seconds since 1970 of a date in a head of HTTP (RFC 9110, 5.6.7), in any of the three forms that it may have.
pub(crate) fn of_http(date: &str) -> Option<i64> {
    let since = httpdate::parse_http_date(date.trim()).ok()?.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok()
}

/// Seconds since the machine's start.
pub(crate) fn since_boot() -> i64 {
    i64::try_from(nanoseconds() / 1_000_000_000).unwrap_or(i64::MAX)
}

/// Seconds since 1970 as a person has to meet it: the local time, and how long that is from now.
pub fn local(at: i64) -> String {
    format!("{}, {}", local_time(at), from_now(at))
}

/// Seconds since 1970 as the local time.
pub fn local_time(at: i64) -> String {
    let Ok(time) = jiff::Timestamp::from_second(at) else { return at.to_string() };
    let time = time.to_zoned(jiff::tz::TimeZone::system());
    let (date, hour, minute, second) = (time.date(), time.hour(), time.minute(), time.second());
    // jiff's formatter of patterns would be half a percent of the executable.
    let offset = time.offset().seconds() / 60;
    let (sign, hours, minutes) = (if offset < 0 { '-' } else { '+' }, offset.abs() / 60, offset.abs() % 60);
    format!("{date} {hour:02}:{minute:02}:{second:02} {sign}{hours:02}:{minutes:02}")
}

/// Seconds since 1970 as a span from now.
pub fn from_now(at: i64) -> String {
    span(at.saturating_sub(wall()))
}

/// So many seconds in words: the larger of its units.
fn span(seconds: i64) -> String {
    const MINUTE: i64 = 60;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    let (count, unit) = match seconds.abs() {
        few if few < 2 * MINUTE => (few, "s"),
        some if some < 2 * HOUR => (some / MINUTE, "min"),
        many if many < 2 * DAY => (many / HOUR, "h"),
        days => (days / DAY, "days"),
    };
    if seconds == 0 {
        return "now".to_owned();
    }
    if seconds < 0 { format!("{count} {unit} ago") } else { format!("in {count} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_the_unit_that_a_person_would_take() {
        for (seconds, text) in [
            (55, "in 55 s"),
            (0, "now"),
            (119, "in 119 s"),
            (600, "in 10 min"),
            (7200, "in 2 h"),
            (-300, "5 min ago"),
            (172_800, "in 2 days"),
            (i64::MIN + 1, "106751991167300 days ago"),
        ] {
            assert_eq!(span(seconds), text);
        }
    }
}
