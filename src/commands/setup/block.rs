//! A block of lines of ours in a text file of another program's, between two comments, so that it can be found and taken out to the
//! byte.

use std::ops::Range;

const BEGIN: &str = "# scalekit-auth setup: begin";
const END: &str = "# scalekit-auth setup: end";
/// The file had no line end at its end.
const JOINED: &str = " (joined)";
/// There was no file.
const CREATED: &str = " (created)";
/// A line that the block stands in the place of.
const WAS: &str = "# was: ";

/// Where a block goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// The end of the file.
    End,
    /// Before the line that begins at this byte.
    Before(usize),
    /// In the place of these whole lines, which come back when it goes.
    Instead(Range<usize>),
}

/// A file with our block in it.
struct Parts<'a> {
    before: &'a str,
    after: &'a str,
    /// The block without its first and last line.
    block: &'a str,
    is_created: bool,
    is_joined: bool,
}

impl<'a> Parts<'a> {
    /// `None` if there is no block.
    fn of(text: &'a str) -> Option<Self> {
        // The last one: whatever looks like the beginning of another stood there before us.
        let mut begins = text.rmatch_indices(BEGIN).map(|(at, _)| at);
        let start = begins.find(|at| *at == 0 || text[..*at].ends_with('\n'))?;
        let (marks, inside) = text[start + BEGIN.len()..].split_once('\n')?;
        let (block, after) = inside.split_once(END)?;
        let after = after.strip_prefix('\n').unwrap_or(after);
        let (is_created, is_joined) = (marks.contains(CREATED), marks.contains(JOINED));
        Some(Self { before: &text[..start], after, block, is_created, is_joined })
    }

    /// The text without the block.
    fn rest(&self) -> String {
        // The line end that we added is needed by what somebody wrote below the block since then.
        let before = match self.is_joined && self.after.is_empty() {
            true => self.before.strip_suffix('\n').unwrap_or(self.before),
            false => self.before,
        };
        let was: String = self.block.split_inclusive('\n').filter_map(|line| line.strip_prefix(WAS)).collect();
        format!("{before}{was}{}", self.after)
    }
}

/// Our lines in a text.
pub(super) fn lines(text: &str) -> Option<&str> {
    Parts::of(text).map(|parts| parts.block)
}

/// `text` with these lines of ours, in the place of earlier ones; `place` is asked about the text without any. `None` is no file.
pub(super) fn put(text: Option<&str>, lines: &str, place: impl FnOnce(&str) -> Place) -> String {
    let parts = text.and_then(Parts::of);
    let is_created = parts.as_ref().map_or(text.is_none(), |parts| parts.is_created);
    let rest = parts.map_or_else(|| text.unwrap_or_default().to_owned(), |parts| parts.rest());
    let place = place(&rest);
    let created = if is_created { CREATED } else { "" };
    let (start, end, is_last) = match place {
        Place::End => (rest.len(), rest.len(), true),
        Place::Before(at) => (at, at, at == rest.len()),
        Place::Instead(range) => (range.start, range.end, range.end == rest.len() && range.is_empty()),
    };
    let was: String = rest[start..end].split_inclusive('\n').map(|line| format!("{WAS}{line}")).collect();
    let (glue, joined) = match is_last && !rest.is_empty() && !rest.ends_with('\n') {
        true => ("\n", JOINED),
        false => ("", ""),
    };
    format!("{}{glue}{BEGIN}{created}{joined}\n{was}{lines}{END}\n{}", &rest[..start], &rest[end..])
}

/// The file without our block, `Some(None)` if there shall be none; `None` if there is no block.
pub(super) fn without(text: &str) -> Option<Option<String>> {
    let parts = Parts::of(text)?;
    let rest = parts.rest();
    Some((!(parts.is_created && rest.is_empty())).then_some(rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_was_written_below_the_block_stays_apart() {
        let joined = put(Some("[user]"), "", |_| Place::End) + "[core]\n";
        assert_eq!(without(&joined), Some(Some("[user]\n[core]\n".into())));
        let created = put(None, "", |_| Place::End) + "[core]";
        let again = put(Some(&created), "", |_| Place::End);
        assert_eq!(without(&again), Some(Some("[core]".into())), "it is not ours to remove");
    }

    #[test]
    fn lines_that_it_stands_in_the_place_of_come_back() {
        let text = "[global]\nx = 1\ny = 2\n";
        let now = put(Some(text), "x = 9\n", |rest| {
            let at = rest.find("x = 1").unwrap();
            Place::Instead(at..at + 6)
        });
        assert_eq!(now, format!("[global]\n{BEGIN}\n{WAS}x = 1\nx = 9\n{END}\ny = 2\n"));
        assert_eq!(without(&now), Some(Some(text.to_owned())));
    }

    proptest! {
        #[test]
        fn undo_after_any_sequence_of_set_ups_gives_back_every_byte(
            text in proptest::option::of("((# scalekit-auth setup: (begin|end)|[a-z\\[\\]# =]{0,10})(\r?\n)?){0,5}"),
            blocks in proptest::collection::vec((proptest::collection::vec("[a-z]{1,4}", 0..3), 0u8..3, 0usize..4), 1..5)) {
            prop_assume!(text.as_deref().and_then(without).is_none());
            let mut now = text.clone();
            for (words, kind, at) in &blocks {
                let block: String = words.iter().map(|word| format!("{word}\n")).collect();
                let place = |rest: &str| {
                    let starts: Vec<usize> = std::iter::once(0)
                        .chain(rest.match_indices('\n').map(|(at, _)| at + 1)).filter(|at| *at < rest.len()).collect();
                    // What looks like a block of ours is found from the end.
                    let kind = if rest.contains("setup:") { 0 } else { *kind };
                    match (kind, starts.get(*at), starts.get(at + 1)) {
                        (1, Some(at), _) => Place::Before(*at),
                        (2, Some(at), Some(next)) => Place::Instead(*at..*next),
                        _ => Place::End,
                    }
                };
                now = Some(put(now.as_deref(), &block, place));
            }
            let now = now.unwrap_or_default();
            prop_assert_eq!(without(&now), Some(text));
        }
    }
}
