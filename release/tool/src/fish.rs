//! Completions for fish: clap's, with our names in them, and with the arguments that have no name, which clap leaves out.

use std::fmt::Write;

use clap::Command;
use clap_complete::aot::Shell;

use crate::kind::{self, Kind};
use crate::others::{generated, marked, put};

/// Asks the program for names, and counts the words that are no options.
const FUNCTIONS: &str = r#"
# Names that scalekit-auth knows, of a kind.
function __fish_scalekit_auth_names
    set -l token (commandline -ct | string replace -r -- '^--[^=]*=' '')
    command scalekit-auth complete $argv[1] "$token" (commandline -opc)[2..] 2>/dev/null
end

# Whether so many words that are no options stand before this one, the command's own among them; at least so many with `or more`.
function __fish_scalekit_auth_at
    set -l count (count (string match -v -- '-*' (commandline -opc)[2..]))
    test $count -eq $argv[1]
    or test (count $argv) -gt 1 -a $count -gt $argv[1]
end
"#;

/// The script.
pub fn script(mut tree: Command) -> String {
    let ours = |kind: &str| format!("(__fish_scalekit_auth_names {kind})");
    let mut script = String::new();
    for line in put(generated(Shell::Fish, marked(tree.clone())), ours, ("", r"\t''")).lines() {
        // clap has `help` among the words that may not have been seen after `help`.
        let line = match line.contains("__fish_scalekit_auth_using_subcommand help; and not ") {
            true => line.replacen(" help\" -", "\" -", 1),
            false => line.to_owned(),
        };
        script += &line;
        script.push('\n');
    }
    script += FUNCTIONS;
    tree.build();
    for command in tree.get_subcommands().filter(|command| command.get_name() != "help") {
        let using = format!("__fish_scalekit_auth_using_subcommand {}", command.get_name());
        places(command, &using, 1, &mut script);
        for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
            let seen = format!("{using}; and __fish_seen_subcommand_from {}", below.get_name());
            places(below, &seen, 2, &mut script);
        }
    }
    script
}

/// The arguments without a name of a command, of whose words `before` stand before them.
fn places(command: &Command, using: &str, before: usize, script: &mut String) {
    let (kinds, rest) = kind::positionals(command);
    let last = kinds.len();
    for (place, kind) in kinds.into_iter().enumerate() {
        let more = if kind == rest && place + 1 == last { " or more" } else { "" };
        let values = match kind {
            Kind::Names(kind) => format!("(__fish_scalekit_auth_names {kind})"),
            Kind::Values(values) => values.join(" "),
            Kind::Files | Kind::Free => continue,
        };
        let at = format!("{using}; and __fish_scalekit_auth_at {}{more}", before + place);
        let _ = writeln!(script, "complete -c scalekit-auth -n \"{at}\" -f -a \"{values}\"");
    }
}
