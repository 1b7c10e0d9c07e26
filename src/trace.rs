//! What a run does, one line a step, for whoever sets `SCALEKIT_AUTH_TRACE`. A line tells names, places and times, and
//! nothing that opens anything: no token, no secret, no query of a URL.
//!
//! Without the variable a step costs a look at one pointer.

use std::ffi::OsStr;
use std::fmt;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Instant;

use crate::error::plain;
use crate::system;

/// `1` for stderr, an absolute path for a file; `0`, `off` and nothing switch it off.
const VARIABLE: &str = "SCALEKIT_AUTH_TRACE";

static TRACE: OnceLock<Trace> = OnceLock::new();

/// Where the lines go, and since when the time is counted.
pub(crate) struct Trace {
    start: Instant,
    /// Else stderr.
    file: Option<File>,
}

/// Tells one step, where somebody wants to know: the words as for `format!`.
macro_rules! step {
    ($($words:tt)*) => {
        if let Some(trace) = $crate::trace::on() {
            trace.line(format_args!($($words)*));
        }
    };
}
pub(crate) use step;

/// Looks whether this run is to be told.
pub(crate) fn begin(start: Instant) {
    let Some(value) = std::env::var_os(VARIABLE) else { return };
    match sink(&value) {
        Ok(None) => {}
        Ok(Some(file)) => {
            let _ = TRACE.set(Trace { start, file });
            step!("start: scalekit-auth {}", env!("CARGO_PKG_VERSION"));
        }
        Err(why) => {
            let what = format!("nothing is traced: {VARIABLE}={}: {why}", value.display());
            // Who does not listen loses no answer.
            let _ = writeln!(std::io::stderr(), "scalekit-auth: {}", plain(&what));
        }
    }
}

/// Where the lines go; `None` for nowhere, and in it `None` for stderr.
fn sink(value: &OsStr) -> Result<Option<Option<File>>, String> {
    match value.to_str() {
        Some("" | "0" | "off") => return Ok(None),
        Some("1") => return Ok(Some(None)),
        _ => {}
    }
    let path = Path::new(value);
    if !path.is_absolute() {
        return Err("it is neither 1 nor the absolute path of a file (0 and off switch it off)".to_owned());
    }
    system::append_to_own(path).map(|file| Some(Some(file))).map_err(|error| error.to_string())
}

/// What tells the steps, if anything does.
pub(crate) fn on() -> Option<&'static Trace> {
    TRACE.get()
}

impl Trace {
    /// One write for each line, so that those of several processes and threads do not mix.
    pub(crate) fn line(&self, words: fmt::Arguments<'_>) {
        let time = self.start.elapsed().as_secs_f64() * 1000.0;
        let line = format!("scalekit-auth[{}] {time:.3} ms {}\n", std::process::id(), plain(&words.to_string()));
        // A full disk, or a stderr that nobody reads, must not cost the answer.
        let _ = match &self.file {
            Some(file) => { file }.write_all(line.as_bytes()),
            None => std::io::stderr().write_all(line.as_bytes()),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_and_absolute_paths_switch_it_on() {
        for off in ["", "0", "off"] {
            assert!(matches!(sink(OsStr::new(off)), Ok(None)), "{off}");
        }
        assert!(matches!(sink(OsStr::new("1")), Ok(Some(None))));
        for wrong in ["2", "true", "on", "trace.log", "./trace.log", "~/trace.log"] {
            assert!(sink(OsStr::new(wrong)).is_err(), "{wrong}");
        }
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(sink(dir.path().join("trace").as_os_str()), Ok(Some(Some(_)))));
        assert!(sink(dir.path().as_os_str()).is_err(), "a directory");
    }
}
