//! What was found about a tool: whether it asks us, and what to type where it should and does not.

use std::fmt;

/// Whether a tool asks us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::commands) enum Asks {
    Us,
    /// It was not set up, or only in part.
    NotUs,
    /// It was, but what it starts is not there, or somebody else gets our tokens as well.
    Wrongly,
}

/// What was found about one tool and place.
pub(in crate::commands) struct Finding {
    pub(in crate::commands) asks: Asks,
    pub(in crate::commands) text: String,
    /// What to type.
    pub(in crate::commands) fix: Option<String>,
}

impl Finding {
    pub(super) fn good(text: String) -> Self {
        Self { asks: Asks::Us, text, fix: None }
    }

    pub(super) fn missing(text: String, fix: impl Into<String>) -> Self {
        Self { asks: Asks::NotUs, text, fix: Some(fix.into()) }
    }

    pub(super) fn wrong(text: String, fix: impl Into<String>) -> Self {
        Self { asks: Asks::Wrongly, text, fix: Some(fix.into()) }
    }

    /// A configuration that cannot be read.
    pub(super) fn unreadable(text: String) -> Self {
        Self { asks: Asks::Wrongly, text, fix: None }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        self.fix.iter().try_for_each(|fix| write!(f, "; fix: {fix}"))
    }
}
