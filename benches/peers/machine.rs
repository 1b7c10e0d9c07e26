//! Where and when it was measured.

use std::fs;
use std::process::Command;

/// Today, as in 2026-11-22.
pub fn date() -> String {
    jiff::Timestamp::now().to_string().chars().take(10).collect()
}

/// Processor, system and git, as the machine itself names them.
pub fn description() -> String {
    let field = |path: &str, name: &str, sign: char| {
        let text = fs::read_to_string(path).unwrap_or_default();
        let line =
            text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix(sign).map(str::to_owned));
        line.unwrap_or_else(|| "unknown".into()).trim().trim_matches('"').to_owned()
    };
    let processor = field("/proc/cpuinfo", "model name", ':');
    let count = std::thread::available_parallelism().map_or(1, usize::from);
    let system = field("/etc/os-release", "PRETTY_NAME", '=');
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let kernel: String = kernel.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    let git = Command::new("/usr/bin/git").arg("--version").output();
    let git =
        git.map(|output| String::from_utf8_lossy(&output.stdout).trim().replace("version ", "")).unwrap_or_default();
    format!("{count} x {processor}, {system}, Linux {kernel}, {git}")
}
