//! Which functions of the program a usual answer runs, for the linker: they are put side by side, since each stretch of the
//! file that is touched costs a page fault, and three megabytes of code hold a hundred kilobytes that an answer needs.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::program::Program;
use super::stage::{Setup, Stage};

/// The linker script, which `build/link.rs` and `release/build` name to the linker.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/build/layout.ld");
const HEAD: &str = "\
/* Written by `cargo bench --bench peers -- --layout`, as release/README.md describes.

   No tables for unwinding the stack: the executable aborts on a panic and prints no backtrace, so nothing ever reads them, and
   they are an eighth of its bytes. `-C force-unwind-tables=no` would reach neither the standard library's nor those of C. Nor
   does anything read which compilers made it. */
SECTIONS { /DISCARD/ : { *(.eh_frame .gcc_except_table .gcc_except_table.* .comment) } } INSERT AFTER .text;

/* ring's table for P-256 asks for a page of its own, and would leave two half empty. What reads it needs 64. */
SECTIONS { .rodata.p256 : SUBALIGN(64) { *(.rodata.ecp_nistz256_precomputed) } } INSERT AFTER .rodata;

/* The functions of a usual answer side by side. What an answer runs besides is found where it would be without this, and a
   name that no function has any more does no harm. A star stands for what changes with the version of a crate or compiler. */
SECTIONS { .text.answer : {
";
const TAIL: &str = "} } INSERT BEFORE .text;\n";

/// Lets callgrind watch a few answers, and writes the script. The program needs its symbols for that.
pub fn write(stage: &Stage) {
    let usual = Setup::USUAL;
    let mut all = BTreeSet::new();
    let mut script = HEAD.to_owned();
    let (declined, asked) = (stage.decline(usual), stage.get(usual));
    let synced = Setup { others: 1, ..usual };
    assert!(stage.sync(synced).below(&[]) && asked.below(&[]), "the program answers");
    // In this order, so that who needs least has it most closely together. With nothing cached, the time goes elsewhere.
    for (title, program) in [
        ("A host that is not ours", declined),
        ("The same, beside services that sync found", stage.decline(synced)),
        ("A token from the cache", asked),
    ] {
        writeln!(script, "/* {title}. */").expect("a string takes all");
        for name in functions(&program) {
            if all.insert(name.clone()) {
                writeln!(script, "*({})", sections(&name)).expect("a string takes all");
            }
        }
    }
    script.push_str(TAIL);
    fs::write(SCRIPT, script).expect("the script can be written");
    println!("{SCRIPT}: {} functions", all.len());
}

/// The functions that `program` runs, in the order of their names, so that few lines change from one version to the next.
fn functions(program: &Program) -> BTreeSet<String> {
    let out = tempfile::NamedTempFile::new().expect("there is room for a temporary file");
    let mut file = std::ffi::OsString::from("--callgrind-out-file=");
    file.push(out.path());
    let valgrind = ["/usr/bin/valgrind", "--quiet", "--tool=callgrind", "--demangle=no"].map(std::ffi::OsStr::new);
    assert!(Path::new("/usr/bin/valgrind").exists(), "Debian's valgrind is here");
    assert!(program.below(&[&valgrind[..], &[&file]].concat()), "the program answers below valgrind");
    let profile = fs::read_to_string(out.path()).expect("callgrind wrote its profile");
    let names: BTreeSet<String> = profile.lines().filter_map(function).collect();
    assert!(
        names.iter().any(|name| name.starts_with("_RNvNtCs*_13scalekit_auth")),
        "the program has its symbols, v0 mangled"
    );
    names
}

/// The function that a line `fn=(12) NAME` of a profile names, or `cfn=(12) NAME` where it is called first, without what changes
/// with each version.
fn function(line: &str) -> Option<String> {
    let (_, name) = line.strip_prefix('c').unwrap_or(line).strip_prefix("fn=(")?.split_once(") ")?;
    // A function that calls itself is named again with its depth; what the optimizer split has a number or `llvm` behind a dot.
    let name = name.split(['\'', '.']).next()?;
    let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (is_plain && !name.is_empty() && !name.starts_with("0x")).then(|| without_versions(name))
}

/// A mangled name with a star for the version of each crate, which is a number of base 62 between `Cs` and `_` (RFC 2603).
fn without_versions(name: &str) -> String {
    let mut pattern = String::new();
    let mut rest = name;
    while let Some((before, after)) = rest.split_once("Cs") {
        let end = after.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(after.len());
        let is_version = name.starts_with("_R") && after[end..].starts_with('_');
        pattern.push_str(before);
        pattern.push_str(if is_version { "Cs*" } else { "Cs" });
        rest = if is_version { &after[end..] } else { after };
    }
    pattern + rest
}

/// The sections where a function may be found. Many functions of the C library are defined by a name of its own, and known by
/// another.
fn sections(name: &str) -> String {
    match name.starts_with("_R") {
        true => format!(".text.{name} .text.{name}.*"),
        false => format!(".text.{name} .text.__{name}"),
    }
}
