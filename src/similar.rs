//! What a misspelled word was meant to be.

/// From this likeness on (Jaro-Winkler) a word is taken for a misspelled one, as clap does for its commands.
const ALIKE: f64 = 0.8;

/// The one of `known` that is most like `said`, whatever the case, if any is like it.
pub fn nearest<'a>(said: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let said = said.to_ascii_lowercase();
    let likeness = |word: &str| strsim::jaro_winkler(&said, &word.to_ascii_lowercase());
    let alike = known.into_iter().map(|word| (likeness(word), word)).filter(|(likeness, _)| *likeness > ALIKE);
    alike.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_like_is_found_or_none() {
        assert_eq!(nearest("Gmial", ["github", "gmail"]), Some("gmail"));
        assert_eq!(nearest("identifer", ["hosts", "identifier"]), Some("identifier"));
        assert_eq!(nearest("note", ["hosts", "identifier"]), None);
    }
}
