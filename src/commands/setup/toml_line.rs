//! Keys and heads in the text of a TOML file, by whole lines.

use std::ops::Range;

use toml_edit::{Document, Item, Value};

/// A key that is there.
pub(super) struct Found {
    /// The whole lines that it stands on.
    pub(super) lines: Range<usize>,
    /// Its value as it is spelled.
    pub(super) value: String,
}

impl Found {
    /// The value's texts, where it is a list of them.
    pub(super) fn strings(&self) -> Result<Vec<String>, String> {
        // It was part of a document that was read.
        let value = self.value.parse::<Value>().ok();
        let texts = value
            .as_ref()
            .and_then(Value::as_array)
            .and_then(|array| array.iter().map(Value::as_str).collect::<Option<Vec<_>>>());
        Ok(texts.ok_or("its value is not a list of texts")?.into_iter().map(str::to_owned).collect())
    }
}

/// The document, or where it is none. The library's own words quote the line, which may hold a token.
pub(super) fn parse(text: &str) -> Result<Document<&str>, String> {
    Document::parse(text).map_err(|error| {
        let at = error.span().map_or(text.len(), |span| span.start.min(text.len()));
        let before = String::from_utf8_lossy(&text.as_bytes()[..at]);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        format!("it is not TOML (line {line}, column {column})")
    })
}

/// The key at this path of tables.
pub(super) fn key(text: &str, path: &[&str]) -> Result<Option<Found>, String> {
    let document = parse(text)?;
    let mut item: &Item = document.as_item();
    for name in path {
        match item.as_table_like().and_then(|table| table.get(name)) {
            Some(next) => item = next,
            None => return Ok(None),
        }
    }
    let span = item.span().ok_or("it is written in a way that cannot be changed")?;
    let start = text[..span.start].rfind('\n').map_or(0, |at| at + 1);
    let end = text[span.end..].find('\n').map_or(text.len(), |at| span.end + at + 1);
    // Another key on the same line would go with it.
    let last = path.last().copied().unwrap_or_default();
    match text[start..span.start].trim_start().trim_start_matches('"').starts_with(last) {
        true => Ok(Some(Found { lines: start..end, value: text[span].to_owned() })),
        false => Err(format!("{} is written in a way that cannot be changed", path.join("."))),
    }
}

/// Where the line below the head `[name]` begins; `None` where there is no such table.
pub(super) fn head(text: &str, name: &str) -> Result<Option<usize>, String> {
    let document = parse(text)?;
    let Some(item) = document.get(name) else { return Ok(None) };
    let table = item.as_table().filter(|table| !table.is_implicit() && !table.is_dotted());
    match (table, item.as_table().is_some_and(|table| table.is_implicit() && !table.is_dotted())) {
        (Some(table), _) => {
            let span = table.span().ok_or("it is written in a way that cannot be changed")?;
            let end = text[span.end..].find('\n').map(|at| span.end + at + 1);
            end.map(Some).ok_or_else(|| format!("[{name}] is the last line and has no end"))
        }
        // Only tables below it.
        (None, true) => Ok(None),
        (None, false) => Err(format!("{name} is written in a way that cannot be changed")),
    }
}

/// A text as TOML spells it.
pub(super) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_heads_are_found_by_whole_lines() {
        let text = "x = 1\n[registry] # mine\nglobal-credential-providers = [\n  \"cargo:token\",\n] # y\n[registry.a]\nz = 1\n";
        let found = key(text, &["registry", "global-credential-providers"]).unwrap().unwrap();
        assert_eq!(&text[found.lines.clone()], "global-credential-providers = [\n  \"cargo:token\",\n] # y\n");
        assert_eq!(found.strings().unwrap(), ["cargo:token"]);
        assert_eq!(head(text, "registry").unwrap(), Some("x = 1\n[registry] # mine\n".len()));
        assert_eq!(head("[registry.a]\nz = 1\n", "registry").unwrap(), None);
        assert_eq!(head("", "registry").unwrap(), None);
        assert!(head("registry = {}\n", "registry").is_err());
        assert!(
            key("registry = {global-credential-providers = []}\n", &["registry", "global-credential-providers"])
                .is_err()
        );
        assert!(key("x = \n", &["x"]).is_err());
        assert!(key("[a]\n", &["x"]).unwrap().is_none());
    }
}
