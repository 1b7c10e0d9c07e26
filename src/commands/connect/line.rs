//! One line on the terminal that is drawn over and over; nothing where there is no terminal.

use std::io::{IsTerminal, Write};

use crate::error::plain;

/// What a terminal has that does not know its own width.
const USUAL_COLUMNS: usize = 80;

pub(super) struct Line {
    is_shown: bool,
    text: String,
}

impl Line {
    pub(super) fn new() -> Self {
        Self { is_shown: std::io::stderr().is_terminal(), text: String::new() }
    }

    pub(super) fn draw(&mut self, text: &str) {
        if self.is_shown && self.text != text {
            let short = cut(&plain(text), columns());
            let _ = write!(std::io::stderr(), "\r\x1b[2K{short}");
            text.clone_into(&mut self.text);
        }
    }

    pub(super) fn clear(&mut self) {
        if self.is_shown && !self.text.is_empty() {
            let _ = write!(std::io::stderr(), "\r\x1b[2K");
            self.text.clear();
        }
    }
}

/// As much of it as stays on one line: what the terminal wraps cannot be drawn over.
fn cut(text: &str, columns: usize) -> String {
    // Whatever may be two columns wide counts as that. The last column stays free: some terminals wrap there at once.
    let widths = text.chars().scan(0, |width, c| {
        *width += if c.is_ascii() { 1 } else { 2 };
        Some((*width, c))
    });
    widths.take_while(|(width, _)| *width < columns).map(|(_, c)| c).collect()
}

/// Asked for each time, because windows change.
fn columns() -> usize {
    match crate::system::columns() {
        0 => USUAL_COLUMNS,
        columns => columns,
    }
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn a_line_never_reaches_the_last_column() {
        assert_eq!(cut("waiting", 80), "waiting");
        assert_eq!(cut("waiting", 8), "waiting");
        assert_eq!(cut("waiting", 7), "waitin");
        assert_eq!(cut("\u{5b57}\u{5b57}x", 5), "\u{5b57}\u{5b57}");
        assert_eq!(cut("waiting", 1), "");
    }
}
