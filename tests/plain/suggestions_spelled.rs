//! One module alone spells the commands that the program suggests; so all of them keep the account and the environment.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::files_below;

/// Help texts, which show commands as an example.
const HELP: &[&str] = &["commands/mod.rs", "commands/curl/mod.rs"];

/// What no message says, but is compared with or written into files.
const IS_NO_SUGGESTION: &[&str] = &["# scalekit-auth setup: ", "written by `scalekit-auth login` for this environment"];

const COMMANDS: &[&str] = &[
    "login",
    "logout",
    "status",
    "doctor",
    "config",
    "client",
    "use",
    "sync",
    "list",
    "remove",
    "token",
    "header",
    "exec",
    "curl",
    "connect",
    "disconnect",
    "which",
    "verify",
    "cache",
    "setup",
];

#[test]
fn no_other_file_spells_a_command() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files: Vec<PathBuf> = files_below(&source).into_iter().filter(|file| file.extension().is_some()).collect();
    assert!(files.len() > 100, "{}", files.len());
    let mut spelled = 0;
    for file in files {
        let name = file.strip_prefix(&source).unwrap().to_str().unwrap();
        if HELP.contains(&name) || name.ends_with("tests.rs") || name.contains("/tests/") {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
            let is_other = IS_NO_SUGGESTION.iter().any(|other| line.contains(other));
            let spells = |command: &&str| {
                let after = line.split(&format!("scalekit-auth {command}")).nth(1);
                after.is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-'))
            };
            let is_one = COMMANDS.iter().any(spells) && !is_other;
            assert!(!is_one || name == "suggest.rs", "{name}: {line}");
            spelled += usize::from(line.contains("\"scalekit-auth\""));
        }
    }
    assert!(spelled > 0, "the program's name stands where commands are built");
}
