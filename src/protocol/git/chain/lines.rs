//! On which lines of a configuration file of git's a credential helper is set (git-config(1), "Syntax"). git itself tells
//! only the file.

/// Each `helper` of a section `credential` with its key, as git prints it, and the number of its line; `None` where the file
/// is not what we take it for.
pub(super) fn helpers(text: &[u8]) -> Option<Vec<(String, usize)>> {
    let text = str::from_utf8(text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)).ok()?.replace("\r\n", "\n");
    let mut reader = Reader { rest: &text, line: 1 };
    let mut section: Option<String> = None;
    let mut found = Vec::new();
    while let Some(c) = reader.next() {
        match c {
            c if c.is_ascii_whitespace() => {}
            '#' | ';' => reader.skip_line(),
            '[' => section = Some(reader.section()?),
            c if c.is_ascii_alphabetic() => {
                let line = reader.line;
                let mut name = c.to_ascii_lowercase().to_string();
                name.push_str(reader.take_while(|c| c.is_ascii_alphanumeric() || c == '-'));
                let name = name.to_ascii_lowercase();
                reader.take_while(|c| c == ' ' || c == '\t');
                match reader.next() {
                    Some('=') => reader.skip_value()?,
                    Some('\n') | None => {}
                    Some('#' | ';') => reader.skip_line(),
                    Some(_) => return None,
                }
                let section = section.as_deref()?;
                if name == "helper" && (section == "credential" || section.starts_with("credential.")) {
                    found.push((format!("{section}.helper"), line));
                }
            }
            _ => return None,
        }
    }
    Some(found)
}

struct Reader<'a> {
    rest: &'a str,
    /// That of the next character.
    line: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        self.line += usize::from(c == '\n');
        Some(c)
    }

    fn take_while(&mut self, is_meant: impl Fn(char) -> bool) -> &'a str {
        let (taken, rest) = self.rest.split_at(self.rest.find(|c| !is_meant(c)).unwrap_or(self.rest.len()));
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }

    fn skip_line(&mut self) {
        self.take_while(|c| c != '\n');
    }

    /// What stands behind `[`, as the beginning of a key: the section in lower case, a subsection in quotes as it is.
    fn section(&mut self) -> Option<String> {
        let mut name = self.take_while(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.').to_ascii_lowercase();
        if self.take_while(|c| c == ' ' || c == '\t').is_empty() {
            return (self.next()? == ']').then_some(name);
        }
        if self.next()? != '"' {
            return None;
        }
        name.push('.');
        loop {
            match self.next()? {
                '"' => return (self.next()? == ']').then_some(name),
                '\\' => name.push(self.next().filter(|c| *c != '\n')?),
                '\n' => return None,
                c => name.push(c),
            }
        }
    }

    fn skip_value(&mut self) -> Option<()> {
        let mut is_quoted = false;
        loop {
            match self.next() {
                // At the end of a line it makes the value go on.
                Some('\\') => drop(self.next()?),
                Some('"') => is_quoted = !is_quoted,
                Some('#' | ';') if !is_quoted => self.skip_line(),
                Some('\n') | None => return (!is_quoted).then_some(()),
                Some(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn helpers_are_found_where_they_stand() {
        let text = b"\xef\xbb\xbf# helper = no\r
[user]\tname = \"Ada ; helper\" ; helper = no
\thelper = not a credential's
[alias]
\tx = \"a\\\"b\" \\
helper = continued
\ty = z # a comment does not go on \\
[credential] helper = store
\thelper-x = no
\tHelper
[Credential \"https://Git.example/a\\\"b\"]
\tuseHttpPath
\thelper =
\thelper = x; helper = no
[CREDENTIAL.Old]
helper=a\\
\\
b
helper = c";
        let expected = [
            ("credential.helper", 8),
            ("credential.helper", 10),
            ("credential.https://Git.example/a\"b.helper", 13),
            ("credential.https://Git.example/a\"b.helper", 14),
            ("credential.old.helper", 16),
            ("credential.old.helper", 19),
        ];
        let found = helpers(text).unwrap();
        assert_eq!(found.iter().map(|(key, line)| (key.as_str(), *line)).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_git_would_not_read_has_no_lines() {
        for text in ["[credential", "[credential \"a\nb\"]", "x = y\n", "[a]\nx = \"y\n", "[a]\n=\n", "[a]\nx y\n"] {
            assert_eq!(helpers(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(text in proptest::collection::vec(any::<u8>(), 0..100), lines in "([\\[\\]a-z\"\\\\#;= \n]{0,40})") {
            let _ = (helpers(&text), helpers(lines.as_bytes()));
        }
    }
}
