//! A block of lines of ours in a text file of another program's, between two comments, so that it can be found and taken out to the
//! byte.

use std::ops::Range;

const BEGIN: &str = "# scalekit-auth setup: begin";
const END: &str = "# scalekit-auth setup: end";
/// The file had no line end at its end.
const JOINED: &str = " (joined)";
/// There was no file.
const CREATED: &str = " (created)";
/// The last line that it stands in the place of had no line end.
const OPEN: &str = " (open)";
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
    is_open: bool,
}

impl<'a> Parts<'a> {
    /// `None` if there is no block.
    fn of(text: &'a str) -> Option<Self> {
        // The last one: whatever looks like the beginning of another stood there before us.
        let mut begins = text.rmatch_indices(BEGIN).map(|(at, _)| at);
        let start = begins.find(|at| *at == 0 || text[..*at].ends_with(['\n', '\u{feff}']))?;
        let (marks, inside) = text[start + BEGIN.len()..].split_once('\n')?;
        let mut ends = inside.match_indices(END).map(|(at, _)| at);
        let end = ends.find(|at| *at == 0 || inside[..*at].ends_with('\n'))?;
        let (block, after) = (&inside[..end], &inside[end + END.len()..]);
        // An editor may have changed the line ends.
        let after = after.strip_prefix("\r\n").or_else(|| after.strip_prefix('\n')).unwrap_or(after);
        let (is_created, is_joined) = (marks.contains(CREATED), marks.contains(JOINED));
        let is_open = marks.contains(OPEN);
        Some(Self { before: &text[..start], after, block, is_created, is_joined, is_open })
    }

    /// The text without the block.
    fn rest(&self) -> String {
        // The line end that we added is needed by what somebody wrote below the block since then.
        let before = match self.is_joined && self.after.is_empty() {
            true => self.before.strip_suffix('\n').unwrap_or(self.before),
            false => self.before,
        };
        let was: String = self.block.split_inclusive('\n').filter_map(|line| line.strip_prefix(WAS)).collect();
        let was = match self.is_open && self.after.is_empty() {
            true => was.trim_end_matches(['\r', '\n']),
            false => &was,
        };
        format!("{before}{was}{}{}", self.head().unwrap_or_default(), self.after)
    }

    /// The head of a section at the beginning of the block, which the settings need that somebody wrote below it since then.
    fn head(&self) -> Option<&'a str> {
        let head = self.block.split_inclusive('\n').next().filter(|line| line.starts_with('['))?;
        let own = self.after.lines().take_while(|line| !line.trim_start().starts_with('['));
        let mut settings = own.filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with(['#', ';']));
        settings.next().map(|_| head)
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
    let mut was: String = rest[start..end].split_inclusive('\n').map(|line| format!("{WAS}{line}")).collect();
    let open = match was.is_empty() || was.ends_with('\n') {
        true => "",
        false => {
            was.push('\n');
            OPEN
        }
    };
    let (glue, joined) = match is_last && !rest.is_empty() && !rest.ends_with('\n') {
        true => ("\n", JOINED),
        false => ("", ""),
    };
    format!("{}{glue}{BEGIN}{created}{joined}{open}\n{was}{lines}{END}\n{}", &rest[..start], &rest[end..])
}

/// The file without our block, `Some(None)` if there shall be none; `None` if there is no block.
pub(super) fn without(text: &str) -> Option<Option<String>> {
    let parts = Parts::of(text)?;
    let rest = parts.rest();
    // A file that was put together by hand may hold it twice.
    match without(&rest) {
        Some(less) => Some(less),
        None => Some((!(parts.is_created && rest.is_empty())).then_some(rest)),
    }
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
    fn a_last_line_without_an_end_comes_back_as_it_was() {
        let now = put(Some("[global]\nx = 1"), "x = 9\n", |_| Place::Instead(9..14));
        assert_eq!(now, format!("[global]\n{BEGIN}{OPEN}\n{WAS}x = 1\nx = 9\n{END}\n"));
        assert_eq!(without(&now), Some(Some("[global]\nx = 1".into())));
        assert_eq!(without(&(now + "y = 2\n")), Some(Some("[global]\nx = 1\ny = 2\n".into())));
    }

    #[test]
    fn what_hangs_on_our_head_of_a_section_keeps_it() {
        let now = put(None, "[global]\nx = 9\n", |_| Place::End) + "timeout = 9\n";
        assert_eq!(without(&now), Some(Some("[global]\ntimeout = 9\n".into())));
        let now = put(None, "[global]\nx = 9\n", |_| Place::End) + "# mine\n[install]\nuser = 1\n";
        assert_eq!(without(&now), Some(Some("# mine\n[install]\nuser = 1\n".into())));
    }

    #[test]
    fn other_line_ends_and_a_second_copy_are_found() {
        let one = put(Some("a\n"), "x\n", |_| Place::End);
        assert_eq!(without(&one.replace('\n', "\r\n")), Some(Some("a\r\n".into())));
        let twice = one.clone() + &put(Some(""), "x\n", |_| Place::End);
        assert_eq!(without(&twice), Some(Some("a\n".into())));
        let odd = put(Some("y # scalekit-auth setup: end\n"), "x\n", |_| Place::Instead(0..29));
        assert_eq!(without(&odd), Some(Some("y # scalekit-auth setup: end\n".into())));
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
                        (2, Some(at), next) => Place::Instead(*at..next.copied().unwrap_or(rest.len())),
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
