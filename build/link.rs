//! What makes the linker write a smaller executable, where this machine's linker knows how to and what comes out runs here.

use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs};

/// Leaves out the tables for unwinding the stack, and puts the functions of usual answers side by side.
const LAYOUT: &str = "build/layout.ld";
/// Writes each relocation in about a bit instead of 24 bytes. The executable then wants glibc 2.36, as this machine has.
const PACKED_RELOCATIONS: &str = "-Wl,-z,pack-relative-relocs";
/// Keeps one copy of functions whose instructions are the same; nothing here compares the addresses of functions.
const ONE_COPY: &str = "-Wl,--icf=all";
/// The unwinder, which the standard library names though nothing calls it, from the archive instead of a shared library
/// of its own: a tenth of the time of a start.
const STATIC_UNWINDER: &str = "gcc_eh";
/// A program like ours in what matters here: it aborts on a panic, and it starts a thread.
const PROBE: &str = "fn main() { std::thread::spawn(|| ()).join().unwrap() }\n";

/// Asks for what works, where cargo builds a release for this machine.
pub fn make_small() {
    let var = |name: &str| env::var(name).unwrap_or_default();
    let is_own = var("HOST") == var("TARGET") && var("CARGO_CFG_TARGET_OS") == "linux";
    if !is_own || var("PROFILE") != "release" || var("OPT_LEVEL") != "z" {
        return;
    }
    let out = var("OUT_DIR");
    let script = Path::new(&var("CARGO_MANIFEST_DIR")).join(LAYOUT);
    for argument in [format!("-Wl,-T,{}", script.display()), PACKED_RELOCATIONS.to_owned(), ONE_COPY.to_owned()] {
        if works(Path::new(&out), &format!("-Clink-arg={argument}")) {
            println!("cargo::rustc-link-arg-bins={argument}");
        }
    }
    if works(Path::new(&out), &format!("-l{STATIC_UNWINDER}")) {
        println!("cargo::rustc-link-lib={STATIC_UNWINDER}");
    }
}

/// Whether a small program links with `argument`, as cargo would link ours, and runs.
fn works(out: &Path, argument: &str) -> bool {
    let (source, program) = (out.join("probe.rs"), out.join("probe"));
    fs::write(&source, PROBE).expect("OUT_DIR can be written");
    let mut rustc = Command::new(env::var_os("RUSTC").expect("cargo sets RUSTC"));
    rustc.arg(&source).arg("-o").arg(&program).args(["-Cpanic=abort", argument]);
    if let Some(linker) = env::var_os("RUSTC_LINKER") {
        rustc.arg("-C").arg(format!("linker={}", linker.display()));
    }
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    rustc.args(flags.split('\x1f').filter(|flag| !flag.is_empty()));
    let succeeds = |command: &mut Command| {
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    };
    succeeds(&mut rustc) && succeeds(&mut Command::new(&program))
}
