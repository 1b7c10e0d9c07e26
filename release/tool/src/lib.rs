//! What a release has beside the executable: completions for shells, and manual pages. Both are made of the program's own tree of
//! commands, and neither is in the program.

#![forbid(unsafe_code)]

mod bash;
mod fish;
mod kind;
mod man;
mod others;
mod words;

use std::io;
use std::path::Path;

use scalekit_auth::commands::tree;

/// The program's name.
const NAME: &str = "scalekit-auth";

/// Writes all of it into `completions` and `man/man1` in `directory`.
///
/// # Errors
/// A file cannot be written.
pub fn write(directory: &Path) -> io::Result<()> {
    let completions = directory.join("completions");
    std::fs::create_dir_all(&completions)?;
    for (name, text) in [
        ("scalekit-auth.bash", bash::script(tree())),
        ("_scalekit-auth", others::zsh(tree())),
        ("scalekit-auth.fish", fish::script(tree())),
        ("_scalekit-auth.ps1", others::powershell(tree())),
    ] {
        std::fs::write(completions.join(name), text)?;
    }
    let man = directory.join("man/man1");
    std::fs::create_dir_all(&man)?;
    for (name, page) in man::pages(tree()) {
        std::fs::write(man.join(name), page)?;
    }
    Ok(())
}
