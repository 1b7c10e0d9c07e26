//! Completions that clap makes whole: zsh, with our names in it, and PowerShell.

use clap::Command;
use clap::builder::PossibleValuesParser;
use clap_complete::aot::{Shell, generate};

use crate::NAME;
use crate::kind::{self, Kind};

/// Asks the program for names. `_arguments` puts options for compadd before the kind; `words` are those that it sees.
const NAMES: &str = r#"
_scalekit-auth_names() {
    local -a names
    names=(${(f)"$(command scalekit-auth complete "$@[-1]" "${(Q)PREFIX}" "${(@Q)words[1,CURRENT-1]}" 2>/dev/null)"})
    compadd "${(@)@[1,-2]}" -a names
}
"#;

/// The script for zsh.
pub fn zsh(tree: Command) -> String {
    let ours = |kind: &str| format!("_scalekit-auth_names {kind}");
    let mut script = String::new();
    for line in put(generated(Shell::Zsh, marked(tree)), ours, ("(", ")")).lines() {
        // After `*::` there are no options for zsh, which is right only where another program's words follow.
        let line = match line.strip_prefix("'*::") {
            Some(rest) if rest.contains(":_scalekit-auth_names places'") => format!("'*:{rest}"),
            _ => line.to_owned(),
        };
        script += &line;
        script.push('\n');
    }
    let head = "autoload -U is-at-least\n";
    assert!(script.contains(head), "clap's script for zsh begins as it did");
    script.replacen(head, &format!("{head}{NAMES}"), 1)
}

/// The script for PowerShell.
pub fn powershell(tree: Command) -> String {
    generated(Shell::PowerShell, tree)
}

/// What clap makes for `shell`.
pub fn generated(shell: Shell, mut tree: Command) -> String {
    let mut script = Vec::new();
    generate(shell, &mut tree, NAME, &mut script);
    String::from_utf8(script).expect("clap writes text")
}

/// The tree with the values of each argument that has a few of them, and with `@KIND@` as the one value of each whose values are
/// names; generators put them where values stand.
pub fn marked(tree: Command) -> Command {
    let command = tree.get_name().to_owned();
    tree.mut_args(|arg| match kind::of(&command, &arg) {
        Kind::Names(names) => {
            // clap takes text that is never dropped alone; a few bytes, in a program that ends at once.
            let mark: &'static str = format!("@{names}@").leak();
            arg.default_value(None::<&str>).value_parser(PossibleValuesParser::new([mark]))
        }
        Kind::Values(values) if arg.get_possible_values().is_empty() => {
            arg.value_parser(PossibleValuesParser::new(values.into_iter().map(|value| &*value.leak())))
        }
        _ => arg,
    })
    .mut_subcommands(marked)
}

/// The text with `put(KIND)` in the place of each marked KIND, with what is `around` it.
pub fn put(text: String, put: impl Fn(&str) -> String, around: (&str, &str)) -> String {
    let result = kind::NAMES.iter().fold(text, |text, kind| {
        let marked = format!("{}@{kind}@{}", around.0, around.1);
        text.replace(&marked, &put(kind))
    });
    assert!(!kind::NAMES.iter().any(|kind| result.contains(&format!("@{kind}@"))), "clap puts values where it did");
    result
}
