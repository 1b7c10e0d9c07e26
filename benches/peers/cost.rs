//! What a run takes besides time: memory and system calls.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use super::measure::median;
use super::program::Program;

/// Memory is measured so often.
const TRIES: usize = 5;

/// One program's.
pub struct Cost {
    /// The most memory that was resident at a time, in kilobytes.
    pub kilobytes: Option<f64>,
    /// How often which system call was made.
    pub calls: BTreeMap<String, u64>,
}

impl Cost {
    /// Runs `program` with `prepare` before each time.
    pub fn of(program: &Program, prepare: impl Fn()) -> Self {
        let scratch = tempfile::NamedTempFile::new().expect("there is room for a temporary file");
        let mut memory = Vec::new();
        for _ in 0..TRIES {
            prepare();
            memory.extend(kilobytes(program, scratch.path()));
        }
        prepare();
        let kilobytes = (!memory.is_empty()).then(|| median(memory));
        Self { kilobytes, calls: calls(program, scratch.path()) }
    }

    /// All system calls; none is a program that could not be counted.
    pub fn total(&self) -> Option<u64> {
        let total = self.calls.values().sum();
        (total > 0).then_some(total)
    }
}

/// As GNU time says. A process begins with its parent's peak (the kernel carries it over an exec), so the parent has to be
/// small: GNU time with its copy of one megabyte is, this process is not.
fn kilobytes(program: &Program, scratch: &Path) -> Option<f64> {
    let time = ["/usr/bin/time", "--format", "%M", "--output"].map(OsStr::new);
    let is_good = Path::new("/usr/bin/time").exists() && program.below(&[&time[..], &[scratch.as_os_str()]].concat());
    is_good.then(|| fs::read_to_string(scratch).ok()?.trim().parse().ok())?
}

/// As strace counts them, those of threads and children included.
fn calls(program: &Program, scratch: &Path) -> BTreeMap<String, u64> {
    let strace = ["/usr/bin/strace", "-f", "-c", "-U", "calls,name", "-o"].map(OsStr::new);
    if !Path::new("/usr/bin/strace").exists() || !program.below(&[&strace[..], &[scratch.as_os_str()]].concat()) {
        return BTreeMap::new();
    }
    let table = fs::read_to_string(scratch).unwrap_or_default();
    let row = |line: &str| {
        let (count, name) = line.trim().split_once(char::is_whitespace)?;
        Some((name.trim().to_owned(), count.parse().ok()?)).filter(|(name, _)| name != "total")
    };
    table.lines().filter_map(row).collect()
}
