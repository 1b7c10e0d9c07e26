//! What a value of an argument is, for the shells.

use clap::{Arg, ArgAction};

/// What completes a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// What `scalekit-auth complete` prints for this word.
    Names(&'static str),
    /// One of a few.
    Values(Vec<String>),
    /// A file.
    Files,
    /// Nothing that a shell could know.
    Free,
}

/// What `scalekit-auth complete` knows of and some argument takes.
pub const NAMES: &[&str] = &["accounts", "environments", "hosts", "identifiers", "places", "services", "urls"];

/// The commands whose first argument says what is asked about.
const ASKING: &[&str] = &["connect", "disconnect", "doctor", "header", "setup", "token", "which"];

/// What the values of `arg` of `command` are.
pub fn of(command: &str, arg: &Arg) -> Kind {
    let values = arg.get_possible_values();
    if arg.get_num_args().is_some_and(|number| number.takes_values()) && !values.is_empty() {
        let shown = values.iter().filter(|value| !value.is_hide_set());
        return Kind::Values(shown.map(|value| value.get_name().to_owned()).collect());
    }
    let name = arg.get_long().unwrap_or(arg.get_id().as_str());
    Kind::Names(match name {
        "as" => "accounts",
        "identifier" => "identifiers",
        "environment" => "environments",
        "service" => "services",
        "for" if command == "use" => "hosts",
        "account" if arg.is_positional() => "accounts",
        "client" if arg.is_positional() => "services",
        "place" | "places" | "hosts" if arg.is_positional() && ASKING.contains(&command) => "places",
        "with" => "places",
        "words" if command == "curl" => "urls",
        "home" => {
            // `config` stores a secret, which no command takes.
            let homes = if command == "config" { &["keyring", "file:"][..] } else { &["keyring", "file:", "command"] };
            return Kind::Values(homes.iter().map(|&home| home.to_owned()).collect());
        }
        "import" => return Kind::Files,
        _ => return Kind::Free,
    })
}

/// What the arguments without a name of a command are, by their places, and what all after these are.
pub fn positionals(command: &clap::Command) -> (Vec<Kind>, Kind) {
    // What only follows `--` is a command of somebody else's.
    let args: Vec<&Arg> = command.get_positionals().filter(|arg| !arg.is_hide_set() && !arg.is_last_set()).collect();
    let kinds: Vec<Kind> = args.iter().map(|arg| of(command.get_name(), arg)).collect();
    let rest = match args.last() {
        // After the first of these words come another program's.
        Some(last) if last.is_trailing_var_arg_set() => Kind::Files,
        Some(last) if matches!(last.get_action(), ArgAction::Append) => kinds.last().cloned().unwrap_or(Kind::Free),
        _ => Kind::Free,
    };
    (kinds, rest)
}

/// The long and short names of an argument, with their dashes.
pub fn spellings(arg: &Arg) -> Vec<String> {
    let long = arg.get_long_and_visible_aliases().unwrap_or_default();
    let short = arg.get_short_and_visible_aliases().unwrap_or_default();
    long.iter().map(|name| format!("--{name}")).chain(short.iter().map(|name| format!("-{name}"))).collect()
}
