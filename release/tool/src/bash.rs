//! Completions for bash. clap's own script completes no `--option=value`, no word with a colon, and no value that is known only
//! at the Tab, so this is a table of the commands, and a function in [`FUNCTION`] that reads it.

use std::fmt::Write;

use clap::Command;

use crate::kind::{self, Kind};

const FUNCTION: &str = include_str!("scalekit-auth.bash");

/// The script.
pub fn script(mut tree: Command) -> String {
    tree.build();
    let mut table = String::new();
    rows(&tree, "", &mut table);
    FUNCTION.replace("    # The table.\n", &table)
}

fn rows(command: &Command, path: &str, table: &mut String) {
    let commands: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
    let mut options = Vec::new();
    let mut values = Vec::new();
    for arg in command.get_arguments().filter(|arg| !arg.is_positional() && !arg.is_hide_set()) {
        let names = kind::spellings(arg);
        if arg.get_num_args().is_some_and(|number| number.takes_values()) {
            let word = word(&kind::of(command.get_name(), arg));
            values.extend(names.iter().map(|name| format!("{name}={word}")));
        }
        options.extend(names);
    }
    let (places, rest) = kind::positionals(command);
    let places: Vec<String> = places.iter().map(word).collect();
    let _ = writeln!(
        table,
        "    '{path}')\n        commands='{}'\n        options='{}'\n        values='{}'\n        places='{}' rest='{}'\n        ;;",
        commands.join(" "),
        options.join(" "),
        values.join(" "),
        places.join(" "),
        word(&rest),
    );
    // The commands below `help` are those that are there anyway.
    if command.has_subcommands() {
        let names = commands.join(",");
        let _ = writeln!(
            table,
            "    '{path} help')\n        commands='' options='' values=''\n        places='@{names}' rest='free'\n        ;;"
        );
    }
    for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
        rows(below, &format!("{path} {}", below.get_name()), table);
    }
}

/// How the table says what a value is.
fn word(kind: &Kind) -> String {
    match kind {
        Kind::Names(names) => (*names).to_owned(),
        Kind::Values(values) => format!("@{}", values.join(",")),
        Kind::Files => "files".to_owned(),
        Kind::Free => "free".to_owned(),
    }
}
