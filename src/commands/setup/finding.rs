//! What was found about a tool: whether it asks us, and what to type where it should and does not.

use std::fmt;

use crate::error::Error;
use crate::suggest::Suggestion;

/// Whether a tool asks us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::commands) enum Asks {
    Us,
    /// It was not set up, or only in part; or it does ask, and the service is not for it.
    NotUs,
    /// It was, but what it starts is not there, or somebody else gets our tokens as well.
    Wrongly,
}

/// What was found about one tool and place.
pub(in crate::commands) struct Finding {
    pub(in crate::commands) asks: Asks,
    pub(in crate::commands) text: String,
    /// What to do. Where the tool asks us, something about it is worth to be known all the same.
    pub(in crate::commands) fixes: Vec<Fix>,
}

/// What to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::commands) enum Fix {
    /// A command that takes several places, and its option.
    SetUp { command: Suggestion, place: String, option: Option<&'static str> },
    /// Another command, or words.
    Words(String),
}

impl From<Suggestion> for Fix {
    fn from(command: Suggestion) -> Self {
        Self::Words(command.line())
    }
}

impl From<String> for Fix {
    fn from(words: String) -> Self {
        Self::Words(words)
    }
}

impl Finding {
    pub(super) fn good(text: String) -> Self {
        Self { asks: Asks::Us, text, fixes: Vec::new() }
    }

    /// The tool asks us, with something about it that is worth to be known.
    pub(super) fn noted(text: String, fix: impl Into<Fix>) -> Self {
        Self { asks: Asks::Us, text, fixes: vec![fix.into()] }
    }

    pub(super) fn missing(text: String, fix: impl Into<Fix>) -> Self {
        Self { asks: Asks::NotUs, text, fixes: vec![fix.into()] }
    }

    pub(super) fn wrong(text: String, fix: impl Into<Fix>) -> Self {
        Self::wrong_in(text, vec![fix.into()])
    }

    pub(super) fn wrong_in(text: String, fixes: Vec<Fix>) -> Self {
        Self { asks: Asks::Wrongly, text, fixes }
    }

    /// The tool asks us for `place`, and is declined.
    pub(super) fn declined(tool: &str, place: &str, refusal: &Error) -> Self {
        let [what, why, next] = refusal.parts();
        Self::missing(format!("{tool} is declined for {place}: {what}, {why}"), next.to_owned())
    }

    /// A configuration that cannot be read.
    pub(super) fn unreadable(error: &Error) -> Self {
        let [what, why, next] = error.parts();
        let text = if why.is_empty() { what.to_owned() } else { format!("{what}: {why}") };
        let fixes = if next.is_empty() { Vec::new() } else { vec![Fix::Words(next.to_owned())] };
        Self::wrong_in(text, fixes)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        if self.fixes.is_empty() {
            return Ok(());
        }
        write!(f, "; fix: {}", together(&self.fixes))
    }
}

/// All of them as one line to type: what has to be done by hand comes first, and one command names all its places.
pub(in crate::commands) fn together<'a>(fixes: impl IntoIterator<Item = &'a Fix>) -> String {
    struct Typed<'a> {
        command: &'a Suggestion,
        option: Option<&'static str>,
        places: Vec<&'a str>,
    }
    let mut words: Vec<&str> = Vec::new();
    let mut commands: Vec<Typed> = Vec::new();
    for fix in fixes {
        match fix {
            Fix::Words(text) if !words.contains(&text.as_str()) => words.push(text),
            Fix::Words(_) => {}
            Fix::SetUp { command, place, option } => {
                match commands.iter_mut().find(|known| known.command == command && known.option == *option) {
                    Some(known) if known.places.contains(&place.as_str()) => {}
                    Some(known) => known.places.push(place),
                    None => commands.push(Typed { command, option: *option, places: vec![place] }),
                }
            }
        }
    }
    let line = |Typed { command, option, places }: Typed| {
        places.into_iter().chain(option).fold(command.clone(), Suggestion::word).line()
    };
    let commands: Vec<String> = commands.into_iter().map(line).collect();
    let commands = Some(commands.join(" && ")).filter(|line| !line.is_empty());
    words.into_iter().map(str::to_owned).chain(commands).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suggest;

    #[test]
    fn several_fixes_are_one_line_to_type() {
        let set_up = |tool: &str, place: &str, option| Fix::SetUp {
            command: suggest::setup(tool),
            place: place.to_owned(),
            option,
        };
        let fixes = [
            set_up("git", "github.com", None),
            set_up("git", "gitlab.com", Some("--replace")),
            Fix::Words("export PATH=/x:\"$PATH\"".to_owned()),
            set_up("git", "gist.github.com", None),
            set_up("git", "github.com", None),
            Fix::Words("export PATH=/x:\"$PATH\"".to_owned()),
        ];
        let expected = "export PATH=/x:\"$PATH\"; scalekit-auth setup git github.com gist.github.com && scalekit-auth \
                        setup git gitlab.com --replace";
        assert_eq!(together(&fixes), expected);
        assert_eq!(together([]), "");
    }
}
