//! Members of an object in the text of a JSON file.

pub(super) type Span = std::ops::Range<usize>;

/// Puts `member` first into the object that opens at `brace`, laid out like the one that follows.
pub(super) fn with_member(text: &str, brace: usize, member: &str) -> String {
    let (head, tail) = text.split_at(brace + 1);
    let layout = &tail[..tail.len() - tail.trim_start().len()];
    if tail.trim_start().starts_with('}') {
        format!("{head}{member}{tail}")
    } else {
        format!("{head}{layout}{member},{tail}")
    }
}

/// Takes out the member that stands at `whole`: the reverse of [`with_member`], and valid JSON wherever it stands by now.
pub(super) fn without_member(text: &str, whole: Span) -> String {
    let head = text[..whole.start].trim_end();
    let after = &text[whole.end..];
    if let Some(rest) = after.trim_start().strip_prefix(',') {
        return format!("{head}{rest}");
    }
    match head.strip_suffix(',') {
        Some(head) => format!("{}{after}", head.trim_end()),
        None => format!("{}{after}", &text[..whole.start]),
    }
}
