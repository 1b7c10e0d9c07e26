//! What a helper setting of git's would run (gitcredentials(7)): `!` begins a shell command, `/` a program with its
//! arguments, and anything else is what follows `git credential-`.

use std::path::PathBuf;

use crate::programs;
use crate::protocol::git::OPTIONS;
use crate::system::System;

/// Whether a helper setting leads to this program, by its name.
pub fn is_ours(helper: &str) -> bool {
    match words(helper) {
        Some(words) => names_us(&words),
        // The user's own shell code around it.
        None => helper.contains("git-credential-scalekit") || helper.contains("scalekit-auth"),
    }
}

fn names_us(words: &[String]) -> bool {
    let name = |word: &String| word.rsplit('/').next().unwrap_or_default().trim_end_matches(".exe").to_owned();
    match words {
        [program, ..] if name(program) == "git-credential-scalekit" => true,
        // Git for Windows with the program in WSL.
        [program, rest @ ..] if name(program) == "wsl" => {
            rest.iter().position(|word| name(word) == "scalekit-auth").is_some_and(|at| names_us(&rest[at..]))
        }
        [program, protocol, ..] => name(program) == "scalekit-auth" && protocol == "git-credential",
        _ => false,
    }
}

/// What stands behind our name in a helper setting and is no option of ours. git puts the action behind it, which is then not
/// understood. Only an option's name is told: its value could hold a secret.
pub fn stray_word(helper: &str) -> Option<String> {
    let words = words(helper)?;
    let name = |word: &String| word.rsplit('/').next().unwrap_or_default().trim_end_matches(".exe").to_owned();
    let at = words.iter().position(|word| matches!(&*name(word), "git-credential-scalekit" | "scalekit-auth"))?;
    let is_link = name(&words[at]) == "git-credential-scalekit";
    let stray = words[at + 1..].iter().skip(usize::from(!is_link)).find(|word| !OPTIONS.contains(&word.as_str()))?;
    Some(match stray.split('=').next() {
        Some(option) if option.starts_with("--") => format!("the option {option}"),
        _ => "words".to_owned(),
    })
}

/// Whether a helper setting has this option.
pub fn has_option(helper: &str, option: &str) -> bool {
    words(helper).is_some_and(|words| words[1..].iter().any(|word| word == option))
}

/// Whether what a helper setting would start is this very program.
pub fn is_this_program(helper: &str) -> bool {
    let program = words(helper).map(|mut words| words.swap_remove(0));
    let found = program.and_then(|program| {
        if program.contains('/') { Some(PathBuf::from(program)) } else { programs::on_path(&program).next() }
    });
    found.zip(std::env::current_exe().ok()).is_some_and(|(program, own)| programs::is_same_file(&program, &own))
}

/// The program of a helper setting, if it is not there or may not be started. `None` also where only a shell could tell.
pub fn unstartable(helper: &str) -> Option<String> {
    let program = words(helper)?.swap_remove(0);
    let is_there = if is_absolute(&program) {
        programs::is_startable(&PathBuf::from(&program))
    } else {
        program.contains('/') || programs::on_path(&program).next().is_some() || is_a_part_of_git(&program)
    };
    (!is_there).then_some(program)
}

/// Whether git takes it for the path of a program: with a drive, if this is Windows.
fn is_absolute(path: &str) -> bool {
    let has_drive = || matches!(path.as_bytes(), [drive, b':', b'/' | b'\\', ..] if drive.is_ascii_alphabetic());
    path.starts_with('/') || (System::HERE == System::Windows && has_drive())
}

/// git looks for its own programs before it looks along PATH.
fn is_a_part_of_git(program: &str) -> bool {
    let output = super::git().and_then(|mut git| git.arg("--exec-path").output().map_err(super::failed));
    let directory = output.map(|output| String::from_utf8_lossy(&output.stdout).trim_end().to_owned());
    directory.is_ok_and(|directory| programs::is_startable(&PathBuf::from(directory).join(program)))
}

/// The words of a helper setting, the program first; `None` where it is more than one plain command, or none.
fn words(helper: &str) -> Option<Vec<String>> {
    let command = match helper.strip_prefix('!') {
        Some(snippet) => snippet.to_owned(),
        None if is_absolute(helper) => helper.to_owned(),
        None => format!("git-credential-{helper}"),
    };
    let mut words: Vec<String> = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = command.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' => words.extend(word.take()),
            '\'' => {
                let (inside, rest) = chars.as_str().split_once('\'')?;
                word.get_or_insert_default().push_str(inside);
                chars = rest.chars();
            }
            '\\' => word.get_or_insert_default().push(chars.next()?),
            // What a shell may take for something else, an assignment before the command included.
            c if c.is_ascii_alphanumeric() || "/._+@:,%-".contains(c) => word.get_or_insert_default().push(c),
            // Behind the program it is no assignment.
            '=' if !words.is_empty() => word.get_or_insert_default().push(c),
            c if !c.is_ascii() => word.get_or_insert_default().push(c),
            _ => return None,
        }
    }
    words.extend(word);
    (!words.is_empty()).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_we_do_not_take_is_found_behind_our_name_alone() {
        for helper in [
            "scalekit --only-helper --ephemeral",
            "/b/scalekit-auth git-credential",
            "!X=--y scalekit-auth git-credential",
        ] {
            assert_eq!(stray_word(helper), None, "{helper}");
        }
        let wsl = "!wsl.exe -d Debian -- /b/scalekit-auth git-credential --bogus=hunter2";
        for helper in ["scalekit --bogus", "/b/git-credential-scalekit --only-helper --bogus", wsl] {
            assert_eq!(stray_word(helper).as_deref(), Some("the option --bogus"), "{helper}");
        }
        assert_eq!(stray_word("scalekit get").as_deref(), Some("words"));
    }

    #[test]
    fn ours_is_known_by_what_is_run_and_not_by_what_is_mentioned() {
        for helper in [
            "scalekit",
            "scalekit --only-helper",
            "/home/ada/.local/bin/git-credential-scalekit",
            "/home/ada/.local/bin/git-credential-scalekit --only-helper --ephemeral",
            "/b/scalekit-auth git-credential",
            "!scalekit-auth git-credential",
            "!'/some where/scalekit-auth' git-credential --only-helper",
            r"!'/some where/it'\''s/git-credential-scalekit'",
            "!'C:/Users/Ada Ek/bin/scalekit-auth.exe' git-credential --only-helper",
            "/mnt/c/Users/Ada/scalekit-auth.exe git-credential",
            "!wsl.exe -d Debian -- /home/ada/.local/bin/scalekit-auth git-credential",
            "!SCALEKIT_AUTH_ENVIRONMENT=dev scalekit-auth git-credential",
        ] {
            assert!(is_ours(helper), "{helper}");
        }
        for helper in [
            "manager",
            "!wsl.exe scalekit-auth",
            "store",
            "store --file git-credential-scalekit",
            "scalekit-auth",
            "!tee /scalekit-auth",
            "",
        ] {
            assert!(!is_ours(helper), "{helper}");
        }
    }

    #[test]
    fn options_are_words_of_their_own() {
        assert!(has_option("/b/git-credential-scalekit --only-helper --ephemeral", "--ephemeral"));
        assert!(has_option("!'/b c/scalekit-auth' git-credential --ephemeral", "--ephemeral"));
        assert!(!has_option("/b/git-credential-scalekit --ephemerals", "--ephemeral"));
        assert!(!has_option("!'/b --ephemeral'", "--ephemeral"));
    }

    #[test]
    fn what_cannot_be_started_is_named() {
        assert_eq!(unstartable("/bin/sh --ephemeral"), None);
        assert_eq!(unstartable("!'/bin/sh' x"), None);
        assert_eq!(unstartable("!sh"), None);
        assert_eq!(unstartable("/gone/away --x").as_deref(), Some("/gone/away"));
        assert_eq!(unstartable("!'/gone a/way' x").as_deref(), Some("/gone a/way"));
        assert_eq!(unstartable("/etc/passwd").as_deref(), Some("/etc/passwd"));
        assert_eq!(unstartable("no-such-helper --x").as_deref(), Some("git-credential-no-such-helper"));
        assert_eq!(unstartable("store"), None, "git's own");
        assert_eq!(unstartable("!f() { /gone/away; }; f"), None);
    }
}
